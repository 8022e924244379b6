//! What holds for every text and every tree.

mod shape;

use std::fs;
use std::path::Path;
use std::sync::LazyLock;
use std::thread;

use promql::ast::{Expr, ExprKind, Span};
use promql::{Function, ParseError, ParseOptions, parse};
use proptest::prelude::*;
use proptest::sample::select;
use shape::shape;

fn read(query: &str) -> Result<Expr, ParseError> {
    parse(query, ParseOptions { experimental: true })
}

/// Queries to break: those of `queries.txt`.
static QUERIES: LazyLock<Vec<String>> = LazyLock::new(|| {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/queries.txt");
    let text = fs::read_to_string(path).expect("the file lies beside this test");
    let is_query = |line: &&str| !line.is_empty() && !line.starts_with("# ");
    text.lines().filter(is_query).map(|line| line.replace('⏎', "\n")).collect()
});

/// What hands and other languages put into queries.
const FRAGMENTS: &[&str] = &[
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    ",",
    ":",
    "\"",
    "'",
    "`",
    "\\",
    "#",
    "\n",
    " ",
    "@",
    "=",
    "==",
    "=~",
    "!~",
    "!=",
    "!",
    "+",
    "-",
    "*",
    "/",
    "%",
    "^",
    "<",
    ">",
    "</",
    ">/",
    "&&",
    "$x",
    ".",
    "“",
    "é",
    "\u{a0}",
    "5m",
    "1h30m",
    "0",
    "1e",
    "0x",
    "inf",
    "nan",
    "x",
    "sum",
    "rate",
    "topk",
    "by",
    "without",
    "on",
    "ignoring",
    "group_left",
    "bool",
    "offset",
    "and",
    "or",
    "unless",
    "atan2",
    "start",
    "end",
    "step",
    "range",
    "min_of",
    "max_of",
    "fill",
    "fill_left",
    "anchored",
    "smoothed",
    "info",
    "label_replace",
    "{a=\"b\"}",
    "[5m]",
    "[5m:1m]",
    "offset -5m",
    "@ end()",
    "(x)",
    "by (a)",
];

/// The complaint points into the text, between characters, and at something.
fn points_into(error: &ParseError, query: &str) -> Result<(), TestCaseError> {
    let Span { start, end } = error.span;
    prop_assert!(start <= end && end <= query.len(), "{query:?}: {error:?}");
    prop_assert!(query.is_char_boundary(start) && query.is_char_boundary(end), "{query:?}: {error:?}");
    prop_assert!(query.is_empty() || start < end, "{query:?}: {error:?}");
    prop_assert!(!error.message.is_empty() && !error.message.contains('\n'), "{query:?}: {error:?}");
    prop_assert!(
        error.hint.as_ref().is_none_or(|hint| !hint.is_empty() && !hint.contains('\n')),
        "{error:?}"
    );
    Ok(())
}

/// The children of an expression.
fn children(expr: &Expr) -> Vec<&Expr> {
    match &expr.kind {
        ExprKind::Number(_) | ExprKind::String(_) | ExprKind::Vector(_) | ExprKind::Matrix(_) => Vec::new(),
        ExprKind::Subquery(subquery) => vec![&subquery.expr],
        ExprKind::Unary(unary) => vec![&unary.operand],
        ExprKind::Paren(inner) => vec![inner],
        ExprKind::Binary(binary) => vec![&binary.left, &binary.right],
        ExprKind::Aggregate(aggregate) => aggregate.parameter.iter().chain([&aggregate.expr]).collect(),
        // The second argument of info is no expression of its own: it may match everything.
        ExprKind::Call(call) if call.function == Function::Info => call.arguments.iter().take(1).collect(),
        ExprKind::Call(call) => call.arguments.iter().collect(),
    }
}

/// The text under each node's span, read alone, is that node.
fn spans_are_exact(expr: &Expr, query: &str) -> Result<(), TestCaseError> {
    let text = expr.span.of(query);
    let alone = read(text).map(|alone| shape(&alone));
    prop_assert_eq!(alone, Ok(shape(expr)), "{:?} in {:?}", text, query);
    for child in children(expr) {
        prop_assert!(expr.span.start <= child.span.start && child.span.end <= expr.span.end, "{query:?}");
        spans_are_exact(child, query)?;
    }
    Ok(())
}

/// The printed form is read as the same tree and printed the same way.
fn survives_printing(expr: &Expr) -> Result<(), TestCaseError> {
    let printed = expr.to_string();
    match read(&printed) {
        Ok(again) => {
            prop_assert_eq!(shape(&again), shape(expr), "{}", printed);
            prop_assert_eq!(again.to_string(), printed);
            Ok(())
        }
        Err(error) => Err(TestCaseError::fail(format!("{printed}: {error} at {:?}", error.span))),
    }
}

fn check(query: &str) -> Result<(), TestCaseError> {
    match read(query) {
        Ok(expr) => {
            survives_printing(&expr)?;
            spans_are_exact(&expr, query)
        }
        Err(error) => points_into(&error, query),
    }
}

/// One thing done to a text. Places are fractions of its length.
#[derive(Clone, Debug)]
enum Edit {
    Delete(f64, usize),
    Insert(f64, &'static str),
    Repeat(f64, usize),
    Cut(f64),
}

impl Edit {
    fn apply(&self, query: &str) -> String {
        let chars: Vec<char> = query.chars().collect();
        let place = |fraction: f64| ((chars.len() as f64 * fraction) as usize).min(chars.len());
        let text = |chars: &[char]| chars.iter().collect::<String>();
        match *self {
            Self::Delete(at, count) => {
                let at = place(at);
                text(&chars[..at]) + &text(&chars[(at + count).min(chars.len())..])
            }
            Self::Insert(at, fragment) => text(&chars[..place(at)]) + fragment + &text(&chars[place(at)..]),
            Self::Repeat(at, count) => {
                let at = place(at);
                let piece = &chars[at..(at + count).min(chars.len())];
                text(&chars[..at]) + &text(piece) + &text(&chars[at..])
            }
            Self::Cut(at) => text(&chars[..place(at)]),
        }
    }
}

fn edit() -> impl Strategy<Value = Edit> {
    prop_oneof![
        3 => (0.0..1.0, 1usize..8).prop_map(|(at, count)| Edit::Delete(at, count)),
        5 => (0.0..1.0, select(FRAGMENTS)).prop_map(|(at, fragment)| Edit::Insert(at, fragment)),
        1 => (0.0..1.0, 1usize..12).prop_map(|(at, count)| Edit::Repeat(at, count)),
        1 => (0.0..1.0).prop_map(Edit::Cut),
    ]
}

/// Texts of instant vectors that are valid by construction.
fn vector() -> impl Strategy<Value = String> {
    let name = select(&[
        "a",
        "node:cpu:rate5m",
        "sum",
        "offset",
        "{\"k8s.pod\"}",
        "{__name__=~\"a.+\"}",
        "by{x=\"y\"}",
    ]);
    let modifier = select(&[
        "",
        " offset 5m",
        " offset -1h30m",
        " @ 12.5",
        " @ end() offset 7",
        " offset step() @ start()",
    ]);
    let leaf = (name, modifier.clone()).prop_map(|(name, modifier)| format!("{name}{modifier}"));
    leaf.prop_recursive(6, 48, 3, move |inner| {
        let op = select(&["+", "-", "*", "/", "%", "^", "atan2", "==", "!=", ">", "<", ">=", "<="]);
        let set = select(&["and", "or", "unless"]);
        let matching =
            select(&["", " on (x)", " on ()", " ignoring (x, \"y z\")", " on (x) group_left ()", " ignoring (x) group_right (y)"]);
        let grouping = select(&["", " by (x)", " without (x, by)", " by ()"]);
        let range = select(&["5m", "1h:", "1h:5m", "30m + 1m", "2 * step():max_of(1m, range() / 100)"]);
        let range_function = select(&["rate", "max_over_time", "absent_over_time"]);
        prop_oneof![
            3 => (inner.clone(), op, matching, inner.clone()).prop_map(|(a, op, m, b)| format!("{a} {op}{m} {b}")),
            1 => (inner.clone(), set, inner.clone()).prop_map(|(a, op, b)| format!("{a} {op} {b}")),
            1 => (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("{a} > bool on (x) {b}")),
            1 => inner.clone().prop_map(|a| format!("({a} * -2 ^ 0x1f)")),
            2 => inner.clone().prop_map(|a| format!("({a})")),
            1 => inner.clone().prop_map(|a| format!("-{a}")),
            1 => inner.clone().prop_map(|a| format!("+{a}")),
            2 => (grouping.clone(), inner.clone()).prop_map(|(g, a)| format!("sum{g} ({a})")),
            1 => (grouping, inner.clone()).prop_map(|(g, a)| format!("topk(3, {a}){g}")),
            1 => inner.clone().prop_map(|a| format!("label_replace({a}, \"x\", `$1`, 'y', \"(.*)\\n\")")),
            1 => inner.clone().prop_map(|a| format!("clamp({a}, scalar({a}), Inf)")),
            2 => (range_function, inner, range.clone(), modifier.clone()).prop_map(|(function, a, range, modifier)| {
                if range.contains(':') { format!("{function}(({a})[{range}]{modifier})") } else { format!("{function}(a[{range}]{modifier})") }
            }),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_read_or_refused_with_a_place(query in "\\PC{0,60}") {
        check(&query)?;
    }

    #[test]
    fn any_bytes_that_make_a_text_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
        check(&String::from_utf8_lossy(&bytes))?;
    }

    #[test]
    fn any_words_are_read_or_refused_with_a_place(words in prop::collection::vec(select(FRAGMENTS), 0..16)) {
        check(&words.join(" "))?;
        check(&words.concat())?;
    }

    #[test]
    fn a_valid_query_with_slips_is_read_or_refused_with_a_place(
        query in select(QUERIES.as_slice()),
        edits in prop::collection::vec(edit(), 1..4),
    ) {
        check(&edits.iter().fold(query, |query, edit| edit.apply(&query)))?;
    }
}

proptest! {
    // Each node of each query is read again.
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn vectors_of_any_build_are_accepted_and_survive_printing(query in vector()) {
        match read(&query) {
            Ok(_) => check(&query)?,
            Err(error) => prop_assert!(false, "{query}: {error} at {:?}", error.span),
        }
    }
}

#[test]
fn every_query_of_the_corpus_survives_printing_and_has_exact_spans() {
    for query in QUERIES.iter() {
        let expr = read(query).unwrap_or_else(|error| panic!("{query}: {error}"));
        survives_printing(&expr)
            .and_then(|()| spans_are_exact(&expr, query))
            .unwrap_or_else(|error| panic!("{error}"));
    }
}

/// Runs on a thread with the stack that a server's threads have.
fn on_a_small_stack(test: impl FnOnce() + Send + 'static) {
    let thread = thread::Builder::new().stack_size(2 << 20).spawn(test).expect("a thread can be started");
    thread.join().expect("the test on the thread passes");
}

#[test]
fn a_megabyte_of_nesting_is_an_error_and_not_a_stack_overflow() {
    on_a_small_stack(|| {
        for piece in [
            "(",
            "-",
            "+",
            "sum(",
            "abs(",
            "a+",
            "a^",
            "a or ",
            "1*",
            "a[5m:][5m:]",
            "-a^",
            "(a)+",
            "a[(",
            "a[-",
            "a[1+",
            "a[1^",
            "a offset -(",
            "a offset (1+",
            "a[max_of(1,",
            "{",
            "[",
            "a{",
            "sum by (",
            "a * on (x) ",
            "topk(1,",
            "(-",
            "a + (b + ",
        ] {
            let query = piece.repeat((1 << 20) / piece.len());
            let error = read(&query).expect_err(piece);
            points_into(&error, &query).unwrap_or_else(|error| panic!("{piece}: {error}"));
        }
        // What never nests may be long.
        read(&format!("a{{{}}}", "x=\"y\",".repeat(100_000))).expect("many matchers");
        read(&format!("{}a", " ".repeat(1 << 20))).expect("many blanks");
    });
}

#[test]
fn nesting_that_no_one_writes_by_hand_is_still_accepted() {
    on_a_small_stack(|| {
        for (before, after) in
            [("(", ")"), ("-", ""), ("sum(", ")"), ("a + ", ""), ("a + (", ")"), ("a ^ ", "")]
        {
            let query = format!("{}a{}", before.repeat(100), after.repeat(100));
            let expr = read(&query).unwrap_or_else(|error| panic!("{before}: {error}"));
            survives_printing(&expr).unwrap_or_else(|error| panic!("{error}"));
        }
        let chain = vec!["a"; 250].join(" or ");
        read(&chain).expect("a chain of 250 vectors");
    });
}
