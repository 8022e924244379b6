//! One evaluation: its inputs, its limits and its outcome.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, mpsc};
use std::thread;
use std::time::Duration;

use rsjsonnet_lang::arena::Arena;
use rsjsonnet_lang::interner::InternedStr;
use rsjsonnet_lang::program::{EvalError, EvalErrorKind, Program, Thunk, Value, ValueKind};
use serde_json::{Map, Number};

use super::callbacks::{Files, Host};
use super::error::{Error, ErrorKind, Place};
use super::messages;
use super::sources::Roots;

/// A value that is given to a program from outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// A string.
    Text(String),
    /// A Jsonnet expression.
    Code(String),
}

/// How much an evaluation may take.
///
/// The engine has no budget for memory, and a program that allocates without end is stopped by `time` only. Sources
/// that nobody has looked at belong into a process of their own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Nested calls, fields and items.
    pub depth: usize,
    /// Nested brackets, functions, conditions and so on in one text.
    pub nesting: usize,
    /// All files of an evaluation together.
    pub source_bytes: u64,
    /// Values in the output.
    pub values: usize,
    /// `std.trace` messages that are kept.
    pub traces: usize,
    /// After this the evaluation counts as endless. Its thread cannot be stopped and is left to itself.
    pub time: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            depth: 500,
            nesting: 2_000,
            source_bytes: 64 << 20,
            values: 5_000_000,
            traces: 1_000,
            // A hundred times what a large mixin takes.
            time: Duration::from_secs(10),
        }
    }
}

/// Deep enough for [`Limits::nesting`], however a debug build lays out its frames (up to 50 kB a level). Only what is
/// used takes memory.
const STACK_BYTES: usize = 256 << 20;

/// A message of `std.trace`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace {
    /// What the program said.
    pub message: String,
    /// Where it said it.
    pub place: Option<Place>,
}

/// What an evaluation gave, did and read. A failed one has read files too, and those are the ones to watch.
#[derive(Debug)]
pub struct Outcome {
    /// The value, or why there is none.
    pub result: Result<serde_json::Value, Error>,
    /// What `std.trace` said, in order.
    pub traces: Vec<Trace>,
    /// Every file that was read, and every place where an import was looked for in vain: a change of one of these
    /// can change the outcome, and nothing else can.
    pub files: BTreeSet<PathBuf>,
}

/// Evaluates files and snippets with the same roots, inputs and limits.
#[derive(Clone, Debug, Default)]
pub struct Evaluator {
    roots: Option<Roots>,
    external: BTreeMap<String, Input>,
    arguments: BTreeMap<String, Input>,
    limits: Limits,
}

impl Evaluator {
    /// Reads files under `roots` only.
    pub fn new(roots: Roots) -> Self {
        Self { roots: Some(roots), ..Self::default() }
    }

    /// Reads no file at all.
    pub fn without_files() -> Self {
        Self::default()
    }

    /// The folders that it reads from.
    pub fn roots(&self) -> Option<&Roots> {
        self.roots.as_ref()
    }

    /// Gives `std.extVar(name)` a value.
    #[must_use]
    pub fn external(mut self, name: impl Into<String>, value: Input) -> Self {
        self.external.insert(name.into(), value);
        self
    }

    /// Gives the function that a file evaluates to an argument.
    #[must_use]
    pub fn argument(mut self, name: impl Into<String>, value: Input) -> Self {
        self.arguments.insert(name.into(), value);
        self
    }

    /// Sets other limits than the default ones.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Evaluates a file; a relative path is taken from the first root.
    pub fn evaluate_file(&self, path: &Path) -> Outcome {
        self.run(Start::File(path.to_string_lossy().into_owned()))
    }

    /// Evaluates a text as if it were a file in the first root. `name` stands in messages.
    pub fn evaluate_snippet(&self, name: &str, text: &str) -> Outcome {
        self.run(Start::Snippet { name: name.to_owned(), text: text.to_owned() })
    }

    /// Runs on a thread of its own, for a stack of a known size and for the time limit.
    fn run(&self, start: Start) -> Outcome {
        let (sender, receiver) = mpsc::channel();
        let (this, files) = (self.clone(), Files::default());
        let noted = Arc::clone(&files);
        let thread = thread::Builder::new().name("jsonnet".to_owned()).stack_size(STACK_BYTES);
        let spawned = thread.spawn(move || this.evaluate(&start, &files, &sender));
        let failed = |kind, message: String| Outcome {
            result: Err(Error::new(kind, message, None)),
            traces: Vec::new(),
            files: taken(&noted),
        };
        if let Err(error) = spawned {
            return failed(ErrorKind::Engine, format!("cannot start the evaluation: {error}"));
        }
        match receiver.recv_timeout(self.limits.time) {
            Ok(outcome) => outcome,
            Err(mpsc::RecvTimeoutError::Timeout) => failed(
                ErrorKind::Limit,
                format!(
                    "the evaluation does not end (stopped waiting after {:?}): a function that calls itself without end, \
                     or twice each time, is the usual reason",
                    self.limits.time
                ),
            ),
            Err(mpsc::RecvTimeoutError::Disconnected) => {
                failed(ErrorKind::Engine, "the Jsonnet engine failed on this program".to_owned())
            }
        }
    }

    fn evaluate(&self, start: &Start, files: &Files, sender: &mpsc::Sender<Outcome>) {
        let arena = Arena::new();
        let mut program = Program::new(&arena);
        program.set_max_stack(self.limits.depth);
        let mut host = Host::new(self.roots.as_ref(), &self.limits, &program, Arc::clone(files));
        let result = self.value(&mut program, &mut host, start);
        let outcome = Outcome { result, traces: std::mem::take(&mut host.traces), files: taken(files) };
        // Before the program is taken apart, which takes a while. The receiver is gone when the time was over: nobody
        // wants the outcome then.
        let _ = sender.send(outcome);
    }

    fn value<'p>(
        &self,
        program: &mut Program<'p>,
        host: &mut Host<'_, 'p>,
        start: &Start,
    ) -> Result<serde_json::Value, Error> {
        for (name, input) in &self.external {
            let thunk = input_thunk(program, host, "external variable", name, input)?;
            let name = program.intern_str(name);
            program.add_ext_var(name, &thunk);
        }
        let thunk = match start {
            Start::File(path) => host.load_file(program, None, path)?,
            Start::Snippet { name, text } => {
                // A path inside the root, so that relative imports work; nobody reads it.
                let path = self.roots.as_ref().map(|roots| roots.main().join(name));
                host.load_text(program, name, path, text)?
            }
        };
        let mut value = program.eval_value(&thunk, host).map_err(|error| failure(program, host, &error))?;
        if value.is_function() {
            let mut arguments: Vec<(InternedStr<'p>, Thunk<'p>)> = Vec::new();
            for (name, input) in &self.arguments {
                let thunk = input_thunk(program, host, "argument", name, input)?;
                arguments.push((program.intern_str(name), thunk));
            }
            value = program
                .eval_call(&thunk, &[], &arguments, host)
                .map_err(|error| failure(program, host, &error))?;
        } else if let Some(name) = self.arguments.keys().next() {
            let message = format!("the argument {name} was given, but the file is no function");
            return Err(Error::new(ErrorKind::Evaluation, message, None));
        }
        let mut left = self.limits.values;
        to_json(&value, &mut left)
    }
}

fn taken(files: &Files) -> BTreeSet<PathBuf> {
    std::mem::take(&mut files.lock().unwrap_or_else(PoisonError::into_inner))
}

enum Start {
    File(String),
    Snippet { name: String, text: String },
}

fn input_thunk<'p>(
    program: &mut Program<'p>,
    host: &mut Host<'_, 'p>,
    what: &str,
    name: &str,
    input: &Input,
) -> Result<Thunk<'p>, Error> {
    match input {
        Input::Text(text) => Ok(program.value_to_thunk(&Value::string(text))),
        Input::Code(code) => host.load_text(program, &format!("{what} {name}"), None, code),
    }
}

fn failure<'p>(program: &Program<'p>, host: &mut Host<'_, 'p>, error: &EvalError) -> Error {
    let own = match error.kind {
        EvalErrorKind::ImportFailed { .. } => host.take_import_failure(),
        _ => None,
    };
    let told = messages::eval_error(error, |span| host.place(program, span));
    match own {
        // The imported file knows better what is wrong; the way to it is the engine's.
        Some(own) => Error { stack: told.stack, ..own },
        None => told,
    }
}

/// The depth is bounded by the engine, which has walked through the whole value already.
fn to_json(value: &Value<'_>, left: &mut usize) -> Result<serde_json::Value, Error> {
    if *left == 0 {
        return Err(Error::new(ErrorKind::Limit, "the output has too many values", None));
    }
    *left -= 1;
    Ok(match value.kind() {
        ValueKind::Null => serde_json::Value::Null,
        ValueKind::Bool(value) => serde_json::Value::Bool(value),
        ValueKind::Number(value) => number(value),
        ValueKind::String(text) => serde_json::Value::String(text),
        ValueKind::Array(items) => {
            serde_json::Value::Array(items.iter().map(|item| to_json(item, left)).collect::<Result<_, _>>()?)
        }
        ValueKind::Object(fields) => {
            let mut object = Map::new();
            for (name, value) in &fields {
                object.insert(name.value().to_owned(), to_json(value, left)?);
            }
            serde_json::Value::Object(object)
        }
        ValueKind::Function => {
            return Err(Error::new(ErrorKind::Evaluation, "a function cannot be part of the output", None));
        }
    })
}

/// Jsonnet has one kind of number; whole ones become integers, as they are written in JSON.
fn number(value: f64) -> serde_json::Value {
    // 2^53: beyond it not every integer is a number of Jsonnet's.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if value.fract() == 0.0 && value.abs() <= EXACT && !(value == 0.0 && value.is_sign_negative()) {
        serde_json::Value::from(value as i64)
    } else {
        Number::from_f64(value).map_or(serde_json::Value::Null, serde_json::Value::Number)
    }
}
