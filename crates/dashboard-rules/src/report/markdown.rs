//! A table for a comment on a pull request, or a job's summary.

use std::fmt::Write as _;

use super::{Located, whereabouts};
use crate::rule::Severity;

/// A heading with the sums, and a table of the findings.
pub fn markdown(located: &[Located<'_>]) -> String {
    /// What a comment on GitHub can hold.
    const SHOWN: usize = 200;
    let count = |severity| located.iter().filter(|one| one.finding.severity == severity).count();
    let (errors, warnings, infos) = (count(Severity::Error), count(Severity::Warning), count(Severity::Info));
    let mut text = format!("### Dashboards: {errors} errors, {warnings} warnings, {infos} remarks\n");
    if located.is_empty() {
        return text;
    }
    text.push_str("\n| | rule | where | what |\n|---|---|---|---|\n");
    for one in located.iter().take(SHOWN) {
        let finding = one.finding;
        let mark = match finding.severity {
            Severity::Error => "❌",
            Severity::Warning => "⚠️",
            Severity::Info => "ℹ️",
        };
        let line = one.line.map(|(line, _)| format!(":{line}")).unwrap_or_default();
        let at = whereabouts(&finding.place);
        let at = if at.is_empty() { finding.place.pointer.to_string() } else { at };
        let place = format!("`{}{line}` {}", one.file.replace('`', "'"), cell(&at));
        let _ = writeln!(text, "| {mark} | {} | {place} | {} |", finding.rule, cell(&finding.message));
    }
    if let Some(more @ 1..) = located.len().checked_sub(SHOWN) {
        let _ = writeln!(text, "\n… and {more} more.");
    }
    text
}

/// Text that neither ends the cell nor becomes markup.
fn cell(text: &str) -> String {
    let mut cell = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '|' | '*' | '_' | '`' | '[' | ']' | '\\' | '@' => cell.extend(['\\', character]),
            '<' => cell.push_str("&lt;"),
            '&' => cell.push_str("&amp;"),
            '\n' | '\r' => cell.push(' '),
            other => cell.push(other),
        }
    }
    cell
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_stay_cells() {
        assert_eq!(cell("a|b\n<img> *x*"), "a\\|b &lt;img> \\*x\\*");
        assert_eq!(markdown(&[]), "### Dashboards: 0 errors, 0 warnings, 0 remarks\n");
    }
}
