//! The container engine, its disk and its clock.

use std::path::Path;

use jiff::{SignedDuration, Timestamp};

use super::machine::{self, Disk};
use tools::engine::{
    ANSWER_DEADLINE, Address, EngineError, EngineState, Surroundings, Unusable, look as ask,
};
use tools::{Os, Processes};

/// An engine as seen from this machine.
#[derive(Clone, Debug)]
pub(crate) struct EngineView {
    /// What it says.
    pub(crate) state: Result<EngineState, EngineError>,
    /// The disk with its images, where that is one of this machine.
    pub(crate) disk: Option<Disk>,
    /// How much its clock is ahead of this machine's.
    pub(crate) ahead: Option<SignedDuration>,
    /// The clusters that kwokctl has written down.
    pub(crate) kwok_folders: Vec<String>,
}

pub(super) fn look(
    surroundings: &Surroundings,
    os: Os,
    processes: &dyn Processes,
    kwok: Option<&Path>,
) -> EngineView {
    let asked = Timestamp::now();
    let state = ask(surroundings, os, ANSWER_DEADLINE)
        .unwrap_or_else(|error| Err(Unusable::new(format!("{error:#}"), "try again").into()));
    let answered = Timestamp::now();
    let (mut disk, mut ahead) = (None, None);
    if let Ok(state) = &state {
        ahead = state.time.map(|time| ahead_of(time, asked, answered));
        // The folder of an engine in a virtual machine may exist here too, by chance: only Linux' engines are local.
        let local = os == Os::Linux && matches!(state.candidate.address, Address::Unix(_));
        let folder = state.folder.as_deref().map(Path::new).filter(|folder| local && folder.exists());
        disk = folder.and_then(|folder| machine::disk(folder, os, processes).ok());
    }
    EngineView { state, disk, ahead, kwok_folders: kwok.map(folders_in).unwrap_or_default() }
}

/// A time that was read somewhere between two others is ahead only by what it is outside of them.
fn ahead_of(time: Timestamp, asked: Timestamp, answered: Timestamp) -> SignedDuration {
    if time < asked {
        time.duration_since(asked)
    } else if time > answered {
        time.duration_since(answered)
    } else {
        SignedDuration::ZERO
    }
}

fn folders_in(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
    let mut names: Vec<String> = entries
        .filter(|entry| entry.path().join("kwok.yaml").is_file())
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect();
    names.sort();
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_is_ahead_by_what_cannot_be_the_time_of_asking() {
        let at = |second| Timestamp::from_second(second).unwrap();
        for (time, ahead) in [(100, 0), (103, 0), (101, 0), (90, -10), (110, 7)] {
            assert_eq!(ahead_of(at(time), at(100), at(103)), SignedDuration::from_secs(ahead), "{time}");
        }
    }
}
