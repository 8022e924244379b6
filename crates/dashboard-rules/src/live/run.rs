//! Looks at all dashboards, several at a time.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use grafana::model::PanelKind;

use super::choices::choices;
use super::{Choice, Live, LiveOptions, LiveReport, Look, Row, Size};
use crate::finding::{Finding, Findings};
use crate::rule::Check;
use crate::subject::{Dashboard, Subject};

/// More panels are not asked for: a dashboard of a hundred thousand is a mistake, or meant badly.
const MOST_PANELS: usize = 1_000;

/// Looks at the dashboards with the live rules among the options'.
pub fn look_at(subject: &Subject, options: &LiveOptions<'_>) -> LiveReport {
    let live = Live::new(subject, options);
    let all = subject.dashboards.len();
    let next = AtomicUsize::new(0);
    let finished = AtomicUsize::new(0);
    let parts: Mutex<Vec<(usize, LiveReport)>> = Mutex::default();
    let work = || {
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(dashboard) = subject.dashboards.get(index) else { return };
            let looked = catch_unwind(AssertUnwindSafe(|| look_at_one(dashboard, &live)));
            let part = looked.unwrap_or_else(|_| LiveReport {
                broken: vec![format!("the evaluation of {} broke down", dashboard.file)],
                ..LiveReport::default()
            });
            parts.lock().unwrap_or_else(PoisonError::into_inner).push((index, part));
            (options.progress)(finished.fetch_add(1, Ordering::Relaxed) + 1, all);
        }
    };
    let threads = options.threads.clamp(1, all.max(1));
    thread::scope(|scope| {
        for _ in 1..threads {
            scope.spawn(work);
        }
        work();
    });
    let mut parts = parts.into_inner().unwrap_or_else(PoisonError::into_inner);
    parts.sort_by_key(|(index, _)| *index);
    let mut report = LiveReport::default();
    for (_, part) in parts {
        report.findings.extend(part.findings);
        report.rows.extend(part.rows);
        report.broken.extend(part.broken);
    }
    report
}

fn look_at_one(dashboard: &Dashboard, live: &Live<'_>) -> LiveReport {
    let mut report = LiveReport::default();
    let mut row = Row { file: dashboard.file.clone(), ..Row::default() };
    let panels = dashboard.panels().filter(|(_, panel)| panel.kind != PanelKind::Row).count();
    if panels > MOST_PANELS {
        let file = &dashboard.file;
        report.broken.push(format!("{file} has {panels} panels; only up to {MOST_PANELS} are asked for"));
        report.rows.push(row);
        return report;
    }
    let mut queries = BTreeSet::new();
    let usual = choices(dashboard, live);
    row.looks = usual.len();
    // What a query costs at most is seen where it asks for most.
    let larger: Vec<Choice> =
        if live.larger().is_some() { usual.iter().take(2).cloned().collect() } else { Vec::new() };
    let looks = usual.into_iter().map(|choice| (choice, Size::Usual)).enumerate();
    let looks = looks.chain(larger.into_iter().map(|choice| (choice, Size::Larger)).enumerate());
    let mut found: Vec<Finding> = Vec::new();
    for (number, (choice, size)) in looks {
        let look = Look::new(dashboard, choice, number, size, live);
        note(&look, &mut queries, &mut row);
        let mut of_look = Vec::new();
        for rule in &live.options.rules {
            let Check::Look(check) = rule.check else { continue };
            let before = of_look.len();
            let outcome = catch_unwind(AssertUnwindSafe(|| {
                check(&look, live, &mut Findings::new(rule, &mut of_look));
            }));
            if outcome.is_err() {
                of_look.truncate(before);
                report.broken.push(format!("rule {} broke down on {}", rule.id, dashboard.file));
            }
        }
        for finding in of_look {
            // One mistake shows at many values; the first is enough.
            let known = found.iter().any(|one| one.rule == finding.rule && one.place == finding.place);
            if !known {
                found.push(finding);
            }
        }
    }
    row.queries = queries.len();
    report.broken.dedup();
    report.findings = found;
    report.rows.push(row);
    report
}

/// Writes down what a look asked for.
fn note(look: &Look<'_>, queries: &mut BTreeSet<String>, row: &mut Row) {
    for (panel, target) in look.targets() {
        queries.insert(target.query.clone());
        if look.number == 0 && look.size == Size::Usual {
            row.series += target.series;
        }
        if row.slowest.as_ref().is_none_or(|(longest, _)| *longest < target.duration) {
            let title = &panel.panel().title;
            row.slowest = Some((target.duration, format!("{title}, {}", target.ref_id)));
        }
    }
}
