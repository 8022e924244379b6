//! What expressions mean, and that their simpler forms mean the same.

use proptest::prelude::*;

use super::*;

fn read(pattern: &str) -> Result<Pattern, RegexError> {
    Pattern::new(pattern, &RegexBudget::default())
}

fn full_regex(pattern: &str) -> Result<Regex, RegexError> {
    anchored_regex(pattern, &RegexBudget::default())
}

fn reason(pattern: &str) -> String {
    let error = read(pattern).err().unwrap_or_else(|| panic!("{pattern} was accepted"));
    assert_eq!(error.pattern, pattern);
    assert!(full_regex(pattern).is_err(), "{pattern}");
    error.reason
}

/// Matched as a pattern and as a regular expression, which must agree.
fn matches(pattern: &str, value: &str) -> bool {
    let (short, full) = (read(pattern).unwrap(), full_regex(pattern).unwrap());
    assert_eq!(short.is_match(value), full.is_match(value), "{pattern} on {value:?}");
    short.is_match(value)
}

#[test]
fn expressions_mean_what_they_mean_in_prometheus() {
    for (pattern, yes, no) in [
        // Braces count only where there is a number in them.
        ("a{2}", &["aa"][..], &["a{2}"][..]),
        ("a{b}", &["a{b}"], &["ab"]),
        ("aaa{bbb}", &["aaa{bbb}"], &[]),
        ("a{,2}", &["a{,2}"], &["", "aa"]),
        ("a{01}", &["a{01}"], &["a"]),
        ("a{}]", &["a{}]"], &["a"]),
        ("{{a}}", &["{{a}}"], &[]),
        // Quoted text.
        (r"\Qa.b*\E.", &["a.b*c"], &["axb*c", "a.b*"]),
        (r"\Q(\E+", &["((("], &[""]),
        // Classes that a letter names know ASCII only.
        (r"\d", &["1"], &["٣", "a"]),
        (r"\D", &["٣", "a", "\n"], &["1"]),
        (r"\w+", &["aZ_9"], &["é", "-"]),
        (r"\W", &["é", "-"], &["_"]),
        (r"\s", &[" ", "\t", "\x0C"], &["\x0B", "\u{a0}"]),
        (r"a\b.b", &["a-b"], &["aéb-", "acb"]),
        (r"é\b.?a", &["éa", "éba"], &["é", "é-a"]),
        (r"a\Bb", &["ab"], &["a", "b"]),
        // Unicode classes.
        (r"\pN", &["1", "٣"], &["a"]),
        (r"\PN", &["a"], &["٣"]),
        (r"\p{Greek}+", &["Ωα"], &["a"]),
        (r"\p{^Greek}", &["a"], &["Ω"]),
        (r"[\p{Lu}1]", &["É", "1"], &["é"]),
        // Other classes: neither nested nor operated upon.
        ("[a&&b]", &["a", "&", "b"], &["c"]),
        ("[a~~b]", &["~", "a"], &["-"]),
        ("[[a]", &["[", "a"], &["]"]),
        ("[]a]", &["]", "a"], &["["]),
        ("[^]a]", &["b", "\n"], &["]", "a"]),
        (r"[\d-z]", &["1", "-", "z"], &["a"]),
        (r"[\D]", &["a"], &["1"]),
        ("[a-]", &["a", "-"], &["b"]),
        ("[[:alpha:]_]", &["a", "_"], &["1", "é"]),
        ("[[:^alpha:]]", &["1", "é"], &["a"]),
        ("[[:word:]]", &["_"], &["-"]),
        // Characters.
        (r"\012", &["\n"], &["2"]),
        (r"\0", &["\0"], &["0"]),
        (r"\101", &["A"], &["1"]),
        (r"\x41\x{42}", &["AB"], &["x41"]),
        (r"\<\>\_\-\/\ ", &["<>_-/ "], &[]),
        (r"\a\f\n\r\t\v", &["\x07\x0C\n\r\t\x0B"], &[]),
        // Flags and groups.
        ("(?i)ab", &["AB", "aB"], &["ac"]),
        ("(?i:a)b", &["Ab"], &["AB"]),
        ("(?-s).", &["a"], &["\n"]),
        ("(?U)a+", &["aa"], &[""]),
        ("(?)a", &["a"], &[""]),
        ("(?P<n>a)(?<m>b)", &["ab"], &["a"]),
        ("(?m)a$.b", &["a\nb"], &["acb"]),
        // What dashboards use.
        ("", &[""], &["a"]),
        ("a|b|", &["a", "b", ""], &["a|b|"]),
        ("(a|b)", &["a", "b"], &["ab"]),
        (r"a\.b|c", &["a.b", "c"], &["axb"]),
        ("(prod|test)-[12]", &["prod-1", "test-2"], &["prod-3", "prod"]),
        ("colou?r", &["color", "colour"], &["colouur"]),
        (".*", &["", "a\nb"], &[]),
        (".+", &["a", "\n"], &[""]),
        ("pod-.*", &["pod-", "pod-1"], &["pod", "a-pod-1"]),
        ("pod-.+", &["pod-1"], &["pod-"]),
        (".*-7", &["-7", "pod-7"], &["pod-77"]),
        ("a.*a", &["aa", "aba"], &["a"]),
        ("a.+a", &["aba", "aéa"], &["aa"]),
        (".*b.*c.*", &["abacad", "bc"], &["cb"]),
        ("a.*b.+b", &["abxb", "abbb"], &["abb", "ab"]),
        ("^pod-.*$", &["pod-1"], &["a-pod-"]),
        ("a.*|.*b|c", &["ax", "xb", "c"], &["xc", "cx"]),
        ("(a.*)", &["ab"], &["b"]),
        (".*.+", &["a"], &[""]),
        ("a^b|b$a", &[], &["ab", "ba", "a^b"]),
    ] {
        for value in yes {
            assert!(matches(pattern, value), "{pattern} on {value:?}");
        }
        for value in no {
            assert!(!matches(pattern, value), "{pattern} on {value:?}");
        }
    }
}

#[test]
fn mistakes_are_refused_in_words_that_name_them() {
    for (pattern, expected) in [
        ("a**", "invalid nested repetition operator: `**`"),
        ("a{2}{3}", "invalid nested repetition operator: `{2}{3}`"),
        ("a??+", "invalid nested repetition operator: `??+`"),
        ("a{1001}", "invalid repeat count: `{1001}`"),
        ("a{99999999999}", "invalid repeat count: `{99999999999}`"),
        ("a{3,2}", "invalid repeat count: `{3,2}`"),
        (r"\C", r"invalid escape sequence: `\C`"),
        (r"\Z", r"invalid escape sequence: `\Z`"),
        (r"\8", r"invalid escape sequence: `\8`"),
        (r"\1", r"invalid escape sequence: `\1`"),
        (r"\x4", r"invalid escape sequence: `\x4`"),
        (r"\x{110000}", r"invalid escape sequence: `\x{110000}`"),
        (r"\u0041", r"invalid escape sequence: `\u`"),
        (r"\é", r"invalid escape sequence: `\é`"),
        ("\\", "trailing backslash at end of expression: ``"),
        (r"\Qa", r"missing closing ): `\Qa`"),
        ("[z-a]", "invalid character class range: `z-a`"),
        (r"[a-\d]", r"invalid escape sequence: `\d`"),
        ("[[:foo:]]", "invalid character class range: `[:foo:]`"),
        (r"\p{", r"invalid character class range: `\p{`"),
        (r"\p{Foo}", "Unicode property not found"),
        ("[a", "missing closing ]: `[a`"),
        ("[]", "missing closing ]: `[]`"),
        ("(?x)a", "invalid or unsupported Perl syntax: `(?x`"),
        ("(?=a)", "invalid or unsupported Perl syntax: `(?=`"),
        ("(?s-)", "invalid or unsupported Perl syntax: `(?s-)`"),
        ("(?P<a-b>c)", "invalid named capture: `(?P<a-b>c)`"),
        ("*", "repetition operator missing expression"),
        ("a(", "unclosed group"),
        ("a)(b", "unopened group"),
    ] {
        assert_eq!(reason(pattern), expected, "{pattern}");
    }
}

#[test]
fn what_is_too_large_is_refused() {
    for pattern in [
        "(((a{1000}){1000}){1000}){9}b".to_owned(),
        r"(\pL{1000}){1000}".to_owned(),
        r"(?i)\pL".repeat(100_000),
        format!("({})*", "ab".repeat(1_000_000)),
    ] {
        assert!(reason(&pattern).starts_with("expression too large: "), "{pattern:.40}");
    }
    assert!(reason(&format!("{}a{}", "(".repeat(2_000), ")".repeat(2_000))).contains("nest"));
}

#[test]
fn the_expressions_of_one_query_share_a_budget() {
    let budget = RegexBudget::default();
    let accepted = (0..1_000).take_while(|_| Pattern::new("a[bc]+d", &budget).is_ok()).count();
    assert!((300..=512).contains(&accepted), "{accepted}");
    // What needs no automaton is hardly counted.
    let budget = RegexBudget::default();
    for _ in 0..1_000 {
        for pattern in ["a|b|c", "(web|db)", "web-.*", r"10\.0\.0\.1|10\.0\.0\.2"] {
            assert!(Pattern::new(pattern, &budget).is_ok(), "{pattern}");
        }
    }
    // Ten thousand pods as Grafana escapes and joins them.
    let all: Vec<String> =
        (0..10_000).map(|pod| format!(r"namespace-{}\.pod-{pod}-abcdefgh", pod % 40)).collect();
    assert!(
        matches!(read(&format!("({})", all.join("|"))), Ok(Pattern::OneOf(values)) if values.len() == 10_000)
    );
}

#[test]
fn long_expressions_do_not_take_long_to_be_read() {
    let began = std::time::Instant::now();
    // Each of these took minutes or gigabytes in one of the steps.
    for pattern in [
        "(a)(b)".repeat(10_000),
        format!("{}a{}", "(".repeat(12), "){8}".repeat(12)),
        vec!["((((a{8}){8}){8}){8}){8}"; 2_000].join("|"),
        r"(?i)[\x00-\x{10FFFF}]".repeat(40_000),
        r"(?i)\PL".repeat(40_000),
    ] {
        let _ = read(&pattern);
    }
    assert!(began.elapsed() < std::time::Duration::from_secs(20), "{:?}", began.elapsed());
}

#[test]
fn a_message_repeats_the_beginning_of_a_long_expression() {
    let error = read(&format!("a(?!{}", "x".repeat(10_000))).err().unwrap();
    assert!(error.to_string().len() < 600, "{error}");
    assert_eq!(shortened(&"é".repeat(201)), format!("{}…", "é".repeat(200)));
}

#[test]
fn lists_of_values_need_no_automaton() {
    let values = |pattern| match read(pattern).unwrap() {
        Pattern::OneOf(values) => Some(values.join(",")),
        _ => None,
    };
    for (pattern, expected) in [
        ("b|a|b", Some("a,b")),
        (r"a\.b|c", Some("a.b,c")),
        ("^(?:prod|test)-[12]$", Some("prod-1,prod-2,test-1,test-2")),
        ("a(b|c)?", Some("a,ab,ac")),
        ("(?i)a", Some("A,a")),
        ("[0-9]{9}", None),
        ("a.b", None),
        ("a+", None),
    ] {
        assert_eq!(values(pattern).as_deref(), expected, "{pattern}");
    }
    let long = (0..5_000).map(|number| format!(r"pod\-{number}")).collect::<Vec<_>>().join("|");
    assert!(matches!(read(&long).unwrap(), Pattern::OneOf(values) if values.len() == 5_000));
}

#[test]
fn text_around_gaps_needs_no_automaton() {
    for (pattern, simple) in [
        (".*", true),
        ("^a.*b.+c$", true),
        ("a.*|b.*", true),
        ("(a.*)", true),
        ("a.b", false),
        ("[ab].*", false),
        (r"a\b.*", false),
        ("(?-s)a.*", false),
    ] {
        assert_eq!(matches!(read(pattern).unwrap(), Pattern::Globs(_)), simple, "{pattern}");
    }
}

/// Pieces of expressions, proper ones and others.
fn piece() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "a",
        "b",
        "-",
        ".",
        ".*",
        ".+",
        ".*?",
        "a?",
        "[ab]",
        "[^a]",
        "(a|b)",
        "(",
        ")",
        "|",
        "^",
        "$",
        "*",
        "{2}",
        "{",
        "}",
        "{,3}",
        "[",
        "]",
        "[a&&b]",
        "\\",
        r"\d",
        r"\W",
        r"\b",
        r"\B",
        r"\Qa.\E",
        r"\Q",
        r"\012",
        r"\x41",
        r"\x{",
        r"\pN",
        r"\p{",
        "(?i)",
        "(?s:",
        "(?P<n>a)",
        "[[:alpha:]]",
        "[:",
        "é",
        "\n",
        "٣",
        "\0",
    ])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn no_expression_panics_and_simple_forms_agree_with_the_full_one(
        pieces in prop::collection::vec(piece(), 0..8),
        values in prop::collection::vec("[ab.é٣\n-]{0,6}", 8),
    ) {
        let pattern = pieces.concat();
        let (short, full) = (read(&pattern), full_regex(&pattern));
        prop_assert_eq!(short.is_ok(), full.is_ok());
        if let (Ok(short), Ok(full)) = (short, full) {
            for value in values {
                prop_assert_eq!(short.is_match(&value), full.is_match(&value), "{:?}", value);
            }
        }
    }

    #[test]
    fn no_text_panics(pattern in any::<String>()) {
        let _ = read(&pattern);
    }
}
