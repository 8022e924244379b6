//! One process at a time brings an environment up or takes it down. Whoever only watches one that is up holds nothing.

use std::fmt;
use std::path::Path;

use crate::environment::EnvironmentName;
use crate::environment::state::{Hold, is_locked, lock};

/// What is done to an environment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moving {
    /// It is being brought up.
    Up,
    /// It is being taken down.
    Down,
}

/// Who moves an environment, as far as it can be found out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mover {
    moving: Moving,
    pid: Option<u32>,
}

impl fmt::Display for Mover {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.moving {
            Moving::Up => "a start of it is under way",
            Moving::Down => "it is being taken down",
        };
        f.write_str(what)?;
        self.pid.map_or(Ok(()), |pid| write!(f, " (process {pid})"))
    }
}

/// Takes the lock.
///
/// # Errors
/// When another process has it.
pub(super) fn take(path: &Path, name: &EnvironmentName, moving: Moving) -> anyhow::Result<Hold> {
    let word = match moving {
        Moving::Up => "up",
        Moving::Down => "down",
    };
    if let Some(hold) = lock(path, &format!("{} {word}", std::process::id()))? {
        return Ok(hold);
    }
    let mover = read(path);
    let remedy = match mover.moving {
        Moving::Up => "wait for it, or end it with Ctrl-C",
        Moving::Down => "wait for it",
    };
    anyhow::bail!("{name}: {mover}: {remedy}")
}

/// Who has the lock, if anybody has.
pub(super) fn mover(path: &Path) -> Option<Mover> {
    is_locked(path).then(|| read(path))
}

fn read(path: &Path) -> Mover {
    // Some systems let nobody read what another process has locked.
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let mut words = text.split_whitespace();
    let pid = words.next().and_then(|word| word.parse().ok());
    Mover { moving: if words.next() == Some("down") { Moving::Down } else { Moving::Up }, pid }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::environment::real::scratch::Scratch;

    #[test]
    fn while_one_process_moves_an_environment_another_is_told_who_and_what_it_does() {
        let scratch = Scratch::new("lock");
        let (environments, own) = (&scratch.environments, std::process::id());
        let name: EnvironmentName = "kwok".parse().unwrap();
        assert_eq!(environments.mover(&name), None);
        let down = environments.hold(&name, Moving::Down).unwrap();
        let told = environments.mover(&name).unwrap().to_string();
        assert_eq!(told, format!("it is being taken down (process {own})"));
        drop(down);
        let _up = environments.hold(&name, Moving::Up).unwrap();
        let refused = environments.hold(&name, Moving::Down).unwrap_err().to_string();
        assert_eq!(
            refused,
            format!("kwok: a start of it is under way (process {own}): wait for it, or end it with Ctrl-C")
        );
        // Another environment is free.
        assert!(environments.hold(&"second".parse().unwrap(), Moving::Up).is_ok());
    }
}
