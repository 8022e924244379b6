//! The requests behind downloads.

use std::io::Read;

use ureq::Agent;
use ureq::http::{Response, Uri, header};

use super::{DownloadError, Patience};

/// How this program is run with TLS.
pub const HTTPS_BUILD: &str = "cargo run --quiet --package xtask --features https --";

/// Release pages send one to their storage, which may send one further.
const MOST_REDIRECTS: u32 = 5;

/// Whether this build cannot ask an address.
pub fn needs_https(url: &str) -> bool {
    cfg!(not(feature = "https")) && url.starts_with("https://")
}

/// How an attempt failed.
pub(super) enum Failure {
    /// Nobody answered. Trying again may help.
    Unreached(String),
    /// Trying again may help.
    Passing(String),
    /// It will not.
    Final(DownloadError),
    /// There is nothing behind the bytes that we have.
    NothingThere,
}

/// An answer that is being read.
pub(super) struct Body {
    /// From which byte on.
    pub(super) start: u64,
    /// How long the whole file is, if the server tells.
    pub(super) total: Option<u64>,
    /// The bytes.
    pub(super) reader: Box<dyn Read>,
}

/// Whether an address is on this machine, where no proxy leads to.
pub fn is_local(url: &str) -> bool {
    let uri: Option<Uri> = url.parse().ok();
    let host = uri.as_ref().and_then(Uri::host).unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<std::net::IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

/// Asks servers. Proxies are taken from the environment, as everywhere.
pub(super) struct Client {
    patience: Patience,
}

impl Client {
    pub(super) fn new(patience: Patience) -> Self {
        Self { patience }
    }

    fn agent(&self, url: &str) -> Agent {
        let Patience { connect, silence, .. } = self.patience;
        let mut config = Agent::config_builder()
            .timeout_resolve(Some(connect))
            .timeout_connect(Some(connect))
            .timeout_recv_response(Some(silence))
            .timeout_per_read(Some(silence))
            .http_status_as_error(false)
            .max_redirects(MOST_REDIRECTS)
            // What begins with TLS is not led out of it.
            .https_only(url.starts_with("https://"))
            .user_agent(concat!("kubernetes-mixin-otel/", env!("CARGO_PKG_VERSION")));
        if is_local(url) {
            config = config.proxy(None);
        }
        config.build().new_agent()
    }

    /// Asks for a file, from a byte on if that is not 0. The server may give all of it nevertheless.
    pub(super) fn get(&self, url: &str, from: u64) -> Result<Body, Failure> {
        let mut request = self.agent(url).get(url);
        if from > 0 {
            request = request.header(header::RANGE, format!("bytes={from}-"));
        }
        let response = request.call().map_err(|error| unreached(&error))?;
        let length = number(&response, header::CONTENT_LENGTH);
        let (start, total) = match response.status().as_u16() {
            200 => (0, length),
            206 => match content_range(&response) {
                Some((start, total)) if start == from => (start, total),
                _ => {
                    return Err(Failure::Passing(
                        "the server gave another part than was asked for".to_owned(),
                    ));
                }
            },
            416 if from > 0 => return Err(Failure::NothingThere),
            status => return Err(refused(url, status)),
        };
        Ok(Body { start, total, reader: Box::new(response.into_body().into_reader()) })
    }

    /// Asks whether there is a file. Its size, if the server tells.
    pub(super) fn head(&self, url: &str) -> Result<Option<u64>, Failure> {
        let response = self.agent(url).head(url).call().map_err(|error| unreached(&error))?;
        match response.status().as_u16() {
            200 => Ok(number(&response, header::CONTENT_LENGTH)),
            status => Err(refused(url, status)),
        }
    }
}

fn refused(url: &str, status: u16) -> Failure {
    match status {
        408 | 429 | 500..=599 => Failure::Passing(format!("it answered {status}")),
        _ => Failure::Final(DownloadError::Status { url: url.to_owned(), status }),
    }
}

fn unreached(error: &ureq::Error) -> Failure {
    Failure::Unreached(error.to_string())
}

fn number<T>(response: &Response<T>, name: header::HeaderName) -> Option<u64> {
    response.headers().get(name)?.to_str().ok()?.trim().parse().ok()
}

/// `bytes 100-199/200`: the first byte, and how many there are in all.
fn content_range<T>(response: &Response<T>) -> Option<(u64, Option<u64>)> {
    let text = response.headers().get(header::CONTENT_RANGE)?.to_str().ok()?;
    let (range, total) = text.trim().strip_prefix("bytes ")?.split_once('/')?;
    Some((range.split_once('-')?.0.parse().ok()?, total.parse().ok()))
}
