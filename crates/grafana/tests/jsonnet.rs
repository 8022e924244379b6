//! Jsonnet to JSON: values, imports and their walls, errors with places, limits.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

mod support;

use std::fs;
use std::path::Path;
use std::time::Duration;

use grafana::jsonnet::{Error, ErrorKind, Evaluator, Input, Limits, Roots};
use serde_json::json;
use support::Folder;

fn error(folder: &Folder, name: &str) -> Error {
    folder.evaluator().evaluate_file(Path::new(name)).result.unwrap_err()
}

fn snippet(text: &str) -> Result<serde_json::Value, Error> {
    Evaluator::without_files().evaluate_snippet("test.jsonnet", text).result
}

fn limited(text: &str, limits: Limits) -> Error {
    Evaluator::without_files().limits(limits).evaluate_snippet("test.jsonnet", text).result.unwrap_err()
}

#[test]
fn every_kind_of_value_becomes_json() {
    let value =
        snippet("{ a: null, b: true, c: 1, d: 1.5, e: 'x', f: [1, []], g: { h: 1e300 }, hidden:: 1 }");
    let expected = json!({"a": null, "b": true, "c": 1, "d": 1.5, "e": "x", "f": [1, []], "g": {"h": 1e300}});
    assert_eq!(value.unwrap(), expected);
}

#[test]
fn whole_numbers_are_integers_and_the_rest_are_not() {
    let value = snippet("[0, -1, 9007199254740992, 0.1, -0.0]").unwrap();
    assert_eq!(serde_json::to_string(&value).unwrap(), "[0,-1,9007199254740992,0.1,-0.0]");
}

#[test]
fn imports_are_relative_to_the_importing_file_then_to_the_roots() {
    let library = Folder::new(&[("shared.libsonnet", "{ shared: true }")]);
    let folder = Folder::new(&[
        ("main.jsonnet", "import 'lib/panel.libsonnet'"),
        (
            "lib/panel.libsonnet",
            "(import 'unit.libsonnet') + (import 'shared.libsonnet') + { text: importstr 'a.txt' }",
        ),
        ("lib/unit.libsonnet", "{ unit: 'bytes' }"),
        ("lib/a.txt", "from lib"),
        ("a.txt", "from the root"),
    ]);
    let roots = Roots::new(&folder.0, [library.0.clone()]).unwrap();
    let outcome = Evaluator::new(roots).evaluate_file(Path::new("main.jsonnet"));
    assert_eq!(outcome.result.unwrap(), json!({"shared": true, "text": "from lib", "unit": "bytes"}));
    for read in ["main.jsonnet", "lib/panel.libsonnet", "lib/unit.libsonnet", "lib/a.txt"] {
        assert!(outcome.files.contains(&folder.path(read)), "{read} was read");
    }
    assert!(outcome.files.contains(&library.path("shared.libsonnet")));
    // Creating this file would change the outcome, so it is to be watched too.
    assert!(outcome.files.contains(&folder.path("lib/shared.libsonnet")));
    assert!(!outcome.files.contains(&folder.path("a.txt")));
}

#[test]
fn an_import_cannot_leave_the_roots() {
    let outside = Folder::new(&[("secret.libsonnet", "'secret'")]);
    let secret = outside.path("secret.libsonnet");
    let by_dots = format!("import '../{}/secret.libsonnet'", outside.0.file_name().unwrap().display());
    let by_path = format!("importstr '{}'", secret.display());
    let folder = Folder::new(&[("dots.jsonnet", &by_dots), ("absolute.jsonnet", &by_path)]);
    let mut ways = vec!["dots.jsonnet", "absolute.jsonnet"];
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(&secret, folder.path("link.libsonnet")).unwrap();
        std::os::unix::fs::symlink(&outside.0, folder.path("folder")).unwrap();
        fs::write(folder.path("link.jsonnet"), "import 'link.libsonnet'").unwrap();
        fs::write(folder.path("folder.jsonnet"), "import 'folder/secret.libsonnet'").unwrap();
        ways.extend(["link.jsonnet", "folder.jsonnet"]);
    }
    for way in ways {
        let error = error(&folder, way);
        assert_eq!(error.kind, ErrorKind::Import, "{way}");
        assert!(error.message.contains("outside of the source folders"), "{way}: {error}");
        assert_eq!(error.place.unwrap().source.name, way);
    }
    // The same file is fine when its folder is a root.
    let roots = Roots::new(&folder.0, [outside.0.clone()]).unwrap();
    let outcome = Evaluator::new(roots).evaluate_file(Path::new("dots.jsonnet"));
    assert_eq!(outcome.result.unwrap(), json!("secret"));
}

#[test]
fn a_missing_import_says_where_it_was_looked_for_and_watches_these_places() {
    let folder = Folder::new(&[("lib/main.jsonnet", "{\n  a: import 'gone.libsonnet',\n}")]);
    let outcome = folder.evaluator().evaluate_file(Path::new("lib/main.jsonnet"));
    let error = outcome.result.unwrap_err();
    let place = error.place.as_ref().unwrap();
    assert_eq!((place.line(), place.column(), place.text()), (2, 6, "import 'gone.libsonnet'"));
    assert!(
        error.to_string().starts_with("lib/main.jsonnet:2:6: cannot import \"gone.libsonnet\": there is no")
    );
    assert!(outcome.files.contains(&folder.path("lib/gone.libsonnet")));
    assert!(outcome.files.contains(&folder.path("gone.libsonnet")));
}

#[test]
fn a_mistake_in_an_imported_file_is_placed_there_and_the_stack_leads_to_it() {
    let folder = Folder::new(&[
        ("main.jsonnet", "{ panels: [import 'lib/bad.libsonnet'] }"),
        ("lib/bad.libsonnet", "{\n  title: 'a',\n  unit 'bytes',\n}\n"),
    ]);
    let error = error(&folder, "main.jsonnet");
    assert_eq!(error.kind, ErrorKind::Syntax);
    let place = error.place.unwrap();
    assert_eq!(place.source.name, "lib/bad.libsonnet");
    assert_eq!(place.source.path, Some(folder.path("lib/bad.libsonnet")));
    assert_eq!((place.line(), place.column()), (3, 8));
    assert_eq!((place.text(), place.line_text()), ("'bytes'", "  unit 'bytes',"));
    let steps: Vec<&str> = error.stack.iter().map(|frame| frame.doing.as_str()).collect();
    assert_eq!(steps, ["item 0", "field panels"]);
}

#[test]
fn this_file_is_the_same_on_every_machine() {
    let folder = Folder::new(&[("lib/a.jsonnet", "std.thisFile")]);
    let value = folder.evaluator().evaluate_file(Path::new("lib/a.jsonnet")).result.unwrap();
    assert_eq!(value, json!("lib/a.jsonnet"));
}

#[test]
fn a_snippet_imports_from_the_root() {
    let folder = Folder::new(&[("mixin.libsonnet", "{ grafanaDashboards:: { 'a.json': { uid: 'a' } } }")]);
    let outcome =
        folder.evaluator().evaluate_snippet("<mixin>", "(import 'mixin.libsonnet').grafanaDashboards");
    assert_eq!(outcome.result.unwrap(), json!({"a.json": {"uid": "a"}}));
}

#[test]
fn external_variables_and_arguments_are_text_or_code() {
    let text = "function(n, unit='short') { n: n, unit: unit, cluster: std.extVar('cluster') }";
    let evaluator = Evaluator::without_files()
        .external("cluster", Input::Text("k8s_cluster_name".to_owned()))
        .argument("n", Input::Code("1 + 1".to_owned()));
    let outcome = evaluator.evaluate_snippet("test.jsonnet", text);
    assert_eq!(outcome.result.unwrap(), json!({"n": 2, "unit": "short", "cluster": "k8s_cluster_name"}));
}

#[test]
fn a_mistake_in_an_input_is_placed_in_the_input() {
    let evaluator = Evaluator::without_files().external("config", Input::Code("{ a: }".to_owned()));
    let error = evaluator.evaluate_snippet("test.jsonnet", "1").result.unwrap_err();
    assert_eq!(error.place.unwrap().source.name, "external variable config");
    let evaluator = Evaluator::without_files().argument("n", Input::Text("1".to_owned()));
    let error = evaluator.evaluate_snippet("test.jsonnet", "{}").result.unwrap_err();
    assert_eq!(error.message, "the argument n was given, but the file is no function");
}

#[test]
fn traces_are_collected_in_order_with_their_places() {
    let text = "local f(x) =\n  std.trace('x is %d' % x, x + 1);\nf(1) + f(2)";
    let outcome = Evaluator::without_files().evaluate_snippet("test.jsonnet", text);
    assert_eq!(outcome.result.unwrap(), json!(5));
    let said: Vec<&str> = outcome.traces.iter().map(|trace| trace.message.as_str()).collect();
    assert_eq!(said, ["x is 1", "x is 2"]);
    assert_eq!(outcome.traces[0].place.as_ref().unwrap().line(), 2);
}

/// Program, kind, message, line, column, guilty characters.
type Mistake = (&'static str, ErrorKind, &'static str, usize, usize, &'static str);

#[test]
fn mistakes_are_said_in_one_sentence_with_their_place() {
    use ErrorKind::{Evaluation, Limit, Syntax};
    let table: &[Mistake] = &[
        (
            "{ a: 1 b: 2 }",
            Syntax,
            "expected (, a comma, a dot, [, {, } or an operator, found the name b",
            1,
            8,
            "b",
        ),
        ("{ a: 'x", Syntax, "this string is never closed", 1, 6, "'x"),
        ("[1,\n  y]", Syntax, "there is no variable y", 2, 3, "y"),
        ("{ a: 1, a: 2 }", Syntax, "the object has two fields a", 1, 9, "a"),
        ("local a = 1; a.b", Evaluation, "only an object has fields", 1, 14, "a.b"),
        ("{ a: 1 }.b", Evaluation, "the object has no field b", 1, 1, "{ a: 1 }.b"),
        ("\n\n  error 'wrong ' + 'unit'", Evaluation, "wrong unit", 3, 3, "error 'wrong ' + 'unit'"),
        (
            "{ assert self.a > 1 : 'too small', a: 1 }",
            Evaluation,
            "assertion failed: too small",
            1,
            3,
            "assert self.a > 1 : 'too small'",
        ),
        ("1 + {}", Evaluation, "+ does not apply to a number and an object", 1, 1, "1 + {}"),
        ("1 / 0", Evaluation, "division by zero", 1, 1, "1 / 0"),
        ("[1][3]", Evaluation, "there is no item 3: the length is 1", 1, 1, "[1][3]"),
        ("local f(a) = a; f()", Evaluation, "the argument a is missing", 1, 17, "f()"),
        (
            "local f(a) = a; f(1, 2)",
            Evaluation,
            "too many arguments: the function has 1 parameter",
            1,
            17,
            "f(1, 2)",
        ),
        (
            "std.length(1)",
            Evaluation,
            "argument 1 of std.length must be a string, an array, an object or a function, not a number",
            1,
            1,
            "std.length(1)",
        ),
        ("local a = a; a", Evaluation, "the value depends on itself", 1, 11, "a"),
        (
            "local f(x) = 1 + f(x + 1); f(0)",
            Limit,
            "the evaluation nests too deep (an endless recursion?)",
            1,
            18,
            "f(x + 1)",
        ),
        ("'Ünï' + \u{7}", Syntax, "the character '\\u{7}' means nothing here", 1, 9, "\u{7}"),
    ];
    for (text, kind, message, line, column, guilty) in table {
        let error = snippet(text).unwrap_err();
        let place = error.nearest_place().unwrap_or_else(|| panic!("{text}: {error} has a place")).clone();
        assert_eq!(
            (error.kind, error.message.as_str(), place.line(), place.column(), place.text()),
            (*kind, *message, *line, *column, *guilty),
            "{text}"
        );
    }
}

#[test]
fn a_name_defined_twice_points_to_both_places() {
    let error = snippet("{ a: 1,\n  a: 2 }").unwrap_err();
    let (first, note) = &error.related[0];
    assert_eq!((first.line(), first.column(), note.as_str()), (1, 3, "first here"));
}

#[test]
fn what_is_not_utf8_or_not_a_file_is_refused_with_the_reason() {
    let folder =
        Folder::new(&[("main.jsonnet", "import 'bad.libsonnet'"), ("folder.jsonnet", "import 'lib'")]);
    fs::write(folder.path("bad.libsonnet"), b"{\n  a: '\xff' }").unwrap();
    fs::create_dir(folder.path("lib")).unwrap();
    assert!(error(&folder, "main.jsonnet").message.ends_with("line 2 is not UTF-8"));
    assert!(error(&folder, "folder.jsonnet").message.ends_with("it is a folder"));
    let error = error(&folder, "gone.jsonnet");
    assert!(error.message.starts_with("cannot import \"gone.jsonnet\": there is no such file"), "{error}");
    assert!(Roots::new(folder.path("gone"), []).is_err());
    assert!(Roots::new(folder.path("main.jsonnet"), []).is_err());
}

#[test]
fn an_endless_program_is_given_up() {
    let limits = Limits { time: Duration::from_millis(20), ..Limits::default() };
    // Not endless, but long: the thread that is left behind should not outlive the test by much.
    let text = "std.length(std.foldl(function(sum, i) sum + [i], std.range(0, 20000), []))";
    let error = limited(text, limits);
    assert_eq!(error.kind, ErrorKind::Limit);
}

#[test]
fn the_files_of_a_program_that_was_given_up_are_known_so_that_its_repair_is_noticed() {
    let long = "std.length(std.foldl(function(sum, i) sum + [i], std.range(0, 20000), []))";
    let folder = Folder::new(&[("main.jsonnet", "import 'long.libsonnet'"), ("long.libsonnet", long)]);
    let limits = Limits { time: Duration::from_millis(200), ..Limits::default() };
    let outcome = folder.evaluator().limits(limits).evaluate_file(Path::new("main.jsonnet"));
    assert_eq!(outcome.result.unwrap_err().kind, ErrorKind::Limit);
    let names: Vec<_> = outcome.files.iter().filter_map(|file| file.file_name()).collect();
    assert_eq!(names, ["long.libsonnet", "main.jsonnet"]);
}

#[test]
fn output_and_sources_are_bounded() {
    let error = limited("std.range(1, 1000)", Limits { values: 1_000, ..Limits::default() });
    assert_eq!((error.kind, error.message.as_str()), (ErrorKind::Limit, "the output has too many values"));
    let folder = Folder::new(&[("main.jsonnet", "importstr 'big.txt'"), ("big.txt", &"x".repeat(2_000))]);
    let evaluator = folder.evaluator().limits(Limits { source_bytes: 1_000, ..Limits::default() });
    let error = evaluator.evaluate_file(Path::new("main.jsonnet")).result.unwrap_err();
    assert!(error.message.contains("it has 2000 bytes"), "{error}");
}

#[test]
fn nesting_without_end_is_an_error_and_no_crash() {
    let n = 50_000;
    let texts = [
        "[".repeat(n),
        "{a:".repeat(n),
        "[".repeat(n) + &"]".repeat(n),
        "{a:".repeat(n) + "1" + &"}".repeat(n),
        "if true then ".repeat(n) + "1",
        "function(x) ".repeat(n) + "1",
        "local a = 1, b = 2; ".repeat(n) + "a",
        "assert true; ".repeat(n) + "1",
        "{}".to_owned() + &".a".repeat(n),
        "f".to_owned() + &"()".repeat(n),
        "{}".to_owned() + &" {}".repeat(n),
        "[1".to_owned() + &" for x in [1]".repeat(n) + "]",
    ];
    for text in texts {
        let error = snippet(&text).unwrap_err();
        let start: String = text.chars().take(20).collect();
        assert_eq!(error.kind, ErrorKind::Limit, "{start}: {error}");
        assert_eq!(error.message, "the text nests deeper than 2000 levels here", "{start}");
        assert!(error.place.is_some(), "{start}");
    }
    // Just below the limit the stack suffices.
    for (before, middle, after) in [
        ("{a:", "1", "}"),
        ("[", "1", "]"),
        ("if true then ", "1", ""),
        ("local a = 1; ", "1", ""),
        ("local a = ", "1", "; 1"),
        ("function(x) ", "1", ""),
        ("assert true; ", "1", ""),
        ("", "{}", ".a"),
        ("", "f", "()"),
        ("", "{}", " {}"),
        ("[", "1", " for x in [1]]"),
    ] {
        let steps = if after.is_empty() || before.is_empty() { 1_990 } else { 990 };
        let _ = snippet(&(before.repeat(steps) + middle + &after.repeat(steps)));
    }
    // What only looks deep is fine: many fields, items, locals of an object and terms.
    let n = 10_000;
    let fields: String = (0..n).map(|i| format!("a{i}: [{i}, {{ b: 1 }}], ")).collect();
    let locals: String = (0..n).map(|i| format!("local l{i} = f({i}), ")).collect();
    assert!(snippet(&format!("local f(x) = x; {{ {locals} {fields} }}")).is_ok());
    assert!(snippet(&("1".to_owned() + &" + 1".repeat(n))).is_ok());
    let bindings: String = (0..900)
        .map(|i| format!("local a{i} = std.max(std.abs({i}), 1), b{i} = if {i} > 1 then a{i} else 0; "))
        .collect();
    assert!(snippet(&(bindings + "b899")).is_ok());
}

#[test]
fn values_may_nest_as_deep_as_the_limit_says() {
    let nested = |n: usize| format!("local f(n) = if n == 0 then 1 else [f(n - 1)]; f({n})");
    assert!(snippet(&nested(100)).is_ok());
    assert_eq!(snippet(&nested(100_000)).unwrap_err().kind, ErrorKind::Limit);
}
