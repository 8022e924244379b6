//! The same commands with the clients of container engines and clusters in it. `cargo xtask` builds and runs it when a command
//! needs them, so that all others need not wait until they are compiled.

use std::process::ExitCode;

fn main() -> ExitCode {
    xtask::main()
}
