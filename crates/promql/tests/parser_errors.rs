//! What a broken query is told: the place, the message and the hint, as `errors.txt` beside this file lists them.

use std::fs;
use std::path::Path;

use promql::{ParseError, ParseOptions, parse};

/// A block of the file: the query, the carets with the message, and the hint.
fn render(query: &str, error: &ParseError) -> String {
    let before = query[..error.span.start].chars().count();
    let marked = query[error.span.start..error.span.end].chars().count();
    let mut block = format!(
        "{}\n{}{} {}\n",
        query.replace('\n', "⏎"),
        " ".repeat(before),
        "^".repeat(marked),
        error.message
    );
    if let Some(hint) = &error.hint {
        block += &format!("hint: {hint}\n");
    }
    block
}

#[test]
fn broken_queries_are_told_where_why_and_what_to_do() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/errors.txt");
    let text = fs::read_to_string(path).expect("the file lies beside this test");
    let mut wrong = String::new();
    let mut cases = 0;
    for block in text.split("\n\n").map(str::trim_end) {
        let block: String =
            block.lines().filter(|line| !line.starts_with("# ")).map(|line| format!("{line}\n")).collect();
        let Some(query) = block.lines().next() else { continue };
        cases += 1;
        let found = match parse(&query.replace('⏎', "\n"), ParseOptions::default()) {
            Ok(expr) => format!("{query}\nis accepted as {expr}\n"),
            Err(error) => render(&query.replace('⏎', "\n"), &error),
        };
        if found != block {
            wrong += &format!("expected:\n{block}found:\n{found}\n");
        }
    }
    println!("{cases} broken queries");
    assert!(cases >= 100, "only {cases} cases");
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn text_without_a_query_is_an_error_that_spans_it() {
    let error = |query| parse(query, ParseOptions::default()).unwrap_err();
    for query in ["", " ", " \t\r\n", "# nothing", "\n# nothing\n"] {
        let error = error(query);
        assert_eq!(error.message, "no expression found in input", "{query:?}");
        assert_eq!(error.span.of(query), query);
    }
}

#[test]
fn a_query_of_more_than_four_megabytes_is_refused_before_it_is_read() {
    let pods = |count: usize| format!("a{{pod=~\"{}\"}}", vec!["pod-0123456789"; count].join("|"));
    parse(&pods(20_000), ParseOptions::default()).unwrap();
    let error = parse(&pods(300_000), ParseOptions::default()).unwrap_err();
    assert_eq!(error.message, "the query is 4500009 bytes long; the most that is read is 4194304 bytes");
}

#[test]
fn places_are_counted_in_lines_and_characters() {
    let query = "sum(\n  ünïcode\n)";
    let error = parse(query, ParseOptions::default()).unwrap_err();
    assert_eq!(error.span.of(query), "ü");
    assert_eq!(error.span.line_and_column(query), (2, 3));
}

#[test]
fn experimental_syntax_is_refused_unless_it_is_asked_for() {
    for query in [
        "limitk(2, a)",
        "limit_ratio(0.5, a)",
        "info(a)",
        "sort_by_label(a, \"x\")",
        "sort_by_label_desc(a, \"x\")",
        "mad_over_time(a[5m])",
        "ts_of_first_over_time(a[5m])",
        "double_exponential_smoothing(a[5m], 0.5, 0.5)",
        "histogram_quantiles(a, \"q\", 0.5)",
        "a[5m] anchored",
        "a smoothed",
        "a + fill (0) b",
        "start()",
        "end()",
        "step()",
        "range()",
        "min_of(1, 2)",
        "max_of(1, 2)",
        "start_timestamp(a)",
    ] {
        let error = parse(query, ParseOptions { experimental: false }).unwrap_err();
        let names_it = error.message.contains("experimental") || error.message.contains("not enabled");
        assert!(names_it && error.hint.is_some(), "{query}: {error:?}");
        parse(query, ParseOptions { experimental: true }).unwrap_or_else(|error| panic!("{query}: {error}"));
    }
}

#[test]
fn experimental_syntax_is_checked_where_it_is_enabled() {
    for (query, message) in [
        ("a[5m] anchored smoothed", "anchored and smoothed modifiers cannot be used together"),
        ("a[5m:] anchored", "anchored modifier is not supported for subqueries"),
        ("sum(a) smoothed", "smoothed modifier must follow a range selector"),
        ("a and fill (0) b", "filling in missing series not allowed for set operators"),
        ("a + fill (0) 1", "filling in missing series only allowed between instant vectors"),
        ("info(a, b)", "expected label selectors only, got vector selector instead"),
        ("info(a, sum(b))", "expected label selectors only"),
        ("info(a, {b=\"c\"}, d)", "expected at most 2 argument(s) in call to \"info\", got 3"),
        ("limitk(a)", "wrong number of arguments for aggregate expression provided, expected 2, got 1"),
        ("a + fill (0) fill_left (0) b", "unexpected keyword \"fill_left\", expected an expression"),
        ("step(1)", "expected 0 argument(s) in call to \"step\", got 1"),
    ] {
        let error = parse(query, ParseOptions { experimental: true }).unwrap_err();
        assert_eq!(error.message, message, "{query}");
        assert!(!error.span.of(query).is_empty(), "{query}");
    }
}
