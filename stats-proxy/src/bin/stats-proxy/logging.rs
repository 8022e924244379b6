//! What happens, on stderr: a line of JSON for each event.

use std::io;

use clap::ValueEnum;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

/// How much is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogLevel {
    /// What ends the program.
    Error,
    /// What does not work for now.
    Warn,
    /// What changes.
    Info,
    /// What libraries tell, too.
    Debug,
}

/// Writes events from now on.
pub(crate) fn start(level: LogLevel) {
    let (own, libraries) = match level {
        LogLevel::Error => (LevelFilter::ERROR, LevelFilter::OFF),
        LogLevel::Warn => (LevelFilter::WARN, LevelFilter::OFF),
        // We tell ourselves what the client tells in other words.
        LogLevel::Info => (LevelFilter::INFO, LevelFilter::OFF),
        LogLevel::Debug => (LevelFilter::DEBUG, LevelFilter::DEBUG),
    };
    let lines = tracing_subscriber::fmt::layer()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_span_list(false)
        .with_target(level == LogLevel::Debug)
        .with_writer(io::stderr);
    let filter = Targets::new().with_default(libraries).with_target("stats_proxy", own);
    tracing_subscriber::registry().with(lines).with(filter).init();
}
