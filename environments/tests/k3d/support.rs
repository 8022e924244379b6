//! What the tests have in common.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use environments::k3d::{Collector, DevOptions, Names, Ports, Values};
use environments::stack::fragments::Fragments;
use tools::pins::{Pins, pins_path};

/// The repository.
pub(crate) fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap()
}

pub(crate) fn pins() -> Arc<Pins> {
    Arc::new(Pins::read(&pins_path(&workspace())).unwrap())
}

pub(crate) fn fragments() -> Fragments {
    Fragments::read(&workspace()).unwrap()
}

/// What `cargo xtask dev` takes when it is not told otherwise.
pub(crate) fn options(state: &Path) -> DevOptions {
    DevOptions {
        names: Names::new("dev", state),
        agents: 0,
        cluster_name: "k3d".to_owned(),
        workloads: true,
        switch_context: true,
        ports: Ports::default(),
        wait: Duration::from_secs(20),
        offline: false,
    }
}

pub(crate) fn values(collector: Collector) -> Values {
    let pins = pins();
    let chart = &pins.charts["opentelemetry-collector"].version.to_string();
    Values::read(&workspace(), collector, &fragments(), &pins.images["collector"], chart, "k3d").unwrap()
}

/// A folder of this test, removed in the end.
pub(crate) struct Folder(pub(crate) PathBuf);

impl Folder {
    pub(crate) fn new(name: &str) -> Self {
        let folder =
            std::env::temp_dir().join(format!("kubernetes-mixin-otel-k3d-{}-{name}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
