//! Programs of this machine.

use std::io::{ErrorKind, Read, Write as _};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use super::stop::Pipes;
use super::{Finished, Invocation, ProcessFailure, Processes, Stop};

/// What a program may say; the rest is read and dropped.
const MOST_OUTPUT_BYTES: usize = 16 << 20;

/// How long to wait for the end of an output whose program has ended: a child that it left behind may hold it open.
const OUTPUT_PATIENCE: Duration = Duration::from_millis(500);

/// Runs programs on this machine.
pub struct SystemProcesses;

impl Processes for SystemProcesses {
    fn run(&self, invocation: &Invocation) -> Result<Finished, ProcessFailure> {
        self.run_until(invocation, &Stop::default())
    }

    fn run_until(&self, invocation: &Invocation, stop: &Stop) -> Result<Finished, ProcessFailure> {
        let started = Instant::now();
        let Pipes { stdin, stdout, stderr } = start(invocation, stop)?;
        if let Some(mut stdin) = stdin {
            let input = invocation.stdin.clone();
            // On its own thread: a program may speak before it has read everything. One that reads nothing is no error here.
            thread::spawn(move || stdin.write_all(&input));
        }
        let (stdout, stderr) = (Output::of(stdout), Output::of(stderr));
        let ended = wait(stop, started, invocation.deadline);
        let output = Finished { stdout: stdout.take(), stderr: stderr.take() };
        let command = invocation.to_string();
        match ended {
            Ok(Some(status)) if status.success() => Ok(output),
            Ok(Some(status)) => Err(ProcessFailure::Failed { command, status, output }),
            Ok(None) => Err(ProcessFailure::TimedOut { command, deadline: invocation.deadline, output }),
            Err(error) => Err(ProcessFailure::NotStarted { command, error }),
        }
    }
}

fn start(invocation: &Invocation, stop: &Stop) -> Result<Pipes, ProcessFailure> {
    let stdin = if invocation.stdin.is_empty() { Stdio::null() } else { Stdio::piped() };
    let mut command = Command::new(&invocation.program);
    command
        .args(&invocation.arguments)
        .envs(invocation.environment.iter().map(|(name, value)| (name, value)))
        .stdin(stdin)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    stop.start(&mut command).map_err(|error| match error.kind() {
        ErrorKind::NotFound => {
            ProcessFailure::NotInstalled(invocation.program.to_string_lossy().into_owned())
        }
        _ => ProcessFailure::NotStarted { command: invocation.to_string(), error },
    })
}

/// Waits for the end; `None` when the deadline passed and the program was killed, with all that it had started.
fn wait(stop: &Stop, started: Instant, deadline: Duration) -> std::io::Result<Option<ExitStatus>> {
    let mut pause = Duration::from_millis(1);
    loop {
        if let Some(status) = stop.status()? {
            return Ok(Some(status));
        }
        let left = deadline.saturating_sub(started.elapsed());
        if left.is_zero() {
            stop.kill()?;
            return Ok(None);
        }
        thread::sleep(pause.min(left));
        pause = (pause * 2).min(Duration::from_millis(20));
    }
}

/// An output that is read on a thread of its own, so that a full pipe never stops the program.
struct Output {
    bytes: Arc<Mutex<Vec<u8>>>,
    end: mpsc::Receiver<()>,
}

impl Output {
    fn of(stream: Option<impl Read + Send + 'static>) -> Self {
        let bytes = Arc::new(Mutex::new(Vec::new()));
        let (at_end, end) = mpsc::channel();
        if let Some(mut stream) = stream {
            let bytes = Arc::clone(&bytes);
            thread::spawn(move || {
                let mut piece = [0; 8192];
                while let Ok(read @ 1..) = stream.read(&mut piece) {
                    let mut bytes = bytes.lock().unwrap_or_else(PoisonError::into_inner);
                    let room = MOST_OUTPUT_BYTES.saturating_sub(bytes.len());
                    bytes.extend_from_slice(&piece[..read.min(room)]);
                }
                // Nobody may be waiting any more.
                let _ = at_end.send(());
            });
        }
        Self { bytes, end }
    }

    fn take(self) -> Vec<u8> {
        // Whether it ended, or its sender is gone, or the patience is over: what is there is what there is.
        let _ = self.end.recv_timeout(OUTPUT_PATIENCE);
        std::mem::take(&mut *self.bytes.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Invocation {
        Invocation::new("sh").args(["-c", script])
    }

    #[test]
    fn arguments_environment_and_input_reach_the_program_and_both_outputs_come_back() {
        let script = r#"cat; printf ' %s %s' "$GREETING" "$1"; printf said >&2"#;
        let invocation = shell(script).args(["sh", "one word"]).env("GREETING", "hello").stdin("input");
        let output = SystemProcesses.run(&invocation).unwrap();
        assert_eq!(output.text(), "input hello one word");
        assert_eq!(output.stderr, b"said");
    }

    #[test]
    fn a_failure_has_the_command_the_exit_code_and_what_was_said() {
        let error = SystemProcesses.run(&shell("echo no such cluster >&2; exit 3")).unwrap_err().to_string();
        assert!(error.contains("sh -c") && error.contains("exit status: 3"), "{error}");
        assert!(error.contains("no such cluster"), "{error}");
    }

    #[test]
    fn a_program_that_is_not_there_is_told_from_one_that_cannot_be_started() {
        let absent = SystemProcesses.run(&Invocation::new("no-such-program-anywhere")).unwrap_err();
        assert!(matches!(absent, ProcessFailure::NotInstalled(_)), "{absent}");
        let folder = SystemProcesses.run(&Invocation::new(std::env::temp_dir())).unwrap_err();
        assert!(matches!(folder, ProcessFailure::NotStarted { .. }), "{folder}");
    }

    #[test]
    fn a_program_that_hangs_is_killed_and_what_it_said_is_kept() {
        let started = Instant::now();
        let hanging = shell("echo pulling; exec sleep 60").within(Duration::from_millis(200));
        let error = SystemProcesses.run(&hanging).unwrap_err();
        assert!(started.elapsed() < Duration::from_secs(20), "it was waited for");
        assert!(matches!(error, ProcessFailure::TimedOut { .. }), "{error}");
        assert!(error.to_string().contains("pulling"), "{error}");
    }

    #[test]
    fn a_program_is_in_a_group_of_its_own_so_that_the_terminals_signals_pass_it_by() {
        let ours = rustix::process::getpgrp().as_raw_nonzero();
        // There is a group of the shell's number only if the shell leads one.
        let output = SystemProcesses.run(&shell("kill -s 0 -- -$$ && echo $$")).unwrap();
        assert_ne!(output.text().trim().parse(), Ok(ours));
    }

    /// Starts a child that would write a file after a second, and shows that it has begun.
    fn with_a_child(file: &std::path::Path) -> Invocation {
        let _ = std::fs::remove_file(file);
        shell("(sleep 1; echo alive > \"$1\") & echo begun; wait").args(["sh".as_ref(), file.as_os_str()])
    }

    fn scratch(name: &str) -> std::path::PathBuf {
        std::env::temp_dir().join(format!("kubernetes-mixin-otel-{}-{name}", std::process::id()))
    }

    #[test]
    fn what_a_program_has_started_ends_with_it_when_its_time_is_over() {
        let file = scratch("deadline");
        let hanging = with_a_child(&file).within(Duration::from_millis(300));
        let error = SystemProcesses.run(&hanging).unwrap_err();
        assert!(matches!(error, ProcessFailure::TimedOut { .. }), "{error}");
        thread::sleep(Duration::from_millis(1500));
        assert!(!file.exists(), "its child went on");
    }

    #[test]
    fn a_program_whose_caller_gives_it_up_is_ended_with_what_it_has_started() {
        let file = scratch("given-up");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let begun = Instant::now();
        runtime.block_on(async {
            let running = super::super::run_aside(Arc::new(SystemProcesses), with_a_child(&file));
            assert!(tokio::time::timeout(Duration::from_millis(300), running).await.is_err());
        });
        // Waits for the thread: it ends with the program.
        drop(runtime);
        assert!(begun.elapsed() < Duration::from_millis(950), "its end was waited for");
        thread::sleep(Duration::from_millis(1500));
        assert!(!file.exists(), "its child went on");
    }

    #[test]
    fn what_is_given_up_before_it_begins_is_not_begun() {
        let stop = Stop::default();
        stop.give_up();
        let error = SystemProcesses.run_until(&shell("true"), &stop).unwrap_err().to_string();
        assert!(error.contains("given up before it began"), "{error}");
    }

    #[test]
    fn a_child_that_is_left_behind_does_not_hold_the_caller() {
        let started = Instant::now();
        let output = SystemProcesses.run(&shell("sleep 30 & echo done")).unwrap();
        assert_eq!(output.text(), "done\n");
        assert!(started.elapsed() < Duration::from_secs(20), "the child was waited for");
    }

    #[test]
    fn much_output_and_unread_input_stop_nobody() {
        let output = SystemProcesses.run(&shell("head -c 300000 /dev/zero")).unwrap();
        assert_eq!(output.stdout.len(), 300_000);
        assert!(SystemProcesses.run(&shell("true").stdin(vec![b'x'; 300_000])).is_ok());
    }
}
