//! One request, its answer, and what kind of trouble an answer is.
//!
//! The requests go through [`kube::Client`] (TLS, credentials, connections) but are written here: what is done about an answer
//! depends on its status and on `Retry-After`, which the typed interface does not hand on.

use std::error::Error as _;
use std::fmt;
use std::time::Duration;

use http::{Method, Request, StatusCode, header};
use kube::client::Body;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{Cluster, FIELD_MANAGER};

/// How long an answer may take.
const ANSWER: Duration = Duration::from_secs(30);
/// An API server that names a longer wait than this is asked earlier all the same.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(30);

/// How an answer is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// Whole objects.
    Whole,
    /// The metadata of one object.
    Metadata,
    /// The metadata of a list. A server that is asked for the other one of the two answers 406.
    MetadataList,
    /// The columns that `kubectl get` prints, which is little even for a great many objects.
    Table,
}

impl Form {
    fn accept(self) -> &'static str {
        match self {
            Form::Whole => "application/json",
            Form::Metadata => "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json",
            Form::MetadataList => {
                "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json"
            }
            Form::Table => "application/json;as=Table;g=meta.k8s.io;v=v1",
        }
    }
}

/// A request.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    method: Method,
    path: String,
    query: Vec<(&'static str, String)>,
    form: Form,
    /// Content type and text.
    body: Option<(&'static str, String)>,
}

impl Call {
    fn new(method: Method, path: impl Into<String>) -> Self {
        Self { method, path: path.into(), query: Vec::new(), form: Form::Whole, body: None }
    }

    pub(crate) fn get(path: impl Into<String>) -> Self {
        Self::new(Method::GET, path)
    }

    /// Server-side apply: `object` is all that we want to say about it, and wins over what others said.
    pub(crate) fn apply(path: impl Into<String>, object: &Value) -> Self {
        let call = Self::new(Method::PATCH, path)
            .query("fieldManager", FIELD_MANAGER)
            .query("force", "true")
            .query("fieldValidation", "Strict")
            .form(Form::Metadata);
        Self { body: Some(("application/apply-patch+yaml", object.to_string())), ..call }
    }

    /// A merge patch (RFC 7386): what stands in `change` is set, `null` takes away.
    pub(crate) fn merge(path: impl Into<String>, change: &Value, manager: &str) -> Self {
        let call = Self::new(Method::PATCH, path)
            .query("fieldManager", manager)
            .query("fieldValidation", "Strict")
            .form(Form::Metadata);
        Self { body: Some(("application/merge-patch+json", change.to_string())), ..call }
    }

    /// With everything that it owns, without waiting for that.
    pub(crate) fn delete(path: impl Into<String>) -> Self {
        Self::new(Method::DELETE, path).query("propagationPolicy", "Background")
    }

    pub(crate) fn query(mut self, key: &'static str, value: impl Into<String>) -> Self {
        self.query.push((key, value.into()));
        self
    }

    pub(crate) fn form(mut self, form: Form) -> Self {
        self.form = form;
        self
    }

    fn request(&self) -> Result<Request<Body>, http::Error> {
        let mut uri = self.path.clone();
        if !self.query.is_empty() {
            let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(&self.query).finish();
            uri = format!("{uri}?{query}");
        }
        let request =
            Request::builder().method(&self.method).uri(uri).header(header::ACCEPT, self.form.accept());
        match &self.body {
            Some((kind, text)) => {
                request.header(header::CONTENT_TYPE, *kind).body(Body::from(text.clone().into_bytes()))
            }
            None => request.body(Body::empty()),
        }
    }
}

/// An answer that is no error.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn json<T: DeserializeOwned>(&self) -> Result<T, Trouble> {
        serde_json::from_slice(&self.body).map_err(|error| {
            Trouble::new(TroubleKind::Refused, format!("an answer that cannot be read: {error}"))
        })
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// What went wrong, as far as it matters for what is done about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TroubleKind {
    /// Nobody answers there, or not in time.
    Unreachable,
    /// The server cannot now: it starts, has too much to do, or has lost its storage.
    Busy,
    /// Somebody else was faster, or something that this needs is still on its way.
    Early,
    /// There is no such object, or no such kind.
    NotFound,
    /// It does not let us in.
    Credentials,
    /// It says no, and will say so again.
    Refused,
}

/// Why there is no answer, or a bad one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Trouble {
    pub(crate) kind: TroubleKind,
    /// The server's own words, or the system's.
    pub(crate) words: String,
    /// All of the answer, where it is no `Status`: the checks of `/readyz`.
    pub(crate) all: String,
    /// How long the server wants us to wait.
    pub(crate) retry_after: Option<Duration>,
}

impl Trouble {
    pub(crate) fn new(kind: TroubleKind, words: impl Into<String>) -> Self {
        Self { kind, words: words.into(), all: String::new(), retry_after: None }
    }

    /// Whether it may go away by itself.
    pub(crate) fn may_pass(&self) -> bool {
        matches!(self.kind, TroubleKind::Unreachable | TroubleKind::Busy | TroubleKind::Early)
    }

    /// As an error: what failed, and what helps.
    pub(crate) fn error(&self, what: &str, address: &str) -> anyhow::Error {
        let words = &self.words;
        match self.kind {
            TroubleKind::Unreachable => {
                anyhow::anyhow!("{what}: the API server at {address} does not answer: {words}")
            }
            TroubleKind::Busy => anyhow::anyhow!("{what}: the API server at {address} cannot now: {words}"),
            TroubleKind::Credentials => anyhow::anyhow!(
                "{what}: the API server at {address} does not accept these credentials: {words} (was the cluster made anew? take it down and bring it up)"
            ),
            TroubleKind::Early | TroubleKind::NotFound | TroubleKind::Refused => {
                anyhow::anyhow!("{what}: the API server says: {words}")
            }
        }
    }

    fn of_client(error: &kube::Error) -> Self {
        // The last word of the chain is the system's: "Connection refused".
        let mut chain = vec![error.to_string()];
        let mut source = error.source();
        while let Some(cause) = source {
            chain.push(cause.to_string());
            source = cause.source();
        }
        let words = chain.last().cloned().unwrap_or_default();
        let is_untrusted = chain.iter().any(|text| text.contains("certificate"));
        let kind = if is_untrusted { TroubleKind::Credentials } else { TroubleKind::Unreachable };
        Self::new(kind, words)
    }

    fn of_answer(path: &str, status: StatusCode, retry_after: Option<Duration>, body: &[u8]) -> Self {
        let said: Said = serde_json::from_slice(body).unwrap_or_default();
        let kind = match status.as_u16() {
            401 => TroubleKind::Credentials,
            404 if said.is_about_namespaces() && is_in_namespace(path) => TroubleKind::Early,
            404 => TroubleKind::NotFound,
            403 if said.is_early() => TroubleKind::Early,
            409 => TroubleKind::Early,
            408 | 429 | 500 | 502 | 503 | 504 => TroubleKind::Busy,
            _ => TroubleKind::Refused,
        };
        if let Some(words) = said.words() {
            return Self { kind, words, all: String::new(), retry_after };
        }
        let all = String::from_utf8_lossy(body).into_owned();
        let line = all.lines().next().unwrap_or_default().trim();
        let words = if line.is_empty() { status.to_string() } else { format!("{status}: {line}") };
        Self { kind, words, all, retry_after }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words)
    }
}

/// A `Status`, as far as it is read.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
struct Said {
    message: String,
    details: Option<Details>,
}

/// Reads a list. Go writes an empty one as `null`, and so do API servers.
pub(crate) fn or_empty<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: serde::Deserializer<'de>,
    T: serde::Deserialize<'de>,
{
    let list: Option<Vec<T>> = serde::Deserialize::deserialize(deserializer)?;
    Ok(list.unwrap_or_default())
}

#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
struct Details {
    kind: String,
    #[serde(deserialize_with = "or_empty")]
    causes: Vec<Cause>,
}

#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
struct Cause {
    field: String,
    message: String,
}

impl Said {
    /// The fields that are wrong, or the message.
    fn words(&self) -> Option<String> {
        let causes = self.details.iter().flat_map(|details| &details.causes);
        let fields: Vec<String> = causes
            .filter(|cause| !cause.field.is_empty())
            .map(|cause| format!("{}: {}", cause.field, cause.message))
            .collect();
        if !fields.is_empty() {
            return Some(fields.join("; "));
        }
        (!self.message.is_empty()).then(|| self.message.clone())
    }

    /// For what is in a namespace: that was made a moment ago and is not known everywhere yet.
    fn is_about_namespaces(&self) -> bool {
        self.details.as_ref().is_some_and(|details| details.kind == "namespaces")
    }

    /// What controllers do in the first moments of a namespace, or the last ones.
    fn is_early(&self) -> bool {
        [
            "error looking up service account",
            "no API token found for service account",
            "status unknown for quota",
            "because it is being terminated",
            "not yet ready to handle request",
        ]
        .iter()
        .any(|early| self.message.contains(early))
    }
}

/// Whether a path is of something in a namespace, and not of the namespace itself.
fn is_in_namespace(path: &str) -> bool {
    path.split_once("/namespaces/").is_some_and(|(_, rest)| rest.contains('/'))
}

impl Cluster {
    /// Asks once.
    pub(crate) async fn call(&self, call: &Call) -> Result<Answer, Trouble> {
        let request = call.request().map_err(|error| {
            Trouble::new(TroubleKind::Refused, format!("{} is no address: {error}", call.path))
        })?;
        let exchange = async {
            let response = self.client.send(request).await?;
            let status = response.status();
            let retry_after = response.headers().get(header::RETRY_AFTER);
            let seconds: Option<u64> = retry_after.and_then(|value| value.to_str().ok()?.parse().ok());
            let body = response.into_body().collect_bytes().await?.to_vec();
            Ok::<_, kube::Error>((status, seconds.map(Duration::from_secs), body))
        };
        let (status, retry_after, body) = match tokio::time::timeout(ANSWER, exchange).await {
            Err(_) => {
                let words = format!("no answer within {} s", ANSWER.as_secs());
                return Err(Trouble::new(TroubleKind::Unreachable, words));
            }
            Ok(Err(error)) => return Err(Trouble::of_client(&error)),
            Ok(Ok(answer)) => answer,
        };
        if status.is_success() {
            return Ok(Answer { status, body });
        }
        Err(Trouble::of_answer(
            &call.path,
            status,
            retry_after.map(|wait| wait.min(LONGEST_RETRY_AFTER)),
            &body,
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_answer_means_is_a_table() {
        use TroubleKind::{Busy, Credentials, Early, NotFound, Refused};
        let status = |message: &str| format!(r#"{{"kind":"Status","message":{message:?}}}"#);
        let no_account = r#"pods "a" is forbidden: error looking up service account s/default: serviceaccount "default" not found"#;
        let causes = r#"{"message":"Deployment.apps \"a\" is invalid","details":{"causes":[{"field":"spec.replicas","message":"Invalid value: -1"},{"field":"spec.selector","message":"Required value"}]}}"#;
        let no_namespace =
            r#"{"message":"namespaces \"s\" not found","details":{"name":"s","kind":"namespaces"}}"#;
        for (code, body, kind, words) in [
            (429, status("too many requests"), Busy, "too many requests"),
            (503, "etcd is away\nmore".to_owned(), Busy, "503 Service Unavailable: etcd is away"),
            (500, String::new(), Busy, "500 Internal Server Error"),
            (409, status("the object has been modified"), Early, "the object has been modified"),
            (403, status(no_account), Early, no_account),
            (403, status("status unknown for quota: q"), Early, "status unknown for quota: q"),
            (403, status("exceeded quota: q"), Refused, "exceeded quota: q"),
            (404, no_namespace.to_owned(), Early, r#"namespaces "s" not found"#),
            (404, "404 page not found\n".to_owned(), NotFound, "404 Not Found: 404 page not found"),
            (401, status("Unauthorized"), Credentials, "Unauthorized"),
            (
                422,
                causes.to_owned(),
                Refused,
                "spec.replicas: Invalid value: -1; spec.selector: Required value",
            ),
            (
                400,
                status("strict decoding error: unknown field"),
                Refused,
                "strict decoding error: unknown field",
            ),
        ] {
            let code = StatusCode::from_u16(code).unwrap();
            let trouble = Trouble::of_answer("/api/v1/namespaces/s/pods/a", code, None, body.as_bytes());
            assert_eq!((trouble.kind, trouble.words.as_str()), (kind, words), "{code} {body}");
        }
        let gone =
            Trouble::of_answer("/api/v1/namespaces/s", StatusCode::NOT_FOUND, None, no_namespace.as_bytes());
        assert_eq!(gone.kind, NotFound);
    }

    #[test]
    fn an_empty_list_of_an_api_server_may_be_null() {
        #[derive(serde::Deserialize)]
        struct List {
            #[serde(default, deserialize_with = "or_empty")]
            items: Vec<u8>,
        }
        for (text, expected) in [(r#"{"items":null}"#, vec![]), ("{}", vec![]), (r#"{"items":[1]}"#, vec![1])]
        {
            assert_eq!(serde_json::from_str::<List>(text).unwrap().items, expected, "{text}");
        }
    }
}
