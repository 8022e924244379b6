//! What operators between two sets of series do to labels, and whether the two can find each other.

use std::sync::Arc;

use super::{NameSet, Names, SeriesLabels, is_vector};
use crate::ast::{Binary, BinaryOp, Cardinality, VectorMatching};

/// An operand of a binary operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    /// The left one.
    Left,
    /// The right one.
    Right,
}

/// What is wrong with how two sets of series find each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JoinProblem {
    /// Every series of one side has the label, none of the other: nothing ever matches.
    NeverMatches {
        /// The label.
        label: Arc<str>,
        /// The side that lacks it.
        lacking: Side,
    },
    /// Several series of a side that has to have one for each match differ only in these labels.
    Ambiguous {
        /// The side.
        side: Side,
        /// The labels that tell its series apart and are not matched.
        labels: NameSet,
    },
    /// As `Ambiguous`, where the other side would do: `group_left` (or `group_right`) is missing.
    LacksGroup {
        /// The side that has several series for one of the other.
        many: Side,
        /// The labels that tell those apart.
        labels: NameSet,
    },
}

/// The labels of the result.
pub(super) fn binary(binary: &Binary, mut left: SeriesLabels, mut right: SeriesLabels) -> SeriesLabels {
    let keeps_name = binary.op.is_comparison() && !binary.return_bool;
    match (is_vector(&binary.left), is_vector(&binary.right)) {
        (false, false) => SeriesLabels::empty(),
        (true, false) => {
            if !keeps_name {
                left.drop_name();
            }
            left
        }
        (false, true) => {
            if !keeps_name {
                right.drop_name();
            }
            right
        }
        (true, true) => match binary.op {
            BinaryOp::And | BinaryOp::Unless => left,
            BinaryOp::Or => union(left, &right),
            _ => {
                if !keeps_name {
                    left.drop_name();
                    right.drop_name();
                }
                left.doubt_name();
                right.doubt_name();
                let mut series = joined(&binary.matching, left, right);
                // What one side must have and the other cannot never matches: there is no series to say anything of.
                series.must = series.can.among(&series.must);
                series
            }
        },
    }
}

fn union(left: SeriesLabels, right: &SeriesLabels) -> SeriesLabels {
    let can = left.can.or(&right.can);
    let mut fixed = left.fixed;
    fixed.retain(|name, value| right.fixed.get(name) == Some(value));
    let dependencies =
        left.dependencies.into_iter().filter(|dependency| right.dependencies.contains(dependency)).collect();
    SeriesLabels { key: can.listed().cloned(), can, must: &left.must & &right.must, fixed, dependencies }
}

fn joined(matching: &VectorMatching, left: SeriesLabels, right: SeriesLabels) -> SeriesLabels {
    let listed: NameSet = matching.labels.iter().map(|name| Arc::from(name.as_str())).collect();
    if matching.fill_left.is_some() || matching.fill_right.is_some() {
        // A side that is filled in has the matched labels only.
        let mut series = union(left, &right);
        if matching.on && matching.cardinality == Cardinality::OneToOne {
            series.keep(&listed);
        }
        series.must.clear();
        series.fixed.clear();
        series.dependencies.clear();
        series.key = None;
        return series;
    }
    let (mut many, one) = match matching.cardinality {
        Cardinality::OneToMany => (right, left),
        _ => (left, right),
    };
    // Where two series match, they agree in these.
    let agreed = |name: &Arc<str>| listed.contains(name) == matching.on && &**name != ::labels::METRIC_NAME;
    let also_there: Vec<Arc<str>> = one.must.iter().filter(|name| agreed(name)).cloned().collect();
    for name in also_there {
        many.require(&name);
    }
    for (name, value) in one.fixed.iter().filter(|(name, _)| agreed(name)) {
        many.fix(name, value);
    }
    for dependency in &one.dependencies {
        // It holds for the result if all of its labels are the same on both sides.
        if dependency.from.iter().chain(&dependency.to).all(agreed) && !many.dependencies.contains(dependency)
        {
            many.dependencies.push(Arc::clone(dependency));
        }
    }
    if matching.cardinality == Cardinality::OneToOne {
        if matching.on {
            many.keep(&listed);
            many.can = many.can.and(&one.can);
            many.key = many.can.listed().cloned();
        } else {
            for name in &listed {
                many.can.remove(name);
                many.must.remove(name);
                many.fixed.remove(name);
            }
            many.can = many.can.and(&one.can.or(&Names::Only(names_of_metadata())));
            if many.key.as_ref().is_some_and(|key| listed.iter().any(|name| key.contains(name))) {
                // Two series that differ in what is ignored alone are an error.
                many.key = many.can.listed().cloned();
            }
        }
        return many;
    }
    if !matching.on {
        // What is not ignored is the same on both sides, and so lacking where the other side lacks it.
        let free = Names::Only(listed.iter().cloned().chain(names_of_metadata()).collect());
        many.can = many.can.and(&one.can.or(&free));
    } else {
        for name in listed.iter().filter(|name| !one.can.contains(name)) {
            many.can.remove(name);
        }
    }
    for name in matching.include.iter().map(|name| Arc::from(name.as_str())) {
        let (can, must) = (one.can.contains(&name), one.must.contains(&name));
        if agreed(&name) {
            // It was the same before.
            continue;
        }
        many.forget(&name);
        if can {
            many.can.insert(&name);
        } else {
            many.can.remove(&name);
        }
        many.must.remove(&name);
        if must {
            many.must.insert(Arc::clone(&name));
        }
        if let Some(value) = one.fixed.get(&name) {
            many.fix(&name, value);
        }
    }
    many
}

fn names_of_metadata() -> NameSet {
    super::names([::labels::METRIC_NAME, "__type__", "__unit__"])
}

/// The labels in which two series have to agree to match; `None` where they cannot be listed.
pub fn matching_labels(matching: &VectorMatching, side: &SeriesLabels) -> Option<NameSet> {
    let listed: NameSet = matching.labels.iter().map(|name| Arc::from(name.as_str())).collect();
    if matching.on {
        return Some(listed);
    }
    let mut all = side.can.listed()?.clone();
    for name in names_of_metadata().iter().chain(&listed) {
        all.remove(name);
    }
    Some(all)
}

/// What is wrong with how the two sides of an operator find each other, as far as it is certain. Set operators are
/// many-to-many and never ambiguous.
pub fn problems(binary: &Binary, left: &SeriesLabels, right: &SeriesLabels) -> Vec<JoinProblem> {
    let mut problems = Vec::new();
    if !is_vector(&binary.left) || !is_vector(&binary.right) {
        return problems;
    }
    let matching = &binary.matching;
    if matching.fill_left.is_some() || matching.fill_right.is_some() {
        return problems;
    }
    let counts = |name: &str| {
        matching.labels.iter().any(|label| label == name) == matching.on && !name.starts_with("__")
    };
    // `a or b` and `a unless b` give something also where nothing matches.
    if !matches!(binary.op, BinaryOp::Or | BinaryOp::Unless) {
        for (having, lacking, side) in [(left, right, Side::Right), (right, left, Side::Left)] {
            let missing = having.must.iter().filter(|name| counts(name) && !lacking.can.contains(name));
            problems.extend(
                missing.map(|label| JoinProblem::NeverMatches { label: Arc::clone(label), lacking: side }),
            );
        }
    }
    if binary.op.is_set() || !problems.is_empty() {
        return problems;
    }
    let undetermined = |series: &SeriesLabels| {
        matching_labels(matching, series).and_then(|given| series.undetermined_by(&given)).unwrap_or_default()
    };
    let (of_left, of_right) = (undetermined(left), undetermined(right));
    match matching.cardinality {
        Cardinality::ManyToOne if !of_right.is_empty() => {
            problems.push(JoinProblem::Ambiguous { side: Side::Right, labels: of_right });
        }
        Cardinality::OneToMany if !of_left.is_empty() => {
            problems.push(JoinProblem::Ambiguous { side: Side::Left, labels: of_left });
        }
        Cardinality::OneToOne => match (of_left.is_empty(), of_right.is_empty()) {
            (true, true) => {}
            (false, true) => problems.push(JoinProblem::LacksGroup { many: Side::Left, labels: of_left }),
            (true, false) => problems.push(JoinProblem::LacksGroup { many: Side::Right, labels: of_right }),
            (false, false) => {
                problems.push(JoinProblem::Ambiguous { side: Side::Left, labels: of_left });
            }
        },
        _ => {}
    }
    problems
}
