//! `cargo xtask`: what cargo builds and runs first.

use std::process::ExitCode;

fn main() -> ExitCode {
    xtask::main()
}
