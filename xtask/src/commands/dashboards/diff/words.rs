//! The words in which two texts differ.

use std::time::Duration;

use similar::{ChangeTag, TextDiff};

/// Comparing takes no longer than this; afterwards it is coarser, not wrong.
const TIME: Duration = Duration::from_millis(500);

/// Longer texts are cut; what is left out is counted.
pub(super) const LONGEST: usize = 20_000;

/// A piece of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    Same,
    Removed,
    Added,
}

/// Both texts in one, word by word.
pub(super) fn by_words(before: &str, after: &str) -> Vec<(Piece, String)> {
    pieces(&TextDiff::configure().timeout(TIME).diff_words(&*cut(before), &*cut(after)))
}

/// Both texts in one, line by line.
pub(super) fn by_lines(before: &str, after: &str) -> Vec<(Piece, String)> {
    pieces(&TextDiff::configure().timeout(TIME).diff_lines(&*cut(before), &*cut(after)))
}

fn pieces(difference: &TextDiff<'_, '_, str>) -> Vec<(Piece, String)> {
    difference
        .iter_all_changes()
        .map(|change| {
            let piece = match change.tag() {
                ChangeTag::Equal => Piece::Same,
                ChangeTag::Delete => Piece::Removed,
                ChangeTag::Insert => Piece::Added,
            };
            (piece, change.value().to_owned())
        })
        .collect()
}

/// A text of at most [`LONGEST`] characters, and how many are missing.
pub(super) fn cut(text: &str) -> std::borrow::Cow<'_, str> {
    match text.char_indices().nth(LONGEST) {
        None => text.into(),
        Some((end, _)) => {
            format!("{}\n… and {} more characters", &text[..end], text[end..].chars().count()).into()
        }
    }
}
