//! Giving up a program that runs, with all that it has started.

use std::io;
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, ExitStatus};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Lets another thread give up a program: one that runs is ended, with all that it has started; one that does not run yet is not
/// begun. For one run.
#[derive(Clone, Debug, Default)]
pub struct Stop(Arc<Mutex<Run>>);

#[derive(Debug, Default)]
struct Run {
    given_up: bool,
    /// From its start until its end has been seen: as long as its number is its own.
    child: Option<Child>,
}

/// The ends of a program's pipes.
pub(super) struct Pipes {
    pub(super) stdin: Option<ChildStdin>,
    pub(super) stdout: Option<ChildStdout>,
    pub(super) stderr: Option<ChildStderr>,
}

impl Stop {
    /// Gives the program up. Nothing happens to one that has ended.
    pub fn give_up(&self) {
        let mut run = self.lock();
        run.given_up = true;
        if let Some(child) = &mut run.child {
            end(child);
        }
    }

    /// Starts the program, unless it has been given up.
    pub(super) fn start(&self, command: &mut Command) -> io::Result<Pipes> {
        let mut run = self.lock();
        if run.given_up {
            return Err(io::Error::new(io::ErrorKind::Interrupted, "it was given up before it began"));
        }
        set_apart(command);
        let child = run.child.insert(command.spawn()?);
        Ok(Pipes { stdin: child.stdin.take(), stdout: child.stdout.take(), stderr: child.stderr.take() })
    }

    /// How it ended, if it has. `None` too when that was told before.
    pub(super) fn status(&self) -> io::Result<Option<ExitStatus>> {
        let mut run = self.lock();
        let Some(child) = &mut run.child else { return Ok(None) };
        let status = child.try_wait()?;
        if status.is_some() {
            run.child = None;
        }
        Ok(status)
    }

    /// Ends it, and waits for its end.
    pub(super) fn kill(&self) -> io::Result<()> {
        let Some(mut child) = self.lock().child.take() else { return Ok(()) };
        end(&mut child);
        child.wait().map(drop)
    }

    fn lock(&self) -> MutexGuard<'_, Run> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Gives the program up when it is dropped.
pub(super) struct GiveUpOnDrop(pub(super) Stop);

impl Drop for GiveUpOnDrop {
    fn drop(&mut self) {
        self.0.give_up();
    }
}

/// Puts the program into a group of processes of its own. So Ctrl-C on the terminal is ours alone, and what it does to a program
/// in the middle of its work is for us to decide. It also keeps all that the program starts together.
#[cfg(unix)]
fn set_apart(command: &mut Command) {
    use std::os::unix::process::CommandExt as _;
    command.process_group(0);
}

#[cfg(not(unix))]
fn set_apart(_: &mut Command) {}

/// Ends a program that has not been waited for, and its group where there are any. One that has just ended is no error.
fn end(child: &mut Child) {
    #[cfg(unix)]
    {
        use rustix::process::{Pid, Signal, kill_process_group};
        let _ = kill_process_group(Pid::from_child(child), Signal::KILL);
    }
    let _ = child.kill();
}
