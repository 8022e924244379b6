//! The parser against an independent one: equal trees for every query that the crate promql-parser reads.
//!
//! Two sets of queries: `queries.txt` beside this file, and Prometheus' own test files where they lie beside the
//! repository (`../shared/promqltest`).

mod shape;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use promql::{ParseOptions, parse};
use promql_parser::label::{METRIC_NAME, MatchOp};
use promql_parser::parser as theirs;
use shape::{fill, grouping, matchers, number, shape};

const EXPERIMENTAL: ParseOptions = ParseOptions { experimental: true };

/// Where the two differ on purpose, and why.
const DIVERGENCES: &[(&str, &str)] = &[
    ("+a", UNARY_PLUS),
    ("-+a", UNARY_PLUS),
    (r#"+http_requests_total{job="api-server",instance="0",group="production"}"#, UNARY_PLUS),
    (r#""\xe2\x82\xac""#, BYTES),
    (r#"count_values("a\xc5z", version)"#, NOT_UTF8),
    (r#"label_replace(testmetric, "\xff", "", "src", "(.*)")"#, NOT_UTF8),
    (
        r#"{"k8s.namespace.name"="default", "k8s.pod.cpu.usage"}"#,
        "ours puts the name's matcher first wherever the name is written",
    ),
];

const UNARY_PLUS: &str = "Prometheus keeps a unary plus before what is no number; promql-parser forgets it";
const BYTES: &str =
    "as in Go, \\x names a byte, and bytes together make characters; promql-parser makes each a character";
const NOT_UTF8: &str =
    "ours refuses what is not UTF-8 at once; Prometheus does when it evaluates, for a label's name";

/// What the two parsers say about a set of queries.
#[derive(Debug, Default)]
struct Comparison {
    equal: usize,
    /// Read by ours only.
    only_ours: Vec<String>,
    declared: usize,
    undeclared: Vec<String>,
}

fn compare(queries: impl IntoIterator<Item = String>) -> Comparison {
    let declared: BTreeMap<_, _> = DIVERGENCES.iter().copied().collect();
    let mut comparison = Comparison::default();
    for query in queries {
        let ours = parse(&query, EXPERIMENTAL).map(|expr| shape(&expr));
        let their_tree = theirs::parse(&query).map(|expr| their_shape(&expr));
        let difference = match (ours, their_tree) {
            (Ok(ours), Ok(theirs)) if ours == theirs => {
                comparison.equal += 1;
                continue;
            }
            (Ok(ours), Ok(theirs)) => format!("{query}\n  ours:   {ours}\n  theirs: {theirs}"),
            (Ok(_), Err(_)) => {
                comparison.only_ours.push(query);
                continue;
            }
            (Err(error), Ok(theirs)) => format!("{query}\n  ours:   {error}\n  theirs: {theirs}"),
            (Err(_), Err(_)) => continue,
        };
        if declared.contains_key(query.as_str()) {
            comparison.declared += 1;
        } else {
            comparison.undeclared.push(difference);
        }
    }
    comparison
}

#[test]
fn own_queries_have_the_same_trees_as_in_an_independent_parser() {
    let queries = own_queries();
    assert!(queries.len() > 250, "only {} queries", queries.len());
    for query in &queries {
        if let Err(error) = parse(query, EXPERIMENTAL) {
            panic!("{query}: {error} at {:?}", error.span);
        }
    }
    let total = queries.len();
    let comparison = compare(queries);
    println!(
        "own queries: {total}; equal trees {}, declared divergences {}, not read by promql-parser {}",
        comparison.equal,
        comparison.declared,
        comparison.only_ours.len()
    );
    for query in &comparison.only_ours {
        println!("  not read by promql-parser: {query}");
    }
    assert!(comparison.undeclared.is_empty(), "{}", comparison.undeclared.join("\n"));
    assert!(comparison.equal > 200);
}

#[test]
fn prometheus_own_test_queries_have_the_same_trees_as_in_an_independent_parser() {
    let Some(cases) = prometheus_cases() else {
        println!("skipped: ../shared/promqltest is not there");
        return;
    };
    let total = cases.len();
    let (failing, passing): (Vec<Case>, Vec<Case>) = cases.into_iter().partition(|case| case.fails);
    for case in &passing {
        if let Err(error) = parse(&case.query, EXPERIMENTAL) {
            panic!("{}: {error} at {:?}", case.query, error.span);
        }
    }
    let refused = failing.iter().filter(|case| parse(&case.query, EXPERIMENTAL).is_err()).count();
    println!(
        "expected to fail: {}; refused by the parser: {refused}, the others fail on their data",
        failing.len()
    );
    let comparison = compare(passing.into_iter().chain(failing).map(|case| case.query));
    println!(
        "Prometheus' queries: {total}; equal trees {}, declared divergences {}, not read by promql-parser {}",
        comparison.equal,
        comparison.declared,
        comparison.only_ours.len()
    );
    assert!(comparison.undeclared.is_empty(), "{}", comparison.undeclared.join("\n"));
}

fn own_queries() -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/queries.txt");
    let text = fs::read_to_string(path).expect("the file lies beside this test");
    let is_query = |line: &&str| !line.is_empty() && !line.starts_with("# ");
    text.lines().filter(is_query).map(|line| line.replace('⏎', "\n")).collect()
}

/// An `eval` line of a `.test` file.
struct Case {
    query: String,
    fails: bool,
}

fn prometheus_cases() -> Option<Vec<Case>> {
    let folder: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/promqltest");
    let mut files: Vec<PathBuf> =
        fs::read_dir(folder).ok()?.map(|entry| entry.expect("readable").path()).collect();
    files.sort();
    let mut cases: Vec<Case> = Vec::new();
    for file in files.iter().filter(|file| file.extension().is_some_and(|extension| extension == "test")) {
        let text = fs::read_to_string(file).expect("readable");
        let mut in_case = false;
        for line in text.lines() {
            if let Some(case) = eval_line(line) {
                cases.push(case);
                in_case = true;
            } else if line.trim().is_empty() {
                in_case = false;
            } else if in_case && line.trim_start().starts_with("expect fail") {
                cases.last_mut().expect("a case was begun").fails = true;
            }
        }
    }
    Some(cases)
}

/// `eval instant at 5m QUERY`, `eval range from 0 to 10m step 1m QUERY`.
fn eval_line(line: &str) -> Option<Case> {
    let (command, rest) = line.trim().split_once(' ')?;
    let fails = command == "eval_fail";
    if !command.starts_with("eval") {
        return None;
    }
    // instant at T QUERY, range from A to B step S QUERY
    let words_before_query = if rest.starts_with("instant") { 3 } else { 7 };
    let query = rest.splitn(words_before_query + 1, ' ').nth(words_before_query)?;
    Some(Case { query: query.trim().to_owned(), fails })
}

/// The shape of the other parser's tree.
fn their_shape(expr: &theirs::Expr) -> String {
    use theirs::Expr;
    match expr {
        Expr::NumberLiteral(literal) => number(literal.val),
        Expr::StringLiteral(literal) => format!("{:?}", literal.val),
        Expr::VectorSelector(vector) => {
            format!(
                "{}{}",
                their_selector(vector),
                their_modifiers(vector.at.as_ref(), vector.offset.as_ref())
            )
        }
        Expr::MatrixSelector(matrix) => format!(
            "{}[{}]{}",
            their_selector(&matrix.vs),
            matrix.range.as_millis(),
            their_modifiers(matrix.vs.at.as_ref(), matrix.vs.offset.as_ref())
        ),
        Expr::Subquery(subquery) => format!(
            "(subquery {} {} {}{})",
            their_shape(&subquery.expr),
            subquery.range.as_millis(),
            subquery.step.map_or("default".into(), |step| step.as_millis().to_string()),
            their_modifiers(subquery.at.as_ref(), subquery.offset.as_ref())
        ),
        Expr::Unary(unary) => format!("(- {})", their_shape(&unary.expr)),
        Expr::Paren(paren) => format!("(paren {})", their_shape(&paren.expr)),
        Expr::Binary(binary) => {
            let modifier = binary.modifier.as_ref();
            format!(
                "({}{}{} {} {})",
                binary.op,
                if modifier.is_some_and(|modifier| modifier.return_bool) { " bool" } else { "" },
                modifier.map_or(String::new(), their_matching),
                their_shape(&binary.lhs),
                their_shape(&binary.rhs)
            )
        }
        Expr::Aggregate(aggregate) => {
            let (without, labels) = match &aggregate.modifier {
                Some(theirs::LabelModifier::Exclude(labels)) => (true, labels.labels.clone()),
                Some(theirs::LabelModifier::Include(labels)) => (false, labels.labels.clone()),
                None => (false, Vec::new()),
            };
            format!(
                "({}{}{} {})",
                aggregate.op,
                grouping(without, &labels),
                aggregate
                    .param
                    .as_ref()
                    .map_or(String::new(), |parameter| format!(" {}", their_shape(parameter))),
                their_shape(&aggregate.expr)
            )
        }
        Expr::Call(call) => {
            let arguments: String =
                call.args.args.iter().map(|argument| format!(" {}", their_shape(argument))).collect();
            format!("({}{arguments})", call.func.name)
        }
        Expr::Extension(_) => "(extension)".into(),
    }
}

fn their_selector(selector: &theirs::VectorSelector) -> String {
    let name = selector.name.as_deref().map(|name| (METRIC_NAME, "=", name));
    let others = selector.matchers.matchers.iter().map(|matcher| {
        let op = match matcher.op {
            MatchOp::Equal => "=",
            MatchOp::NotEqual => "!=",
            MatchOp::Re(_) => "=~",
            MatchOp::NotRe(_) => "!~",
        };
        (matcher.name.as_str(), op, matcher.value.as_str())
    });
    matchers(name.into_iter().chain(others))
}

fn their_matching(modifier: &theirs::BinModifier) -> String {
    let mut text = match &modifier.matching {
        None => String::new(),
        Some(theirs::LabelModifier::Include(labels)) => format!(" on{:?}", labels.labels),
        // `ignoring ()` ignores nothing, as if it were not there.
        Some(theirs::LabelModifier::Exclude(labels)) if labels.labels.is_empty() => String::new(),
        Some(theirs::LabelModifier::Exclude(labels)) => format!(" ignoring{:?}", labels.labels),
    };
    match &modifier.card {
        theirs::VectorMatchCardinality::ManyToOne(labels) => {
            text += &format!(" group_left{:?}", labels.labels);
        }
        theirs::VectorMatchCardinality::OneToMany(labels) => {
            text += &format!(" group_right{:?}", labels.labels);
        }
        theirs::VectorMatchCardinality::OneToOne | theirs::VectorMatchCardinality::ManyToMany => {}
    }
    fill(&mut text, modifier.fill_values.lhs, modifier.fill_values.rhs);
    text
}

fn their_modifiers(at: Option<&theirs::AtModifier>, offset: Option<&theirs::Offset>) -> String {
    let at = at.map(|at| match at {
        theirs::AtModifier::Start => " @ start".to_owned(),
        theirs::AtModifier::End => " @ end".to_owned(),
        theirs::AtModifier::At(time) => match time.duration_since(SystemTime::UNIX_EPOCH) {
            Ok(after) => format!(" @ {}", after.as_millis()),
            Err(before) => format!(" @ -{}", before.duration().as_millis()),
        },
    });
    let offset = offset.map(|offset| match offset {
        theirs::Offset::Pos(duration) => format!(" offset {}", duration.as_millis()),
        theirs::Offset::Neg(duration) => format!(" offset -{}", duration.as_millis()),
    });
    at.unwrap_or_default() + &offset.unwrap_or_default()
}
