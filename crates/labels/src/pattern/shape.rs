//! What an expression boils down to. Nearly all that dashboards use are lists of values or plain text around `.*`, which
//! neither need an automaton to be built nor to be run.

use regex_syntax::hir::{Class, ClassUnicodeRange, Hir, HirKind, Look};

/// More alternatives are faster together, in an automaton, than one after the other.
const MOST_GLOBS: usize = 16;

/// Longer lists of values, all taken together, are none: as long as a query may be.
const MOST_TEXT: usize = 4 << 20;

/// A simpler form of an expression that has to match a whole value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// These values alone; sorted.
    OneOf(Vec<Box<str>>),
    /// What any of these matches.
    Globs(Vec<Glob>),
}

impl Shape {
    /// How much text it consists of.
    pub(super) fn text_bytes(&self) -> usize {
        match self {
            Self::OneOf(values) => values.iter().map(|value| value.len()).sum(),
            Self::Globs(globs) => globs.iter().map(Glob::text_bytes).sum(),
        }
    }
}

/// Plain text with gaps that anything fills.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Glob {
    prefix: String,
    /// A gap, and the text behind it.
    pieces: Vec<(Gap, String)>,
}

/// A gap takes this many characters or more.
type Gap = usize;

impl Glob {
    /// Whether it matches all of `value`.
    pub(super) fn is_match(&self, value: &str) -> bool {
        let Some(mut rest) = value.strip_prefix(self.prefix.as_str()) else { return false };
        let Some(((last_gap, suffix), pieces)) = self.pieces.split_last() else { return rest.is_empty() };
        for (gap, piece) in pieces {
            // The earliest place leaves the most for what comes behind.
            let Some(found) = skip(rest, *gap).and_then(|rest| rest.split_once(piece.as_str())) else {
                return false;
            };
            rest = found.1;
        }
        skip(rest, *last_gap).is_some_and(|rest| rest.ends_with(suffix.as_str()))
    }

    fn text_bytes(&self) -> usize {
        self.prefix.len() + self.pieces.iter().map(|(_, text)| text.len()).sum::<usize>()
    }

    /// Adds what comes next in the expression. `None`: it is more than a glob.
    fn push(&mut self, hir: &Hir) -> Option<()> {
        match hir.kind() {
            HirKind::Empty => {}
            HirKind::Literal(literal) => {
                let text = std::str::from_utf8(&literal.0).ok()?;
                let end = self.pieces.last_mut().map_or(&mut self.prefix, |(_, text)| text);
                end.push_str(text);
            }
            HirKind::Repetition(repetition) if repetition.max.is_none() && is_any(&repetition.sub) => {
                let least = usize::try_from(repetition.min).ok()?;
                match self.pieces.last_mut() {
                    Some((gap, text)) if text.is_empty() => *gap += least,
                    _ => self.pieces.push((least, String::new())),
                }
            }
            HirKind::Capture(capture) => self.push(&capture.sub)?,
            HirKind::Concat(parts) => parts.iter().try_for_each(|part| self.push(part))?,
            _ => return None,
        }
        Some(())
    }
}

/// What is left of a text after some characters.
fn skip(text: &str, characters: usize) -> Option<&str> {
    let mut rest = text.chars();
    for _ in 0..characters {
        rest.next()?;
    }
    Some(rest.as_str())
}

/// Whether it matches any one character.
fn is_any(hir: &Hir) -> bool {
    match hir.kind() {
        HirKind::Class(Class::Unicode(class)) => {
            matches!(class.ranges(), [all] if all.start() == '\0' && all.end() == char::MAX)
        }
        HirKind::Capture(capture) => is_any(&capture.sub),
        _ => false,
    }
}

/// The expression's simpler form, where it has one. `most` bounds the list of values.
pub(super) fn shape_of(hir: &Hir, most: usize) -> Option<Shape> {
    let hir = without_anchors(hir);
    if let Some(mut values) = values_of(&hir, most) {
        values.sort_unstable();
        values.dedup();
        return Some(Shape::OneOf(values.into_iter().map(Into::into).collect()));
    }
    let one = std::slice::from_ref(&hir);
    let branches = if let HirKind::Alternation(branches) = hir.kind() { &branches[..] } else { one };
    if branches.len() > MOST_GLOBS {
        return None;
    }
    let glob = |branch: &Hir| {
        let mut glob = Glob::default();
        glob.push(&without_anchors(branch)).map(|()| glob)
    };
    branches.iter().map(glob).collect::<Option<_>>().map(Shape::Globs)
}

/// The expression without a `^` in front and a `$` at the end, which say nothing where all has to match anyway.
fn without_anchors(hir: &Hir) -> Hir {
    let is = |part: &Hir, look: Look| matches!(part.kind(), HirKind::Look(found) if *found == look);
    match hir.kind() {
        HirKind::Capture(capture) => without_anchors(&capture.sub),
        HirKind::Concat(parts) => {
            let mut parts = &parts[..];
            if let [first, rest @ ..] = parts
                && is(first, Look::Start)
            {
                parts = rest;
            }
            if let [rest @ .., last] = parts
                && is(last, Look::End)
            {
                parts = rest;
            }
            Hir::concat(parts.to_vec())
        }
        _ => hir.clone(),
    }
}

/// All values that it matches, `most` at most.
fn values_of(hir: &Hir, most: usize) -> Option<Vec<String>> {
    let values = match hir.kind() {
        HirKind::Empty => vec![String::new()],
        HirKind::Literal(literal) => vec![std::str::from_utf8(&literal.0).ok()?.to_owned()],
        HirKind::Class(Class::Unicode(class)) => {
            let count: usize = class.iter().map(ClassUnicodeRange::len).sum();
            if count > most {
                return None;
            }
            class.iter().flat_map(|range| range.start()..=range.end()).map(String::from).collect()
        }
        HirKind::Capture(capture) => return values_of(&capture.sub, most),
        HirKind::Repetition(repetition) if repetition.max.is_some_and(|max| max <= 8) => {
            let once = values_of(&repetition.sub, most)?;
            let mut all = Vec::new();
            let mut repeated = vec![String::new()];
            for times in 0..=repetition.max.unwrap_or(0) {
                if times > 0 {
                    repeated = products(repeated, &once, most)?;
                }
                if times >= repetition.min {
                    all.extend_from_slice(&repeated);
                }
            }
            all
        }
        HirKind::Concat(parts) => parts
            .iter()
            .try_fold(vec![String::new()], |values, part| products(values, &values_of(part, most)?, most))?,
        HirKind::Alternation(branches) => {
            let mut all = Vec::new();
            let mut text = 0;
            for branch in branches {
                let mut values = values_of(branch, most)?;
                text += text_of(&values);
                all.append(&mut values);
                if all.len() > most || text > MOST_TEXT {
                    return None;
                }
            }
            all
        }
        _ => return None,
    };
    (values.len() <= most).then_some(values)
}

fn products(mut first: Vec<String>, second: &[String], most: usize) -> Option<Vec<String>> {
    let text = text_of(&first)
        .saturating_mul(second.len())
        .saturating_add(text_of(second).saturating_mul(first.len()));
    if first.len().saturating_mul(second.len()) > most || text > MOST_TEXT {
        return None;
    }
    // Nearly always so, and without a copy of what there is already.
    if let [only] = second {
        first.iter_mut().for_each(|value| value.push_str(only));
        return Some(first);
    }
    Some(first.iter().flat_map(|a| second.iter().map(move |b| a.clone() + b)).collect())
}

fn text_of(values: &[String]) -> usize {
    values.iter().map(String::len).sum()
}
