//! What an image says about itself.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::elf::Architecture;
use crate::{CONTENT_LABEL, Image};

/// An image's configuration, as the OCI specification has it.
#[derive(Serialize)]
pub(crate) struct Config {
    architecture: &'static str,
    os: &'static str,
    /// When it was made. That would make it another image each time.
    created: &'static str,
    config: Run,
    rootfs: RootFs,
    history: [History; 1],
}

/// How a container of it is run.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Run {
    user: String,
    exposed_ports: BTreeMap<String, Empty>,
    entrypoint: [String; 1],
    working_dir: &'static str,
    labels: BTreeMap<String, String>,
    stop_signal: &'static str,
}

#[derive(Serialize)]
struct Empty {}

#[derive(Serialize)]
struct RootFs {
    #[serde(rename = "type")]
    kind: &'static str,
    diff_ids: [String; 1],
}

#[derive(Serialize)]
struct History {
    created: &'static str,
    created_by: &'static str,
}

const LONG_AGO: &str = "1970-01-01T00:00:00Z";

impl Config {
    pub(crate) fn new(image: &Image, architecture: Architecture, content: &str, layer: String) -> Self {
        let mut labels = image.labels.clone();
        labels.insert(CONTENT_LABEL.to_owned(), content.to_owned());
        Self {
            architecture: architecture.name(),
            os: "linux",
            created: LONG_AGO,
            config: Run {
                // The group's number is the user's.
                user: format!("{0}:{0}", image.user),
                exposed_ports: image.ports.iter().map(|port| (format!("{port}/tcp"), Empty {})).collect(),
                entrypoint: [format!("/{}", image.path)],
                working_dir: "/",
                labels,
                stop_signal: "SIGTERM",
            },
            rootfs: RootFs { kind: "layers", diff_ids: [layer] },
            history: [History { created: LONG_AGO, created_by: "scratch-image" }],
        }
    }
}
