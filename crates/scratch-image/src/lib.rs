//! A container image of one static program: FROM scratch, without a builder and without an engine.
//!
//! [`Image::archive`] writes what `docker save` writes and `docker load`, its API and `k3d image import` read. Equal images
//! are equal archives, to the byte, on every machine: an engine that has one already need not get it again.
//!
//! ```
//! # fn main() -> Result<(), scratch_image::Error> {
//! # let program = scratch_image::example_program();
//! let image = scratch_image::Image {
//!     name: "kubernetes-mixin-otel/stats-proxy:dev".to_owned(),
//!     program,
//!     path: "stats-proxy".to_owned(),
//!     user: 65_532,
//!     ports: vec![10_250],
//!     labels: [("org.opencontainers.image.title".to_owned(), "stats-proxy".to_owned())].into(),
//! };
//! let archive = image.archive()?;
//! assert!(archive.id.starts_with("sha256:"));
//! # Ok(())
//! # }
//! ```

mod archive;
mod config;
mod elf;

use std::collections::BTreeMap;

pub use archive::Archive;
pub use elf::{Architecture, NotStatic};

/// The label in which an image says what its program's digest is: engines name images in different ways, but all keep
/// labels.
pub const CONTENT_LABEL: &str = "kubernetes-mixin-otel.content";

/// An image with one program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// Its name and tag.
    pub name: String,
    /// The program: static, for Linux.
    pub program: Vec<u8>,
    /// Where the program is, below the root.
    pub path: String,
    /// The user that runs it; not root.
    pub user: u32,
    /// The TCP ports that it listens on.
    pub ports: Vec<u16>,
    /// Labels beside [`CONTENT_LABEL`].
    pub labels: BTreeMap<String, String>,
}

/// Why there is no such image.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The program would not run in an empty file system.
    #[error("the program for the image cannot run alone: {0}")]
    Program(#[from] NotStatic),
    /// A name that engines do not accept.
    #[error("{0:?} is not an image's name with a tag, such as kubernetes-mixin-otel/stats-proxy:dev")]
    Name(String),
    /// A path that is not below the root.
    #[error("{0:?} is not a path below the root, such as usr/bin/stats-proxy")]
    Path(String),
    /// The user that may do everything.
    #[error("the image's user may not be root (0)")]
    Root,
    /// The archive could not be written.
    #[error("failed to write the archive: {0}")]
    Write(#[from] std::io::Error),
}

impl Image {
    /// The image as engines load it.
    ///
    /// # Errors
    /// See [`Error`]; for example when the program needs libraries that an empty image does not have.
    pub fn archive(&self) -> Result<Archive, Error> {
        let architecture = Architecture::of_static(&self.program)?;
        if !is_name(&self.name) {
            return Err(Error::Name(self.name.clone()));
        }
        let segment = |segment: &str| !matches!(segment, "" | "." | "..");
        if !self.path.split('/').all(segment) {
            return Err(Error::Path(self.path.clone()));
        }
        if self.user == 0 {
            return Err(Error::Root);
        }
        Ok(archive::write(self, architecture)?)
    }
}

/// A repository in lower case, and a tag.
fn is_name(name: &str) -> bool {
    let Some((repository, tag)) = name.rsplit_once(':') else { return false };
    let lower = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-/:".contains(&byte);
    let tag_byte = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    let part = |part: &str| {
        part.starts_with(|first: char| first.is_ascii_alphanumeric()) && !part.ends_with(['.', '_', '-'])
    };
    repository.bytes().all(lower)
        && repository.split('/').all(part)
        && !tag.is_empty()
        && tag.len() <= 128
        && tag.bytes().all(tag_byte)
        && !tag.starts_with(['.', '-'])
}

/// The least that counts as a static program; it does nothing. For tests and examples.
#[doc(hidden)]
pub fn example_program() -> Vec<u8> {
    elf::example(62, &[1])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_that_engines_accept() {
        for (name, good) in [
            ("stats-proxy:dev", true),
            ("localhost:5000/kubernetes-mixin-otel/stats-proxy:0.1.0-x_Y", true),
            ("stats-proxy", false),
            ("Stats-proxy:dev", false),
            ("a//b:dev", false),
            ("/a:dev", false),
            ("a-:dev", false),
            ("a:", false),
            ("a:-dev", false),
            ("a:b/c", false),
            ("", false),
        ] {
            assert_eq!(is_name(name), good, "{name:?}");
        }
    }
}
