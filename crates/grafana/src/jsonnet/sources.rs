//! Reading sources, and only those under the given roots.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The folders that an evaluation may read: the project's own and extra library paths.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Roots {
    /// Canonical; the first is the project's own.
    folders: Vec<PathBuf>,
}

/// A root that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RootsError {
    /// It is not there, or not readable.
    #[error("cannot open the source folder {folder}: {error}", folder = .folder.display())]
    Open {
        /// As it was given.
        folder: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// It is a file.
    #[error("the source folder {folder} is not a folder", folder = .folder.display())]
    NotAFolder {
        /// As it was given.
        folder: PathBuf,
    },
}

impl Roots {
    /// `folder` holds the sources; imports that are not found next to the importing file are looked for in `folder`
    /// and then in `libraries`, in this order.
    pub fn new(
        folder: impl AsRef<Path>,
        libraries: impl IntoIterator<Item = PathBuf>,
    ) -> Result<Self, RootsError> {
        let mut folders = vec![canonical_folder(folder.as_ref())?];
        for library in libraries {
            folders.push(canonical_folder(&library)?);
        }
        Ok(Self { folders })
    }

    /// The project's own folder, canonical.
    pub fn main(&self) -> &Path {
        &self.folders[0]
    }

    /// All folders, canonical, the project's own first.
    pub fn folders(&self) -> &[PathBuf] {
        &self.folders
    }

    /// The path relative to the root that contains it, with `/` on every system: how messages and `std.thisFile`
    /// name a file.
    pub(super) fn display_name(&self, canonical: &Path) -> String {
        let relative = self.root_of(canonical).and_then(|root| canonical.strip_prefix(root).ok());
        relative.unwrap_or(canonical).to_string_lossy().replace('\\', "/")
    }

    fn root_of(&self, canonical: &Path) -> Option<&Path> {
        self.folders.iter().map(PathBuf::as_path).find(|root| canonical.starts_with(root))
    }

    /// Finds a file by the path written in an import, or by a path given to the program.
    ///
    /// `importing` is the canonical folder of the importing file.
    pub(super) fn resolve(&self, importing: Option<&Path>, path: &str) -> Result<Found, NotFound> {
        let mut looked_for = Vec::new();
        let places = importing.into_iter().chain(self.folders.iter().map(PathBuf::as_path));
        for folder in places {
            let candidate = folder.join(path);
            if looked_for.contains(&candidate) {
                continue;
            }
            match candidate.canonicalize() {
                Ok(canonical) if self.root_of(&canonical).is_none() => {
                    return Err(NotFound::Outside { canonical });
                }
                Ok(canonical) if canonical.is_dir() => return Err(NotFound::Folder),
                Ok(canonical) => return Ok(Found { canonical, looked_for }),
                Err(error) if error.kind() == io::ErrorKind::NotFound => looked_for.push(candidate),
                // Not a folder on the way, a loop of links, no permission.
                Err(error) => return Err(NotFound::Unreadable { error: error.to_string() }),
            }
        }
        Err(NotFound::Nowhere { looked_for })
    }
}

/// A file inside the roots.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) canonical: PathBuf,
    /// Where it would have been taken from first, had it existed there: worth watching.
    pub(super) looked_for: Vec<PathBuf>,
}

/// Why a path leads to no file.
#[derive(Debug)]
pub(super) enum NotFound {
    Nowhere { looked_for: Vec<PathBuf> },
    Outside { canonical: PathBuf },
    Folder,
    Unreadable { error: String },
}

/// Reads a file of at most `limit` bytes.
pub(super) fn read(path: &Path, limit: u64) -> Result<Vec<u8>, String> {
    let metadata = fs::metadata(path).map_err(|error| error.to_string())?;
    if !metadata.is_file() {
        return Err("it is not a regular file".to_owned());
    }
    if metadata.len() > limit {
        return Err(format!("it has {} bytes; at most {limit} are read", metadata.len()));
    }
    fs::read(path).map_err(|error| error.to_string())
}

fn canonical_folder(folder: &Path) -> Result<PathBuf, RootsError> {
    let canonical =
        folder.canonicalize().map_err(|error| RootsError::Open { folder: folder.to_owned(), error })?;
    if canonical.is_dir() { Ok(canonical) } else { Err(RootsError::NotAFolder { folder: folder.to_owned() }) }
}
