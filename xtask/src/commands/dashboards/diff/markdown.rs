//! The differences as Markdown, for the text of a pull request.

use super::compare::{DashboardChange, PanelChange, PropertyChange};
use super::words::{Piece, by_lines};
use super::{BeforeAndAfter, Report};

/// Writes the text. Pictures stand in files: the address of one is the folder's and its name.
pub(super) fn text(report: &Report<'_>, folder: Option<&str>) -> String {
    let mut text = format!("# Dashboards since {}\n\n{}\n", inline(report.since), report.summary());
    for change in &report.changes {
        text.push_str(&format!(
            "\n## {} ({}, {})\n",
            inline(change.title()),
            inline(change.uid),
            change.kind().word()
        ));
        properties(&mut text, &change.properties);
        dashboard_picture(&mut text, change, report, folder);
        for (i, one) in change.panels.iter().enumerate() {
            panel(&mut text, one);
            let key = (change.uid.to_owned(), i);
            if let (Some(pictures), Some(folder)) = (report.pictures.panels.get(&key), folder) {
                panel_pictures(&mut text, pictures, folder, change.uid, i);
            }
        }
    }
    text
}

/// The name of a picture's file.
pub(super) fn picture_name(uid: &str, panel: Option<usize>, when: &str) -> String {
    match panel {
        Some(panel) => format!("{uid}-{}-{when}.svg", panel + 1),
        None => format!("{uid}-{when}.svg"),
    }
}

fn dashboard_picture(
    text: &mut String,
    change: &DashboardChange<'_>,
    report: &Report<'_>,
    folder: Option<&str>,
) {
    if let (Some(_), Some(folder)) = (report.pictures.dashboards.get(change.uid), folder) {
        let file = picture_name(change.uid, None, "after");
        text.push_str(&format!(
            "\n<details><summary>Picture</summary>\n\n![now]({folder}/{file})\n\n</details>\n"
        ));
    }
}

fn panel_pictures(text: &mut String, pictures: &BeforeAndAfter, folder: &str, uid: &str, panel: usize) {
    text.push_str("\n<details><summary>Pictures</summary>\n");
    for (when, picture) in [("before", &pictures.before), ("after", &pictures.after)] {
        if picture.is_some() {
            let file = picture_name(uid, Some(panel), when);
            text.push_str(&format!("\n![{when}]({folder}/{file})\n"));
        }
    }
    text.push_str("\n</details>\n");
}

fn panel(text: &mut String, change: &PanelChange<'_>) {
    text.push_str(&format!(
        "\n### {} ({}, {})\n",
        inline(change.title()),
        inline(change.panel_type()),
        change.kind().word()
    ));
    properties(text, &change.properties);
}

fn properties(text: &mut String, changes: &[PropertyChange]) {
    let (short, long): (Vec<_>, Vec<_>) = changes.iter().partition(|change| is_short(change));
    if !short.is_empty() {
        text.push_str("\n| | before | after |\n|---|---|---|\n");
    }
    for change in short {
        let cell = |value: &Option<String>| value.as_deref().map_or_else(|| "–".to_owned(), code);
        text.push_str(&format!(
            "| {} | {} | {} |\n",
            inline(&change.name),
            cell(&change.before),
            cell(&change.after)
        ));
    }
    for change in long {
        text.push_str(&format!("\n{}:\n\n", inline(&change.name)));
        let before = change.before.as_deref().unwrap_or_default();
        let after = change.after.as_deref().unwrap_or_default();
        block(text, before, after);
    }
}

fn is_short(change: &PropertyChange) -> bool {
    [&change.before, &change.after]
        .into_iter()
        .flatten()
        .all(|text| text.chars().count() <= 80 && !text.contains(['\n', '\r', '`', '|']))
}

/// A block in which lines begin with `+` or `-`, in a fence that nothing in it can close.
fn block(text: &mut String, before: &str, after: &str) {
    let longest = [before, after].iter().flat_map(|text| text.split(|c| c != '`')).map(str::len).max();
    let fence = "`".repeat(longest.unwrap_or(0).max(2) + 1);
    text.push_str(&format!("{fence}diff\n"));
    for (piece, line) in by_lines(before, after) {
        let sign = match piece {
            Piece::Same => ' ',
            Piece::Removed => '-',
            Piece::Added => '+',
        };
        // A carriage return is a line end for Markdown.
        let line = line.trim_end_matches('\n').replace('\r', "␍");
        text.push_str(&format!("{sign} {line}\n"));
    }
    text.push_str(&format!("{fence}\n"));
}

/// A short text without a line break or a backtick.
fn code(text: &str) -> String {
    if text.trim().is_empty() { "empty".to_owned() } else { format!("`{text}`") }
}

/// Text in which nothing is markup.
fn inline(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars().take(300) {
        match character {
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '&' => safe.push_str("&amp;"),
            // A backslash in front of a letter would stand there.
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '!' | '#' | '~' | '@' => {
                safe.push('\\');
                safe.push(character);
            }
            c if c.is_control() => safe.push(' '),
            c => safe.push(c),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_name_is_markup() {
        assert_eq!(
            inline("<script>|a|\n![x](y) `b` @all"),
            "&lt;script&gt;\\|a\\| \\!\\[x\\](y) \\`b\\` \\@all"
        );
    }

    #[test]
    fn a_block_cannot_be_left_from_inside() {
        let mut text = String::new();
        block(&mut text, "```\nx", "````\nx");
        assert_eq!(text, "`````diff\n- ```\n+ ````\n  x\n`````\n");
    }

    #[test]
    fn short_values_stand_in_a_table_and_long_ones_in_blocks() {
        let change = |name: &str, before: Option<&str>, after: &str| PropertyChange {
            name: name.to_owned(),
            before: before.map(str::to_owned),
            after: Some(after.to_owned()),
        };
        let mut text = String::new();
        properties(&mut text, &[change("unit", None, "bytes"), change("query A", Some("a\nb"), "a\nc")]);
        assert_eq!(
            text,
            "\n| | before | after |\n|---|---|---|\n| unit | – | `bytes` |\n\nquery A:\n\n```diff\n  a\n- b\n+ c\n```\n"
        );
    }
}
