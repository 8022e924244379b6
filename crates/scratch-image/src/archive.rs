//! The archive: a layer, a configuration, and a list of both.

use std::io;

use serde::Serialize;
use sha2::{Digest as _, Sha256};
use tar::{Builder, EntryType, Header};

use crate::Image;
use crate::config::Config;
use crate::elf::Architecture;

/// An image as engines load it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Archive {
    /// A tar file.
    pub bytes: Vec<u8>,
    /// The image's identifier, the digest of its configuration: what `docker image inspect` shows, unless the engine keeps
    /// images as containerd does.
    pub id: String,
    /// The digest of the program, which is in the label [`CONTENT_LABEL`](crate::CONTENT_LABEL).
    pub content: String,
    /// The processor that the program is for.
    pub architecture: Architecture,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Manifest<'a> {
    config: &'a str,
    repo_tags: [&'a str; 1],
    layers: [&'a str; 1],
}

pub(crate) fn write(image: &Image, architecture: Architecture) -> io::Result<Archive> {
    let layer = layer(image)?;
    let (layer_digest, content) = (digest(&layer), format!("sha256:{}", digest(&image.program)));
    let config = Config::new(image, architecture, &content, format!("sha256:{layer_digest}"));
    let config = serde_json::to_vec(&config)?;
    let id = digest(&config);
    let (config_path, layer_path) = (format!("{id}.json"), format!("{layer_digest}/layer.tar"));
    let manifest = [Manifest { config: &config_path, repo_tags: [&image.name], layers: [&layer_path] }];
    let manifest = serde_json::to_vec(&manifest)?;

    let mut archive = Builder::new(Vec::new());
    folder(&mut archive, &layer_digest)?;
    file(&mut archive, &layer_path, 0o644, &layer)?;
    file(&mut archive, &config_path, 0o644, &config)?;
    file(&mut archive, "manifest.json", 0o644, &manifest)?;
    Ok(Archive { bytes: archive.into_inner()?, id: format!("sha256:{id}"), content, architecture })
}

/// The program in its folders.
fn layer(image: &Image) -> io::Result<Vec<u8>> {
    let mut layer = Builder::new(Vec::new());
    for (at, _) in image.path.match_indices('/') {
        folder(&mut layer, &image.path[..at])?;
    }
    file(&mut layer, &image.path, 0o555, &image.program)?;
    layer.into_inner()
}

fn folder(archive: &mut Builder<Vec<u8>>, path: &str) -> io::Result<()> {
    let mut header = header(EntryType::Directory, 0o755, 0);
    archive.append_data(&mut header, format!("{path}/"), io::empty())
}

fn file(archive: &mut Builder<Vec<u8>>, path: &str, mode: u32, bytes: &[u8]) -> io::Result<()> {
    let mut header = header(EntryType::Regular, mode, bytes.len() as u64);
    archive.append_data(&mut header, path, bytes)
}

/// Nobody's, of no time: the same everywhere.
fn header(kind: EntryType, mode: u32, size: u64) -> Header {
    let mut header = Header::new_ustar();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_size(size);
    header.set_mtime(0);
    header.set_uid(0);
    header.set_gid(0);
    header
}

fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
