//! What regular expressions may cost, reckoned before anything is built.

use std::cell::Cell;

use regex_syntax::hir::{Class, Hir, HirKind};

/// What the regular expressions of one query may cost together, in bytes of memory. The time that it takes to read and
/// build them grows with it.
#[derive(Debug)]
pub struct RegexBudget {
    all: usize,
    left: Cell<usize>,
}

impl RegexBudget {
    /// For one query: a megabyte of expressions' text, or five hundred small automata, or a few large ones. Lists of plain
    /// values cost next to nothing.
    pub const PER_QUERY: usize = 16 << 20;

    /// So many bytes.
    pub fn new(bytes: usize) -> Self {
        Self { all: bytes, left: Cell::new(bytes) }
    }

    /// What is left.
    pub fn left(&self) -> usize {
        self.left.get()
    }

    /// Takes what an expression costs; says whether there was enough.
    #[must_use]
    pub fn spend(&self, bytes: usize) -> bool {
        let left = self.left.get().checked_sub(bytes);
        self.left.set(left.unwrap_or(0));
        left.is_some()
    }

    /// What there is to say when there was not enough.
    pub fn exceeded(&self) -> String {
        let all = self.all;
        let size = if all < 1 << 20 { format!("{all} bytes") } else { format!("{} MiB", all >> 20) };
        format!(
            "expression too large: the regular expressions of one query may take {size} of memory together"
        )
    }
}

impl Default for RegexBudget {
    fn default() -> Self {
        Self::new(Self::PER_QUERY)
    }
}

/// What an expression of this text costs while it is read: the tree of a few characters is much larger than these.
pub(super) fn reading_cost(text: &str) -> usize {
    const BYTE: usize = 16;
    const CLASS: usize = 1 << 10;
    /// To fold the case of a class, each of its characters may have to be looked up, up to a million.
    const FOLDED_CLASS: usize = 64 << 10;
    let (mut classes, mut folds) = (0_usize, false);
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'\\' => {
                classes += usize::from(matches!(bytes.get(at + 1), Some(b'p' | b'P')));
                at += 1;
            }
            b'[' => classes += 1,
            b'(' if bytes.get(at + 1) == Some(&b'?') => {
                let flags = bytes[at + 2..].iter().take_while(|byte| byte.is_ascii_alphabetic());
                folds |= flags.into_iter().any(|flag| *flag == b'i');
            }
            _ => {}
        }
        at += 1;
    }
    let class = if folds { FOLDED_CLASS } else { CLASS };
    text.len().saturating_mul(BYTE).saturating_add(classes.saturating_mul(class))
}

/// About how large the automaton of an expression becomes, in bytes.
pub(super) fn automaton_cost(hir: &Hir) -> usize {
    /// Whatever it looks like: states for the anchors, a cache to match with.
    const AUTOMATON: usize = 32 << 10;
    states(hir).saturating_add(AUTOMATON)
}

fn states(hir: &Hir) -> usize {
    const STATE: usize = 32;
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => STATE,
        HirKind::Literal(literal) => literal.0.len().saturating_mul(STATE),
        HirKind::Class(Class::Bytes(_)) => 8 * STATE,
        // A character outside of ASCII is a sequence of bytes, and each range of such becomes several of them.
        HirKind::Class(Class::Unicode(class)) if class.is_ascii() => 8 * STATE,
        HirKind::Class(Class::Unicode(class)) => 16 * STATE + class.ranges().len().saturating_mul(2 * STATE),
        HirKind::Repetition(repetition) => {
            let times = repetition.max.unwrap_or(repetition.min.saturating_add(1)).max(1);
            let times = usize::try_from(times).unwrap_or(usize::MAX);
            states(&repetition.sub).saturating_add(2 * STATE).saturating_mul(times)
        }
        HirKind::Capture(capture) => states(&capture.sub).saturating_add(2 * STATE),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => {
            parts.iter().fold(STATE, |sum, part| sum.saturating_add(states(part)))
        }
    }
}
