//! What Prometheus' own scripts have to come to, whatever stands in the list of known failures.

use crate::class::Class;
use crate::expectations::Mode;
use crate::report::Report;

/// Prometheus' own scripts, in `promql/promqltest/testdata`.
const SCRIPTS: [&str; 21] = [
    "aggregators",
    "at_modifier",
    "collision",
    "duration_expression",
    "extended_vectors",
    "fill-modifier",
    "functions",
    "histograms",
    "info",
    "limit",
    "literals",
    "name_label_dropping",
    "native_histograms",
    "operators",
    "range_queries",
    "selectors",
    "staleness",
    "start_timestamps",
    "subquery",
    "trig_functions",
    "type_and_unit",
];

/// The fewest cases that pass.
const FLOORS: [(Class, Mode, usize); 4] = [
    (Class::Stable, Mode::Direct, 850),
    (Class::Stable, Mode::AsRange, 742),
    (Class::Durations, Mode::Direct, 58),
    (Class::Experimental, Mode::Direct, 367),
];

/// The most cases that count as being about native histograms, which nothing is expected of: no case slips in there.
const MOST_NATIVE: usize = 917;

/// Whether the scripts are Prometheus' own ones, as far as their names tell.
fn are_prometheus_own(report: &Report) -> bool {
    let known = report.files.iter().filter(|file| SCRIPTS.contains(&file.name.as_str())).count();
    known * 2 > SCRIPTS.len()
}

/// Where Prometheus' own scripts fall short of what they have to come to: one line each. Other scripts have no floors.
pub fn shortfalls(report: &Report) -> Vec<String> {
    if !are_prometheus_own(report) {
        return Vec::new();
    }
    let missing = SCRIPTS.iter().filter(|name| !report.files.iter().any(|file| file.name == **name));
    let mut shortfalls: Vec<String> =
        missing.map(|name| format!("{name}.test is missing among Prometheus' scripts")).collect();
    for (class, mode, floor) in FLOORS {
        let passed = report.score(None, class, mode).passed;
        if passed < floor {
            let (class, mode) = (class.as_str(), mode.as_str());
            shortfalls.push(format!("{class} {mode}: {passed} cases pass, at least {floor} have to"));
        }
    }
    let native = report.score(None, Class::Native, Mode::Direct).cases;
    if native > MOST_NATIVE {
        shortfalls.push(format!(
            "native: {native} cases are taken for ones about native histograms, at most {MOST_NATIVE} are"
        ));
    }
    shortfalls
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{CaseReport, FileReport};

    fn report(names: &[&str], class: Class, passed: usize, failed: usize) -> Report {
        let cases = (0..passed + failed)
            .map(|index| {
                let result: Result<(), String> =
                    if index < passed { Ok(()) } else { Err("different".into()) };
                CaseReport {
                    line: index,
                    query: "1".into(),
                    class,
                    as_range: Some(result.clone()),
                    result,
                    pinned: None,
                    remarks: None,
                }
            })
            .collect();
        let mut files = vec![FileReport { name: names[0].into(), cases }];
        files.extend(names[1..].iter().map(|name| FileReport { name: (*name).into(), cases: Vec::new() }));
        Report { files }
    }

    #[test]
    fn other_scripts_have_no_floors() {
        assert!(shortfalls(&report(&["selectors", "mine"], Class::Stable, 1, 1)).is_empty());
    }

    #[test]
    fn a_floor_that_is_not_reached_is_told() {
        let found = shortfalls(&report(&SCRIPTS, Class::Stable, 849, 1_000));
        assert_eq!(found[0], "stable direct: 849 cases pass, at least 850 have to");
        assert!(
            !shortfalls(&report(&SCRIPTS, Class::Stable, 850, 0))
                .iter()
                .any(|line| line.starts_with("stable"))
        );
    }

    #[test]
    fn a_missing_script_is_told() {
        let found = shortfalls(&report(&SCRIPTS[1..], Class::Stable, 2_000, 0));
        assert_eq!(found[0], "aggregators.test is missing among Prometheus' scripts");
    }

    #[test]
    fn cases_do_not_slip_into_the_class_that_nothing_is_expected_of() {
        let found = shortfalls(&report(&SCRIPTS, Class::Native, 0, MOST_NATIVE + 1));
        assert!(found.iter().any(|line| line.starts_with("native: 918 cases")), "{found:?}");
    }
}
