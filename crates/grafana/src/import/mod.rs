//! Dashboards from elsewhere: recognising the forms in which Grafana gives them away, and reading each as classic JSON.
//!
//! ```text
//! bytes ──read_text──► JSON ──recognise──► classic                    ─┐
//!                                          in the API's wrapper        ├─► classic ──portable──► fit for everybody
//!                                          v1 resource                 │
//!                                          v2 resource, or its spec ───┘ (v2)
//! ```
//!
//! [`read`] changes nothing in a classic dashboard, so that a judge sees what its author wrote. [`portable`] takes out what
//! belongs to the Grafana that it was exported from.

mod part;
mod portable;
mod recognise;
pub mod source;
mod v2;

use std::fmt;

use serde_json::Value;

pub use portable::{Adaptation, portable};

/// The largest text that is read. The largest dashboards known have 3 MB.
pub const LARGEST_TEXT: usize = 32 << 20;

/// The deepest nesting. Dashboards have about 20.
pub const DEEPEST: usize = 100;

/// The form in which a dashboard came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// As files have it, and Grafana's export for another Grafana.
    Classic,
    /// `{"dashboard": …, "meta": …}`, an answer of Grafana's old API.
    Api,
    /// A classic dashboard in a resource: `{"apiVersion": "dashboard.grafana.app/v1", "spec": …}`.
    V1Resource {
        /// What stands after the slash.
        version: String,
    },
    /// A resource of Grafana 13's own form.
    V2Resource {
        /// What stands after the slash.
        version: String,
    },
    /// The same without the resource around it.
    V2Spec,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Classic => f.write_str("classic"),
            Self::Api => f.write_str("classic, from the API"),
            Self::V1Resource { version } => write!(f, "classic, as a resource ({version})"),
            Self::V2Resource { version } => write!(f, "a resource ({version})"),
            Self::V2Spec => f.write_str("v2, without its resource"),
        }
    }
}

/// Something that the classic form has no place for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dropped {
    /// Where it stood in the document, for example `spec.layout.spec.rows[2].spec.conditionalRendering`.
    pub path: String,
    /// Why it is gone.
    pub why: String,
}

impl fmt::Display for Dropped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.why)
    }
}

/// A dashboard from elsewhere.
#[derive(Clone, Debug, PartialEq)]
pub struct Imported {
    /// In classic form.
    pub dashboard: Value,
    /// How it came.
    pub origin: Origin,
    /// What was lost on the way, in the order of the document. Never anything for a classic one.
    pub dropped: Vec<Dropped>,
}

/// Why a document is not read as a dashboard.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ImportError {
    /// No JSON.
    #[error("line {line}, column {column}: {message}")]
    Json {
        /// Counted from 1.
        line: usize,
        /// Counted from 1.
        column: usize,
        /// What the parser says.
        message: String,
    },
    /// Text of another kind.
    #[error("this is {found}, not JSON: {instead}")]
    NotJson {
        /// What it looks like.
        found: &'static str,
        /// What to do.
        instead: &'static str,
    },
    /// More than [`LARGEST_TEXT`].
    #[error("this has {bytes} bytes; at most {LARGEST_TEXT} are read")]
    TooLarge {
        /// How many.
        bytes: usize,
    },
    /// Deeper than [`DEEPEST`].
    #[error("this is nested deeper than {DEEPEST} levels")]
    TooDeep,
    /// Something else that Grafana, Prometheus or Kubernetes has.
    #[error("this is {found}, not a dashboard: {instead}")]
    SomethingElse {
        /// What it is.
        found: String,
        /// What to do.
        instead: &'static str,
    },
    /// A dashboard with something that cannot be said in classic form.
    #[error("{path}: {message}")]
    NoClassicForm {
        /// Where.
        path: String,
        /// What, and what to do.
        message: String,
    },
}

/// Reads a dashboard in any of the forms of [`Origin`].
pub fn read(document: &Value) -> Result<Imported, ImportError> {
    convert(document, |inside| inside.map_or(document, |key| &document[key]).clone())
}

/// The classic dashboard inside is what `classic` gives for the field that it is in.
fn convert(
    document: &Value,
    classic: impl FnOnce(Option<&'static str>) -> Value,
) -> Result<Imported, ImportError> {
    if is_deeper_than(document, DEEPEST) {
        return Err(ImportError::TooDeep);
    }
    let (form, origin) = recognise::recognise(document)?;
    match form {
        recognise::Form::Classic { inside, name } => {
            let mut dashboard = classic(inside);
            // The name of the resource is the dashboard's uid; inside there is often none.
            if let (Value::Object(object), Some(name)) = (&mut dashboard, name)
                && !object.get("uid").is_some_and(Value::is_string)
            {
                object.insert("uid".to_owned(), name.into());
            }
            Ok(Imported { dashboard, origin, dropped: Vec::new() })
        }
        recognise::Form::V2 { spec, name, path } => {
            let (dashboard, dropped) = v2::to_classic(spec, name, path)?;
            Ok(Imported { dashboard, origin, dropped })
        }
    }
}

/// Reads a dashboard from the bytes of a file.
pub fn read_text(bytes: &[u8]) -> Result<Imported, ImportError> {
    if bytes.len() > LARGEST_TEXT {
        return Err(ImportError::TooLarge { bytes: bytes.len() });
    }
    // Some editors begin files with this mark.
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    match serde_json::from_slice(bytes) {
        Ok(document) => {
            // Large ones are nearly always classic without a wrapper: those are not copied.
            let mut whole = false;
            let mut imported = convert(&document, |inside| match inside {
                None => {
                    whole = true;
                    Value::Null
                }
                Some(key) => document[key].clone(),
            })?;
            if whole {
                imported.dashboard = document;
            }
            Ok(imported)
        }
        Err(error) => Err(recognise::no_json(bytes, &error)),
    }
}

fn is_deeper_than(value: &Value, levels: usize) -> bool {
    match value {
        Value::Array(items) => levels == 0 || items.iter().any(|item| is_deeper_than(item, levels - 1)),
        Value::Object(fields) => {
            levels == 0 || fields.values().any(|field| is_deeper_than(field, levels - 1))
        }
        _ => false,
    }
}
