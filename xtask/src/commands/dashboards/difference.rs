//! The lines in which two texts differ, in short.

use std::time::Duration;

use similar::{ChangeTag, TextDiff};

use super::printable;

/// Lines before and after a change.
const CONTEXT: usize = 1;

/// Comparing takes no longer than this; afterwards it is coarser, not wrong.
const TIME: Duration = Duration::from_secs(1);

/// Lines that are longer are cut: queries are long, and where they stand is what matters.
const WIDTH: usize = 160;

/// At most `lines` lines of a unified diff, and how many are left out. Nothing for equal texts.
pub(super) fn short_difference(before: &str, after: &str, lines: usize) -> String {
    let difference = TextDiff::configure().timeout(TIME).diff_lines(before, after);
    let mut text = String::new();
    let mut written = 0;
    let mut left_out = 0;
    for group in difference.grouped_ops(CONTEXT) {
        let first = group.first().map_or(0, |operation| operation.new_range().start) + 1;
        let changes = group.iter().flat_map(|operation| difference.iter_changes(operation));
        for (number, change) in changes.enumerate() {
            if written >= lines {
                left_out += usize::from(change.tag() != ChangeTag::Equal);
                continue;
            }
            if number == 0 {
                text.push_str(&format!("  line {first}:\n"));
            }
            let sign = match change.tag() {
                ChangeTag::Equal => ' ',
                ChangeTag::Delete => '-',
                ChangeTag::Insert => '+',
            };
            text.push_str(&format!("  {sign} {}\n", shortened(change.value())));
            written += 1;
        }
    }
    if left_out > 0 {
        text.push_str(&format!("  … and {left_out} more changed lines\n"));
    }
    text
}

/// Without its end, and fit for a terminal.
fn shortened(line: &str) -> String {
    let line = line.trim_end_matches('\n');
    let shown: String = line.chars().take(WIDTH).collect();
    let rest = if line.chars().nth(WIDTH).is_some() { "…" } else { "" };
    printable(&shown.replace('\r', "␍").replace('\t', "    ")) + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_texts_have_no_difference() {
        assert_eq!(short_difference("a\nb\n", "a\nb\n", 10), "");
    }

    #[test]
    fn a_changed_line_stands_between_its_neighbours_with_its_number() {
        assert_eq!(
            short_difference("a\nb\nc\nd\n", "a\nb\nX\nd\n", 10),
            "  line 2:\n    b\n  - c\n  + X\n    d\n"
        );
    }

    #[test]
    fn what_is_too_much_is_counted_and_long_lines_are_cut() {
        let before: String = (0..100).map(|number| format!("{number}\n")).collect();
        let text = short_difference(&before, "", 3);
        assert_eq!(text, "  line 1:\n  - 0\n  - 1\n  - 2\n  … and 97 more changed lines\n");
        let text = short_difference("", &"é".repeat(1000), 3);
        assert!(text.contains(&format!("{}…", "é".repeat(WIDTH))), "{text}");
    }

    #[test]
    fn other_line_ends_and_commands_for_the_terminal_are_seen() {
        assert!(short_difference("a\r\n", "a\n", 10).contains("- a␍\n  + a\n"));
        assert!(!short_difference("\u{1b}[2J\n", "a\n", 10).contains('\u{1b}'));
    }
}
