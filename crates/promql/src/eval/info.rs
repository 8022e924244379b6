//! `info`: adds the labels of info series (`target_info` and the like) to other series of the same target.

use labels::{Label, Labels, LabelsBuilder, METRIC_NAME, MatchOp, Matcher};
use rustc_hash::FxHashMap;

use super::matching::in_braces;
use super::matrix::{Head, Matrix, Merger, absent, any_present, is_absent};
use super::plan::{InfoCall, Selector};
use super::steps::Steps;
use super::{Evaluator, failure, merge_failure};
use crate::ast::Span;
use crate::engine::QueryError;

/// The labels that say which target a series comes from.
const IDENTIFYING: [&str; 2] = ["instance", "job"];

/// The info metric that is looked at where none is named.
const DEFAULT_INFO: &str = "target_info";

impl Evaluator<'_> {
    /// `info(vector, selector)`
    pub(super) fn info(&self, call: &InfoCall, steps: Steps, span: Span) -> Result<Matrix, QueryError> {
        let base = self.matrix(&call.base, steps)?;
        let given = call.matchers.as_deref().unwrap_or_default();
        let name_matchers = name_matchers(given, span)?;
        let data: Vec<&Matcher> = given.iter().filter(|matcher| matcher.name() != METRIC_NAME).collect();
        // Info series are not enriched themselves.
        let is_info = |labels: &Labels| {
            name_matchers.iter().all(|m| m.matches(labels.metric_name().unwrap_or_default()))
        };
        let infos = self.info_series(&base, &name_matchers, &data, call, steps, span, is_info)?;
        let mut out = Merger::new(steps.count, &self.limits);
        for (head, values) in base.rows() {
            if is_info(&head.labels) {
                out.add(head.clone(), values).map_err(|error| merge_failure(error, span))?;
                continue;
            }
            self.enrich(head, values, &infos, &data, &mut out, span)?;
        }
        Ok(out.finish())
    }

    /// The info series of the targets of `base`.
    #[allow(clippy::too_many_arguments, reason = "the parts of one look-up")]
    fn info_series(
        &self,
        base: &Matrix,
        name_matchers: &[Matcher],
        data: &[&Matcher],
        call: &InfoCall,
        steps: Steps,
        span: Span,
        is_info: impl Fn(&Labels) -> bool,
    ) -> Result<Infos, QueryError> {
        let mut matchers: Vec<Matcher> = name_matchers.to_vec();
        matchers.extend(data.iter().map(|&matcher| matcher.clone()));
        let mut any = false;
        for name in IDENTIFYING {
            let heads = base.heads().iter().filter(|head| !is_info(&head.labels));
            let mut values: Vec<&str> = heads.filter_map(|head| head.labels.get(name)).collect();
            values.sort_unstable();
            values.dedup();
            if !values.is_empty() {
                any = true;
                matchers.push(Matcher::one_of(name, values));
            }
        }
        let mut infos = Infos { targets: FxHashMap::default(), names: Vec::new() };
        if !any {
            return Ok(infos);
        }
        let selector = Selector { matchers, shift: call.shift, extension: None };
        // The time of the sample decides which of two info series is the newer one.
        let times = self.collect(steps, |sink| {
            self.select_times(&selector, steps, &mut |row| sink(super::Row { drop_name: false, ..row }))
        })?;
        for (head, times) in times.rows() {
            let name = head.labels.metric_name().unwrap_or_default().to_owned();
            if !infos.names.contains(&name) {
                infos.names.push(name.clone());
            }
            let newest =
                infos.targets.entry((name, target(&head.labels))).or_insert_with(|| vec![None; steps.count]);
            for (place, &time) in newest.iter_mut().zip(times) {
                if is_absent(time) {
                    continue;
                }
                match place {
                    Some((_, other)) if *other > time => {}
                    Some((labels, other)) if *other == time => {
                        let message = format!(
                            "found duplicate series for info metric: existing {} @ {}, new {} @ {}",
                            in_braces(labels),
                            (*other * 1000.0) as i64,
                            in_braces(&head.labels),
                            (time * 1000.0) as i64,
                        );
                        return Err(failure(message, span));
                    }
                    _ => *place = Some((head.labels.clone(), time)),
                }
            }
        }
        infos.names.sort_unstable();
        Ok(infos)
    }

    /// Adds the labels of a row's info series. They may change from step to step, and with them the row's labels.
    fn enrich(
        &self,
        head: &Head,
        values: &[f64],
        infos: &Infos,
        data: &[&Matcher],
        out: &mut Merger,
        span: Span,
    ) -> Result<(), QueryError> {
        let target = target(&head.labels);
        let series: Vec<&Newest> = infos
            .names
            .iter()
            .filter_map(|name| infos.targets.get(&(name.clone(), target.clone())))
            .collect();
        let needs_info = data.iter().any(|matcher| !matcher.matches_empty());
        let mut row = vec![absent(); values.len()];
        let mut current: Option<Labels> = None;
        let mut flush = |labels: &Option<Labels>, row: &mut [f64]| {
            let result = match labels {
                Some(labels) if any_present(row) => {
                    let head = Head { labels: labels.clone(), drop_name: head.drop_name };
                    out.add(head, row).map_err(|error| merge_failure(error, span))
                }
                _ => Ok(()),
            };
            row.fill(absent());
            result
        };
        for (step, &value) in values.iter().enumerate() {
            if is_absent(value) {
                continue;
            }
            let found: Vec<&Labels> =
                series.iter().filter_map(|steps| steps[step].as_ref().map(|(l, _)| l)).collect();
            if found.is_empty() && needs_info {
                continue;
            }
            let labels = with_info(&head.labels, &found, data, span)?;
            if current.as_ref() != Some(&labels) {
                flush(&current, &mut row)?;
                current = Some(labels);
            }
            row[step] = value;
        }
        flush(&current, &mut row)
    }
}

/// Info series by their names and targets: the newest at each step, and its time.
struct Infos {
    targets: FxHashMap<(String, Target), Newest>,
    names: Vec<String>,
}

type Target = [Option<String>; 2];

/// The labels of the newest info series at each step, and the time of its sample.
type Newest = Vec<Option<(Labels, f64)>>;

fn target(labels: &Labels) -> Target {
    IDENTIFYING.map(|name| labels.get(name).map(str::to_owned))
}

/// What the names of info series must look like.
fn name_matchers(given: &[Matcher], span: Span) -> Result<Vec<Matcher>, QueryError> {
    let mut matchers: Vec<Matcher> =
        given.iter().filter(|matcher| matcher.name() == METRIC_NAME).cloned().collect();
    if matchers.is_empty() {
        matchers.push(Matcher::equal(METRIC_NAME, DEFAULT_INFO));
    } else if !matchers.iter().any(|matcher| matches!(matcher.op(), MatchOp::Equal | MatchOp::Regex)) {
        // Only told what it is not: then at least it must be an info metric.
        matchers.insert(0, matcher(METRIC_NAME, MatchOp::Regex, ".+_info", span)?);
    }
    Ok(matchers)
}

fn matcher(name: &str, op: MatchOp, value: &str, span: Span) -> Result<Matcher, QueryError> {
    Matcher::new(name, op, value).map_err(|error| failure(error.to_string(), span))
}

/// The labels of a series with those of its info series. What it has already stays.
fn with_info(base: &Labels, infos: &[&Labels], data: &[&Matcher], span: Span) -> Result<Labels, QueryError> {
    let mut added: Vec<&Label> = Vec::new();
    for label in infos.iter().flat_map(|labels| labels.iter()) {
        let wanted = data.is_empty() || data.iter().any(|matcher| matcher.name() == &*label.name);
        if &*label.name == METRIC_NAME || !wanted {
            continue;
        }
        if added.iter().any(|other| other.name == label.name && other.value != label.value) {
            return Err(failure(format!("conflicting label: {}", label.name), span));
        }
        if base.get(&label.name).is_none() {
            added.push(label);
        }
    }
    let mut builder: LabelsBuilder = base.to_builder();
    for Label { name, value } in added {
        builder.set_arc(name.clone(), value.clone());
    }
    Ok(builder.build())
}
