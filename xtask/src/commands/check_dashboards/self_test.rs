//! `--self-test`: how many mistakes the rules find.

use std::process::ExitCode;

use dashboard_rules::{Subject, selftest};

use crate::ui::{Steps, Table, print_result};

/// Which places are picked where not all are wanted.
const SEED: u64 = 1;
/// How many of a hundred mistakes of a kind have to be found.
const ENOUGH: usize = 95;

pub(super) fn run(
    subject: &Subject,
    most: Option<usize>,
    threads: usize,
    steps: &Steps,
) -> anyhow::Result<ExitCode> {
    let scores = steps.run(
        "make mistakes and look for them",
        |_| anyhow::Ok(selftest::run(subject, most.unwrap_or(usize::MAX), SEED, threads)),
        |scores| format!("{} mistakes", scores.iter().map(|score| score.made).sum::<usize>()),
    )?;
    let mut table = Table::default();
    table.text_column("mistake");
    table.text_column("rule");
    for column in ["made", "found", "recall", "mended"] {
        table.number_column(column);
    }
    let mut weak = false;
    for score in &scores {
        let recall = (score.found * 100).checked_div(score.made);
        weak |= recall.is_some_and(|recall| recall < ENOUGH);
        table.row(vec![
            score.name.to_owned(),
            score.rules.join(" "),
            score.made.to_string(),
            score.found.to_string(),
            recall.map_or_else(|| "-".to_owned(), |recall| format!("{recall} %")),
            score.mended.to_string(),
        ]);
    }
    let mut text = table.render();
    for score in scores.iter().filter(|score| !score.missed.is_empty()) {
        text.push_str(&format!("\n{}: not found\n", score.name));
        for missed in &score.missed {
            text.push_str(&format!("  {missed}\n"));
        }
    }
    print_result(&text)?;
    Ok(if weak { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}
