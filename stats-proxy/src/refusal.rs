//! Answers to requests that no kubelet can answer.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

/// Why a request gets no kubelet's answer.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// The name in the path is no text.
    UnreadableName(String),
    /// A kubelet's own path, where the server stands for all of these nodes.
    WhichNode { path: String, nodes: Vec<String> },
    /// There is no such node among these.
    UnknownNode { name: String, nodes: Vec<String> },
    /// The node cannot be reached.
    Lost { name: String, why: String },
}

impl Refusal {
    fn status(&self) -> StatusCode {
        match self {
            Self::UnreadableName(_) | Self::WhichNode { .. } => StatusCode::BAD_REQUEST,
            Self::UnknownNode { .. } => StatusCode::NOT_FOUND,
            // As an API server answers that cannot connect to the kubelet it stands before.
            Self::Lost { .. } => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    fn message(&self) -> String {
        match self {
            Self::UnreadableName(why) => format!("The node's name cannot be read: {why}\n"),
            Self::WhichNode { path, nodes } => match nodes.first() {
                Some(example) => format!(
                    "{path:?} is each kubelet's own, and this address stands for {} of them: ask for example for \
                     /nodes/{}{path}; GET /nodes lists them all.\n",
                    nodes.len(),
                    escaped(example),
                ),
                None => format!("{path:?} is each kubelet's own, and the cluster has no nodes.\n"),
            },
            Self::UnknownNode { name, nodes } => {
                let there_is = match (nodes.as_slice(), nearest(name, nodes)) {
                    ([], _) => "the cluster has no nodes.".to_owned(),
                    ([only], _) => format!("the cluster has one node, {only:?}."),
                    (_, Some(similar)) => {
                        format!("did you mean {similar:?}? GET /nodes lists all {}.", nodes.len())
                    }
                    (_, None) => format!("GET /nodes lists all {}.", nodes.len()),
                };
                format!("There is no node {name:?}: {there_is}\n")
            }
            Self::Lost { name, why } => format!("The node {name:?} cannot be reached: {why}.\n"),
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.status(), self.message()).into_response()
    }
}

/// The name that is most like this one, if it is at all.
fn nearest<'a>(name: &str, names: &'a [String]) -> Option<&'a str> {
    const ALIKE: f64 = 0.8;
    // Longer than any name that the API server accepts.
    if name.len() > 253 {
        return None;
    }
    names
        .iter()
        .map(|candidate| (strsim::jaro_winkler(name, candidate), candidate.as_str()))
        .filter(|(likeness, _)| *likeness >= ALIKE)
        // Of equally near ones the first.
        .reduce(|best, next| if next.0 > best.0 { next } else { best })
        .map(|(_, candidate)| candidate)
}

/// A name as a segment of a path. Names that an API server accepts need no escape.
fn escaped(name: &str) -> String {
    let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    name.bytes()
        .map(|byte| if unreserved(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_one_that_could_be_meant() {
        let names = ["edge-000001", "general-000000", "general-000001", "gpu-000000"].map(str::to_owned);
        for (asked, expected) in [
            ("general-00001", Some("general-000001")),
            ("General-000001", Some("general-000001")),
            ("general", Some("general-000000")),
            ("gpu-0", Some("gpu-000000")),
            ("", None),
            ("minikube", None),
            (&*"general-000000".repeat(30), None),
        ] {
            assert_eq!(nearest(asked, &names), expected, "{asked:?}");
        }
    }

    #[test]
    fn an_example_can_be_asked_for_as_it_stands() {
        assert_eq!(escaped("node-0.example"), "node-0.example");
        assert_eq!(escaped("a/b ü"), "a%2Fb%20%C3%BC");
    }
}
