//! Two programs with the same commands: `xtask`, which cargo builds first, and `xtask-clusters`, which has the clients of
//! container engines and clusters in it. Whoever never needs those never waits until they are compiled.

use std::process::{Command, ExitCode};

use crate::context::Context;
use crate::ui::Steps;

/// The program that can.
const PROGRAM: &str = "xtask-clusters";

/// Lets the program that can bring up containers run this very command, and builds it before if need be. Where there are
/// processes to replace, this one ends here.
pub(crate) fn hand_over(context: &Context) -> anyhow::Result<ExitCode> {
    let mut command = command(context);
    let failed = || format!("failed to build and run {PROGRAM}: is cargo installed?");
    #[cfg(unix)]
    {
        use std::os::unix::process::CommandExt as _;
        Err(anyhow::Error::from(command.exec()).context(failed()))
    }
    #[cfg(not(unix))]
    {
        use anyhow::Context as _;
        let status = command.status().with_context(failed)?;
        Ok(status.code().and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from))
    }
}

fn command(context: &Context) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.arg("run");
    if is_built() {
        command.arg("--quiet");
    } else {
        Steps::new().note("building the clients of container engines and clusters: minutes, once");
    }
    command
        .args(["--package", "xtask", "--bin", PROGRAM, "--features", "clusters", "--manifest-path"])
        .arg(context.root().join("Cargo.toml"))
        .arg("--")
        .args(std::env::args_os().skip(1));
    command
}

/// Whether it stands beside this program; cargo builds it anew if it is too old.
pub(crate) fn is_built() -> bool {
    let beside = |program: std::path::PathBuf| {
        program.with_file_name(PROGRAM).with_extension(std::env::consts::EXE_EXTENSION).is_file()
    };
    std::env::current_exe().is_ok_and(beside)
}
