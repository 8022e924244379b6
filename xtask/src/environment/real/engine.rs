//! The container engine that everything goes to: the user's for what is new, and for what is there the one that it is on.

use std::path::Path;

use anyhow::Context as _;
use environments::engine::Engine;
use tools::Os;
use tools::engine::{ANSWER_DEADLINE, Address, Candidate, Surroundings, find};

/// Finds the engine that Docker's own client would talk to, or the first where engines usually listen.
pub(crate) async fn find_engine() -> anyhow::Result<Engine> {
    let found = find(&Surroundings::of_user(), Os::current(), ANSWER_DEADLINE).await.map_err(|error| {
        anyhow::anyhow!("{error}: `cargo xtask doctor kwok` says what is missing, and how to mend it")
    })?;
    Engine::connect(&found.candidate)
}

/// The engine that an environment was brought up on, whichever the user has chosen since.
///
/// # Errors
/// When it does not answer. `folder` is what to remove when it never will again.
pub(crate) async fn engine_at(address: &str, name: &str, folder: &Path) -> anyhow::Result<Engine> {
    let failed = || {
        format!(
            "the container engine at {address}, which {name} runs on, does not answer: start it and try again; if it is gone for \
             good, `rm -r {}` forgets {name}",
            folder.display()
        )
    };
    let parsed = Address::parse(address).map_err(|reason| anyhow::anyhow!(reason)).with_context(failed)?;
    let candidate = Candidate { address: parsed, named_by: format!("what {name} runs on") };
    let engine = Engine::connect(&candidate).with_context(failed)?;
    tokio::time::timeout(ANSWER_DEADLINE, engine.machine())
        .await
        .with_context(failed)?
        .with_context(failed)?;
    Ok(engine)
}

/// Whether two addresses lead to the same engine, as far as they tell.
pub(crate) fn is_same_engine(one: &str, other: &str) -> bool {
    // /var/run is /run on most systems.
    let socket = |address: &str| std::fs::canonicalize(address.strip_prefix("unix://")?).ok();
    one == other || socket(one).is_some_and(|one| socket(other) == Some(one))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn a_socket_is_the_same_by_each_of_its_paths() {
        let folder = std::env::temp_dir().join(format!("kmo-real-socket-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(folder.join("run")).unwrap();
        std::fs::write(folder.join("run/docker.sock"), "").unwrap();
        std::fs::write(folder.join("run/other.sock"), "").unwrap();
        std::os::unix::fs::symlink(folder.join("run"), folder.join("var")).unwrap();
        let at = |path: &str| format!("unix://{}/{path}", folder.display());
        let same = is_same_engine(&at("run/docker.sock"), &at("var/docker.sock"));
        let different = is_same_engine(&at("run/docker.sock"), &at("run/other.sock"));
        std::fs::remove_dir_all(&folder).unwrap();
        assert!(same && !different);
        assert!(
            is_same_engine("tcp://one:2375", "tcp://one:2375")
                && !is_same_engine("tcp://one:1", "tcp://two:1")
        );
        assert!(!is_same_engine("unix:///nowhere/a", "unix:///nowhere/b"));
    }

    #[tokio::test]
    async fn an_engine_that_is_gone_is_named_with_what_to_do() {
        let gone =
            engine_at("unix:///nowhere/docker.sock", "kwok", Path::new("/state/kwok")).await.unwrap_err();
        let told = format!("{gone:#}");
        for part in ["unix:///nowhere/docker.sock", "kwok runs on", "`rm -r /state/kwok`"] {
            assert!(told.contains(part), "{told}");
        }
    }
}
