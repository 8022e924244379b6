//! Our context in the user's kubeconfig, in and out.
//!
//! ```text
//!        add                                        restore
//! former ───► our cluster, user and context, and ───► former
//!             current-context, when it is to switch
//! ```
//!
//! The files are those that kubectl reads and writes: of `$KUBECONFIG`, or `~/.kube/config`. Ours goes where kubectl would put a
//! new one. A file is changed under kubectl's own lock, replaced in one step, and keeps its mode; symbolic links are followed.
//! Fields that we do not know stay. Comments are lost in a file that is changed, as they are with kubectl.

mod document;
mod file;
mod memory;
mod places;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde_yaml::Value;

use document::Document;
use file::LockedFile;
use memory::Memory;
pub use places::Places;

use crate::plan::State;

/// A cluster, a user and a context, all of one name.
#[derive(Clone, Debug, PartialEq)]
pub struct Entries {
    name: String,
    cluster: Value,
    user: Value,
}

/// What adding came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Switched {
    /// The file that has our context now.
    pub file: PathBuf,
    /// The context that was the current one, and will be again.
    pub former: Option<String>,
    /// Whether ours is the current one now.
    pub is_current: bool,
}

/// What restoring came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restored {
    /// Whether there was anything of ours.
    pub removed: bool,
    /// The current context now.
    pub current: Option<String>,
}

impl Entries {
    /// What the current context of a kubeconfig says, under the name `name`. Files that it names are not followed: the tools that
    /// write such kubeconfigs put certificates and keys into them.
    ///
    /// # Errors
    /// When the text is no kubeconfig, or its current context, cluster or user is not in it.
    pub fn of_kubeconfig(yaml: &str, name: &str) -> anyhow::Result<Self> {
        let document = Document::parse(yaml).context("the cluster's kubeconfig cannot be read")?;
        let current =
            document.current_context().context("the cluster's kubeconfig has no current-context")?;
        let context = document
            .entry("contexts", &current)
            .with_context(|| format!("the cluster's kubeconfig has no context {current}"))?;
        let part = |list: &str, field: &str| {
            let name = context["context"][field].as_str().unwrap_or_default();
            let entry = document.entry(list, name);
            entry
                .map(|entry| entry[field].clone())
                .with_context(|| format!("the cluster's kubeconfig has no {field} {name:?}"))
        };
        Ok(Self {
            name: name.to_owned(),
            cluster: part("clusters", "cluster")?,
            user: part("users", "user")?,
        })
    }

    /// Its name: of the cluster, the user and the context.
    pub fn name(&self) -> &str {
        &self.name
    }
}

/// Whether our context is in the user's kubeconfig as it should be. It changes nothing.
///
/// # Errors
/// When a file cannot be read.
pub fn look(places: &Places, entries: &Entries, switch: bool) -> anyhow::Result<State> {
    let documents = read_all(places)?;
    let name = &entries.name;
    let Some((file, document)) =
        documents.iter().find(|(_, document)| document.entry("contexts", name).is_some())
    else {
        return Ok(State::Absent);
    };
    if !document.has(entries) {
        return Ok(State::Different(format!("context {name} in {} is of another cluster", file.display())));
    }
    let current = current_of(&documents);
    if switch && current.as_deref() != Some(name) {
        return Ok(State::Different(format!(
            "the current context is {}",
            current.as_deref().unwrap_or("none")
        )));
    }
    Ok(State::Up(format!("context {name} in {}", file.display())))
}

/// Puts `entries` into the user's kubeconfig, and makes them the current context with `switch`. Which one was it before is
/// written to `memory`, for [`restore`]. It may be called again at any time.
///
/// # Errors
/// When a file cannot be read, is no kubeconfig, is locked by somebody else, or cannot be written.
pub fn add(places: &Places, entries: &Entries, switch: bool, memory: &Path) -> anyhow::Result<Switched> {
    let name = &entries.name;
    let file = places.to_write();
    // Ours in another file of the list would hide this one, or outlive it.
    for other in places.files().iter().filter(|other| **other != file) {
        edit(other, |document| document.remove(name))?;
    }
    let mut locked = LockedFile::open(&file)?;
    let mut document = Document::parse(locked.text()).with_context(|| unreadable(&file))?;
    let former = current_of(&read_all(places)?).filter(|current| current != name);
    let is_new = locked.is_new();
    let known = Memory::read(memory)?;
    let mut remembered = known.clone().filter(|known| known.context == *name).unwrap_or_else(|| Memory {
        context: name.clone(),
        former: None,
        created: is_new.then(|| file.clone()),
    });
    if former.is_some() {
        remembered.former = former;
    }
    // First the memory: who is ended between the two has lost nothing.
    remembered.write(memory)?;
    document.put(entries);
    if switch {
        document.set_current_context(Some(name));
    }
    let is_current = document.current_context().as_deref() == Some(name);
    locked.replace(&document.text()?)?;
    Ok(Switched { file, former: remembered.former, is_current })
}

/// Takes the cluster, user and context `name` out of the user's kubeconfig. If it is still the current context, the former one
/// is again, as long as it exists; a context that the user has chosen meanwhile stays. It may be called at any time.
///
/// # Errors
/// When a file cannot be read, is locked by somebody else, or cannot be written.
pub fn restore(places: &Places, name: &str, memory: &Path) -> anyhow::Result<Restored> {
    let remembered = Memory::read(memory)?.filter(|remembered| remembered.context == name);
    let documents = read_all(places)?;
    let exists = |context: &String| {
        documents.iter().any(|(_, document)| document.entry("contexts", context).is_some())
    };
    let former = remembered.as_ref().and_then(|remembered| remembered.former.clone()).filter(exists);
    let created = remembered.as_ref().and_then(|remembered| remembered.created.as_ref());
    let mut removed = false;
    for (file, document) in &documents {
        if !document.names(name) {
            continue;
        }
        removed = true;
        let mut locked = LockedFile::open(file)?;
        let mut document = Document::parse(locked.text()).with_context(|| unreadable(file))?;
        document.remove(name);
        if document.current_context().as_deref() == Some(name) {
            document.set_current_context(former.as_deref());
        }
        if created == Some(file) && document.is_empty() {
            locked.remove()?;
        } else {
            locked.replace(&document.text()?)?;
        }
    }
    Memory::forget(memory)?;
    Ok(Restored { removed, current: current_of(&read_all(places)?) })
}

/// The file, changed by `change` when that says that it changed something.
fn edit(file: &Path, change: impl FnOnce(&mut Document) -> bool) -> anyhow::Result<()> {
    if !file.exists() {
        return Ok(());
    }
    let mut locked = LockedFile::open(file)?;
    let mut document = Document::parse(locked.text()).with_context(|| unreadable(file))?;
    if change(&mut document) { locked.replace(&document.text()?) } else { Ok(()) }
}

/// All files that there are.
fn read_all(places: &Places) -> anyhow::Result<Vec<(PathBuf, Document)>> {
    let mut documents = Vec::new();
    for file in places.files() {
        if let Some(text) = file::read(file)? {
            documents.push((file.clone(), Document::parse(&text).with_context(|| unreadable(file))?));
        }
    }
    Ok(documents)
}

/// As kubectl says: the first file that has one.
fn current_of(documents: &[(PathBuf, Document)]) -> Option<String> {
    documents.iter().find_map(|(_, document)| document.current_context())
}

fn unreadable(file: &Path) -> String {
    format!("{} is no kubeconfig; it stays as it is (--no-switch-context leaves it alone)", file.display())
}
