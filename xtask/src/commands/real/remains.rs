//! The steps that find and remove whatever there is of an environment: without knowing the flags that it was started with.

use environments::engine::Engine;
use environments::plan::Plan;
use environments::{k3d, kwok};

use crate::commands::dev::start::parts_to_look as dev_parts;
use crate::commands::kwok::docker::parts as kwok_parts;
use crate::context::Context;
use crate::environment::{
    BadRecord, EnvironmentName, RealEnvironment, RealEnvironments, RealKind, Record, engine_at, find_engine,
};

/// Which environment, and where. More is not needed to find and remove it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) name: EnvironmentName,
    pub(super) kind: RealKind,
    /// The engine's address; without one it is the engine that would be used for a start.
    engine: Option<String>,
}

impl Place {
    /// That of an environment, as well as it is known.
    pub(super) fn of(record: &Record, environments: &RealEnvironments) -> Self {
        match record {
            Ok(RealEnvironment { name, kind, engine, .. }) => {
                Self { name: name.clone(), kind: *kind, engine: Some(engine.clone()) }
            }
            Err(BadRecord { name, kind, engine, .. }) => {
                let names = k3d::Names::new(&name.to_string(), &environments.folder(name));
                // What k3d reads is there before it makes anything.
                let by_files = if names.cluster_file().exists() { RealKind::Dev } else { RealKind::Kwok };
                Self { name: name.clone(), kind: kind.unwrap_or(by_files), engine: engine.clone() }
            }
        }
    }

    /// Its engine.
    ///
    /// # Errors
    /// When that engine does not answer; another one is no substitute.
    pub(super) async fn engine(&self, environments: &RealEnvironments) -> anyhow::Result<Engine> {
        match &self.engine {
            Some(address) => {
                engine_at(address, &self.name.to_string(), &environments.folder(&self.name)).await
            }
            None => find_engine().await,
        }
    }

    /// The steps.
    pub(super) async fn remains(
        &self,
        context: &Context,
        environments: &RealEnvironments,
        engine: Engine,
    ) -> anyhow::Result<Plan> {
        let (name, folder) = (self.name.to_string(), environments.folder(&self.name));
        match self.kind {
            RealKind::Kwok => {
                kwok::removal(&kwok::Names::new(&name, &folder), &kwok_parts(context, engine).await?)
            }
            RealKind::Dev => k3d::removal(&k3d::Names::new(&name, &folder), &dev_parts(context, engine)?),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::environment::scratch::{Scratch, environment};

    #[test]
    fn an_environment_is_looked_for_on_its_own_engine_and_a_damaged_one_by_what_is_known_of_it() {
        let scratch = Scratch::new("place");
        let environments = &scratch.environments;
        environments.write(&environment("second")).unwrap();
        let name: EnvironmentName = "second".parse().unwrap();
        let place = |kind, engine: Option<&str>| Place {
            name: name.clone(),
            kind,
            engine: engine.map(str::to_owned),
        };
        let found = || Place::of(&environments.read(&name).transpose().unwrap(), environments);
        assert_eq!(found(), place(RealKind::Kwok, Some("unix:///var/run/docker.sock")));
        for (text, expected) in [
            (r#"{"kind": "dev", "engine": "unix:///a.sock"}"#, place(RealKind::Dev, Some("unix:///a.sock"))),
            ("{", place(RealKind::Kwok, None)),
        ] {
            std::fs::write(scratch.path.join("second/environment.json"), text).unwrap();
            assert_eq!(found(), expected, "{text}");
        }
        std::fs::write(scratch.path.join("second/k3d.yaml"), "").unwrap();
        assert_eq!(found(), place(RealKind::Dev, None));
    }
}
