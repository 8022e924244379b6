//! Prometheus' own scripts, where they are at hand, and ours.

use std::fs;
use std::path::{Path, PathBuf};

use promql::{EngineOptions, Function};
use promql_conformance::{
    Class, EXPECTATIONS, Expectations, Mode, Report, Settings, run_scripts, shortfalls,
};

fn run(directory: &Path, settings: &Settings) -> Report {
    let mut files: Vec<PathBuf> = fs::read_dir(directory)
        .expect("the directory is there")
        .map(|entry| entry.expect("the directory can be read").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "test"))
        .collect();
    files.sort();
    let read = |path: &PathBuf| {
        let name = path.file_stem().expect("a file has a name").to_string_lossy().into_owned();
        (name, fs::read_to_string(path).expect("the script can be read"))
    };
    let scripts: Vec<(String, String)> = files.iter().map(read).collect();
    let scripts = scripts.iter().map(|(name, text)| (name.as_str(), text.as_str()));
    run_scripts(scripts, settings).unwrap_or_else(|(name, error)| panic!("{name}: {error}"))
}

#[test]
fn prometheus_own_scripts_hold_but_for_the_listed_cases() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/promqltest");
    if !directory.is_dir() {
        println!("skipped: {} is not there", directory.display());
        return;
    }
    let report = run(&directory, &Settings::default());
    println!("{report}");
    let differences =
        Expectations::parse(EXPECTATIONS).expect("the expectations can be read").differences(&report);
    assert!(differences.is_empty(), "{} differences:\n{}", differences.len(), differences.join("\n"));
    assert_eq!(shortfalls(&report), Vec::<String>::new());
    // So that nothing can silently fall out of the scripts that are run.
    for (class, mode, passed) in [
        (Class::Stable, Mode::Direct, 858),
        (Class::Stable, Mode::AsRange, 745),
        (Class::Stable, Mode::Pinned, 717),
        (Class::Stable, Mode::Remarks, 147),
        (Class::Durations, Mode::Direct, 59),
        (Class::Experimental, Mode::Direct, 367),
    ] {
        let score = report.score(None, class, mode);
        assert!(score.passed >= passed, "{class:?} {mode:?}: {score} instead of {passed}");
    }
}

#[test]
fn our_own_scripts_hold() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts");
    // Whether metric names are removed by each operation or at the end makes no difference to them.
    for delayed_name_removal in [true, false] {
        let report = run(
            &directory,
            &Settings { engine: EngineOptions { delayed_name_removal, ..Default::default() } },
        );
        println!("{report}");
        let differences = Expectations::default().differences(&report);
        assert!(differences.is_empty(), "{} differences:\n{}", differences.len(), differences.join("\n"));
    }
}

#[test]
fn our_own_scripts_use_every_function_and_operator() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts");
    let report = run(&directory, &Settings::default());
    let queries: Vec<&str> =
        report.files.iter().flat_map(|file| &file.cases).map(|case| case.query.as_str()).collect();
    let calls = |name: &str| {
        queries.iter().any(|query| {
            query.match_indices(name).any(|(at, _)| {
                let before = query[..at].chars().next_back();
                let after = query[at + name.len()..].trim_start();
                let clause = ["by", "without"].iter().any(|clause| after.starts_with(clause));
                before.is_none_or(|c| !c.is_ascii_alphanumeric() && c != '_')
                    && (after.starts_with('(') || clause)
            })
        })
    };
    let aggregations = [
        "sum",
        "avg",
        "count",
        "min",
        "max",
        "group",
        "stddev",
        "stdvar",
        "topk",
        "bottomk",
        "quantile",
        "count_values",
        "limitk",
        "limit_ratio",
    ];
    let functions = Function::ALL.iter().map(|function| function.name());
    let missing: Vec<&str> = functions.chain(aggregations).filter(|name| !calls(name)).collect();
    assert!(missing.is_empty(), "not used: {missing:?}");
    let operators = [
        "+",
        "-",
        "*",
        "/",
        "%",
        "^",
        "atan2",
        "==",
        "!=",
        ">",
        "<",
        ">=",
        "<=",
        "and",
        "or",
        "unless",
        "</",
        ">/",
        "bool",
        "on",
        "ignoring",
        "group_left",
        "group_right",
        "fill",
        "fill_left",
        "fill_right",
        "offset",
        "@",
        "anchored",
        "smoothed",
    ];
    let spaced = |operator: &str| {
        queries.iter().any(|query| {
            query.split(|c: char| c.is_whitespace() || "()[]".contains(c)).any(|w| w == operator)
        })
    };
    let missing: Vec<&str> = operators.into_iter().filter(|operator| !spaced(operator)).collect();
    assert!(missing.is_empty(), "not used: {missing:?}");
}
