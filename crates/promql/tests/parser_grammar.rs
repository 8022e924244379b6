//! What queries mean: the values of literals and the shapes of trees.

mod shape;

use promql::ast::{ExprKind, Span, ValueType};
use promql::{ParseOptions, parse};
use shape::shape;

const STABLE: ParseOptions = ParseOptions { experimental: false };

fn shape_of(query: &str) -> String {
    match parse(query, STABLE) {
        Ok(expr) => shape(&expr),
        Err(error) => panic!("{query}: {error} at {:?}", error.span),
    }
}

fn is_refused(query: &str) -> bool {
    parse(query, STABLE).is_err()
}

#[test]
fn numbers_have_the_values_that_prometheus_gives_them() {
    for (text, expected) in [
        ("0", 0.0),
        ("42", 42.0),
        (".5", 0.5),
        ("5.", 5.0),
        ("1e3", 1000.0),
        ("1E+3", 1000.0),
        ("1e-3", 0.001),
        ("0x1f", 31.0),
        ("0X1F", 31.0),
        ("0x_1_f", 31.0),
        ("017", 15.0),
        ("08", 8.0),
        ("01.5", 1.5),
        ("1_000", 1000.0),
        ("1_0.2_5", 10.25),
        ("9223372036854775807", 9_223_372_036_854_775_807.0),
        ("9223372036854775808", 9_223_372_036_854_775_808.0),
        ("inf", f64::INFINITY),
        ("-INF", f64::NEG_INFINITY),
        ("-7", -7.0),
        ("+7", 7.0),
        ("--7", 7.0),
        ("5m", 300.0),
        ("1h30m", 5400.0),
        ("100ms", 0.1),
        ("-1d", -86400.0),
        ("1y1w1d1h1m1s1ms", 32_230_861.001),
    ] {
        assert_eq!(shape_of(text), format!("{expected:?}"), "{text}");
    }
    assert_eq!(shape_of("nAn"), "NaN");
    for text in [
        "1_",
        "_1_0 1",
        "1__0",
        "1._5",
        "1_.5",
        "0x",
        "0xg",
        "1e",
        "1.2.3",
        "1e400",
        "0xffffffffffffffffff",
        "0b1",
        "0o7",
    ] {
        assert!(is_refused(text), "{text}");
    }
}

#[test]
fn durations_name_their_units_from_large_to_small() {
    for (range, milliseconds) in [
        ("1ms", 1),
        ("1s", 1000),
        ("5m", 300_000),
        ("1h30m", 5_400_000),
        ("1d", 86_400_000),
        ("2w", 1_209_600_000),
        ("1y", 31_536_000_000_i64),
        ("0h5m", 300_000),
        ("292y", 9_208_512_000_000),
    ] {
        assert_eq!(shape_of(&format!("a[{range}]")), format!("{{__name__=\"a\"}}[{milliseconds}]"));
    }
    for range in ["5", "5.5", "1_0", "0x10"] {
        assert!(!is_refused(&format!("a[{range}]")), "{range}: a plain number is in seconds");
    }
    for range in ["5M", "m", "1m1h", "1m1m", "1.5h", "1h5", "293y", "-5m", "0", "0s", "NaN", "Inf", "1m 1s"] {
        assert!(is_refused(&format!("a[{range}]")), "{range}");
    }
}

#[test]
fn strings_are_unescaped_as_in_go() {
    for (text, expected) in [
        (r#""a""#, "a"),
        ("'a'", "a"),
        ("`a`", "a"),
        (r#""\a\b\f\n\r\t\v\\\"""#, "\u{7}\u{8}\u{c}\n\r\t\u{b}\\\""),
        (r"'\''", "'"),
        (r#""it's""#, "it's"),
        (r"`\n`", "\\n"),
        ("`a\nb`", "a\nb"),
        (r#""\x41\101\u0041\U00000041""#, "AAAA"),
        (r#""\u00e9\U0001F600""#, "é😀"),
        (r#""\xc3\xa9\303\251""#, "éé"),
        ("\"é😀\"", "é😀"),
        ("'# no comment'", "# no comment"),
    ] {
        let expr = parse(text, STABLE).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(expr.kind, ExprKind::String(expected.into()), "{text}");
    }
    for text in [
        r#""\'""#,
        r#"'\"'"#,
        r#""\d""#,
        r#""\x4""#,
        r#""\400""#,
        r#""\ud800""#,
        r#""\U00110000""#,
        r#""\xff""#,
        r#""\"#,
        "\"a\nb\"",
    ] {
        assert!(is_refused(text), "{text}");
    }
}

#[test]
fn operators_bind_as_the_grouping_in_parentheses_says() {
    // Each pair: the query, and where its parentheses would be.
    for (query, grouped) in [
        ("a + b * c", "a + (b * c)"),
        ("a * b + c", "(a * b) + c"),
        ("a - b - c", "(a - b) - c"),
        ("a / b / c", "(a / b) / c"),
        ("a / b * c % d atan2 e", "(((a / b) * c) % d) atan2 e"),
        ("a ^ b ^ c", "a ^ (b ^ c)"),
        ("a * b ^ c", "a * (b ^ c)"),
        ("a ^ b * c", "(a ^ b) * c"),
        ("-a ^ b", "-(a ^ b)"),
        ("-a * b", "(-a) * b"),
        ("a ^ -b ^ c", "a ^ (-(b ^ c))"),
        ("a ^ -b * c", "(a ^ (-b)) * c"),
        ("- -a", "-(-a)"),
        ("a + b > c", "(a + b) > c"),
        ("a > b > c", "(a > b) > c"),
        ("a == b and c", "(a == b) and c"),
        ("a and b or c and d", "(a and b) or (c and d)"),
        ("a or b unless c", "a or (b unless c)"),
        ("a unless b and c", "(a unless b) and c"),
        ("a and b == c + d * e ^ f", "a and (b == (c + (d * (e ^ f))))"),
    ] {
        assert_eq!(shape_of(query), without_parens(&shape_of(grouped)), "{query}");
    }
}

/// A shape with each `(paren X)` replaced by `X`.
fn without_parens(shape: &str) -> String {
    let mut shape = shape.to_owned();
    while let Some(start) = shape.find("(paren ") {
        let inner = start + "(paren ".len();
        let mut depth = 1;
        let length = shape[inner..].find(|c| {
            depth += i32::from(c == '(') - i32::from(c == ')');
            depth == 0
        });
        let end = inner + length.expect("shapes are balanced");
        shape = format!("{}{}{}", &shape[..start], &shape[inner..end], &shape[end + 1..]);
    }
    shape
}

#[test]
fn these_spellings_mean_the_same() {
    for group in [
        &[
            "sum by (x) (a)",
            "sum (a) by (x)",
            "SUM BY(x)(a)",
            "sum by (x,) (a)",
            "sum by (\"x\") (a)",
            "sum#\nby (x) (a)",
        ][..],
        &["sum(a)", "sum by () (a)"],
        &["a offset 5m @ end()", "a @ end() offset 5m", "a OFFSET 5m @ END ( )", "a offset +5m @ end()"],
        &["a[5m] offset -1h @ 10", "a[5m] @ 10.000 offset -1h"],
        &["{__name__=\"a\"}", "{__name__='a'}", "{__name__=`a`,}"],
        &["a", "{\"a\"}", "a{}"],
        &[
            "a{x=\"1\",y=\"2\"}",
            "{\"a\",x=\"1\",y=\"2\"}",
            "{x=\"1\",\"a\",y=\"2\"}",
            "a{\"x\"=\"1\",'y'='2'}",
            "a { x = \"1\" , y = \"2\" , }",
        ],
        &["a AND b", "a and b"],
        &["a * on (x) group_left () b", "a * on (x) group_left b", "a * ON(x) GROUP_LEFT b"],
        &["a[1h:]", "a[ 1h : ]"],
        &["1 == bool 2", "1 == BOOL 2"],
    ] {
        for other in &group[1..] {
            assert_eq!(shape_of(group[0]), shape_of(other), "{} and {other}", group[0]);
        }
    }
}

#[test]
fn keywords_are_names_where_nothing_else_can_be_meant() {
    let everywhere = [
        "sum", "by", "without", "offset", "and", "or", "unless", "start", "end", "step", "range", "min_of",
        "fill",
    ];
    for name in everywhere {
        assert_eq!(shape_of(name), format!("{{__name__={name:?}}}"));
        assert_eq!(shape_of(&format!("{name}{{x=\"y\"}}")), format!("{{__name__={name:?},x=\"y\"}}"));
    }
    for name in ["on", "ignoring", "group_left", "group_right", "bool", "atan2"] {
        assert!(is_refused(name), "{name}");
        assert_eq!(
            shape_of(&format!("{{{name:?}}}")),
            format!("{{__name__={name:?}}}"),
            "in quotes any name will do"
        );
    }
    for label in ["by", "on", "sum", "bool", "group_left", "offset", "and", "atan2", "start"] {
        assert_eq!(
            shape_of(&format!("sum by ({label}) (a)")),
            format!("(sum by[{label:?}] {{__name__=\"a\"}})")
        );
        assert_eq!(shape_of(&format!("a{{{label}=\"x\"}}")), format!("{{__name__=\"a\",{label}=\"x\"}}"));
    }
    assert!(is_refused("sum by (without) (a)"));
    assert!(!is_refused("a{without=\"x\"}"));
}

#[test]
fn arithmetic_behind_offset_belongs_to_the_expression_unless_it_begins_with_a_parenthesis() {
    for (query, expected) in [
        ("a offset 5m + 1", "(+ {__name__=\"a\"} offset 300000 1.0)"),
        ("a offset -5m ^ 2", "(^ {__name__=\"a\"} offset -300000 2.0)"),
        ("a offset -(5m) + 1", "(+ {__name__=\"a\"} offset (- (paren 300000)) 1.0)"),
        ("a offset step() * 2", "(* {__name__=\"a\"} offset step 2.0)"),
        ("a offset (5m) + 1m", "{__name__=\"a\"} offset (+ (paren 300000) 60000)"),
        ("a offset ++step() + 1m", "{__name__=\"a\"} offset (+ step 60000)"),
        ("a[2 ^ 3 ^ 2]", "{__name__=\"a\"}[(^ 2000 (^ 3000 2000))]"),
        ("a[1m + 2m * 3]", "{__name__=\"a\"}[(+ 60000 (* 120000 3000))]"),
        ("a[-2 ^ 2 + 1h]", "{__name__=\"a\"}[(+ (- (^ 2000 2000)) 3600000)]"),
        (
            "a[max_of(step(), 1m):range() / 2]",
            "(subquery {__name__=\"a\"} (max_of step 60000) (/ range 2000))",
        ),
    ] {
        assert_eq!(shape_of(query), expected, "{query}");
    }
}

#[test]
fn expressions_have_the_types_of_their_values() {
    for (query, expected) in [
        ("1 + 2", ValueType::Scalar),
        ("-(1)", ValueType::Scalar),
        ("time()", ValueType::Scalar),
        ("1 + a", ValueType::Vector),
        ("a > bool 1", ValueType::Vector),
        ("sum(a)", ValueType::Vector),
        ("((a))", ValueType::Vector),
        ("a[5m]", ValueType::Matrix),
        ("a[5m:1m]", ValueType::Matrix),
        ("(\"text\")", ValueType::String),
    ] {
        assert_eq!(parse(query, STABLE).expect(query).value_type(), expected, "{query}");
    }
}

#[test]
fn spans_cover_what_belongs_to_a_node_and_nothing_else() {
    let query = "  sum by (x) ( rate(a{b=~\"c\"}[5m] offset 1h) ) * on (x) group_left (y) d  ";
    let expr = parse(query, STABLE).expect("valid");
    assert_eq!(expr.span.of(query), query.trim());
    let ExprKind::Binary(binary) = &expr.kind else { panic!("{expr:?}") };
    assert_eq!(binary.op_span.of(query), "*");
    assert_eq!(binary.matching.span.of(query), "on (x) group_left (y)");
    assert_eq!(binary.right.span.of(query), "d");
    let ExprKind::Aggregate(aggregate) = &binary.left.kind else { panic!("{expr:?}") };
    assert_eq!(binary.left.span.of(query), "sum by (x) ( rate(a{b=~\"c\"}[5m] offset 1h) )");
    assert_eq!(aggregate.op_span.of(query), "sum");
    let ExprKind::Call(call) = &aggregate.expr.kind else { panic!("{expr:?}") };
    assert_eq!(call.name_span.of(query), "rate");
    let ExprKind::Matrix(matrix) = &call.arguments[0].kind else { panic!("{expr:?}") };
    assert_eq!(call.arguments[0].span.of(query), "a{b=~\"c\"}[5m] offset 1h");
    assert_eq!(matrix.selector_span.of(query), "a{b=~\"c\"}");
    assert_eq!(matrix.range.span.of(query), "5m");
    let matchers: Vec<&str> = matrix.selector.matchers.iter().map(|matcher| matcher.span.of(query)).collect();
    assert_eq!(matchers, ["a", "b=~\"c\""]);
    let offset = matrix.selector.modifiers.offset.as_ref().expect("there is an offset");
    assert_eq!(offset.span.of(query), "1h");
    assert_eq!(Span::new(3, 1).of(query), "", "an impossible span covers nothing");
}

#[test]
fn the_canonical_form_is_that_of_prometheus() {
    for (query, expected) in [
        ("sum(a)by(x,y)", "sum by (x, y) (a)"),
        ("sum without() (a)", "sum without () (a)"),
        ("topk ( 5 , a )", "topk(5, a)"),
        ("a{x='1',y!~`2`}", "a{x=\"1\",y!~\"2\"}"),
        ("{\"k8s.pod\",'a.b'=\"c\"}", "{\"k8s.pod\",\"a.b\"=\"c\"}"),
        ("{__name__=\"a\"}", "{__name__=\"a\"}"),
        ("a*on(x)group_left(y)b", "a * on (x) group_left (y) b"),
        ("a==bool 1", "a == bool 1"),
        ("a[90s]", "a[1m30s]"),
        ("a[14d]", "a[2w]"),
        ("a[15d]", "a[15d]"),
        ("a[1h:5m]@5 offset-1h", "a[1h:5m] @ 5.000 offset -1h"),
        ("a @ start()", "a @ start()"),
        ("1e3", "1000"),
        ("-1_0", "-10"),
        ("'tab\t\"'", "\"tab\\t\\\"\""),
        ("label_replace(a,'b','$1','c','(.*)')", "label_replace(a, \"b\", \"$1\", \"c\", \"(.*)\")"),
        ("{'bool'}", "{\"bool\"}"),
        ("sum by ('without', \"a.b\") (x)", "sum by (\"without\", \"a.b\") (x)"),
        ("a[step()*2]", "a[step() * 2]"),
        ("{'a',__name__=~'b'}", "{\"a\",__name__=~\"b\"}"),
    ] {
        assert_eq!(parse(query, STABLE).expect(query).to_string(), expected, "{query}");
    }
}

#[test]
fn an_offset_that_would_take_an_operator_is_printed_before_the_other_modifiers() {
    for (query, expected) in [
        ("a offset (5m) @ 5 * 2", "a offset (5m) @ 5.000 * 2"),
        ("a offset --step() anchored * 2", "a offset --step() anchored * 2"),
        ("a offset 5m anchored * 2", "a anchored offset 5m * 2"),
        ("a @ 5 offset (5m) * 2", "a offset (5m) * 2 @ 5.000"),
        ("sum_over_time(a[1h:5m] offset (5m) @ 5) * 2", "sum_over_time(a[1h:5m] offset (5m) @ 5.000) * 2"),
    ] {
        let printed = parse(query, ParseOptions { experimental: true }).expect(query).to_string();
        assert_eq!(printed, expected, "{query}");
    }
}
