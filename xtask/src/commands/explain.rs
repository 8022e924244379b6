//! `cargo xtask explain`.

use std::process::ExitCode;

use clap::Args;
use dashboard_rules::{explain, page, rules};

use super::check_dashboards::find_rule;
use crate::context::Context;
use crate::ui::{Table, print_result};

/// Explain a rule of check-dashboards: what it asks for and why, with an example that breaks it and one that does not.
#[derive(Args)]
pub(crate) struct Explain {
    /// The rule's id, for example U01 [default: a list of all]
    id: Option<String>,

    /// All rules as a page in Markdown: what dashboards/RULES.md is.
    #[arg(long, conflicts_with = "id")]
    page: bool,
}

impl Explain {
    pub(crate) fn run(self, _: &Context) -> anyhow::Result<ExitCode> {
        let text = match &self.id {
            _ if self.page => page(),
            Some(id) => explain(find_rule(id)?),
            None => list(),
        };
        print_result(&text)?;
        Ok(ExitCode::SUCCESS)
    }
}

fn list() -> String {
    let mut table = Table::default();
    for column in ["id", "severity", "needs", "rule"] {
        table.text_column(column);
    }
    for rule in rules::all() {
        let (severity, needs) = (rule.severity.name().to_owned(), rule.needs.name().to_owned());
        table.row(vec![rule.id.to_owned(), severity, needs, rule.title.to_owned()]);
    }
    table.render()
}
