//! How much faster than a real Prometheus the server answers: the same queries over HTTP on the same data, both warm.
//!
//! `cargo run --release -p prometheus-server --example speed_against_prometheus [-- SERIES STEPS]`; without `--release`
//! as `cargo xtask` runs the server. SERIES are the series of each metric (10,000), STEPS those of the range queries
//! (60, up to 240).
//!
//! Both servers are processes of their own behind a kept-alive connection, and answer uncompressed. First the answers
//! are compared; a speed-up that changes an answer is none. The wall time is the client's, and in the dev profile the
//! client is not optimised either, which costs both servers the same and shows in large answers.

#![allow(clippy::print_stdout, reason = "its table is what this program is for")]

mod compare;
mod cpu;
mod fleet;
mod measure;
mod ours;
mod prometheus;
mod queries;
mod server;

use std::error::Error;
use std::process::ExitCode;

use queries::Window;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const USAGE: &str = "usage: speed_against_prometheus [SERIES [STEPS]]";

fn main() -> ExitCode {
    run().unwrap_or_else(|error| {
        println!("{error}");
        ExitCode::FAILURE
    })
}

fn run() -> Result<ExitCode> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    // Not for users: this program starts itself so, to have a server with a process of its own.
    if let [ours::SERVE, port, series] = arguments[..] {
        ours::serve(port.parse()?, series.parse()?)?;
        return Ok(ExitCode::SUCCESS);
    }
    let (series, steps) = match arguments[..] {
        [] => (10_000, 60),
        [series] => (number(series)?, 60),
        [series, steps] => (number(series)?, number(steps)?),
        _ => return Err(USAGE.into()),
    };
    if let Some(missing) = prometheus::missing_program() {
        println!("skipped: {missing} is not on PATH");
        return Ok(ExitCode::SUCCESS);
    }
    race(series, Window::of_steps(steps)?)
}

fn number(argument: &str) -> Result<usize> {
    let number = argument.parse().ok().filter(|&number| number > 0);
    number.ok_or_else(|| format!("{argument:?} is not a number above zero; {USAGE}").into())
}

fn race(series: usize, window: Window) -> Result<ExitCode> {
    println!("loading {} series of {} samples into both", fleet::series_in_all(series), fleet::SAMPLES);
    let ours = ours::start(series)?;
    let theirs = prometheus::start(series)?;
    let profile = if cfg!(debug_assertions) { "dev" } else { "release" };
    println!(
        "{profile} profile against Prometheus {}: {series} series a metric, {} steps of {} s",
        theirs.version()?,
        window.steps,
        window.step_seconds(),
    );

    let mut differences = 0;
    for query in queries::ALL {
        let (our_answer, their_answer) = (ours.ask(query, window)?, theirs.ask(query, window)?);
        if let Err(difference) = compare::compare(&our_answer, &their_answer) {
            differences += 1;
            println!("{}: {difference}\n  {}", query.name, query.text);
        }
    }
    if differences > 0 {
        println!("{differences} of {} answers differ: nothing measured", queries::ALL.len());
        return Ok(ExitCode::FAILURE);
    }
    println!("all {} answers agree\n", queries::ALL.len());

    if !cpu::KNOWN {
        println!("CPU time is measured on Linux only: wall time alone");
    }
    println!("{}", measure::HEADER);
    for query in queries::ALL {
        println!("{}", measure::measure(query, window, &ours, &theirs)?);
    }
    println!("\nmilliseconds; wall: median of {}; CPU: mean; ratio: Prometheus / ours", measure::RUNS);
    Ok(ExitCode::SUCCESS)
}
