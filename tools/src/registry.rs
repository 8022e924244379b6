//! Image registries: what a tag stands for, and how much is pulled.

use std::io::Read as _;
use std::time::Duration;

use serde::Deserialize;
use ureq::Agent;
use ureq::http::{Response, header};

use crate::pins::ImageReference;
use crate::{DownloadError, ImageDigest, Sha256Sum, is_local, needs_https};

/// The forms of manifests: of one platform and of several, by Docker and by OCI.
const MANIFESTS: &str = "application/vnd.oci.image.index.v1+json, \
     application/vnd.docker.distribution.manifest.list.v2+json, application/vnd.oci.image.manifest.v1+json, \
     application/vnd.docker.distribution.manifest.v2+json";

/// A manifest is some kilobytes.
const MOST_BYTES: u64 = 8 << 20;

/// A registry answers in time, or is taken for gone.
const DEADLINE: Duration = Duration::from_secs(20);

/// What a registry knows about an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RemoteImage {
    /// Of the manifest that the tag stands for: the index, where there are several platforms.
    pub digest: ImageDigest,
    /// What is pulled for `linux-amd64`, compressed, if the registry tells.
    pub bytes: Option<u64>,
}

/// Why a registry told nothing.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// Nobody may be asked.
    #[error(transparent)]
    NotAsked(DownloadError),
    /// It has no such image, or does not give it to everybody.
    #[error("{registry} answered {status}: {hint}")]
    Refused {
        /// The registry.
        registry: String,
        /// Its answer.
        status: u16,
        /// What that means there.
        hint: &'static str,
    },
    /// It could not be reached.
    #[error("{registry} cannot be reached: {reason}")]
    Unreachable {
        /// The registry.
        registry: String,
        /// What happened.
        reason: String,
    },
    /// It answered something else.
    #[error("{registry} answered what is no manifest: {reason}")]
    Broken {
        /// The registry.
        registry: String,
        /// What is wrong.
        reason: String,
    },
}

/// Asks registries as anybody may, without an account.
pub struct Registries;

#[derive(Deserialize)]
struct Manifest {
    /// Of an index.
    #[serde(default)]
    manifests: Vec<Entry>,
    /// Of one platform.
    #[serde(default)]
    layers: Vec<Blob>,
    config: Option<Blob>,
}

#[derive(Deserialize)]
struct Entry {
    digest: ImageDigest,
    platform: Option<EntryPlatform>,
}

#[derive(Deserialize)]
struct EntryPlatform {
    os: String,
    architecture: String,
}

#[derive(Deserialize)]
struct Blob {
    size: u64,
}

impl Registries {
    /// The address of an image's registry. One on this machine has no TLS, as for Docker.
    pub fn address(image: &ImageReference) -> String {
        let host = image.registry_host();
        let scheme = if is_local(&format!("http://{host}/")) { "http" } else { "https" };
        format!("{scheme}://{host}")
    }

    /// What an image's tag stands for now.
    pub fn look(&self, image: &ImageReference) -> Result<RemoteImage, RegistryError> {
        let address = Self::address(image);
        if needs_https(&address) {
            return Err(RegistryError::NotAsked(DownloadError::NeedsHttps { url: address }));
        }
        let mut token = None;
        let body = self.manifest(image, image.tag(), &mut token)?;
        let manifest = parse(image, &body)?;
        let bytes = if manifest.manifests.is_empty() {
            size(&manifest)
        } else {
            let linux = manifest.manifests.iter().find(|entry| {
                entry.platform.as_ref().is_some_and(|of| of.os == "linux" && of.architecture == "amd64")
            });
            match linux {
                Some(entry) => {
                    let body = self.manifest(image, &entry.digest.to_string(), &mut token)?;
                    size(&parse(image, &body)?)
                }
                None => None,
            }
        };
        // Not what the registry says about it: what it is.
        Ok(RemoteImage { digest: ImageDigest(Sha256Sum::of(&body)), bytes })
    }

    fn manifest(
        &self,
        image: &ImageReference,
        reference: &str,
        token: &mut Option<String>,
    ) -> Result<Vec<u8>, RegistryError> {
        let url = format!("{}/v2/{}/manifests/{reference}", Self::address(image), image.repository());
        let mut answer = self.get(image, &url, Some(MANIFESTS), token.as_deref())?;
        if answer.status().as_u16() == 401 && token.is_none() {
            *token = self.token(image, &answer)?;
            answer = self.get(image, &url, Some(MANIFESTS), token.as_deref())?;
        }
        match answer.status().as_u16() {
            200 => read(image, answer),
            status => Err(RegistryError::Refused {
                registry: image.registry().to_owned(),
                status,
                hint: match status {
                    401 | 403 => "there is no such image, or it is not for everybody",
                    404 => "there is no such tag",
                    429 => "too many requests, try again later",
                    _ => "it is in trouble",
                },
            }),
        }
    }

    /// Gets the token that everybody may have, where the registry says.
    fn token(
        &self,
        image: &ImageReference,
        answer: &Response<ureq::Body>,
    ) -> Result<Option<String>, RegistryError> {
        #[derive(Deserialize)]
        struct Answer {
            #[serde(alias = "access_token")]
            token: Option<String>,
        }
        let challenge = answer.headers().get(header::WWW_AUTHENTICATE).and_then(|value| value.to_str().ok());
        let Some(url) = challenge.and_then(token_address) else { return Ok(None) };
        if needs_https(&url) {
            return Err(RegistryError::NotAsked(DownloadError::NeedsHttps { url }));
        }
        let body = read(image, self.get(image, &url, None, None)?)?;
        let answer: Answer = serde_json::from_slice(&body).map_err(|error| broken(image, &error))?;
        Ok(answer.token)
    }

    fn get(
        &self,
        image: &ImageReference,
        url: &str,
        accept: Option<&str>,
        token: Option<&str>,
    ) -> Result<Response<ureq::Body>, RegistryError> {
        let mut config = Agent::config_builder()
            .timeout_global(Some(DEADLINE))
            .http_status_as_error(false)
            .user_agent(concat!("kubernetes-mixin-otel/", env!("CARGO_PKG_VERSION")));
        if is_local(url) {
            config = config.proxy(None);
        }
        let mut request = config.build().new_agent().get(url);
        if let Some(accept) = accept {
            request = request.header(header::ACCEPT, accept);
        }
        if let Some(token) = token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        request.call().map_err(|error| RegistryError::Unreachable {
            registry: image.registry().to_owned(),
            reason: error.to_string(),
        })
    }
}

fn read(image: &ImageReference, answer: Response<ureq::Body>) -> Result<Vec<u8>, RegistryError> {
    let mut body = Vec::new();
    let read = answer.into_body().into_reader().take(MOST_BYTES).read_to_end(&mut body);
    read.map(|_| body).map_err(|error| broken(image, &error))
}

fn parse(image: &ImageReference, body: &[u8]) -> Result<Manifest, RegistryError> {
    serde_json::from_slice(body).map_err(|error| broken(image, &error))
}

fn broken(image: &ImageReference, error: &dyn std::fmt::Display) -> RegistryError {
    RegistryError::Broken { registry: image.registry().to_owned(), reason: error.to_string() }
}

fn size(manifest: &Manifest) -> Option<u64> {
    let blobs = manifest.layers.iter().chain(&manifest.config);
    (!manifest.layers.is_empty()).then(|| blobs.map(|blob| blob.size).sum())
}

/// The address of the token in `Bearer realm="https://auth…",service="…",scope="…"`.
fn token_address(challenge: &str) -> Option<String> {
    let parameters = challenge.strip_prefix("Bearer ")?;
    let value = |name: &str| {
        parameters.split(',').find_map(|parameter| {
            let (key, value) = parameter.trim().split_once('=')?;
            (key == name).then(|| value.trim_matches('"'))
        })
    };
    let mut query = form_urlencoded::Serializer::new(String::new());
    for name in ["service", "scope"] {
        if let Some(value) = value(name) {
            query.append_pair(name, value);
        }
    }
    Some(format!("{}?{}", value("realm")?, query.finish()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::{Server, respond};

    const INDEX: &str = r#"{"schemaVersion":2,"manifests":[
        {"digest":"sha256:1111111111111111111111111111111111111111111111111111111111111111","platform":{"os":"linux","architecture":"arm64"}},
        {"digest":"sha256:2222222222222222222222222222222222222222222222222222222222222222","platform":{"os":"linux","architecture":"amd64"}},
        {"digest":"sha256:3333333333333333333333333333333333333333333333333333333333333333"}]}"#;
    const OF_LINUX: &str =
        r#"{"schemaVersion":2,"config":{"size":1000},"layers":[{"size":70000000},{"size":30000000}]}"#;

    /// A registry that wants a token, as Docker Hub does.
    fn registry() -> Server {
        Server::start(|request, stream| {
            let host = request.header("host").unwrap_or_default().to_owned();
            let challenge = format!(
                "Bearer realm=\"http://{host}/token\",service=\"registry\",scope=\"repository:a/b:pull\""
            );
            match (request.path(), request.header("authorization")) {
                ("/token?service=registry&scope=repository%3Aa%2Fb%3Apull", _) => {
                    respond(stream, "200 OK", &[], br#"{"token":"for-everybody"}"#);
                }
                (_, None) => respond(stream, "401 Unauthorized", &[("WWW-Authenticate", &challenge)], b""),
                ("/v2/a/b/manifests/1.0", Some("Bearer for-everybody")) => {
                    assert!(request.header("accept").unwrap().contains("image.index"));
                    respond(stream, "200 OK", &[], INDEX.as_bytes());
                }
                (path, _) if path.ends_with(&"2".repeat(64)) => {
                    respond(stream, "200 OK", &[], OF_LINUX.as_bytes());
                }
                _ => respond(stream, "404 Not Found", &[], b""),
            }
        })
    }

    fn image(server: &Server, name: &str) -> ImageReference {
        format!("{}/{name}", server.url.trim_start_matches("http://")).parse().unwrap()
    }

    #[test]
    fn the_digest_is_that_of_what_the_tag_stands_for_and_the_size_that_of_linux() {
        let server = registry();
        let found = Registries.look(&image(&server, "a/b:1.0")).unwrap();
        assert_eq!(found.digest, ImageDigest(Sha256Sum::of(INDEX.as_bytes())));
        assert_eq!(found.bytes, Some(100_001_000));
        // The token is asked for once.
        assert_eq!(
            server.requests().iter().filter(|request| request.path().starts_with("/token")).count(),
            1
        );
    }

    #[test]
    fn an_image_of_one_platform_is_measured_too() {
        let server = Server::start(|_, stream| respond(stream, "200 OK", &[], OF_LINUX.as_bytes()));
        let found = Registries.look(&image(&server, "a:1")).unwrap();
        assert_eq!((found.digest.0, found.bytes), (Sha256Sum::of(OF_LINUX.as_bytes()), Some(100_001_000)));
    }

    #[test]
    fn what_is_not_there_not_reachable_or_no_registry_is_told_with_its_name() {
        let server = registry();
        let error = Registries.look(&image(&server, "a/b:2.0")).unwrap_err();
        assert!(matches!(error, RegistryError::Refused { status: 404, .. }), "{error}");
        let other = Server::start(|_, stream| respond(stream, "200 OK", &[], b"<html>"));
        let error = Registries.look(&image(&other, "a:1")).unwrap_err();
        assert!(matches!(error, RegistryError::Broken { .. }), "{error}");
        let error = Registries.look(&"127.0.0.1:1/a:1".parse().unwrap()).unwrap_err();
        assert!(error.to_string().starts_with("127.0.0.1:1 cannot be reached: "), "{error}");
        if cfg!(not(feature = "https")) {
            let error = Registries.look(&"grafana/otel-lgtm:1".parse().unwrap()).unwrap_err();
            assert!(error.to_string().contains("https://registry-1.docker.io"), "{error}");
        }
    }

    #[test]
    fn a_token_is_asked_for_where_the_challenge_says() {
        let challenge = r#"Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:grafana/otel-lgtm:pull""#;
        assert_eq!(
            token_address(challenge).unwrap(),
            "https://auth.docker.io/token?service=registry.docker.io&scope=repository%3Agrafana%2Fotel-lgtm%3Apull"
        );
        assert_eq!(token_address("Basic realm=\"x\""), None);
    }
}
