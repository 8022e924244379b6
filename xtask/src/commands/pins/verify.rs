//! `cargo xtask pins verify`.

use std::process::ExitCode;

use crate::commands::pins::{megabytes, nothing_answered, require_https};
use crate::ui::{Steps, Table, print_result};
use tools::pins::{ImagePin, PinnedFile, Pins};
use tools::registry::{Registries, RegistryError};
use tools::{DownloadError, Downloader};

/// Ask every address, and compare every hash and digest with what is there.
///
/// Downloads all files of all platforms, some 600 MB, and keeps none. Fails when anything differs or does not answer. What
/// has no known hash is listed and no failure: `cargo xtask pins update` fills it in.
#[derive(clap::Args)]
pub(super) struct Verify {
    /// Ask only whether the files are there, without downloading them.
    #[arg(long)]
    addresses_only: bool,
}

/// How one pin fares.
enum Verdict {
    /// As pinned.
    Right(String),
    /// It is there, and nobody has pinned its hash.
    Unknown(String),
    /// It is something else.
    Wrong(String),
    /// It is not there, or cannot be asked.
    Absent {
        why: String,
        /// Nobody answered at all.
        silent: bool,
    },
}

impl Verify {
    pub(super) fn run(self, pins: &Pins) -> anyhow::Result<ExitCode> {
        require_https(pins, "verify")?;
        let (downloader, registries, steps) = (Downloader::new(false), Registries, Steps::new());
        let files = pins.files();
        let asked = files.len() + pins.images.len();
        let verdicts: Vec<(String, Verdict)> = steps.run(
            &format!("asking {asked} addresses"),
            |progress| {
                let mut verdicts = Vec::with_capacity(asked);
                for file in &files {
                    let name = file.name();
                    progress.show(&name);
                    let mut show = |done: u64, _| progress.show(&format!("{name}: {}", megabytes(done)));
                    let verdict = self.file(&downloader, file, &mut show);
                    verdicts.push((name.clone(), verdict));
                }
                for (name, pin) in &pins.images {
                    progress.show(&format!("image {name}"));
                    verdicts.push((format!("image {name}"), image(&registries, pin)));
                }
                answered(verdicts)
            },
            |verdicts| {
                let silent = verdicts.iter().filter(|(_, verdict)| verdict.is_silent()).count();
                if silent == 0 { "all answered".to_owned() } else { format!("{silent} did not answer") }
            },
        )?;
        print_result(&table(&verdicts))?;
        let bad = verdicts.iter().filter(|(_, verdict)| verdict.is_bad()).count();
        if bad == 0 {
            steps.note("all are as pinned, as far as their hashes are known");
            return Ok(ExitCode::SUCCESS);
        }
        steps.note(format!("{bad} of {asked} could not be found as pinned"));
        Ok(ExitCode::FAILURE)
    }

    fn file(
        &self,
        downloader: &Downloader,
        file: &PinnedFile,
        progress: &mut dyn FnMut(u64, Option<u64>),
    ) -> Verdict {
        if self.addresses_only {
            return match downloader.answers(&file.url) {
                Ok(size) => Verdict::Right(format!(
                    "is there{}",
                    size.map(|b| format!(", {}", megabytes(b))).unwrap_or_default()
                )),
                Err(error) => absent(&error),
            };
        }
        match (downloader.hash(&file.url, progress), file.sha256) {
            (Ok((found, size)), Some(pinned)) if found == pinned => {
                Verdict::Right(format!("hash right, {}", megabytes(size)))
            }
            (Ok((found, _)), Some(pinned)) => {
                Verdict::Wrong(format!("its sha256 is {found}, pinned is {pinned}"))
            }
            (Ok((found, size)), None) => {
                Verdict::Unknown(format!("is there, {}; its sha256 is {found}", megabytes(size)))
            }
            (Err(error), _) => absent(&error),
        }
    }
}

/// What was found, unless nobody answered: then nothing was.
fn answered(verdicts: Vec<(String, Verdict)>) -> anyhow::Result<Vec<(String, Verdict)>> {
    match verdicts.first() {
        Some((name, Verdict::Absent { why, .. }))
            if verdicts.iter().all(|(_, verdict)| verdict.is_silent()) =>
        {
            Err(nothing_answered(&format!("{name}: {why}")))
        }
        _ => Ok(verdicts),
    }
}

fn image(registries: &Registries, pin: &ImagePin) -> Verdict {
    match (registries.look(&pin.image), pin.digest) {
        (Ok(found), Some(pinned)) if found.digest == pinned => Verdict::Right("digest right".to_owned()),
        (Ok(found), Some(pinned)) => {
            Verdict::Wrong(format!("{} stands for {} now, pinned is {pinned}", pin.image, found.digest))
        }
        (Ok(found), None) => Verdict::Unknown(format!("is there; its digest is {}", found.digest)),
        (Err(error), _) => Verdict::Absent {
            why: error.to_string(),
            silent: matches!(error, RegistryError::Unreachable { .. }),
        },
    }
}

fn absent(error: &DownloadError) -> Verdict {
    Verdict::Absent {
        why: error.to_string(),
        silent: matches!(error, DownloadError::Network { .. } | DownloadError::HostSilent { .. }),
    }
}

impl Verdict {
    fn is_bad(&self) -> bool {
        matches!(self, Self::Wrong(_) | Self::Absent { .. })
    }

    fn is_silent(&self) -> bool {
        matches!(self, Self::Absent { silent: true, .. })
    }
}

fn table(verdicts: &[(String, Verdict)]) -> String {
    let mut table = Table::default();
    for column in ["", "what", "found"] {
        table.text_column(column);
    }
    for (name, verdict) in verdicts {
        let (mark, told) = match verdict {
            Verdict::Right(told) => ("✓", told),
            Verdict::Unknown(told) => ("–", told),
            Verdict::Wrong(told) | Verdict::Absent { why: told, .. } => ("✗", told),
        };
        table.row(vec![mark.to_owned(), name.clone(), told.clone()]);
    }
    table.render()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn absent(silent: bool) -> (String, Verdict) {
        ("helm".to_owned(), Verdict::Absent { why: "no such host".to_owned(), silent })
    }

    #[test]
    fn without_an_answer_nothing_is_said_about_the_pins() {
        let error = answered(vec![absent(true), absent(true)]).err().unwrap().to_string();
        assert!(error.starts_with("nothing answered: "), "{error}");
        assert!(error.ends_with("The first: helm: no such host"), "{error}");
    }

    #[test]
    fn one_answer_is_enough_to_tell_which_are_right() {
        for verdicts in [
            vec![absent(true), absent(false)],
            vec![absent(true), ("k3d".to_owned(), Verdict::Right(String::new()))],
        ] {
            assert_eq!(answered(verdicts).unwrap().len(), 2);
        }
        assert!(answered(Vec::new()).is_ok());
    }
}
