//! `cargo xtask dashboards list`.

use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;
use serde::Serialize;

use super::mixin::{Dashboard, Mixin, MixinArguments};
use super::printable;
use crate::commands::Format;
use crate::context::Context;
use crate::ui::{Steps, Table, print_result};

/// Show the dashboards that the sources give.
#[derive(Args)]
pub(super) struct List {
    #[command(flatten)]
    mixin: MixinArguments,

    /// For people or for programs.
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

/// A dashboard in the output for programs.
#[derive(Serialize)]
struct Listed<'a> {
    uid: &'a str,
    title: &'a str,
    panels: usize,
    variables: &'a [String],
    file: &'a str,
}

impl List {
    pub(super) fn run(self, context: &Context) -> anyhow::Result<ExitCode> {
        let evaluation = Mixin::open(&self.mixin, context)?.evaluate();
        let steps = Steps::new();
        for remark in evaluation.remarks {
            steps.note(remark);
        }
        let dashboards = evaluation.result?;
        let text = match self.format {
            Format::Text => text(&dashboards),
            Format::Json => json(&dashboards)?,
        };
        print_result(&text)?;
        Ok(ExitCode::SUCCESS)
    }
}

fn text(dashboards: &[Dashboard]) -> String {
    let mut table = Table::default();
    table.text_column("uid");
    table.text_column("title");
    table.number_column("panels");
    table.text_column("variables");
    table.text_column("file");
    for dashboard in dashboards {
        table.row(vec![
            dashboard.uid.clone(),
            printable(&dashboard.title),
            dashboard.panels.to_string(),
            printable(&dashboard.variables.join(", ")),
            dashboard.file.clone(),
        ]);
    }
    table.render()
}

fn json(dashboards: &[Dashboard]) -> anyhow::Result<String> {
    let listed: Vec<Listed<'_>> = dashboards
        .iter()
        .map(|dashboard| Listed {
            uid: &dashboard.uid,
            title: &dashboard.title,
            panels: dashboard.panels,
            variables: &dashboard.variables,
            file: &dashboard.file,
        })
        .collect();
    let text = serde_json::to_string_pretty(&listed).context("failed to write the list as JSON")?;
    Ok(text + "\n")
}
