//! Programs that come packed.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use flate2::read::GzDecoder;

/// A program that unpacks to more than this is none of ours.
const MOST_BYTES: u64 = 1 << 30;

/// Why a program could not be taken out of its archive.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// The archive holds other things.
    #[error("there is no {0} in the archive")]
    Absent(String),
    /// Of a form that we do not read.
    #[error("archives of the form {0} cannot be unpacked here")]
    Form(String),
    /// It is broken, or what is in it could not be written.
    #[error("{0}")]
    Io(#[from] io::Error),
}

/// Writes one member of an archive. The form is told by the end of `address`. Nothing else is unpacked, and no name in the
/// archive becomes a path.
pub(crate) fn unpack(
    archive: &Path,
    address: &str,
    member: &str,
    to: &mut impl Write,
) -> Result<(), ArchiveError> {
    if !address.ends_with(".tar.gz") && !address.ends_with(".tgz") {
        let form = address.rsplit(['/', '.']).next().unwrap_or_default();
        return Err(ArchiveError::Form(form.to_owned()));
    }
    let mut tar = tar::Archive::new(GzDecoder::new(File::open(archive)?));
    for entry in tar.entries()? {
        let mut entry = entry?;
        if entry.header().entry_type().is_file() && entry.path_bytes().as_ref() == member.as_bytes() {
            let size = entry.size();
            let written = io::copy(&mut io::Read::take(&mut entry, MOST_BYTES), to)?;
            return if written == size {
                Ok(())
            } else {
                Err(io::Error::new(io::ErrorKind::InvalidData, "the archive ends too early, or is too large")
                    .into())
            };
        }
    }
    Err(ArchiveError::Absent(member.to_owned()))
}

#[cfg(test)]
pub(crate) mod tests {
    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    /// A `.tar.gz` with these files.
    pub(crate) fn tar_gz(files: &[(&str, &[u8])]) -> Vec<u8> {
        let mut tar = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
        for (path, bytes) in files {
            let mut header = tar::Header::new_gnu();
            header.set_size(bytes.len() as u64);
            header.set_mode(0o755);
            tar.append_data(&mut header, path, *bytes).unwrap();
        }
        tar.into_inner().unwrap().finish().unwrap()
    }

    fn unpacked(archive: &[u8], address: &str, member: &str) -> Result<Vec<u8>, ArchiveError> {
        let path = std::env::temp_dir().join(format!(
            "kubernetes-mixin-otel-archive-{}-{:?}",
            std::process::id(),
            std::thread::current().id()
        ));
        std::fs::write(&path, archive).unwrap();
        let mut bytes = Vec::new();
        let result = unpack(&path, address, member, &mut bytes);
        std::fs::remove_file(&path).unwrap();
        result.map(|()| bytes)
    }

    #[test]
    fn the_named_member_comes_out_and_nothing_else() {
        let archive = tar_gz(&[("linux-amd64/README.md", b"read"), ("linux-amd64/helm", b"program")]);
        assert_eq!(unpacked(&archive, "https://x/helm.tar.gz", "linux-amd64/helm").unwrap(), b"program");
        let absent = unpacked(&archive, "https://x/helm.tar.gz", "helm").unwrap_err();
        assert_eq!(absent.to_string(), "there is no helm in the archive");
    }

    #[test]
    fn broken_archives_and_other_forms_are_errors() {
        let archive = tar_gz(&[("a", &[7; 5000])]);
        for broken in [&archive[..archive.len() / 2], b"no archive at all", b""] {
            assert!(unpacked(broken, "a.tgz", "a").is_err());
        }
        let zip = unpacked(&archive, "https://x/helm.zip", "a").unwrap_err().to_string();
        assert_eq!(zip, "archives of the form zip cannot be unpacked here");
    }
}
