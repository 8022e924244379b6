//! Files from the network: checked, resumed, and never there by half.
//!
//! ```text
//! address ──► TARGET.part ──► hash right? ──► TARGET
//!              │ stays after a failure, and is gone on with     │ no: removed
//! ```

mod error;
mod http;
#[cfg(any(test, feature = "fakes"))]
#[allow(clippy::unwrap_used, reason = "fakes exist in tests only")]
pub mod server;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

pub use error::DownloadError;
use http::{Body, Failure};
pub use http::{HTTPS_BUILD, is_local, needs_https};

use crate::pins::PinnedFile;
use crate::{Hasher, Sha256Sum};

/// A file that is larger is none of ours.
const MOST_BYTES: u64 = 1 << 30;

/// How patient downloads are.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// To reach the server.
    pub connect: Duration,
    /// Between two pieces of the answer.
    pub silence: Duration,
    /// How often one is begun or gone on with.
    pub tries: u32,
    /// Before the second try; each further one waits twice as long.
    pub pause: Duration,
    /// For another process that downloads the same.
    pub other: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            silence: Duration::from_secs(30),
            tries: 4,
            pause: Duration::from_secs(1),
            other: Duration::from_secs(10 * 60),
        }
    }
}

/// Told how many bytes there are, and how many there will be.
pub type OnProgress<'a> = &'a mut dyn FnMut(u64, Option<u64>);

/// Gets files over HTTP.
pub struct Downloader {
    client: http::Client,
    offline: bool,
    patience: Patience,
    /// Hosts that did not answer: asking each of their files in turn would take minutes.
    silent: Mutex<BTreeSet<String>>,
}

impl Downloader {
    /// One that asks nobody when `offline`.
    pub fn new(offline: bool) -> Self {
        Self::with(offline, Patience::default())
    }

    /// One with another patience.
    pub fn with(offline: bool, patience: Patience) -> Self {
        Self { client: http::Client::new(patience), offline, patience, silent: Mutex::default() }
    }

    /// Downloads a file whose hash is known. What is at `target` afterwards has that hash; after a failure nothing is.
    pub fn save(
        &self,
        file: &PinnedFile,
        target: &Path,
        progress: OnProgress<'_>,
    ) -> Result<(), DownloadError> {
        let Some(expected) = file.sha256 else {
            return Err(DownloadError::NoHash { name: file.name(), place: file.place.join(".") });
        };
        if target.exists() {
            return Ok(());
        }
        self.may_ask(&file.url)?;
        let disk = |error| DownloadError::Disk { path: target.to_owned(), error };
        if let Some(folder) = target.parent() {
            std::fs::create_dir_all(folder).map_err(disk)?;
        }
        let _alone = self.lock(&with_ending(target, "lock")).map_err(disk)?;
        if target.exists() {
            // Another process was faster.
            return Ok(());
        }
        let mut part = Part::open(with_ending(target, "part")).map_err(disk)?;
        if part.hasher.clone().finish() == expected {
            return part.become_file(target).map_err(disk);
        }
        let resumed = part.length > 0;
        let mut found = self.fill(file, &mut part, progress)?;
        if found != expected && resumed {
            // What was left of an earlier run was perhaps not of this file.
            part.clear().map_err(disk)?;
            found = self.fill(file, &mut part, progress)?;
        }
        if found != expected {
            part.remove();
            return Err(DownloadError::Mismatch { url: file.url.clone(), expected, found });
        }
        part.become_file(target).map_err(disk)
    }

    /// The hash and the size of what is at an address. Nothing is kept.
    pub fn hash(&self, url: &str, progress: OnProgress<'_>) -> Result<(Sha256Sum, u64), DownloadError> {
        self.may_ask(url)?;
        self.persist(url, || {
            let Body { mut reader, total, .. } = self.client.get(url, 0)?;
            let (mut hasher, mut read) = (Hasher::default(), 0);
            copy(&mut reader, |piece| {
                hasher.update(piece);
                read += piece.len() as u64;
                progress(read, total);
                Ok(())
            })?;
            complete(read, total)?;
            Ok((hasher.finish(), read))
        })
    }

    /// Whether an address has something; its size, if the server tells.
    pub fn answers(&self, url: &str) -> Result<Option<u64>, DownloadError> {
        self.may_ask(url)?;
        self.persist(url, || self.client.head(url))
    }

    fn may_ask(&self, url: &str) -> Result<(), DownloadError> {
        if self.offline {
            return Err(DownloadError::Offline { url: url.to_owned() });
        }
        if needs_https(url) {
            return Err(DownloadError::NeedsHttps { url: url.to_owned() });
        }
        let host = host_of(url);
        if self.silent.lock().unwrap_or_else(PoisonError::into_inner).contains(&host) {
            return Err(DownloadError::HostSilent { url: url.to_owned(), host });
        }
        Ok(())
    }

    /// Gets what is missing of a file; returns the hash of all of it.
    fn fill(
        &self,
        file: &PinnedFile,
        part: &mut Part,
        progress: OnProgress<'_>,
    ) -> Result<Sha256Sum, DownloadError> {
        let path = part.path.clone();
        let disk = |error| Failure::Final(DownloadError::Disk { path: path.clone(), error });
        self.persist(&file.url, || {
            let body = match self.client.get(&file.url, part.length) {
                // There is nothing behind what we have, which is not the file: it is of something else.
                Err(Failure::NothingThere) => {
                    part.clear().map_err(disk)?;
                    self.client.get(&file.url, 0)?
                }
                answer => answer?,
            };
            if body.start != part.length {
                part.clear().map_err(disk)?;
            }
            let (mut reader, total) = (body.reader, body.total);
            copy(&mut reader, |piece| {
                part.append(piece).map_err(disk)?;
                progress(part.length, total);
                Ok(())
            })?;
            complete(part.length, total)
        })?;
        Ok(part.hasher.clone().finish())
    }

    /// Tries until it works, the failure is final, or the patience is over.
    fn persist<T>(
        &self,
        url: &str,
        mut attempt: impl FnMut() -> Result<T, Failure>,
    ) -> Result<T, DownloadError> {
        let mut pause = self.patience.pause;
        for left in (0..self.patience.tries).rev() {
            let (reason, reached) = match attempt() {
                Ok(value) => return Ok(value),
                Err(Failure::Final(error)) => return Err(error),
                Err(Failure::NothingThere) => break,
                Err(Failure::Passing(reason)) => (reason, true),
                Err(Failure::Unreached(reason)) => (reason, false),
            };
            if left == 0 {
                if !reached {
                    self.silent.lock().unwrap_or_else(PoisonError::into_inner).insert(host_of(url));
                }
                let tries = self.patience.tries;
                return Err(DownloadError::Network { url: url.to_owned(), reason, tries });
            }
            thread::sleep(pause);
            pause *= 2;
        }
        Err(DownloadError::Status { url: url.to_owned(), status: 416 })
    }

    /// Keeps other processes from downloading the same at the same time.
    fn lock(&self, path: &Path) -> io::Result<File> {
        let file = File::create(path)?;
        let end = Instant::now() + self.patience.other;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(file),
                Err(TryLockError::WouldBlock) if Instant::now() < end => {
                    thread::sleep(Duration::from_millis(50));
                }
                Err(TryLockError::WouldBlock) => {
                    return Err(io::Error::new(
                        io::ErrorKind::WouldBlock,
                        "another process downloads the same",
                    ));
                }
                // Some network file systems have no locks.
                Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => {
                    return Ok(file);
                }
                Err(TryLockError::Error(error)) => return Err(error),
            }
        }
    }
}

fn host_of(url: &str) -> String {
    let uri: Option<ureq::http::Uri> = url.parse().ok();
    uri.and_then(|uri| Some(uri.authority()?.to_string())).unwrap_or_default()
}

/// `k3d` with the ending `part`: `k3d.part`. An ending that it has stays.
fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(ending);
    PathBuf::from(name)
}

/// Reads to the end, piece by piece.
fn copy(
    reader: &mut dyn io::Read,
    mut take: impl FnMut(&[u8]) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut piece = vec![0; 64 << 10];
    let mut read = 0;
    loop {
        match reader.read(&mut piece) {
            Ok(0) => return Ok(()),
            Ok(length) => {
                read += length as u64;
                if read > MOST_BYTES {
                    return Err(Failure::Passing("it is too large".to_owned()));
                }
                take(&piece[..length])?;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(Failure::Passing(error.to_string())),
        }
    }
}

/// An answer that ends before the length that the server promised is cut off.
fn complete(length: u64, total: Option<u64>) -> Result<(), Failure> {
    match total {
        Some(total) if length < total => {
            Err(Failure::Passing(format!("the answer ended after {length} of {total} bytes")))
        }
        _ => Ok(()),
    }
}

/// A file that is not complete yet, with the hash of what is there.
struct Part {
    path: PathBuf,
    file: File,
    length: u64,
    hasher: Hasher,
}

impl Part {
    /// Goes on where an earlier run ended.
    fn open(path: PathBuf) -> io::Result<Self> {
        let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path)?;
        let (mut hasher, mut length) = (Hasher::default(), 0);
        let there = file.metadata()?.len();
        let mut piece = vec![0; 64 << 10];
        let mut reader = io::Read::take(&mut file, there);
        loop {
            match reader.read(&mut piece)? {
                0 => break,
                read => {
                    hasher.update(&piece[..read]);
                    length += read as u64;
                }
            }
        }
        Ok(Self { path, file, length, hasher })
    }

    fn append(&mut self, piece: &[u8]) -> io::Result<()> {
        self.file.write_all(piece)?;
        self.hasher.update(piece);
        self.length += piece.len() as u64;
        Ok(())
    }

    fn clear(&mut self) -> io::Result<()> {
        self.file.set_len(0)?;
        self.file.seek(SeekFrom::Start(0))?;
        (self.length, self.hasher) = (0, Hasher::default());
        Ok(())
    }

    fn remove(self) {
        drop(self.file);
        // What cannot be removed is found wanting the next time.
        let _ = std::fs::remove_file(&self.path);
    }

    fn become_file(self, target: &Path) -> io::Result<()> {
        self.file.sync_all()?;
        drop(self.file);
        std::fs::rename(&self.path, target)?;
        let _ = std::fs::remove_file(with_ending(target, "lock"));
        Ok(())
    }
}
