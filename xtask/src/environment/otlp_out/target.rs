//! Where measurements are sent: the address and the headers.

use std::path::Path;

use anyhow::Context as _;
use ureq::http::uri::Authority;
use ureq::http::{HeaderName, HeaderValue, Uri};

use crate::ui::Usage;

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
#[derive(Debug)]
pub(crate) struct Target {
    url: Uri,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl Target {
    /// Reads `--otlp-endpoint` and each `--otlp-header`.
    ///
    /// The endpoint is a base, as in `OTEL_EXPORTER_OTLP_ENDPOINT`: `/v1/metrics` is appended, unless it ends so already.
    /// A header is `NAME=VALUE`, or `@FILE` for a file with one on each line.
    pub(crate) fn new(endpoint: &str, headers: &[String]) -> anyhow::Result<Self> {
        let url = metrics_url(endpoint).map_err(|what| Usage(format!("--otlp-endpoint: {what}")))?;
        if url.scheme_str() == Some("https") && cfg!(not(feature = "https")) {
            return Err(Usage(
                "--otlp-endpoint: this build speaks http:// only, as TLS takes long to compile. With it: \
                 `cargo run --quiet --package xtask --features https -- kwok …`; or send to a collector nearby"
                    .to_owned(),
            )
            .into());
        }
        let mut target = Self { url, headers: Vec::new() };
        for given in headers {
            match given.strip_prefix('@') {
                Some(path) => target.add_file(Path::new(path))?,
                None => target.add(given).map_err(|what| Usage(format!("--otlp-header: {what}")))?,
            }
        }
        Ok(target)
    }

    /// Where requests go.
    pub(crate) fn url(&self) -> &Uri {
        &self.url
    }

    /// The user's headers.
    pub(crate) fn headers(&self) -> &[(HeaderName, HeaderValue)] {
        &self.headers
    }

    /// Each header in a form that is the same for the same header: nothing to be shown.
    pub(crate) fn texts(&self) -> impl Iterator<Item = Vec<u8>> {
        self.headers.iter().map(|(name, value)| [name.as_str().as_bytes(), b"=", value.as_bytes()].concat())
    }

    /// The names of the headers, for people: the values are nobody's business.
    pub(crate) fn header_names(&self) -> Vec<&str> {
        self.headers.iter().map(|(name, _)| name.as_str()).collect()
    }

    /// Whether it is on this machine, so that no proxy leads there.
    pub(crate) fn is_local(&self) -> bool {
        let host = self.url.host().unwrap_or_default();
        let address = host.trim_start_matches('[').trim_end_matches(']').parse::<std::net::IpAddr>();
        host == "localhost" || address.is_ok_and(|address| address.is_loopback())
    }

    fn add_file(&mut self, path: &Path) -> anyhow::Result<()> {
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("--otlp-header: failed to read {}", path.display()))?;
        let lines = text.lines().map(str::trim).enumerate();
        for (at, line) in lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#')) {
            self.add(line).map_err(|what| Usage(format!("{}:{}: {what}", path.display(), at + 1)))?;
        }
        Ok(())
    }

    /// Adds `NAME=VALUE`. What is wrong is told without the value, and without the text when it may be nothing but that.
    fn add(&mut self, text: &str) -> Result<(), String> {
        let (name, value) = text.split_once('=').ok_or("a header is written NAME=VALUE")?;
        let name = name.trim();
        let header = HeaderName::from_bytes(name.as_bytes())
            .map_err(|_| "what stands before the = is no header's name".to_owned())?;
        if OURS.contains(&header.as_str()) || header.as_str().starts_with(OF_CONTENT) {
            return Err(format!("{name} is set by the exporter"));
        }
        let mut value = HeaderValue::from_str(value.trim())
            .map_err(|_| format!("the value of {name} has characters that no header may have"))?;
        value.set_sensitive(true);
        self.headers.push((header, value));
        Ok(())
    }
}

fn metrics_url(endpoint: &str) -> Result<Uri, String> {
    // An address with a password in it is not repeated.
    let uri: Uri = endpoint.parse().map_err(|_| "not a URL, such as http://127.0.0.1:4318".to_owned())?;
    if !matches!(uri.scheme_str(), Some("http" | "https")) {
        return Err("the URL must begin with http:// or https://".to_owned());
    }
    if uri.authority().is_none_or(|authority: &Authority| authority.host().is_empty()) {
        return Err("the URL has no host".to_owned());
    }
    let is_odd = |authority: &Authority| {
        let port = authority.as_str().strip_prefix(authority.host()).unwrap_or_default();
        !port.is_empty() && authority.port_u16().is_none()
    };
    if uri.authority().is_some_and(|authority| !authority.as_str().contains('@') && is_odd(authority)) {
        return Err("the URL's port is no number up to 65535".to_owned());
    }
    if uri.authority().is_some_and(|authority| authority.as_str().contains('@')) {
        return Err(
            "no user and password in the URL: give `--otlp-header 'authorization=Basic …'`".to_owned()
        );
    }
    if uri.query().is_some() || endpoint.contains('#') {
        return Err("the URL may have nothing behind its path".to_owned());
    }
    let base = endpoint.trim_end_matches('/');
    let url = if base.ends_with(METRICS_PATH) { base.to_owned() } else { format!("{base}{METRICS_PATH}") };
    url.parse().map_err(|_| "not a URL, such as http://127.0.0.1:4318".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(endpoint: &str, headers: &[&str]) -> String {
        let headers: Vec<String> = headers.iter().map(|header| (*header).to_owned()).collect();
        format!("{:#}", Target::new(endpoint, &headers).unwrap_err())
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
            assert_eq!(Target::new(endpoint, &[]).unwrap().url().to_string(), url, "{endpoint}");
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
            let refusal = refusal(endpoint, &[]);
            assert!(refusal.contains("--otlp-endpoint") && refusal.contains(part), "{endpoint}: {refusal}");
            assert!(!refusal.contains("secret"), "{refusal}");
        }
    }

    #[test]
    #[cfg(not(feature = "https"))]
    fn without_tls_the_way_to_it_is_told() {
        let refusal = refusal("https://otlp.example/otlp", &[]);
        assert!(refusal.contains("--features https"), "{refusal}");
    }

    #[test]
    fn headers_come_from_the_command_line_and_from_files() {
        let file = std::env::temp_dir().join(format!("kubernetes-mixin-otel-{}-headers", std::process::id()));
        std::fs::write(&file, "# of the staging tenant\n\nauthorization = Bearer a=b\n").unwrap();
        let given = ["X-Scope-OrgID=dev".to_owned(), format!("@{}", file.display())];
        let target = Target::new("http://host", &given).unwrap();
        std::fs::write(&file, "x-a=b\nsecret\n").unwrap();
        let broken = refusal("http://host", &[&given[1]]);
        std::fs::remove_file(&file).unwrap();
        let values: Vec<&str> = target.headers().iter().map(|(_, value)| value.to_str().unwrap()).collect();
        assert_eq!(
            (target.header_names(), values),
            (vec!["x-scope-orgid", "authorization"], vec!["dev", "Bearer a=b"])
        );
        assert!(!format!("{target:?}").contains("Bearer"), "{target:?}");
        assert!(broken.contains("-headers:2: a header is written NAME=VALUE"), "{broken}");
        assert!(refusal("http://host", &[&given[1]]).contains("failed to read"));
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
            let refusal = refusal("http://host", &[header]);
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
            assert_eq!(Target::new(endpoint, &[]).unwrap().is_local(), local, "{endpoint}");
        }
    }
}
