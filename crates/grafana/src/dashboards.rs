//! A set of dashboards under their file names, as it comes out of Jsonnet.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::json;
use crate::jsonnet::{self, Evaluator, Trace};

/// Dashboards by file name (`k8s-otel-cluster.json`).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Dashboards {
    by_file: BTreeMap<String, Value>,
}

/// Why a set of dashboards cannot be built.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// The Jsonnet fails.
    #[error(transparent)]
    Jsonnet(#[from] jsonnet::Error),
    /// A source gives something else than dashboards.
    #[error("{source_name}: {message}")]
    Shape {
        /// The source file.
        source_name: String,
        /// What is wrong with its value.
        message: String,
    },
    /// A key of `grafanaDashboards` is no plain file name.
    #[error(
        "{file:?} is no name for a dashboard: use letters, digits, '.', '-' and '_', with .json at the end"
    )]
    FileName {
        /// The key.
        file: String,
    },
    /// Two sources give the same file.
    #[error("{file} is made twice, by {first} and by {second}")]
    SameFile {
        /// The file name.
        file: String,
        /// One source.
        first: String,
        /// The other one.
        second: String,
    },
    /// A dashboard without uid gets a new address with every import.
    #[error("{file} has no uid: give it a stable one of at most 40 letters, digits, '-' and '_'")]
    NoUid {
        /// The file name.
        file: String,
    },
    /// Grafana refuses such a uid.
    #[error("the uid {uid:?} of {file} is not valid: at most 40 letters, digits, '-' and '_'")]
    BadUid {
        /// The file name.
        file: String,
        /// What it has.
        uid: String,
    },
    /// Two dashboards with one uid replace each other in Grafana.
    #[error("{first} and {second} have the same uid {uid:?}")]
    SameUid {
        /// One file name.
        first: String,
        /// The other one.
        second: String,
        /// Their uid.
        uid: String,
    },
    /// The folder cannot be read.
    #[error("cannot read {folder}: {error}", folder = .folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// What the system said.
        error: String,
    },
}

/// What a build gave, and what it read.
#[derive(Debug)]
pub struct Built {
    /// The dashboards, or everything that is wrong with them.
    pub result: Result<Dashboards, Vec<Problem>>,
    /// What `std.trace` said.
    pub traces: Vec<Trace>,
    /// The files to watch, see [`jsonnet::Outcome::files`].
    pub files: BTreeSet<PathBuf>,
}

impl Dashboards {
    /// Evaluates a mixin: a file with an object `grafanaDashboards` of dashboards by file name. It may be a hidden
    /// field, as mixins have it.
    pub fn from_mixin(evaluator: &Evaluator, file: &Path) -> Built {
        let path = file.to_string_lossy().into_owned();
        let quoted = Value::String(path.clone());
        let name = format!("<{path}>");
        let outcome = evaluator.evaluate_snippet(&name, &format!("(import {quoted}).grafanaDashboards"));
        let mut set = Builder::default();
        match outcome.result {
            Ok(value) => set.add_object(&path, value),
            Err(error) => set.problems.push(error.into()),
        }
        Built { result: set.finish(), traces: outcome.traces, files: outcome.files }
    }

    /// Evaluates every `*.jsonnet` directly in a folder. A file gives one dashboard, under its own name, or an object
    /// of dashboards by file name.
    pub fn from_folder(evaluator: &Evaluator, folder: &Path) -> Built {
        let mut set = Builder::default();
        let mut traces = Vec::new();
        let mut files = BTreeSet::from([folder.to_owned()]);
        match jsonnet_files(folder) {
            Err(error) => {
                set.problems.push(Problem::Folder { folder: folder.to_owned(), error: error.to_string() });
            }
            Ok(sources) => {
                for source in sources {
                    let outcome = evaluator.evaluate_file(&source);
                    traces.extend(outcome.traces);
                    files.extend(outcome.files);
                    let name = source.file_name().unwrap_or_default().to_string_lossy().into_owned();
                    match outcome.result {
                        Ok(value) if is_dashboard(&value) => {
                            let file = format!("{}.json", name.trim_end_matches(".jsonnet"));
                            set.add(&name, file, value);
                        }
                        Ok(value) => set.add_object(&name, value),
                        Err(error) => set.problems.push(error.into()),
                    }
                }
            }
        }
        Built { result: set.finish(), traces, files }
    }

    /// A set of dashboards that are JSON already.
    pub fn from_json(dashboards: impl IntoIterator<Item = (String, Value)>) -> Result<Self, Vec<Problem>> {
        let mut set = Builder::default();
        for (file, dashboard) in dashboards {
            set.add(&file.clone(), file, dashboard);
        }
        set.finish()
    }

    /// The dashboards with their file names, sorted by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.by_file.iter().map(|(file, dashboard)| (file.as_str(), dashboard))
    }

    /// One dashboard.
    pub fn get(&self, file: &str) -> Option<&Value> {
        self.by_file.get(file)
    }

    /// The bytes of the files that users install.
    pub fn rendered(&self) -> impl Iterator<Item = (&str, String)> {
        self.iter().map(|(file, dashboard)| (file, json::canonical(dashboard)))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.by_file.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.by_file.is_empty()
    }
}

fn jsonnet_files(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "jsonnet") {
            files.push(path);
        }
    }
    // The order of a folder differs between machines.
    files.sort();
    Ok(files)
}

/// A dashboard has a title or panels; a set of dashboards has file names.
fn is_dashboard(value: &Value) -> bool {
    value.get("panels").is_some() || value.get("title").is_some() || value.get("uid").is_some()
}

#[derive(Default)]
struct Builder {
    by_file: BTreeMap<String, Value>,
    made_by: BTreeMap<String, String>,
    problems: Vec<Problem>,
}

impl Builder {
    fn add_object(&mut self, source: &str, value: Value) {
        let Value::Object(object) = value else {
            let message = "expected an object of dashboards by file name".to_owned();
            self.problems.push(Problem::Shape { source_name: source.to_owned(), message });
            return;
        };
        for (file, dashboard) in object {
            self.add(source, file, dashboard);
        }
    }

    fn add(&mut self, source: &str, file: String, dashboard: Value) {
        if !is_file_name(&file) {
            self.problems.push(Problem::FileName { file });
        } else if !dashboard.is_object() {
            let message = format!("{file} is no dashboard: expected an object");
            self.problems.push(Problem::Shape { source_name: source.to_owned(), message });
        } else if let Some(first) = self.made_by.insert(file.clone(), source.to_owned()) {
            self.problems.push(Problem::SameFile { file, first, second: source.to_owned() });
        } else {
            self.by_file.insert(file, dashboard);
        }
    }

    fn finish(mut self) -> Result<Dashboards, Vec<Problem>> {
        let mut by_uid: BTreeMap<&str, &str> = BTreeMap::new();
        for (file, dashboard) in &self.by_file {
            let uid = dashboard.get("uid").and_then(Value::as_str).unwrap_or_default();
            if uid.is_empty() {
                self.problems.push(Problem::NoUid { file: file.clone() });
            } else if !is_uid(uid) {
                self.problems.push(Problem::BadUid { file: file.clone(), uid: uid.to_owned() });
            } else if let Some(first) = by_uid.insert(uid, file) {
                self.problems.push(Problem::SameUid {
                    first: first.to_owned(),
                    second: file.clone(),
                    uid: uid.to_owned(),
                });
            }
        }
        if self.problems.is_empty() { Ok(Dashboards { by_file: self.by_file }) } else { Err(self.problems) }
    }
}

/// Grafana's own rule for the uids of dashboards.
fn is_uid(uid: &str) -> bool {
    uid.len() <= 40 && uid.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

fn is_file_name(file: &str) -> bool {
    file.strip_suffix(".json").is_some_and(|stem| !stem.is_empty())
        && !file.starts_with('.')
        && file.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
}
