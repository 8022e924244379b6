//! What a container says, and programs that are run in it.

use std::time::Duration;

use anyhow::Context as _;
use bollard::container::LogOutput;
use bollard::exec::StartExecResults;
use bollard::models::ExecConfig;
use bollard::query_parameters::LogsOptionsBuilder;
use futures_util::{Stream, StreamExt as _, TryStreamExt as _};

use super::Engine;
use super::errors::{Fault, failed, told};
use super::spec::check_name;

/// How long a program that is run in a container may take.
const EXEC_DEADLINE: Duration = Duration::from_secs(60);

/// What is kept of what a program says.
const MOST_OUTPUT_BYTES: usize = 4 << 20;

/// What came of a program in a container.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExecOutput {
    /// The code with which it ended. A program that is not there ends with 126 or 127.
    pub code: i64,
    /// What it said.
    pub stdout: String,
    /// What it said on its other output.
    pub stderr: String,
}

impl Engine {
    /// Runs a program in a container to its end, as the container's user.
    ///
    /// # Errors
    /// When the container is not there or does not run, or the program does not end in time. A program that fails is no error.
    pub async fn exec(&self, name: &str, argv: &[&str]) -> anyhow::Result<ExecOutput> {
        check_name("container", name)?;
        let running = self.exec_to_end(name, argv);
        tokio::time::timeout(EXEC_DEADLINE, running).await.with_context(|| {
            let seconds = EXEC_DEADLINE.as_secs();
            format!("`{}` in the container {name} did not end within {seconds} s", argv.join(" "))
        })?
    }

    async fn exec_to_end(&self, name: &str, argv: &[&str]) -> anyhow::Result<ExecOutput> {
        let not_run = |error: &bollard::errors::Error| match Fault::of(error) {
            Fault::NoContainer => told(format!("the container {name} is not there"), error),
            Fault::NotRunning => told(format!("the container {name} does not run"), error),
            _ => failed(&format!("run `{}` in the container {name}", argv.join(" ")), error),
        };
        let docker = self.docker().await?;
        let config = ExecConfig {
            cmd: Some(argv.iter().map(|&argument| argument.to_owned()).collect()),
            attach_stdout: Some(true),
            attach_stderr: Some(true),
            ..ExecConfig::default()
        };
        let exec = docker.create_exec(name, config).await.map_err(|error| not_run(&error))?;
        let mut told = ExecOutput::default();
        match docker.start_exec(&exec.id, None).await {
            Ok(StartExecResults::Attached { mut output, .. }) => {
                while let Some(piece) = output.next().await {
                    let piece = piece.map_err(|error| not_run(&error))?;
                    let to = if matches!(piece, LogOutput::StdErr { .. }) {
                        &mut told.stderr
                    } else {
                        &mut told.stdout
                    };
                    append(to, piece.as_ref());
                }
            }
            Ok(StartExecResults::Detached) => {}
            // Engines differ in whether they answer this or let it end.
            Err(error) if Fault::of(&error) == Fault::NoProgram => {
                return Ok(ExecOutput { code: 127, stderr: format!("{error}\n"), ..told });
            }
            Err(error) => return Err(not_run(&error)),
        }
        let ended = docker.inspect_exec(&exec.id).await.map_err(|error| not_run(&error))?;
        told.code = ended.exit_code.with_context(|| {
            format!("`{}` in the container {name} went on when its outputs were closed", argv.join(" "))
        })?;
        Ok(told)
    }

    /// The last lines of what a container has said, on both outputs.
    ///
    /// # Errors
    /// When the container is not there.
    pub async fn logs_tail(&self, name: &str, lines: usize) -> anyhow::Result<String> {
        let mut pieces = std::pin::pin!(self.logs(name, lines, false));
        let mut text = String::new();
        while let Some(piece) = pieces.try_next().await? {
            append(&mut text, &piece);
        }
        Ok(text)
    }

    /// The last lines of what a container has said, and everything that it says from now on, until it ends. Each piece is a line
    /// or a part of one.
    pub fn follow_logs(
        &self,
        name: &str,
        lines: usize,
    ) -> impl Stream<Item = anyhow::Result<Vec<u8>>> + Send + use<> {
        self.logs(name, lines, true)
    }

    fn logs(
        &self,
        name: &str,
        lines: usize,
        follow: bool,
    ) -> impl Stream<Item = anyhow::Result<Vec<u8>>> + Send + use<> {
        let (engine, name) = (self.clone(), name.to_owned());
        let options = LogsOptionsBuilder::default()
            .stdout(true)
            .stderr(true)
            .follow(follow)
            .tail(&lines.to_string())
            .build();
        let opened = async move {
            check_name("container", &name)?;
            let docker = engine.docker().await?.clone();
            let pieces = docker.logs(&name, Some(options)).map(move |piece| match piece {
                Ok(piece) => Ok(piece.into_bytes().to_vec()),
                Err(error) => Err(match Fault::of(&error) {
                    Fault::NoContainer => told(format!("the container {name} is not there"), &error),
                    _ => failed(&format!("read what the container {name} says"), &error),
                }),
            });
            anyhow::Ok(pieces)
        };
        futures_util::stream::once(opened).try_flatten()
    }
}

/// Adds to a text that does not grow without end.
fn append(text: &mut String, piece: &[u8]) {
    if text.len() < MOST_OUTPUT_BYTES {
        text.push_str(&String::from_utf8_lossy(piece));
    }
}
