//! Names that are nearly right.

use std::cmp::Reverse;

use crate::ast::AggregateOp;
use crate::functions::Function;

/// What people bring along from other languages and older versions.
const KNOWN_ELSEWHERE: &[(&str, &str)] = &[
    ("average", "avg"),
    ("count_distinct", "count(count by (label) (…))"),
    ("diff", "delta"),
    ("distinct", "group by (label) (…)"),
    ("holt_winters", "double_exponential_smoothing"),
    ("len", "count"),
    ("log", "ln, log2 or log10"),
    ("mean", "avg"),
    ("median", "quantile(0.5, …)"),
    ("now", "time"),
    ("percentile", "quantile"),
    ("pow", "the operator ^"),
    ("power", "the operator ^"),
    ("sign", "sgn"),
    ("top", "topk"),
    ("bottom", "bottomk"),
    ("unique", "group by (label) (…)"),
];

pub(in crate::parser) fn for_unknown_function(name: &str) -> Option<String> {
    let lower = name.to_ascii_lowercase();
    if lower != name && Function::from_name(&lower).is_some() {
        return Some(format!("function names are lower case: {lower}"));
    }
    if let Some((_, here)) = KNOWN_ELSEWHERE.iter().find(|(elsewhere, _)| *elsewhere == lower) {
        return Some(format!("in PromQL: {here}"));
    }
    let functions = Function::ALL.iter().map(|function| function.name());
    let aggregations = AggregateOp::ALL.iter().map(|op| op.name());
    nearest(&lower, functions.chain(aggregations)).map(|name| format!("did you mean {name:?}?"))
}

/// The candidate that fewest edits lead to, if they are few enough for a slip.
pub(super) fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // Longer than any name there is: spare the work.
    if name.len() > 40 {
        return None;
    }
    let most_edits = (name.len() / 3).clamp(1, 3);
    candidates
        .into_iter()
        .map(|candidate| (edits(name.as_bytes(), candidate.as_bytes()), candidate))
        .filter(|(edits, _)| *edits <= most_edits)
        // Of equally near names the one that begins alike: what is left off or added is mostly the end.
        .min_by_key(|(edits, candidate)| (*edits, Reverse(common_prefix(name, candidate))))
        .map(|(_, candidate)| candidate)
}

fn common_prefix(a: &str, b: &str) -> usize {
    a.bytes().zip(b.bytes()).take_while(|(x, y)| x == y).count()
}

/// Insertions, deletions, replacements and swaps of neighbours that lead from `a` to `b`.
fn edits(a: &[u8], b: &[u8]) -> usize {
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for (i, &x) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, &y) in b.iter().enumerate() {
            let replaced = last[j] + usize::from(x != y);
            let mut best = replaced.min(last[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && x == b[j - 1] && a[i - 1] == y {
                best = best.min(before_last[j - 1] + 1);
            }
            row.push(best);
        }
        before_last = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edits_count_insertions_deletions_replacements_and_swaps() {
        for (a, b, expected) in [
            ("", "", 0),
            ("rate", "rate", 0),
            ("", "abc", 3),
            ("rat", "rate", 1),
            ("ratee", "rate", 1),
            ("rete", "rate", 1),
            ("raet", "rate", 1),
            ("kitten", "sitting", 3),
        ] {
            assert_eq!(edits(a.as_bytes(), b.as_bytes()), expected, "{a} → {b}");
            assert_eq!(edits(b.as_bytes(), a.as_bytes()), expected, "{b} → {a}");
        }
    }

    #[test]
    fn a_name_unlike_all_others_is_not_guessed() {
        assert_eq!(for_unknown_function("frobnicate"), None);
        assert_eq!(for_unknown_function("x"), None);
        assert_eq!(for_unknown_function(&"rate".repeat(1000)), None);
    }
}
