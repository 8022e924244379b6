//! Where measurements are sent: the address and the headers.

use std::io;
use std::path::{Path, PathBuf};

use ureq::http::uri::Authority;
use ureq::http::{HeaderName, HeaderValue, Uri};

/// Where exporters send metrics, below the address that people configure.
const METRICS_PATH: &str = "/v1/metrics";

/// Headers that say how the body is written, who sends it and over which connection. So do all that begin with
/// [`OF_CONTENT`].
const OURS: [&str; 9] = [
    "connection",
    "expect",
    "host",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
];
const OF_CONTENT: &str = "content-";

/// An OTLP/HTTP backend. Its headers may be secrets: they are never shown.
#[derive(Clone, Debug)]
pub struct Target {
    url: Uri,
    headers: Vec<(HeaderName, HeaderValue)>,
}

/// Why a backend cannot have this address. The address is not repeated: it may have a password in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EndpointError {
    /// Something else.
    #[error("not a URL, such as http://127.0.0.1:4318")]
    NotAUrl,
    /// Another protocol, or none.
    #[error("the URL must begin with http:// or https://")]
    Scheme,
    /// No host.
    #[error("the URL has no host")]
    NoHost,
    /// An odd port.
    #[error("the URL's port is no number up to 65535")]
    Port,
    /// A user.
    #[error("no user and password in the URL: give `--otlp-header 'authorization=Basic …'`")]
    Password,
    /// A query or a fragment.
    #[error("the URL may have nothing behind its path")]
    BehindPath,
    /// This program was built without TLS.
    #[error("this build speaks http:// only, as TLS takes long to compile")]
    NeedsHttps,
}

/// Why a header cannot be sent. It is told without the value, and without the text when it may be nothing but that.
#[derive(Debug, thiserror::Error)]
pub enum HeaderError {
    /// Without the sign.
    #[error("a header is written NAME=VALUE")]
    NoValue,
    /// Characters that no name has.
    #[error("what stands before the = is no header's name")]
    Name,
    /// It says how requests are written.
    #[error("{0} is set by the exporter")]
    Ours(String),
    /// Characters that no value has.
    #[error("the value of {0} has characters that no header may have")]
    Value(String),
    /// A line of a file is no header.
    #[error("{}:{line}: {error}", path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// Which line, from 1 on.
        line: usize,
        /// What is wrong with it.
        error: Box<Self>,
    },
    /// A file cannot be read.
    #[error("failed to read {}: {error}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
}

impl Target {
    /// The backend at an address, which is a base, as in `OTEL_EXPORTER_OTLP_ENDPOINT`: `/v1/metrics` is appended, unless
    /// it ends so already.
    ///
    /// # Errors
    /// When it cannot be an address of a backend.
    pub fn new(endpoint: &str) -> Result<Self, EndpointError> {
        let url = metrics_url(endpoint)?;
        if url.scheme_str() == Some("https") && cfg!(not(feature = "https")) {
            return Err(EndpointError::NeedsHttps);
        }
        Ok(Self { url, headers: Vec::new() })
    }

    /// It with another header: `NAME=VALUE`, or `@FILE` for a file with one on each line.
    ///
    /// # Errors
    /// When it cannot be sent, or the file cannot be read.
    pub fn with_header(mut self, given: &str) -> Result<Self, HeaderError> {
        match given.strip_prefix('@') {
            Some(path) => self.add_file(Path::new(path))?,
            None => self.add(given)?,
        }
        Ok(self)
    }

    /// Where requests go.
    pub fn url(&self) -> &Uri {
        &self.url
    }

    /// The headers that were given.
    pub(crate) fn headers(&self) -> &[(HeaderName, HeaderValue)] {
        &self.headers
    }

    /// Each header in a form that is the same for the same header: nothing to be shown.
    pub fn texts(&self) -> impl Iterator<Item = Vec<u8>> {
        self.headers.iter().map(|(name, value)| [name.as_str().as_bytes(), b"=", value.as_bytes()].concat())
    }

    /// The names of the headers, for people: the values are nobody's business.
    pub fn header_names(&self) -> Vec<&str> {
        self.headers.iter().map(|(name, _)| name.as_str()).collect()
    }

    /// Whether it is on this machine, so that no proxy leads there.
    pub fn is_local(&self) -> bool {
        let host = self.url.host().unwrap_or_default();
        let address = host.trim_start_matches('[').trim_end_matches(']').parse::<std::net::IpAddr>();
        host == "localhost" || address.is_ok_and(|address| address.is_loopback())
    }

    fn add_file(&mut self, path: &Path) -> Result<(), HeaderError> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| HeaderError::Unreadable { path: path.to_owned(), error })?;
        let lines = text.lines().map(str::trim).enumerate();
        for (at, line) in lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#')) {
            let place =
                |error| HeaderError::Line { path: path.to_owned(), line: at + 1, error: Box::new(error) };
            self.add(line).map_err(place)?;
        }
        Ok(())
    }

    fn add(&mut self, text: &str) -> Result<(), HeaderError> {
        let (name, value) = text.split_once('=').ok_or(HeaderError::NoValue)?;
        let name = name.trim();
        let header = HeaderName::from_bytes(name.as_bytes()).map_err(|_| HeaderError::Name)?;
        if OURS.contains(&header.as_str()) || header.as_str().starts_with(OF_CONTENT) {
            return Err(HeaderError::Ours(name.to_owned()));
        }
        let mut value =
            HeaderValue::from_str(value.trim()).map_err(|_| HeaderError::Value(name.to_owned()))?;
        value.set_sensitive(true);
        self.headers.push((header, value));
        Ok(())
    }
}

fn metrics_url(endpoint: &str) -> Result<Uri, EndpointError> {
    let uri: Uri = endpoint.parse().map_err(|_| EndpointError::NotAUrl)?;
    if !matches!(uri.scheme_str(), Some("http" | "https")) {
        return Err(EndpointError::Scheme);
    }
    if uri.authority().is_none_or(|authority: &Authority| authority.host().is_empty()) {
        return Err(EndpointError::NoHost);
    }
    let is_odd = |authority: &Authority| {
        let port = authority.as_str().strip_prefix(authority.host()).unwrap_or_default();
        !port.is_empty() && authority.port_u16().is_none()
    };
    if uri.authority().is_some_and(|authority| !authority.as_str().contains('@') && is_odd(authority)) {
        return Err(EndpointError::Port);
    }
    if uri.authority().is_some_and(|authority| authority.as_str().contains('@')) {
        return Err(EndpointError::Password);
    }
    if uri.query().is_some() || endpoint.contains('#') {
        return Err(EndpointError::BehindPath);
    }
    let base = endpoint.trim_end_matches('/');
    let url = if base.ends_with(METRICS_PATH) { base.to_owned() } else { format!("{base}{METRICS_PATH}") };
    url.parse().map_err(|_| EndpointError::NotAUrl)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(header: &str) -> String {
        Target::new("http://host").unwrap().with_header(header).unwrap_err().to_string()
    }

    #[test]
    fn the_endpoint_is_a_base_unless_it_is_a_metrics_path_already() {
        for (endpoint, url) in [
            ("http://127.0.0.1:4318", "http://127.0.0.1:4318/v1/metrics"),
            ("http://127.0.0.1:4318/", "http://127.0.0.1:4318/v1/metrics"),
            ("http://127.0.0.1:9090/api/v1/otlp", "http://127.0.0.1:9090/api/v1/otlp/v1/metrics"),
            ("http://127.0.0.1:9090/api/v1/otlp/", "http://127.0.0.1:9090/api/v1/otlp/v1/metrics"),
            ("http://127.0.0.1:9090/api/v1/otlp/v1/metrics", "http://127.0.0.1:9090/api/v1/otlp/v1/metrics"),
            ("http://mimir/v1/metrics/", "http://mimir/v1/metrics"),
            ("http://[::1]:4318", "http://[::1]:4318/v1/metrics"),
        ] {
            assert_eq!(Target::new(endpoint).unwrap().url().to_string(), url, "{endpoint}");
        }
    }

    #[test]
    fn an_address_that_cannot_be_is_refused_and_a_password_is_not_repeated() {
        for (endpoint, part) in [
            ("127.0.0.1:4318", "http://"),
            ("localhost", "http://"),
            ("grpc://127.0.0.1:4317", "http://"),
            ("http://", "not a URL"),
            ("http://host:99999", "port"),
            ("http://user:secret@host", "authorization"),
            ("http://host/v1/metrics?token=secret", "behind its path"),
            ("http://host/#secret", "behind its path"),
        ] {
            let refusal = Target::new(endpoint).unwrap_err().to_string();
            assert!(refusal.contains(part), "{endpoint}: {refusal}");
            assert!(!refusal.contains("secret"), "{refusal}");
        }
    }

    #[test]
    fn https_is_for_builds_with_tls() {
        let target = Target::new("https://otlp.example/otlp").map(|target| target.url().to_string());
        match cfg!(feature = "https") {
            true => assert_eq!(target.unwrap(), "https://otlp.example/otlp/v1/metrics"),
            false => assert_eq!(target, Err(EndpointError::NeedsHttps)),
        }
    }

    #[test]
    fn headers_come_from_the_command_line_and_from_files() {
        let file = std::env::temp_dir().join(format!("kubernetes-mixin-otel-{}-headers", std::process::id()));
        std::fs::write(&file, "# of the staging tenant\n\nauthorization = Bearer a=b\n").unwrap();
        let given = format!("@{}", file.display());
        let target = Target::new("http://host").unwrap().with_header("X-Scope-OrgID=dev").unwrap();
        let target = target.with_header(&given).unwrap();
        std::fs::write(&file, "x-a=b\nsecret\n").unwrap();
        let broken = refusal(&given);
        std::fs::remove_file(&file).unwrap();
        let values: Vec<&str> = target.headers().iter().map(|(_, value)| value.to_str().unwrap()).collect();
        assert_eq!(
            (target.header_names(), values),
            (vec!["x-scope-orgid", "authorization"], vec!["dev", "Bearer a=b"])
        );
        assert!(!format!("{target:?}").contains("Bearer"), "{target:?}");
        assert!(broken.contains("-headers:2: a header is written NAME=VALUE"), "{broken}");
        assert!(refusal(&given).contains("failed to read"));
    }

    #[test]
    fn what_is_wrong_with_a_header_is_told_without_its_value() {
        for (header, part) in [
            ("secret", "NAME=VALUE"),
            ("a b=secret", "no header's name"),
            ("x=sec\nret", "the value of x"),
            ("Content-Type=secret", "Content-Type is set by the exporter"),
            ("content-language=secret", "content-language is set by the exporter"),
            ("Host=secret", "Host is set by the exporter"),
            ("Connection=secret", "set by the exporter"),
            ("Transfer-Encoding=secret", "set by the exporter"),
            ("User-Agent=secret", "set by the exporter"),
        ] {
            let refusal = refusal(header);
            assert!(refusal.contains(part), "{refusal}");
            assert!(!refusal.contains("sec\n") && !refusal.contains("secret"), "{refusal}");
        }
    }

    #[test]
    fn this_machine_is_reached_without_a_proxy() {
        for (endpoint, local) in [
            ("http://localhost:4318", true),
            ("http://127.1.2.3", true),
            ("http://[::1]:4318", true),
            ("http://10.0.0.1", false),
            ("http://localhost.example", false),
        ] {
            assert_eq!(Target::new(endpoint).unwrap().is_local(), local, "{endpoint}");
        }
    }
}
