//! The name that was probably meant.

use strsim::damerau_levenshtein;

/// The known name that is nearest to a misspelt one, if any is near: at most a third of its letters differ, or it is
/// a part of the known one.
pub(super) fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    known
        .map(|one| {
            let part = name.len() >= 3 && one.contains(name);
            (if part { 0 } else { damerau_levenshtein(name, one) }, one)
        })
        .min()
        .filter(|(distance, one)| 3 * distance <= one.chars().count())
        .map(|(_, one)| one)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_a_slip_or_a_part_of_a_name_is_recognised_and_nonsense_is_not() {
        let known = ["k8s-otel-pod", "k8s-otel-node-pods", "k8s-otel-net-pod"];
        for (name, expected) in [
            ("k8s-otel-pdo", Some("k8s-otel-pod")),
            ("node-pods", Some("k8s-otel-node-pods")),
            ("kubernetes", None),
            ("", None),
        ] {
            assert_eq!(nearest(name, known.into_iter()), expected, "{name}");
        }
    }
}
