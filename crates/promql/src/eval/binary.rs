//! Arithmetic and comparisons of two vectors.

use labels::{Label, Labels, METRIC_NAME};
use rustc_hash::FxHashMap;

use super::matching::{MatchGroups, Members, in_braces, shared_labels};
use super::matrix::{Head, Matrix, Row, Sink, absent, any_present, is_absent, is_metadata, only};
use super::plan::VectorBinary;
use super::steps::Steps;
use super::{Evaluator, SAME_LABELS, failure, operators};
use crate::ast::{BinaryOp, Cardinality, Span};
use crate::engine::QueryError;

impl Evaluator<'_> {
    /// `vector op vector`
    pub(super) fn binary(
        &self,
        binary: &VectorBinary,
        steps: Steps,
        span: Span,
        sink: &mut Sink<'_>,
    ) -> Result<(), QueryError> {
        let left = self.matrix(&binary.left, steps)?;
        let right = self.matrix(&binary.right, steps)?;
        let groups = MatchGroups::new(&left, &right, &binary.matching);
        if operators::is_trim(binary.op) {
            if (0..groups.left.groups())
                .any(|group| groups.left.size(group) > 0 && groups.right.size(group) > 0)
            {
                self.note_incompatible(binary.op, span);
            }
            return Ok(());
        }
        let matching = &binary.matching;
        let swapped = matching.cardinality == Cardinality::OneToMany;
        let left = Side { matrix: &left, members: &groups.left };
        let right = Side { matrix: &right, members: &groups.right };
        let (many, one) = if swapped { (right, left) } else { (left, right) };
        let join = Join {
            binary,
            swapped,
            many,
            one,
            // Prometheus does not swap these with the sides: with `group_right`, `fill_left` stands for the right ones.
            fill_many: matching.fill_left,
            fill_one: matching.fill_right,
            span,
            drop_name: operators::is_arithmetic(binary.op) || (binary.return_bool && !self.names_go_late),
            mark_name: binary.return_bool && self.names_go_late,
        };
        join.check_one_side()?;
        if matching.cardinality == Cardinality::OneToOne {
            join.check_one_to_one()?;
        }
        let mut out = Joined {
            matrix: Matrix::new(steps.count, &self.limits),
            known: FxHashMap::default(),
            results: Vec::new(),
            pairs: Vec::new(),
        };
        join.matched(self, &mut out, sink)?;
        if join.fill_one.is_some() || join.fill_many.is_some() {
            join.filled(self, &mut out)?;
        }
        out.matrix.stream(sink)
    }
}

/// One operand.
#[derive(Clone, Copy)]
struct Side<'a> {
    matrix: &'a Matrix,
    members: &'a Members,
}

impl Side<'_> {
    fn labels(&self, row: usize) -> &Labels {
        &self.matrix.head(row).labels
    }

    fn is_present(&self, row: usize, step: usize) -> bool {
        !is_absent(self.matrix.row(row)[step])
    }

    /// Whether any row of a group has a sample at a step.
    fn has(&self, group: usize, step: usize) -> bool {
        self.members.of_group(group).any(|row| self.is_present(row, step))
    }

    /// Whether any row has a metadata label besides its name.
    fn has_type_or_unit(&self) -> bool {
        let is_other = |name: &str| is_metadata(name) && name != METRIC_NAME;
        self.matrix.heads().iter().any(|head| head.labels.iter().any(|label| is_other(&label.name)))
    }

    /// At which steps any row at all has a sample.
    fn live_steps(&self) -> Vec<bool> {
        let mut live = vec![false; self.matrix.steps()];
        for (_, values) in self.matrix.rows() {
            for (live, &value) in live.iter_mut().zip(values) {
                *live |= !is_absent(value);
            }
        }
        live
    }
}

/// Writes `value` where both sides have samples; says whether they do at any step.
#[inline]
fn combine(many: &[f64], one: &[f64], values: &mut [f64], value: impl Fn(f64, f64) -> f64) -> bool {
    let mut matched = false;
    for ((place, &many), &one) in values.iter_mut().zip(many).zip(one) {
        let both = !is_absent(many) && !is_absent(one);
        matched |= both;
        *place = if both { value(many, one) } else { absent() };
    }
    matched
}

/// A binary operation under way. At each step a group has at most one row on the `one` side; how many it may have on
/// the `many` side depends on the cardinality.
struct Join<'a> {
    binary: &'a VectorBinary,
    /// Whether the `one` side is the left one.
    swapped: bool,
    many: Side<'a>,
    one: Side<'a>,
    fill_many: Option<f64>,
    fill_one: Option<f64>,
    span: Span,
    drop_name: bool,
    mark_name: bool,
}

/// Where an output row comes from: rows of the sides, or `None` for a filled-in one.
#[derive(Clone, Copy)]
struct Pair {
    group: usize,
    many: Option<usize>,
    one: Option<usize>,
}

/// The result under way.
struct Joined {
    matrix: Matrix,
    /// The index of each label set in `results`.
    known: FxHashMap<Labels, usize>,
    results: Vec<Made>,
    pairs: Vec<Chained>,
}

/// A label set of the result.
struct Made {
    /// Its row, once it has a sample.
    row: Option<usize>,
    /// The newest of the pairs that made it.
    newest: usize,
}

/// A pair, and the one before it that made the same label set; nearly always there is none.
struct Chained {
    pair: Pair,
    before: Option<usize>,
}

impl Join<'_> {
    /// Two rows of a group on the `one` side at the same step are an error, also where nothing matches the group.
    fn check_one_side(&self) -> Result<(), QueryError> {
        let mut live = None;
        for group in self.one.members.crowded() {
            // A step at which the other side is empty as a whole is not looked at.
            let live = live.get_or_insert_with(|| self.many.live_steps());
            let mut holder: Vec<Option<usize>> = vec![None; live.len()];
            for row in self.one.members.of_group(group) {
                for (step, holder) in holder.iter_mut().enumerate() {
                    let looked_at = live[step] || self.fill_one.is_some() || self.fill_many.is_some();
                    if !looked_at || !self.one.is_present(row, step) {
                        continue;
                    }
                    if let Some(other) = holder.replace(row) {
                        return Err(self.duplicates(row, other));
                    }
                }
            }
        }
        Ok(())
    }

    fn duplicates(&self, row: usize, other: usize) -> QueryError {
        let mut series = [in_braces(self.one.labels(row)), in_braces(self.one.labels(other))];
        series.sort_unstable();
        let side = if self.swapped { "left" } else { "right" };
        failure(
            format!(
                "found duplicate series for the match group {} on the {side} hand-side of the operation: [{}];\
                 many-to-many matching not allowed: matching labels must be unique on one side",
                in_braces(&shared_labels(self.one.labels(row), &self.binary.matching)),
                series.join(", "),
            ),
            self.span,
        )
    }

    /// One to one, a group may have one matched row on the left side, too.
    fn check_one_to_one(&self) -> Result<(), QueryError> {
        for group in self.many.members.crowded() {
            for step in 0..self.many.matrix.steps() {
                let present =
                    self.many.members.of_group(group).filter(|&row| self.many.is_present(row, step)).count();
                if present > 1 && (self.fill_one.is_some() || self.one.has(group, step)) {
                    let message = "multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)";
                    return Err(failure(message, self.span));
                }
            }
        }
        Ok(())
    }

    /// Whether results of different groups always have different labels. Then a group with one row on each side needs
    /// no comparison with others.
    fn groups_stay_apart(&self) -> bool {
        let matching = &self.binary.matching;
        if self.fill_many.is_some() || self.fill_one.is_some() {
            return false;
        }
        let dropped = |name: &str| self.drop_name && is_metadata(name);
        if matching.on {
            !matching.labels.iter().any(|name| dropped(name) || matching.include.contains(name))
        } else {
            matching.include.iter().all(|name| matching.labels.contains(name))
                && ![self.many, self.one].iter().any(Side::has_type_or_unit)
        }
    }

    /// The rows that have partners.
    fn matched(
        &self,
        evaluator: &Evaluator<'_>,
        out: &mut Joined,
        sink: &mut Sink<'_>,
    ) -> Result<(), QueryError> {
        let steps = self.many.matrix.steps();
        let mut values = vec![absent(); steps];
        let apart = self.groups_stay_apart();
        for row in 0..self.many.matrix.len() {
            let group = self.many.members.group_of(row);
            let lonely = apart && self.many.members.size(group) == 1 && self.one.members.size(group) == 1;
            for partner in self.one.members.of_group(group) {
                evaluator.limits.work(steps)?;
                let (many, one) = (self.many.matrix.row(row), self.one.matrix.row(partner));
                let matched = self.fill_values(many, one, &mut values);
                if lonely {
                    if any_present(&values) {
                        let labels = self.result_labels(self.many.labels(row), self.one.labels(partner));
                        sink(Row { labels: &labels, drop_name: self.mark_name, values: &mut values })?;
                    }
                } else if matched {
                    let labels = self.result_labels(self.many.labels(row), self.one.labels(partner));
                    let pair = Pair { group, many: Some(row), one: Some(partner) };
                    self.add(out, labels, pair, &values)?;
                }
            }
        }
        Ok(())
    }

    /// Writes the operator's values where both sides have samples; says whether they do at any step.
    fn fill_values(&self, many: &[f64], one: &[f64], values: &mut [f64]) -> bool {
        // The choice of the usual operators is made outside of the loop.
        match self.binary.op {
            BinaryOp::Add => combine(many, one, values, |many, one| many + one),
            BinaryOp::Mul => combine(many, one, values, |many, one| many * one),
            BinaryOp::Div if !self.swapped => combine(many, one, values, |many, one| many / one),
            BinaryOp::Sub if !self.swapped => combine(many, one, values, |many, one| many - one),
            _ => combine(many, one, values, |many, one| self.value(many, one)),
        }
    }

    /// The rows that have none at some steps, where a value was given for the missing partner.
    fn filled(&self, evaluator: &Evaluator<'_>, out: &mut Joined) -> Result<(), QueryError> {
        let steps = self.many.matrix.steps();
        let mut values = vec![absent(); steps];
        for (from, to, fill, from_many) in
            [(self.many, self.one, self.fill_one, true), (self.one, self.many, self.fill_many, false)]
        {
            let Some(fill) = fill else { continue };
            for row in 0..from.matrix.len() {
                evaluator.limits.work(steps)?;
                let group = from.members.group_of(row);
                let mut alone = false;
                for (step, (place, &value)) in values.iter_mut().zip(from.matrix.row(row)).enumerate() {
                    let lonely = !is_absent(value) && !to.has(group, step);
                    alone |= lonely;
                    *place = match (lonely, from_many) {
                        (false, _) => absent(),
                        (true, true) => self.value(value, fill),
                        (true, false) => self.value(fill, value),
                    };
                }
                if !alone {
                    continue;
                }
                let shared = shared_labels(from.labels(row), &self.binary.matching);
                let (labels, pair) = if from_many {
                    (
                        self.result_labels(from.labels(row), &shared),
                        Pair { group, many: Some(row), one: None },
                    )
                } else {
                    (
                        self.result_labels(&shared, from.labels(row)),
                        Pair { group, many: None, one: Some(row) },
                    )
                };
                self.add(out, labels, pair, &values)?;
            }
        }
        Ok(())
    }

    #[inline]
    fn value(&self, many: f64, one: f64) -> f64 {
        let (left, right) = if self.swapped { (one, many) } else { (many, one) };
        let op = self.binary.op;
        if !op.is_comparison() || self.binary.return_bool {
            operators::apply(op, left, right)
        } else if operators::holds(op, left, right) {
            left
        } else {
            absent()
        }
    }

    fn result_labels(&self, many: &Labels, one: &Labels) -> Labels {
        let matching = &self.binary.matching;
        let keep = |name: &str| {
            let named = || matching.labels.iter().any(|label| label == name);
            !(self.drop_name && is_metadata(name))
                && (matching.cardinality != Cardinality::OneToOne || matching.on == named())
        };
        if matching.include.is_empty() {
            return only(many, keep);
        }
        let included = |name: &str| matching.include.iter().any(|label| label == name);
        let own = many.iter().filter(|label| keep(&label.name) && !included(&label.name));
        let mut labels: Vec<Label> =
            own.chain(one.iter().filter(|label| included(&label.name))).cloned().collect();
        labels.sort_unstable_by(|left, right| left.name.cmp(&right.name));
        Labels::from_sorted(labels)
    }

    /// Adds an output row, or adds to the one with the same labels.
    fn add(&self, out: &mut Joined, labels: Labels, pair: Pair, values: &[f64]) -> Result<(), QueryError> {
        let known = out.known.get(&labels).copied();
        let before = known.map(|index| out.results[index].newest);
        // Matches count here even where the comparison does not hold.
        let mut next = before;
        while let Some(Chained { pair: other, before }) = next.map(|index| &out.pairs[index]) {
            if other.group == pair.group
                && (0..values.len()).any(|step| self.meets(pair, step) && self.meets(*other, step))
            {
                let message = "multiple matches for labels: grouping labels must ensure unique matches";
                return Err(failure(message, self.span));
            }
            next = *before;
        }
        let newest = out.pairs.len();
        out.pairs.push(Chained { pair, before });
        let index = known.unwrap_or_else(|| {
            out.known.insert(labels.clone(), out.results.len());
            out.results.push(Made { row: None, newest });
            out.results.len() - 1
        });
        let made = &mut out.results[index];
        made.newest = newest;
        if !any_present(values) {
            return Ok(());
        }
        let row = match made.row {
            Some(row) => row,
            None => {
                out.matrix.push_empty(Head { labels, drop_name: self.mark_name })?;
                *made.row.insert(out.matrix.len() - 1)
            }
        };
        for (place, &value) in out.matrix.row_mut(row).iter_mut().zip(values) {
            if is_absent(value) {
                continue;
            }
            if !is_absent(*place) {
                return Err(failure(SAME_LABELS, self.span));
            }
            *place = value;
        }
        Ok(())
    }

    /// Whether a pair has a match at a step.
    fn meets(&self, pair: Pair, step: usize) -> bool {
        let present = |side: &Side<'_>, row: usize| side.is_present(row, step);
        match (pair.many, pair.one) {
            (Some(many), Some(one)) => present(&self.many, many) && present(&self.one, one),
            (Some(many), None) => present(&self.many, many) && !self.one.has(pair.group, step),
            (None, Some(one)) => present(&self.one, one) && !self.many.has(pair.group, step),
            (None, None) => false,
        }
    }
}
