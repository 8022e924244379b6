//! Files that are put into containers.

use std::collections::BTreeMap;
use std::io;

use bollard::query_parameters::{ContainerArchiveInfoOptionsBuilder, UploadToContainerOptionsBuilder};
use tar::{Builder, EntryType, Header};

use super::Engine;
use super::errors::{Fault, failed, told};
use super::spec::{ContainerFile, check_files, check_name};

impl Engine {
    /// Puts files into a container, running or not, in place of those that are there.
    ///
    /// # Errors
    /// When the container is not there, or nothing can be written at that place.
    pub async fn put_files(&self, name: &str, files: &[ContainerFile]) -> anyhow::Result<()> {
        check_name("container", name)?;
        check_files(name, files)?;
        self.write_files(name, files).await
    }

    pub(super) async fn write_files(&self, name: &str, files: &[ContainerFile]) -> anyhow::Result<()> {
        let mut by_folder: BTreeMap<&str, Vec<&ContainerFile>> = BTreeMap::new();
        for file in files {
            by_folder.entry(parent(&file.path)).or_default().push(file);
        }
        for (folder, files) in by_folder {
            let existing = self.existing_ancestor(name, folder).await?;
            let archive = archive(existing, folder, &files).map_err(|error| {
                anyhow::anyhow!("failed to pack files for {folder} of the container {name}: {error}")
            })?;
            let options = UploadToContainerOptionsBuilder::default().path(existing).build();
            let docker = self.docker().await?;
            let put =
                docker.upload_to_container(name, Some(options), bollard::body_full(archive.into())).await;
            put.map_err(|error| match Fault::of(&error) {
                Fault::ReadOnly => {
                    told(format!("nothing can be written into {existing} of the container {name}"), &error)
                }
                _ => failed(&format!("put files into {folder} of the container {name}"), &error),
            })?;
        }
        Ok(())
    }

    /// The nearest folder that is there. One that exists is not in an archive: it would get that archive's permissions.
    async fn existing_ancestor<'a>(&self, name: &str, folder: &'a str) -> anyhow::Result<&'a str> {
        let mut folder = folder;
        while folder != "/" {
            let options = ContainerArchiveInfoOptionsBuilder::default().path(folder).build();
            match self.docker().await?.get_container_archive_info(name, Some(options)).await {
                Ok(_) => break,
                // The request has no body to say more.
                Err(bollard::errors::Error::DockerResponseServerError { status_code: 404, .. }) => {
                    folder = parent(folder);
                }
                Err(error) => {
                    return Err(failed(&format!("look at {folder} of the container {name}"), &error));
                }
            }
        }
        Ok(folder)
    }
}

/// The folder of a path from the root on.
fn parent(path: &str) -> &str {
    match path.rfind('/') {
        None | Some(0) => "/",
        Some(at) => &path[..at],
    }
}

/// Files of one folder, and the folders that are missing on the way there from one that exists.
fn archive(existing: &str, folder: &str, files: &[&ContainerFile]) -> io::Result<Vec<u8>> {
    let below = |path: &str| path[existing.len()..].trim_start_matches('/').to_owned();
    let mut archive = Builder::new(Vec::new());
    let missing = below(folder);
    let ends =
        missing.match_indices('/').map(|(at, _)| at).chain((!missing.is_empty()).then_some(missing.len()));
    for end in ends {
        let mut header = header(EntryType::Directory, 0o755, 0, 0, 0);
        archive.append_data(&mut header, format!("{}/", &missing[..end]), io::empty())?;
    }
    for file in files {
        let mut header =
            header(EntryType::Regular, file.mode, file.uid, file.gid, file.contents.len() as u64);
        archive.append_data(&mut header, below(&file.path), file.contents.as_slice())?;
    }
    archive.into_inner()
}

fn header(kind: EntryType, mode: u32, uid: u64, gid: u64, size: u64) -> Header {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_uid(uid);
    header.set_gid(gid);
    header.set_size(size);
    header.set_mtime(0);
    header
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packed(existing: &str, paths: &[&str]) -> Vec<(String, u32, u64)> {
        let file = |path: &&str| ContainerFile {
            path: (*path).to_owned(),
            mode: 0o400,
            uid: 10_001,
            gid: 10_001,
            contents: b"x".to_vec(),
        };
        let files: Vec<ContainerFile> = paths.iter().map(file).collect();
        let bytes = archive(existing, parent(paths[0]), &files.iter().collect::<Vec<_>>()).unwrap();
        let mut archive = tar::Archive::new(bytes.as_slice());
        let entries = archive.entries().unwrap().map(|entry| {
            let entry = entry.unwrap();
            let header = entry.header();
            (entry.path().unwrap().display().to_string(), header.mode().unwrap(), header.uid().unwrap())
        });
        entries.collect()
    }

    #[test]
    fn an_archive_has_the_folders_that_are_missing_and_no_others() {
        let file = |path: &str| (path.to_owned(), 0o400, 10_001);
        let folder = |path: &str| (path.to_owned(), 0o755, 0);
        assert_eq!(packed("/", &["/a"]), [file("a")]);
        assert_eq!(packed("/etc", &["/etc/a", "/etc/b"]), [file("a"), file("b")]);
        assert_eq!(packed("/", &["/etc/x/a"]), [folder("etc/"), folder("etc/x/"), file("etc/x/a")]);
        assert_eq!(packed("/etc", &["/etc/x/a"]), [folder("x/"), file("x/a")]);
    }

    #[test]
    fn the_parent_of_a_path_is_found_up_to_the_root() {
        for (path, expected) in [("/a/b/c", "/a/b"), ("/a/b", "/a"), ("/a", "/"), ("/", "/")] {
            assert_eq!(parent(path), expected);
        }
    }
}
