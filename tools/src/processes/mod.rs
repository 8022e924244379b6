//! Other programs: what is run, and what came of it.
//!
//! Everything goes through [`Processes`], so that tests see exactly which program would have been run with which arguments,
//! environment and input. The real one is the standard library's: xshell has no deadline, and its errors lack what the
//! program said.

#[cfg(any(test, feature = "fakes"))]
#[allow(clippy::unwrap_used, reason = "fakes exist in tests only")]
mod fake;
mod stop;
mod system;

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::process::ExitStatus;
use std::sync::Arc;
use std::time::Duration;

#[cfg(any(test, feature = "fakes"))]
pub use fake::FakeProcesses;
pub use stop::Stop;
pub use system::SystemProcesses;

/// A program with its arguments, environment and input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invocation {
    /// The program: a path, or a name that is looked up in PATH.
    pub program: OsString,
    /// Its arguments.
    pub arguments: Vec<OsString>,
    /// What is set in its environment, besides what it inherits.
    pub environment: Vec<(String, OsString)>,
    /// What it reads from its standard input, which is empty otherwise.
    pub stdin: Vec<u8>,
    /// How long it may take. Then it is killed.
    pub deadline: Duration,
}

impl Invocation {
    /// Nothing that we run takes longer than this, unless it is told to.
    const DEADLINE: Duration = Duration::from_secs(5 * 60);

    /// A program without arguments.
    pub fn new(program: impl AsRef<OsStr>) -> Self {
        Self {
            program: program.as_ref().to_owned(),
            arguments: Vec::new(),
            environment: Vec::new(),
            stdin: Vec::new(),
            deadline: Self::DEADLINE,
        }
    }

    /// Adds arguments.
    pub fn args<A: AsRef<OsStr>>(mut self, arguments: impl IntoIterator<Item = A>) -> Self {
        self.arguments.extend(arguments.into_iter().map(|argument| argument.as_ref().to_owned()));
        self
    }

    /// Sets a variable of its environment.
    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.environment.push((name.to_owned(), value.as_ref().to_owned()));
        self
    }

    /// Gives it something to read.
    pub fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.stdin = bytes.into();
        self
    }

    /// Bounds its time.
    pub fn within(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }
}

/// The command as one can paste it into a shell. Values of the environment are left out, as they may be secrets.
impl fmt::Display for Invocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&quoted(&self.program))?;
        self.arguments.iter().try_for_each(|argument| write!(f, " {}", quoted(argument)))
    }
}

fn quoted(word: &OsStr) -> String {
    let word = word.to_string_lossy();
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@,%+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.into_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// What a program said that did what it was to do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Finished {
    /// Its result.
    pub stdout: Vec<u8>,
    /// What it said besides.
    pub stderr: Vec<u8>,
}

impl Finished {
    /// Its result as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }
}

/// Why a program did not do what it was to do.
#[derive(Debug, thiserror::Error)]
pub enum ProcessFailure {
    /// There is no such program.
    #[error("{0} is not installed")]
    NotInstalled(String),
    /// It is there and could not be started.
    #[error("failed to run `{command}`: {error}")]
    NotStarted {
        /// The command.
        command: String,
        /// The system's reason.
        error: std::io::Error,
    },
    /// It ended with an error.
    #[error("`{command}` failed, {status}{}", said(.output))]
    Failed {
        /// The command.
        command: String,
        /// The exit code or the signal.
        status: ExitStatus,
        /// What it said.
        output: Finished,
    },
    /// It did not end in time and was killed.
    #[error("`{command}` did not end within {} s and was killed{}", .deadline.as_secs_f32(), said(.output))]
    TimedOut {
        /// The command.
        command: String,
        /// How long it had.
        deadline: Duration,
        /// What it said until then.
        output: Finished,
    },
}

impl ProcessFailure {
    /// What the program said first, or else what happened to it: in one line, to be read behind its name.
    pub fn first_words(&self) -> String {
        let (output, otherwise) = match self {
            Self::NotInstalled(_) => return "it cannot be run on this machine".to_owned(),
            Self::NotStarted { error, .. } => return format!("it cannot be started: {error}"),
            Self::Failed { status, output, .. } => (output, format!("{status}, and not a word")),
            Self::TimedOut { deadline, output, .. } => {
                (output, format!("no answer within {} s", deadline.as_secs_f32()))
            }
        };
        first_line(&output.stderr).or_else(|| first_line(&output.stdout)).unwrap_or(otherwise)
    }
}

/// The first line with anything in it, and not too much of that.
pub(crate) fn first_line(bytes: &[u8]) -> Option<String> {
    const MOST: usize = 300;
    let text = String::from_utf8_lossy(bytes);
    let line = text.lines().map(str::trim).find(|line| !line.is_empty())?;
    Some(line.chars().take(MOST).collect())
}

/// The last lines of what a program said, errors before results.
fn said(output: &Finished) -> String {
    const MOST_LINES: usize = 20;
    let bytes =
        if output.stderr.iter().all(u8::is_ascii_whitespace) { &output.stdout } else { &output.stderr };
    let text = String::from_utf8_lossy(bytes);
    let lines: Vec<&str> = text.trim_end().lines().collect();
    let shown = &lines[lines.len().saturating_sub(MOST_LINES)..];
    if shown.iter().all(|line| line.trim().is_empty()) {
        return "; it said nothing".to_owned();
    }
    let cut = if shown.len() < lines.len() { "\n  …" } else { "" };
    format!(":{cut}\n  {}", shown.join("\n  "))
}

/// Runs programs. Ctrl-C on the terminal does not reach them, where there are groups of processes: they end by themselves, at
/// their deadline, or when they are given up.
pub trait Processes: Send + Sync {
    /// Runs a program to its end. Anything but success is a failure.
    fn run(&self, invocation: &Invocation) -> Result<Finished, ProcessFailure>;

    /// Runs a program that another thread may give up. Fakes need not care: they have ended before anybody can.
    fn run_until(&self, invocation: &Invocation, stop: &Stop) -> Result<Finished, ProcessFailure> {
        let _ = stop;
        self.run(invocation)
    }
}

/// Runs a program on a thread of its own, inside an asynchronous runtime. Whoever drops this before its end gives the program up: it
/// is ended, with all that it has started.
///
/// # Errors
/// When the runtime is ending.
pub async fn run_aside(
    processes: Arc<dyn Processes>,
    invocation: Invocation,
) -> Result<Result<Finished, ProcessFailure>, tokio::task::JoinError> {
    let stop = Stop::default();
    let _given_up = stop::GiveUpOnDrop(stop.clone());
    tokio::task::spawn_blocking(move || processes.run_until(&invocation, &stop)).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_shown_as_it_can_be_pasted_and_without_its_environment() {
        let invocation =
            Invocation::new("k3d").args(["cluster", "create", "a b", "it's", ""]).env("TOKEN", "geheim");
        assert_eq!(invocation.to_string(), r"k3d cluster create 'a b' 'it'\''s' ''");
    }

    #[test]
    fn a_failure_ends_with_the_last_lines_of_what_the_program_said() {
        let lines: String = (0..30).map(|line| format!("line {line}\n")).collect();
        let text = said(&Finished { stdout: b"result".to_vec(), stderr: lines.into_bytes() });
        assert!(text.starts_with(":\n  …\n  line 10\n") && text.ends_with("\n  line 29"), "{text}");
        let on_stdout = Finished { stdout: b"only here\n".to_vec(), stderr: b" \n".to_vec() };
        assert_eq!(said(&on_stdout), ":\n  only here");
        assert_eq!(said(&Finished::default()), "; it said nothing");
    }

    #[test]
    fn the_first_words_of_a_failure_are_one_line() {
        let timed_out = |stdout: &str, stderr: &str| ProcessFailure::TimedOut {
            command: "kwokctl --version".to_owned(),
            deadline: Duration::from_secs(10),
            output: Finished { stdout: stdout.into(), stderr: stderr.into() },
        };
        for (stdout, stderr, words) in [
            ("result", "\n  error: line 3: bad\nusage:\n", "error: line 3: bad"),
            ("only here\nand here", " \n", "only here"),
            ("", "", "no answer within 10 s"),
        ] {
            assert_eq!(timed_out(stdout, stderr).first_words(), words);
        }
    }
}
