//! `cargo xtask pins update`.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, bail};

use crate::commands::pins::{megabytes, nothing_answered, require_https};
use crate::ui::{Steps, Table, print_result};
use tools::pins::{Pins, set_value};
use tools::registry::{Registries, RegistryError};
use tools::{DownloadError, Downloader};

/// Fill in the hashes, digests and sizes that are not known yet.
///
/// Asks for everything whose value is null, and writes what is there now into the file; the rest stays as it is. So a new
/// version is: write it, set its hashes to null, run this. It trusts what it is given the first time: compare it with what
/// the project publishes.
#[derive(clap::Args)]
pub(super) struct Update {}

/// A value that was found.
struct Found {
    place: Vec<String>,
    value: String,
}

/// What came of the update.
#[derive(Default)]
struct Outcome {
    found: Vec<Found>,
    failed: Vec<(String, String)>,
    answered: bool,
}

impl Outcome {
    /// Itself, unless nobody of those that were asked has answered.
    fn unless_silent(self) -> anyhow::Result<Self> {
        match self.failed.first() {
            Some((name, why)) if !self.answered => Err(nothing_answered(&format!("{name}: {why}"))),
            _ => Ok(self),
        }
    }
}

impl Update {
    pub(super) fn run(self, pins: &Pins, path: &Path) -> anyhow::Result<ExitCode> {
        require_https(pins, "update")?;
        let steps = Steps::new();
        let outcome = steps.run(
            "asking for what is not known",
            |progress| ask(pins, |name| progress.show(name)).unless_silent(),
            |outcome| format!("{} values", outcome.found.len()),
        )?;
        if !outcome.found.is_empty() {
            write(path, &outcome.found)?;
            print_result(&table(&outcome.found))?;
            steps.note(format!("{} is written: compare it with what the projects publish", path.display()));
        }
        if outcome.failed.is_empty() {
            if outcome.found.is_empty() {
                steps.note("every hash, digest and size is known already");
            }
            return Ok(ExitCode::SUCCESS);
        }
        for (name, why) in &outcome.failed {
            steps.note(format!("{name}: {why}"));
        }
        Ok(ExitCode::FAILURE)
    }
}

fn ask(pins: &Pins, show: impl Fn(&str)) -> Outcome {
    let (downloader, registries) = (Downloader::new(false), Registries);
    let mut outcome = Outcome::default();
    for file in pins.files().into_iter().filter(|file| file.sha256.is_none()) {
        let name = file.name();
        show(&name);
        match downloader.hash(&file.url, &mut |done, _| show(&format!("{name}: {}", megabytes(done)))) {
            Ok((hash, _)) => {
                outcome.answered = true;
                let place = file.place.into_iter().chain(["sha256".to_owned()]).collect();
                outcome.found.push(Found { place, value: hash.to_string() });
            }
            Err(error) => {
                outcome.answered |=
                    !matches!(error, DownloadError::Network { .. } | DownloadError::HostSilent { .. });
                outcome.failed.push((name, error.to_string()));
            }
        }
    }
    for (name, pin) in pins.images.iter().filter(|(_, pin)| pin.digest.is_none() || pin.megabytes.is_none()) {
        show(&format!("image {name}"));
        let place = |key: &str| ["images", name, key].map(str::to_owned).to_vec();
        match registries.look(&pin.image) {
            Ok(remote) => {
                outcome.answered = true;
                if pin.digest.is_none() {
                    outcome.found.push(Found { place: place("digest"), value: remote.digest.to_string() });
                }
                // A size of another image than the pinned one would be wrong.
                let same = pin.digest.is_none_or(|pinned| pinned == remote.digest);
                match remote.bytes {
                    Some(bytes) if same && pin.megabytes.is_none() => {
                        let value = bytes.div_ceil(1_000_000).to_string();
                        outcome.found.push(Found { place: place("megabytes"), value });
                    }
                    _ if !same => outcome.failed.push((
                        format!("image {name}"),
                        format!("its tag stands for {} now: see `pins verify`", remote.digest),
                    )),
                    _ => {}
                }
            }
            Err(error) => {
                outcome.answered |= !matches!(error, RegistryError::Unreachable { .. });
                outcome.failed.push((format!("image {name}"), error.to_string()));
            }
        }
    }
    outcome
}

/// Writes values into the file, and makes sure that it can still be read.
fn write(path: &Path, found: &[Found]) -> anyhow::Result<()> {
    let context = || format!("failed to update {}", path.display());
    let mut text = std::fs::read_to_string(path).with_context(context)?;
    for Found { place, value } in found {
        let keys: Vec<&str> = place.iter().map(String::as_str).collect();
        let Some(changed) = set_value(&text, &keys, value) else {
            bail!(
                "{}: no line of its own for {}: write {value} there yourself",
                path.display(),
                keys.join(".")
            );
        };
        text = changed;
    }
    Pins::parse(&text, &path.display().to_string()).map_err(anyhow::Error::msg).with_context(context)?;
    let new = path.with_extension("yaml.new");
    std::fs::write(&new, text).with_context(context)?;
    std::fs::rename(&new, path).with_context(context)
}

fn table(found: &[Found]) -> String {
    let mut table = Table::default();
    table.text_column("what");
    table.text_column("now");
    for Found { place, value } in found {
        table.row(vec![place.join("."), value.clone()]);
    }
    table.render()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_update_that_nobody_answered_has_failed() {
        let failed = vec![("helm".to_owned(), "no such host".to_owned())];
        let silent = Outcome { failed: failed.clone(), ..Outcome::default() };
        let error = silent.unless_silent().err().unwrap().to_string();
        assert!(error.starts_with("nothing answered: ") && error.contains("no such host"), "{error}");
        assert!(Outcome { failed, answered: true, ..Outcome::default() }.unless_silent().is_ok());
        // Where everything is known, nobody is asked.
        assert!(Outcome::default().unless_silent().is_ok());
    }
}
