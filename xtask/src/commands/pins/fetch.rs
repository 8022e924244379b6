//! `cargo xtask pins fetch`.

use std::process::ExitCode;

use crate::commands::pins::megabytes;
use crate::ui::{Steps, Table, print_result};
use tools::pins::{Pins, ToolName};
use tools::{Downloader, Origin, SystemProcesses, Toolbox};

/// Get the tools before they are needed, for example before a journey.
///
/// One in PATH that is new enough is taken. Others are downloaded into the user's cache once, and checked. Prints where each
/// one is.
#[derive(clap::Args)]
pub(super) struct Fetch {
    /// Which ones [default: all].
    #[arg(value_enum)]
    tools: Vec<ToolName>,

    /// Take what is there, and download nothing.
    #[arg(long)]
    offline: bool,
}

impl Fetch {
    pub(super) fn run(self, pins: &Pins) -> anyhow::Result<ExitCode> {
        let toolbox = Toolbox::of_user(pins, &SystemProcesses)?;
        let (downloader, steps) = (Downloader::new(self.offline), Steps::new());
        let tools = if self.tools.is_empty() { ToolName::ALL.to_vec() } else { self.tools };
        let mut table = Table::default();
        for column in ["tool", "version", "from", "program"] {
            table.text_column(column);
        }
        for name in tools {
            let tool = steps.run(
                name.program(),
                |progress| {
                    toolbox.obtain(name, &downloader, &mut |done, all| {
                        let all = all.map(|all| format!(" of {}", megabytes(all))).unwrap_or_default();
                        progress.show(&format!("{}{all}", megabytes(done)));
                    })
                },
                |tool| tool.version.to_string(),
            )?;
            let from = match tool.origin {
                Origin::Path => "PATH",
                Origin::Cache => "the cache",
            };
            let path = tool.path.display().to_string();
            table.row(vec![name.to_string(), tool.version.to_string(), from.to_owned(), path]);
        }
        print_result(&table.render())?;
        Ok(ExitCode::SUCCESS)
    }
}
