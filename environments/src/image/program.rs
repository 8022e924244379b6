//! The program, built by cargo on this machine.
//!
//! It has to be alone in an empty file system, so it is linked statically. What is needed for that, tried in this order:
//!
//! 1. glibc from 2.34 on, and its `libc.a`, which comes with the compiler on Debian and Ubuntu, and as `glibc-static` on Fedora. An older
//!    glibc finds no names in an empty file system: it would load libraries for that.
//! 2. musl's target of Rust (`rustup target add x86_64-unknown-linux-musl`), which brings its own C library. The cryptography of TLS is C
//!    and assembly: any C compiler for this processor does. It comes second as its memory allocator makes the program slow: all 5,000
//!    nodes' summaries took 5.6 to 7.9 CPU seconds, and 1.4 with glibc.
//!
//! For the other processor the same, with a C compiler for it: `aarch64-linux-gnu-gcc` for example. Elsewhere (macOS, Windows, a missing
//! compiler) it is built in a container.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use serde::Deserialize;
use tools::{Invocation, Processes};

use super::{Architecture, StatsProxyImage, read};

/// A first build with all optimisations, on a small machine.
const BUILD_DEADLINE: Duration = Duration::from_secs(60 * 60);

/// Programs that only say something about themselves.
const ASK_DEADLINE: Duration = Duration::from_secs(30);

/// The variable with which cargo links glibc statically. It replaces flags of the user's, which may be of any form; build scripts do
/// not get them.
pub(super) const STATIC_GLIBC: (&str, &str) = ("CARGO_ENCODED_RUSTFLAGS", "-Ctarget-feature=+crt-static");

/// The first glibc that has all that it needs to find names in itself.
const RESOLVING_GLIBC: (u32, u32) = (2, 34);

/// How the program is built.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// By cargo, here.
    Cargo(Invocation),
    /// Not here.
    None {
        /// What is missing.
        why: String,
    },
}

/// A C library that is linked statically.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Library {
    Musl,
    Glibc,
}

/// The name of a target of Rust.
pub(super) fn target(architecture: Architecture, library: Library) -> String {
    let library = match library {
        Library::Musl => "musl",
        Library::Glibc => "gnu",
    };
    format!("{}-unknown-linux-{library}", processor(architecture))
}

/// A processor as compilers name it.
fn processor(architecture: Architecture) -> &'static str {
    match architecture {
        Architecture::Amd64 => "x86_64",
        Architecture::Arm64 => "aarch64",
    }
}

/// What cargo is asked for, here and in a container.
pub(super) fn cargo_arguments(target: &str) -> Vec<String> {
    let arguments = [
        "build",
        "--locked",
        "--profile",
        "image",
        "--package",
        "stats-proxy",
        "--features",
        "cluster",
        "--bin",
        "stats-proxy",
        "--target",
        target,
    ];
    arguments.map(str::to_owned).into()
}

impl StatsProxyImage {
    /// How the program is built for this image.
    pub(super) async fn way_to_build(&self) -> anyhow::Result<Way> {
        let (processes, architecture) = (Arc::clone(&self.processes), self.architecture);
        let manifest = self.workspace.join("Cargo.toml");
        let machine = Machine { linux: cfg!(target_os = "linux"), processor: std::env::consts::ARCH };
        let asked =
            tokio::task::spawn_blocking(move || way_on(machine, processes.as_ref(), &manifest, architecture));
        asked.await.context("looking for a compiler was given up")
    }

    /// Runs cargo, and reads the program that it has made.
    pub(super) async fn run_cargo(&self, build: Invocation) -> anyhow::Result<Vec<u8>> {
        let processes = Arc::clone(&self.processes);
        let musl = target(self.architecture, Library::Musl);
        let built = tools::run_aside(processes, build).await;
        let built = built.context("the build was given up")?;
        let output = built.map_err(anyhow::Error::new).with_context(|| {
            format!(
                "failed to build the stats-proxy as a static program; where only linking fails, `rustup target add {musl}` helps"
            )
        })?;
        read(
            &executable(&output.text())
                .context("cargo did not say where the stats-proxy is that it has built")?,
        )
        .await
    }
}

/// What decides how a program is linked.
#[derive(Clone, Copy, Debug)]
struct Machine {
    linux: bool,
    processor: &'static str,
}

/// The way to build on a machine.
fn way_on(machine: Machine, processes: &dyn Processes, manifest: &Path, architecture: Architecture) -> Way {
    if !machine.linux {
        let why = "only Linux links programs for Linux with nothing but cargo and a C compiler";
        return Way::None { why: why.to_owned() };
    }
    let processor = processor(architecture);
    let own = machine.processor == processor;
    let compiler_of = |library| -> Option<String> {
        let compilers = match (library, own) {
            (Library::Glibc, true) => vec!["cc".to_owned()],
            (Library::Glibc, false) => vec![format!("{processor}-linux-gnu-gcc")],
            (Library::Musl, true) => {
                vec![format!("{processor}-linux-musl-gcc"), "musl-gcc".to_owned(), "cc".to_owned()]
            }
            (Library::Musl, false) => {
                vec![format!("{processor}-linux-musl-gcc"), format!("{processor}-linux-gnu-gcc")]
            }
        };
        compilers.into_iter().find(|compiler| says(processes, compiler, &["--version"]).is_some())
    };
    let (glibc, musl) = (target(architecture, Library::Glibc), target(architecture, Library::Musl));
    let compiler = compiler_of(Library::Glibc)
        .filter(|compiler| has_static_glibc(processes, compiler) && has_target(processes, &glibc));
    if let Some(compiler) = compiler {
        let (name, value) = STATIC_GLIBC;
        let build = cargo(manifest, &glibc).env(name, value);
        return Way::Cargo(if own { build } else { build.env(&linker(&glibc), compiler) });
    }
    match compiler_of(Library::Musl) {
        Some(compiler) if has_target(processes, &musl) => {
            let build = cargo(manifest, &musl).env(&format!("CC_{}", musl.replace('-', "_")), &compiler);
            Way::Cargo(if own { build } else { build.env(&linker(&musl), compiler) })
        }
        Some(_) => {
            let why = format!(
                "neither glibc from 2.34 on for linking statically nor Rust's target {musl} (`rustup target add {musl}`) is here"
            );
            Way::None { why }
        }
        None => Way::None { why: format!("there is no C compiler for {processor} here") },
    }
}

/// The variable that names a target's linker.
fn linker(target: &str) -> String {
    format!("CARGO_TARGET_{}_LINKER", target.replace('-', "_").to_uppercase())
}

/// Whether a compiler links glibc statically into a program that finds names in an empty file system.
fn has_static_glibc(processes: &dyn Processes, compiler: &str) -> bool {
    let version = says(processes, "getconf", &["GNU_LIBC_VERSION"]).and_then(|text| {
        let (major, minor) = text.trim().strip_prefix("glibc ")?.split_once('.')?;
        Some((major.parse().ok()?, minor.split('.').next()?.parse().ok()?))
    });
    let library = says(processes, compiler, &["-print-file-name=libc.a"]);
    // Without one, the compiler says the bare name.
    version.is_some_and(|version| version >= RESOLVING_GLIBC)
        && library
            .is_some_and(|path| Path::new(path.trim()).is_absolute() && Path::new(path.trim()).is_file())
}

fn cargo(manifest: &Path, target: &str) -> Invocation {
    Invocation::new("cargo")
        .args(cargo_arguments(target))
        .args(["--message-format", "json-render-diagnostics", "--manifest-path"])
        .args([manifest.as_os_str()])
        .within(BUILD_DEADLINE)
}

/// Whether Rust's libraries for a target are there, however Rust was installed.
fn has_target(processes: &dyn Processes, target: &str) -> bool {
    let folder = says(processes, "rustc", &["--print", "target-libdir", "--target", target]);
    folder.is_some_and(|folder| Path::new(folder.trim()).is_dir())
}

/// What a program says about itself, if it is there.
fn says(processes: &dyn Processes, program: &str, arguments: &[&str]) -> Option<String> {
    let asked = processes.run(&Invocation::new(program).args(arguments).within(ASK_DEADLINE));
    asked.ok().map(|said| said.text())
}

/// Where the program is, in what cargo says: its target folder can be anywhere.
fn executable(messages: &str) -> Option<PathBuf> {
    #[derive(Deserialize)]
    struct Message {
        executable: Option<PathBuf>,
        target: Option<Target>,
    }
    #[derive(Deserialize)]
    struct Target {
        name: String,
    }
    let mut programs = messages.lines().filter_map(|line| {
        let message: Message = serde_json::from_str(line).ok()?;
        message.executable.filter(|_| message.target.is_some_and(|target| target.name == "stats-proxy"))
    });
    programs.next_back()
}

#[cfg(test)]
mod tests {
    use expect_test::expect_file;
    use tools::{FakeProcesses, Finished, ProcessFailure};

    use super::*;

    const LINUX: Machine = Machine { linux: true, processor: "x86_64" };

    /// A machine with these compilers, of which `cc` has a `libc.a` or not, this glibc, and these targets of Rust.
    fn machine(compilers: &[&str], library: bool, glibc: &str, targets: &'static [&str]) -> FakeProcesses {
        let said = |text: String| Finished { stdout: text.into_bytes(), stderr: Vec::new() };
        // Any file and any folder that are there.
        let (file, folder) = (std::env::current_exe().unwrap(), std::env::temp_dir());
        let mut processes =
            FakeProcesses::default().with("getconf", glibc).answering("rustc", move |asked| {
                let there = targets.iter().any(|target| asked.arguments.last().unwrap() == target);
                Ok(said(if there { folder.display().to_string() } else { "/nowhere".to_owned() }))
            });
        for compiler in compilers {
            let file = file.clone();
            processes = processes.answering(compiler, move |asked| {
                let version = asked.arguments[0] == "--version";
                let library = if library { file.display().to_string() } else { "libc.a".to_owned() };
                Ok(said(if version { "gcc 12".to_owned() } else { library }))
            });
        }
        processes
    }

    fn way(processes: &FakeProcesses, architecture: Architecture) -> Way {
        way_on(LINUX, processes, Path::new("/project/Cargo.toml"), architecture)
    }

    fn shown(way: &Way) -> String {
        match way {
            Way::Cargo(build) => {
                let variables =
                    build.environment.iter().map(|(name, value)| format!("{name}={} ", value.display()));
                format!("{}{build}\n", variables.collect::<String>())
            }
            Way::None { why } => format!("not here: {why}\n"),
        }
    }

    #[test]
    fn each_machine_builds_in_the_way_that_it_can() {
        let mut all = String::new();
        let (amd, arm) = (Architecture::Amd64, Architecture::Arm64);
        let gnu: &[&str] = &["x86_64-unknown-linux-gnu"];
        let both: &[&str] = &["x86_64-unknown-linux-gnu", "x86_64-unknown-linux-musl"];
        let (new, old) = ("glibc 2.36\n", "glibc 2.31\n");
        for (what, architecture, machine) in [
            ("Debian or Ubuntu", amd, machine(&["cc"], true, new, gnu)),
            ("with musl's target, too", amd, machine(&["cc", "musl-gcc"], true, new, both)),
            ("Fedora without glibc-static, with musl's target", amd, machine(&["cc"], false, new, both)),
            (
                "an old glibc, with musl's target and compiler",
                amd,
                machine(&["cc", "musl-gcc"], true, old, both),
            ),
            ("an old glibc", amd, machine(&["cc"], true, old, gnu)),
            ("Alpine", amd, machine(&["cc"], true, "", &["x86_64-unknown-linux-musl"])),
            ("no compiler", amd, machine(&[], true, new, both)),
            (
                "for ARM",
                arm,
                machine(&["cc", "aarch64-linux-gnu-gcc"], true, new, &["aarch64-unknown-linux-gnu"]),
            ),
            (
                "for ARM with musl",
                arm,
                machine(&["cc", "aarch64-linux-gnu-gcc"], true, new, &["aarch64-unknown-linux-musl"]),
            ),
            ("for ARM, without its compiler", arm, machine(&["cc"], true, new, both)),
        ] {
            all += &format!("# {what}\n{}", shown(&way(&machine, architecture)));
        }
        let mac = Machine { linux: false, processor: "aarch64" };
        let processes = machine(&["cc"], true, new, both);
        let way = way_on(mac, &processes, Path::new("/project/Cargo.toml"), Architecture::Arm64);
        all += &format!("# macOS\n{}", shown(&way));
        assert!(processes.runs().is_empty(), "nothing is asked where nothing can be");
        expect_file!["../../tests/golden/image-builds.txt"].assert_eq(&all);
    }

    #[test]
    fn the_program_is_where_cargo_says_that_it_is() {
        let messages = r#"{"reason":"compiler-artifact","target":{"name":"libc"},"executable":null}
{"reason":"build-script-executed","package_id":"x"}
{"reason":"compiler-artifact","target":{"name":"other"},"executable":"/t/other"}
not JSON
{"reason":"compiler-artifact","target":{"name":"stats-proxy"},"executable":null}
{"reason":"compiler-artifact","target":{"name":"stats-proxy"},"executable":"/t/image/stats-proxy"}
{"reason":"build-finished","success":true}"#;
        assert_eq!(executable(messages), Some(PathBuf::from("/t/image/stats-proxy")));
        assert_eq!(executable(""), None);
    }

    #[tokio::test]
    async fn a_build_that_fails_says_what_cargo_said_and_what_may_help() {
        let processes = FakeProcesses::default().answering("cargo", |build| {
            Err(ProcessFailure::TimedOut {
                command: build.to_string(),
                deadline: Duration::from_secs(1),
                output: Finished { stdout: Vec::new(), stderr: b"error: linking with `cc` failed".to_vec() },
            })
        });
        let image = StatsProxyImage {
            workspace: PathBuf::from("/project"),
            cache: PathBuf::from("/cache"),
            architecture: Architecture::Amd64,
            processes: Arc::new(processes),
        };
        let build = cargo(Path::new("/project/Cargo.toml"), "x86_64-unknown-linux-musl");
        let error = image.run_cargo(build).await.unwrap_err();
        assert!(error.to_string().contains("rustup target add x86_64-unknown-linux-musl"), "{error}");
        assert!(format!("{error:#}").contains("linking with `cc` failed"), "{error:#}");
    }
}
