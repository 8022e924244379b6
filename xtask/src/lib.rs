//! `cargo xtask`: everything that people who write Grafana dashboards for Kubernetes on OpenTelemetry metrics need, with
//! nothing installed but cargo.
//!
//! The alias in `.cargo/config.toml` makes cargo build and run this package; it works from any folder of the workspace.
//! Each command has a file of its own in `commands/`, whose doc comments are its help.
//!
//! Exit codes: 0 done, 1 it failed, 2 it was asked for something that cannot be.

mod answer;
mod commands;
mod context;
mod doctor;
mod environment;
mod features;
#[cfg(not(feature = "clusters"))]
mod handover;
mod ui;

use std::process::ExitCode;

use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

use crate::context::Context;
use crate::ui::report_error;

/// A simulated Kubernetes cluster, its OpenTelemetry metrics and a Prometheus API, from cargo alone.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", version, infer_subcommands = true)]
struct Cli {
    /// Show what lies behind an error.
    #[arg(short, long, global = true)]
    verbose: bool,

    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Kwok(commands::kwok::Kwok),
    Dev(commands::dev::Dev),
    Query(commands::query::Query),
    Status(commands::status::Status),
    Sim(commands::sim::Sim),
    Logs(commands::logs::Logs),
    Down(commands::down::Down),
    Dashboards(commands::dashboards::Dashboards),
    CheckDashboards(commands::check_dashboards::CheckDashboards),
    Explain(commands::explain::Explain),
    Metrics(commands::metrics::Metrics),
    Doctor(commands::doctor::Doctor),
    Pins(commands::pins::PinsCommand),
    StatsProxy(commands::stats_proxy::StatsProxy),
    PromqlConformance(commands::promql_conformance::PromqlConformance),
    Ci(commands::ci::Ci),
}

/// Runs the command that this process was started with.
pub fn main() -> ExitCode {
    let matches = Cli::command().get_matches();
    let cli = Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    let context = match Context::new() {
        Ok(context) => context.with_flags(&matches),
        Err(error) => return report_error(&error, cli.verbose),
    };
    let result = match cli.command {
        Command::Kwok(command) => command.run(&context),
        Command::Dev(command) => command.run(&context),
        Command::Query(command) => command.run(&context),
        Command::Status(command) => command.run(&context),
        Command::Sim(command) => command.run(&context),
        Command::Logs(command) => command.run(&context),
        Command::Down(command) => command.run(&context),
        Command::Dashboards(command) => command.run(&context),
        Command::CheckDashboards(command) => command.run(&context),
        Command::Explain(command) => command.run(&context),
        Command::Metrics(command) => command.run(&context),
        Command::Doctor(command) => command.run(&context),
        Command::Pins(command) => command.run(&context),
        Command::StatsProxy(command) => command.run(&context),
        Command::PromqlConformance(command) => command.run(&context),
        Command::Ci(command) => command.run(&context),
    };
    match result {
        Ok(code) => code,
        Err(error) => report_error(&error, cli.verbose),
    }
}
