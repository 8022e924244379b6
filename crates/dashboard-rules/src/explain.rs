//! What a rule is about, for people.

use std::fmt::Write as _;

use crate::rule::{Check, Example, Fixable, Needs, Rule};
use crate::rules;

/// The text of `cargo xtask explain ID`.
pub fn explain(rule: &Rule) -> String {
    let mut text =
        format!("{} ({}): {}\n\n{}\n\n", rule.id, rule.severity, rule.title, wrapped(rule.why, 100));
    let _ = writeln!(text, "Needs: {}.", needs(rule));
    let _ = match rule.fix {
        Fixable::Yes(how) => writeln!(text, "--fix: {how}."),
        Fixable::No => writeln!(text, "--fix: no; it takes somebody who knows what was meant."),
    };
    for (title, example) in [("Not so", &rule.bad), ("But so", &rule.good)] {
        if let Some((what, lines)) = shown(example) {
            let _ = write!(text, "\n{title} ({what}):\n{}", indented(&lines));
        }
    }
    text
}

/// The page with all rules, in Markdown.
pub fn page() -> String {
    let mut text = String::from(
        "# Rules of `cargo xtask check-dashboards`\n\n\
         Written by `cargo xtask explain --page > dashboards/RULES.md` from the rules themselves \
         (`crates/dashboard-rules/src/rules`); do not edit it here.\n\n\
         | id | rule | severity | `--fix` | needs |\n|---|---|---|---|---|\n",
    );
    for rule in rules::all() {
        let fix = if matches!(rule.fix, Fixable::Yes(_)) { "✔" } else { "" };
        let id = rule.id;
        let anchor = id.to_lowercase();
        let _ = writeln!(
            text,
            "| [{id}](#{anchor}) | {} | {} | {fix} | {} |",
            rule.title,
            rule.severity,
            rule.needs.name()
        );
    }
    for rule in rules::all() {
        let _ = write!(
            text,
            "\n## {}\n\n**{}** ({}).\n\n{}\n",
            rule.id,
            capitalised(rule.title),
            rule.severity,
            rule.why
        );
        if let Fixable::Yes(how) = rule.fix {
            let _ = writeln!(text, "\n`--fix`: {how}.");
        }
        if let Check::NotApplicable(reason) = rule.check {
            let _ = writeln!(text, "\nNot applicable: {reason}.");
        }
        for (title, example) in [("Not so", &rule.bad), ("But so", &rule.good)] {
            if let Some((what, lines)) = shown(example) {
                let language = if matches!(example, Example::Query(_)) { "promql" } else { "json" };
                let _ = write!(text, "\n{title} ({what}):\n\n```{language}\n{}\n```\n", lines.trim_end());
            }
        }
    }
    text
}

fn needs(rule: &Rule) -> String {
    match (rule.check, rule.needs) {
        (Check::NotApplicable(reason), _) => format!("nothing yet; it is not applicable, for {reason}"),
        (_, Needs::Static) => "the dashboards alone".to_owned(),
        (_, Needs::Catalogue) => "the catalogue of the receivers' metrics (built in)".to_owned(),
        (_, Needs::Live) => "answers to the queries (--live)".to_owned(),
    }
}

/// What an example is a part of, and its text.
fn shown(example: &Example) -> Option<(&'static str, String)> {
    let json = |text: &str| {
        let value: Result<serde_json::Value, _> = serde_json::from_str(text);
        value
            .ok()
            .and_then(|value| serde_json::to_string_pretty(&value).ok())
            .unwrap_or_else(|| text.to_owned())
    };
    Some(match example {
        Example::None => return None,
        Example::Query(query) => ("a query", (*query).to_owned()),
        Example::Panel(text) => ("in a panel", json(text)),
        Example::Stat(text) => ("in a stat panel beside others", json(text)),
        Example::Table(text) => {
            ("in a table of two queries; a number is the index of a list's item", json(text))
        }
        Example::Variable(text) => ("in the variable namespace", json(text)),
        Example::Dashboard(text) => ("in a dashboard; a number is the index of a list's item", json(text)),
        Example::Set(texts) => {
            ("in several dashboards", texts.iter().map(|text| json(text)).collect::<Vec<_>>().join("\n"))
        }
        Example::File(text) => ("a file", (*text).to_owned()),
    })
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("    {line}\n")).collect()
}

fn capitalised(text: &str) -> String {
    let mut characters = text.chars();
    characters
        .next()
        .map(|first| first.to_uppercase().collect::<String>() + characters.as_str())
        .unwrap_or_default()
}

/// In lines of at most so many characters.
fn wrapped(text: &str, width: usize) -> String {
    let mut lines: Vec<String> = vec![String::new()];
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_is_explained_with_its_examples() {
        let text = explain(rules::find("j02").unwrap());
        for part in ["J02 (warning)", "allowCustom\"", "allowCustomValue", "--fix:", "Not so", "But so"] {
            assert!(text.contains(part), "{part}: {text}");
        }
    }

    #[test]
    fn every_rule_can_be_explained_in_lines_that_fit() {
        for rule in rules::all() {
            let text = explain(rule);
            assert!(text.starts_with(rule.id), "{text}");
        }
        assert_eq!(wrapped("aa bb cc", 5), "aa bb\ncc");
    }

    #[test]
    fn the_page_in_the_repository_is_that_of_the_rules() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../dashboards/RULES.md");
        let Ok(written) = std::fs::read_to_string(file) else {
            panic!("dashboards/RULES.md is missing: cargo xtask explain --page > dashboards/RULES.md");
        };
        assert!(written == page(), "cargo xtask explain --page > dashboards/RULES.md");
    }
}
