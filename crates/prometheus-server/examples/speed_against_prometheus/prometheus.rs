//! A real Prometheus with the fleet's data.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use crate::server::{Server, free_port};
use crate::{Result, fleet};

/// The first program that is needed and not there.
pub(crate) fn missing_program() -> Option<&'static str> {
    ["promtool", "prometheus"].into_iter().find(|program| {
        let status =
            Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
        status.is_err()
    })
}

/// Starts a Prometheus of default settings.
pub(crate) fn start(series: usize) -> Result<Server> {
    let port = free_port()?;
    let directory = std::env::temp_dir().join(format!("speed-against-prometheus-{}", std::process::id()));
    fs::create_dir_all(&directory)?;
    let started = load(&directory, series).and_then(|()| {
        let config = directory.join("prometheus.yml");
        fs::write(&config, "")?;
        let mut program = Command::new("prometheus");
        program
            .arg(format!("--config.file={}", config.display()))
            .arg(format!("--storage.tsdb.path={}", directory.join("data").display()))
            .arg("--storage.tsdb.retention.time=100y")
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        Server::start(program, port, Some(directory.clone()))
    });
    if started.is_err() {
        // The first error is the one that matters.
        let _ = fs::remove_dir_all(&directory);
    }
    started
}

/// Writes the fleet as a block of Prometheus.
fn load(directory: &Path, series: usize) -> Result<()> {
    let text = directory.join("fleet.om");
    let mut file = BufWriter::with_capacity(1 << 20, File::create(&text)?);
    let times: Vec<String> =
        fleet::times_ms().map(|ms| format!("{}.{:03}\n", ms / 1_000, ms % 1_000)).collect();
    fleet::for_each_series::<std::io::Error>(series, |name, labels, values| {
        let labels: Vec<String> = labels.iter().map(|(name, value)| format!("{name}={value:?}")).collect();
        let series = format!("{name}{{{}}} ", labels.join(","));
        for (value, time) in values.iter().zip(&times) {
            write!(file, "{series}{value} {time}")?;
        }
        Ok(())
    })?;
    file.write_all(b"# EOF\n")?;
    file.into_inner()?;
    let import = Command::new("promtool")
        .args(["tsdb", "create-blocks-from", "openmetrics", "--quiet"])
        .args([&text, &directory.join("data")])
        .output()?;
    if !import.status.success() {
        return Err(format!("promtool: {}", String::from_utf8_lossy(&import.stderr)).into());
    }
    // The text is by far the larger.
    fs::remove_file(text)?;
    Ok(())
}
