//! Where a Prometheus is, and what it wants to see before it answers.

use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::Args;
use ureq::http::{HeaderName, HeaderValue, Uri, header};

use crate::ui::Usage;

/// Which server is asked, and how. Secrets come from files: arguments are seen by everybody on the machine.
#[derive(Args, Clone, Debug, Default)]
pub(in super::super) struct ServerArguments {
    /// Ask this server, which answers as Prometheus does, instead of an environment in memory
    #[arg(long, value_name = "URL", conflicts_with_all = ["static_only", "self_test"])]
    pub(super) prometheus: Option<String>,

    /// A file with the token for "Authorization: Bearer"
    #[arg(long, value_name = "FILE", requires = "prometheus", conflicts_with = "basic_auth_file")]
    bearer_token_file: Option<PathBuf>,

    /// A file with USER:PASSWORD for "Authorization: Basic"
    #[arg(long, value_name = "FILE", requires = "prometheus")]
    basic_auth_file: Option<PathBuf>,

    /// A header for the server, for example 'X-Scope-OrgID: team-a'. Can be given several times.
    #[arg(long = "header", value_name = "NAME: VALUE", requires = "prometheus")]
    headers: Vec<String>,
}

/// An address and the headers for it, which are never shown.
#[derive(Debug)]
pub(super) struct Access {
    /// The address without a slash at its end.
    pub(super) base: String,
    /// What every request carries.
    pub(super) headers: Vec<(HeaderName, HeaderValue)>,
    /// Whether it is on this machine, so that no proxy leads there.
    pub(super) local: bool,
}

impl ServerArguments {
    /// Whether there is anything to read.
    pub(in super::super) fn is_given(&self) -> bool {
        self.prometheus.is_some()
    }

    /// Reads the address and the files.
    pub(super) fn access(&self) -> anyhow::Result<Option<Access>> {
        let Some(url) = &self.prometheus else { return Ok(None) };
        let (base, local) = base(url).map_err(|what| Usage(format!("--prometheus: {what}")))?;
        let mut headers = Vec::new();
        for text in &self.headers {
            headers.push(header_of(text).map_err(|what| Usage(format!("--header: {what}")))?);
        }
        let secret = |flag: &str, path: &Path| -> anyhow::Result<String> {
            let text = fs::read_to_string(path)
                .map_err(|error| Usage(format!("{flag}: cannot read {}: {error}", path.display())))?;
            let text = text.trim();
            if text.is_empty() {
                return Err(Usage(format!("{flag}: {} is empty", path.display())).into());
            }
            Ok(text.to_owned())
        };
        let mut authorization = None;
        if let Some(path) = &self.bearer_token_file {
            authorization = Some(format!("Bearer {}", secret("--bearer-token-file", path)?));
        }
        if let Some(path) = &self.basic_auth_file {
            let pair = secret("--basic-auth-file", path)?;
            if !pair.contains(':') {
                return Err(
                    Usage(format!("--basic-auth-file: {} is not USER:PASSWORD", path.display())).into()
                );
            }
            authorization = Some(format!("Basic {}", STANDARD.encode(pair)));
        }
        if let Some(text) = authorization {
            let mut value = HeaderValue::from_str(&text)
                .map_err(|_| Usage("the secret has characters that no header may have".to_owned()))?;
            value.set_sensitive(true);
            headers.push((header::AUTHORIZATION, value));
        }
        Ok(Some(Access { base, headers, local }))
    }
}

/// The address, and whether it is on this machine. What is wrong is told without the text: it may hold a password.
fn base(url: &str) -> Result<(String, bool), String> {
    let uri: Uri = url.parse().map_err(|_| "not a URL, such as http://127.0.0.1:9090".to_owned())?;
    match uri.scheme_str() {
        Some("http") => {}
        Some("https") if cfg!(feature = "https") => {}
        Some("https") => {
            return Err(
                "this build speaks http:// only, as TLS takes long to compile. With it: `cargo run --quiet --package \
                 xtask --features https -- check-dashboards …`"
                    .to_owned(),
            );
        }
        _ => return Err("the URL must begin with http:// or https://".to_owned()),
    }
    let Some(authority) = uri.authority().filter(|authority| !authority.host().is_empty()) else {
        return Err("the URL has no host".to_owned());
    };
    if authority.as_str().contains('@') {
        return Err("no user and password in the URL: give them with --basic-auth-file".to_owned());
    }
    if uri.query().is_some() || url.contains('#') {
        return Err("the URL may have nothing behind its path".to_owned());
    }
    let host = authority.host().trim_start_matches('[').trim_end_matches(']');
    let local =
        host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
    // People copy the address with or without what the API adds to it.
    let base = url.trim_end_matches('/').trim_end_matches("/api/v1").trim_end_matches('/');
    Ok((base.to_owned(), local))
}

/// `NAME: VALUE` or `NAME=VALUE`. What is wrong is told without the value.
fn header_of(text: &str) -> Result<(HeaderName, HeaderValue), String> {
    let at = text.find([':', '=']).ok_or("a header is written 'NAME: VALUE'")?;
    let (name, value) = (text[..at].trim(), text[at + 1..].trim());
    let header = HeaderName::from_bytes(name.as_bytes())
        .map_err(|_| "what stands before the value is no header's name".to_owned())?;
    let of_connection = ["host", "connection", "content-length", "content-type", "transfer-encoding"];
    if of_connection.contains(&header.as_str()) {
        return Err(format!("{name} is set by the client"));
    }
    let mut value = HeaderValue::from_str(value)
        .map_err(|_| format!("the value of {name} has characters that no header may have"))?;
    value.set_sensitive(true);
    Ok((header, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_and_others_refused_without_showing_them() {
        assert_eq!(base("http://localhost:9090/"), Ok(("http://localhost:9090".to_owned(), true)));
        assert_eq!(base("http://mimir/prometheus/api/v1"), Ok(("http://mimir/prometheus".to_owned(), false)));
        for url in ["", "localhost:9090", "ftp://a", "http://", "http://me:secret@a", "http://a?token=secret"]
        {
            let refusal = base(url).unwrap_err();
            assert!(!refusal.contains("secret"), "{refusal}");
        }
    }

    #[test]
    fn headers_have_a_name_and_a_value_that_is_not_shown() {
        let (name, value) = header_of("X-Scope-OrgID: team-a").unwrap();
        assert_eq!((name.as_str(), value.to_str().unwrap()), ("x-scope-orgid", "team-a"));
        assert_eq!(format!("{value:?}"), "Sensitive");
        for text in ["", "secret", "a b: secret", "host: secret", "a: sec\nret"] {
            let refusal = header_of(text).unwrap_err();
            assert!(!refusal.contains("sec"), "{refusal}");
        }
    }

    #[test]
    fn secrets_come_from_files() {
        let folder = std::env::temp_dir().join(format!("check-dashboards-access-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let file = folder.join("secret");
        let arguments = ServerArguments {
            prometheus: Some("http://localhost".to_owned()),
            basic_auth_file: Some(file.clone()),
            ..ServerArguments::default()
        };
        for (text, refused) in [("me:pass\n", false), ("mepass", true), ("", true)] {
            fs::write(&file, text).unwrap();
            let access = arguments.access();
            assert_eq!(access.is_err(), refused, "{text:?}");
            if let Err(error) = access {
                assert!(!error.to_string().contains("pass\n") && !error.to_string().contains("mepass"));
            }
        }
        fs::remove_dir_all(&folder).unwrap();
        assert!(arguments.access().unwrap_err().to_string().contains("cannot read"));
    }
}
