//! Noticing that a source has changed: by looking again and again at the few dozen files that matter.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, SystemTime};

/// How often is looked. Asking for the times of fifty files takes well below a millisecond.
const PAUSE: Duration = Duration::from_millis(200);

/// Editors write a file in several steps: a change counts once nothing has happened for this long.
const CALM: Duration = Duration::from_millis(50);

/// Files as they were before they were read.
#[derive(Default)]
pub(crate) struct Watched {
    files: BTreeMap<PathBuf, State>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum State {
    /// A file that is not there can appear, and be imported instead of another one.
    Missing,
    Present {
        modified: Option<SystemTime>,
        length: u64,
    },
    /// Written while the evaluation ran: nobody knows whether it read the old text or the new one.
    Unsure,
}

impl Watched {
    /// The same files as they are now.
    pub(crate) fn now(&self) -> Self {
        Self { files: self.files.keys().map(|file| (file.clone(), State::of(file))).collect() }
    }

    /// The files of an evaluation that began at `began`. `before` was taken just before, of the files that the one
    /// before had read: which files it would read, nobody could know.
    pub(crate) fn after(before: &Self, files: &BTreeSet<PathBuf>, began: SystemTime) -> Self {
        let now = SystemTime::now();
        let state = |file: &PathBuf| match (before.files.get(file), State::of(file)) {
            (Some(known), _) => known.clone(),
            // A file from the future, by another machine's clock, would be unsure each time.
            (None, State::Present { modified: Some(at), .. }) if at >= began && at <= now => State::Unsure,
            (None, state) => state,
        };
        Self { files: files.iter().map(|file| (file.clone(), state(file))).collect() }
    }

    /// Returns when one has changed, and its writer has come to an end.
    pub(crate) fn wait(&self) {
        let mut latest = self.now();
        while latest.files == self.files {
            thread::sleep(PAUSE);
            latest = self.now();
        }
        loop {
            thread::sleep(CALM);
            let later = self.now();
            if later.files == latest.files {
                return;
            }
            latest = later;
        }
    }
}

impl State {
    fn of(file: &PathBuf) -> Self {
        fs::metadata(file).map_or(Self::Missing, |metadata| Self::Present {
            modified: metadata.modified().ok(),
            length: metadata.len(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file that is removed in the end.
    struct Scratch(PathBuf);

    impl Scratch {
        fn new(name: &str) -> Self {
            let name = format!("kubernetes-mixin-otel-watch-{}-{name}", std::process::id());
            Self(std::env::temp_dir().join(name))
        }

        fn write(&self, text: &str, modified: SystemTime) {
            fs::write(&self.0, text).unwrap();
            fs::File::options().append(true).open(&self.0).unwrap().set_modified(modified).unwrap();
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            let _ = fs::remove_file(&self.0);
        }
    }

    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn a_file_is_seen_to_change_to_appear_and_to_go() {
        let file = Scratch::new("life");
        let files = BTreeSet::from([file.0.clone()]);
        let began = SystemTime::now();
        let watched = Watched::after(&Watched::default(), &files, began);
        assert_eq!(watched.files, watched.now().files);
        file.write("a", began - MINUTE);
        watched.wait();
        let watched = watched.now();
        assert_eq!(watched.files, watched.now().files);
        file.write("b", began - MINUTE / 2);
        watched.wait();
        let watched = watched.now();
        fs::remove_file(&file.0).unwrap();
        watched.wait();
    }

    #[test]
    fn what_happens_to_a_known_file_while_it_is_read_counts_as_a_change() {
        let file = Scratch::new("known");
        let files = BTreeSet::from([file.0.clone()]);
        let began = SystemTime::now();
        file.write("a", began - MINUTE);
        let before = Watched::after(&Watched::default(), &files, began).now();
        fs::remove_file(&file.0).unwrap();
        Watched::after(&before, &files, began).wait();
    }

    #[test]
    fn a_new_file_written_while_it_was_read_counts_as_changed_but_one_from_the_future_does_not() {
        let file = Scratch::new("during");
        let files = BTreeSet::from([file.0.clone()]);
        let began = SystemTime::now() - MINUTE;
        file.write("a", began + MINUTE / 2);
        Watched::after(&Watched::default(), &files, began).wait();
        file.write("a", began + 10 * MINUTE);
        let watched = Watched::after(&Watched::default(), &files, began);
        assert_eq!(watched.files, watched.now().files);
    }
}
