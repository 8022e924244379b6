//! What can go wrong with a download, and what to do about it.

use std::io;
use std::path::PathBuf;

use super::HTTPS_BUILD;
use crate::Sha256Sum;

/// Why a file is not there.
#[derive(Debug, thiserror::Error)]
pub enum DownloadError {
    /// The network may not be asked.
    #[error("{url} is not in the cache, and --offline forbids to download it")]
    Offline {
        /// The address.
        url: String,
    },
    /// Nobody has written down what it has to be.
    #[error(
        "{name} has no known sha256, so it is not downloaded: `{HTTPS_BUILD} pins update` fills in {place}.sha256"
    )]
    NoHash {
        /// What it is.
        name: String,
        /// Where its pin stands.
        place: String,
    },
    /// This program was built without TLS.
    #[error(
        "{url} cannot be asked: this build speaks http:// only, as TLS takes long to compile. With it: \
         `{HTTPS_BUILD} …` and the rest of this command"
    )]
    NeedsHttps {
        /// The address.
        url: String,
    },
    /// The server does not give it.
    #[error("{url} answered {status}{}", reason(*.status))]
    Status {
        /// The address.
        url: String,
        /// The server's answer.
        status: u16,
    },
    /// It could not be reached, or not to the end.
    #[error("failed to download {url}, tried {tries} times: {reason}")]
    Network {
        /// The address.
        url: String,
        /// What happened the last time.
        reason: String,
        /// How often.
        tries: u32,
    },
    /// It was not asked, to save the time.
    #[error("{url} was not asked, as {host} did not answer before")]
    HostSilent {
        /// The address.
        url: String,
        /// Its host.
        host: String,
    },
    /// It is something else.
    #[error(
        "{url} is not what was pinned, so it was removed and nothing was run: its sha256 is {found}, and has to be {expected}"
    )]
    Mismatch {
        /// The address.
        url: String,
        /// What it has to be.
        expected: Sha256Sum,
        /// What it is.
        found: Sha256Sum,
    },
    /// It could not be written.
    #[error("failed to write {}: {error}{}", .path.display(), remedy(.error))]
    Disk {
        /// Where to.
        path: PathBuf,
        /// The system's reason.
        error: io::Error,
    },
}

fn reason(status: u16) -> &'static str {
    match status {
        404 | 410 => ": there is no such file (any more)",
        401 | 403 => ": it is not for everybody, or a proxy refuses it",
        429 => ": too many requests, try again later",
        _ => "",
    }
}

fn remedy(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            ". Free some space; what is there already is gone on with"
        }
        _ => "",
    }
}
