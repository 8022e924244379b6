//! Starting an environment in the background and waiting until it is there.
//!
//! The program starts itself once more, in a process group of its own, so that neither Ctrl-C nor the end of the terminal
//! reaches it. Its stderr is the log. Its stdout is a pipe to whoever started it, on which it says one word when it is up:
//! so nobody has to guess. Its stdin is a pipe from them, which breaks when they go: if it is not up by then, it ends.

use std::ffi::OsString;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdout, Command, ExitCode, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use tokio::sync::oneshot;

use crate::environment::log::Reader;
use crate::environment::{EnvironmentName, LogFile, Presence, Signals, StateFolder};
use crate::ui::Steps;

/// Says to the program that it is the one in the background.
pub(crate) const BACKGROUND_FLAG: &str = "--in-background";

/// The word of an environment that is up.
const UP: &str = "up";

/// How often the log is looked at while an environment comes up.
const LOOK: Duration = Duration::from_millis(25);

/// Starts this very command in the background. Returns when it answers, or when it has failed and is gone; what it says
/// in between is shown.
pub(crate) fn start_detached(state: &StateFolder, name: &EnvironmentName) -> anyhow::Result<ExitCode> {
    let log = state.log(name);
    let child = {
        let Some(_hold) = state.hold(name)? else {
            anyhow::bail!("{name} is just being started by another command: try again in a moment");
        };
        spawn(&log)?
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("failed to start the async runtime")?;
    let outcome = runtime.block_on(watch(child, log.reader()));
    // A thread that still waits for the word is not waited for.
    runtime.shutdown_background();
    match outcome? {
        Outcome::Failed(code) => Ok(code),
        Outcome::Up if matches!(state.look(name), Presence::Running(..)) => Ok(ExitCode::SUCCESS),
        Outcome::Up => {
            anyhow::bail!("{name} came up and does not answer; its log is {}", log.path().display())
        }
    }
}

/// How a start in the background went.
enum Outcome {
    /// It says that it is up.
    Up,
    /// It has ended with this code, after saying why.
    Failed(ExitCode),
}

fn spawn(log: &LogFile) -> anyhow::Result<Child> {
    let writer = log.begin().with_context(|| format!("failed to begin the log {}", log.path().display()))?;
    let program = std::env::current_exe().context("failed to find this program")?;
    let mut arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    arguments.push(BACKGROUND_FLAG.into());
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(writer);
    #[cfg(unix)]
    {
        use std::os::unix::process::CommandExt as _;
        command.process_group(0);
    }
    #[cfg(windows)]
    {
        use std::os::windows::process::CommandExt as _;
        const DETACHED_PROCESS: u32 = 0x8;
        const CREATE_NEW_PROCESS_GROUP: u32 = 0x200;
        command.creation_flags(DETACHED_PROCESS | CREATE_NEW_PROCESS_GROUP);
    }
    command.spawn().context("failed to start the program in the background")
}

/// Shows what the environment says until it is up or has ended.
async fn watch(mut child: Child, mut log: Reader) -> anyhow::Result<Outcome> {
    let mut interrupted = Signals::listen(false)?;
    let stdout = child.stdout.take().context("the background process has no stdout")?;
    // Taken so that waiting for the child does not close it.
    let _stdin = child.stdin.take();
    let mut word = wait_for_word(stdout)?;
    let is_up = loop {
        tokio::select! {
            word = &mut word => break word.unwrap_or(false),
            signal = interrupted.next() => {
                end(&mut child);
                show_new(&mut log);
                anyhow::bail!("ended by {signal}; nothing is left running");
            }
            () = tokio::time::sleep(LOOK) => show_new(&mut log),
        }
    };
    if is_up {
        show_new(&mut log);
        return Ok(Outcome::Up);
    }
    // It closed its stdout without the word: it ends, or it is beside itself.
    let code = tokio::time::timeout(Duration::from_secs(5), async {
        loop {
            match child.try_wait() {
                Ok(None) => tokio::time::sleep(LOOK).await,
                Ok(Some(status)) => break status.code(),
                Err(_) => break None,
            }
        }
    });
    let code = code.await.unwrap_or_else(|_| {
        end(&mut child);
        None
    });
    show_new(&mut log);
    // What went wrong stands in what was just shown.
    let code = code.and_then(|code| u8::try_from(code).ok()).filter(|code| *code != 0);
    Ok(Outcome::Failed(code.map_or(ExitCode::FAILURE, ExitCode::from)))
}

/// Whether the word comes, once that is known.
fn wait_for_word(stdout: ChildStdout) -> anyhow::Result<oneshot::Receiver<bool>> {
    let (tell, told) = oneshot::channel();
    let wait = move || {
        let mut line = String::new();
        let read = BufReader::new(stdout).read_line(&mut line);
        // Nobody listens when the command was interrupted.
        let _ = tell.send(read.is_ok() && line.trim_end() == UP);
    };
    std::thread::Builder::new().name("word".to_owned()).spawn(wait).context("failed to start a thread")?;
    Ok(told)
}

fn end(child: &mut Child) {
    // Failing means that it has ended already.
    let _ = child.kill();
    let _ = child.wait();
}

#[allow(
    clippy::print_stderr,
    reason = "the lines of the environment that comes up, as it would print them itself"
)]
fn show_new(log: &mut Reader) {
    if let Ok(text) = log.read_new() {
        eprint!("{}", String::from_utf8_lossy(&text));
    }
}

/// Whoever started this process in the background, and waits for it.
pub(crate) struct Starter {
    is_up: Arc<AtomicBool>,
}

impl Starter {
    /// Ends this process when they go before it is up: then nobody knows of this environment.
    pub(crate) fn watch() -> anyhow::Result<Self> {
        let is_up = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&is_up);
        let watch = move || {
            // It says nothing. It ends with them.
            let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
            if !seen.load(Ordering::Acquire) {
                Steps::new().note("ended: the command that started it was ended before it was up");
                std::process::exit(1);
            }
        };
        std::thread::Builder::new()
            .name("starter".to_owned())
            .spawn(watch)
            .context("failed to start a thread")?;
        Ok(Self { is_up })
    }

    /// Tells them that it is up. From now on it lives without them.
    pub(crate) fn say_up(&self) -> anyhow::Result<()> {
        self.is_up.store(true, Ordering::Release);
        let mut stdout = std::io::stdout().lock();
        writeln!(stdout, "{UP}")
            .and_then(|()| stdout.flush())
            .context("the command that started it was ended before it was up")
    }
}
