//! SARIF 2.1.0, which code scanning services take. Only the few parts of it that they read.

use serde_json::{Value, json};

use super::{Located, whereabouts};
use crate::rule::Severity;
use crate::rules;

/// A log with one run.
pub fn sarif(located: &[Located<'_>], version: &str) -> Value {
    let rules: Vec<Value> = rules::all()
        .map(|rule| {
            json!({
                "id": rule.id,
                "shortDescription": { "text": rule.title },
                "fullDescription": { "text": rule.why },
                "help": { "text": crate::explain(rule) },
                "defaultConfiguration": { "level": level(rule.severity) },
            })
        })
        .collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": { "name": "check-dashboards", "version": version, "rules": rules } },
            "columnKind": "unicodeCodePoints",
            "results": located.iter().map(result).collect::<Vec<_>>(),
        }],
    })
}

fn result(located: &Located<'_>) -> Value {
    let finding = located.finding;
    let (line, column) = located.line.unwrap_or((1, 1));
    let place = &finding.place;
    json!({
        "ruleId": finding.rule,
        "ruleIndex": rules::all().position(|rule| rule.id == finding.rule),
        "level": level(finding.severity),
        "message": { "text": finding.message },
        "locations": [{
            "physicalLocation": {
                "artifactLocation": { "uri": uri(&located.file) },
                "region": { "startLine": line, "startColumn": column },
            },
            "logicalLocations": [{
                "fullyQualifiedName": format!("{}#{}", place.file, place.pointer.as_str()),
                "name": whereabouts(place),
            }],
        }],
        // The same finding in another revision: lines move, places in the dashboard do not.
        "partialFingerprints": { "place/v1": format!("{}:{}:{}", finding.rule, place.file, place.pointer.as_str()) },
    })
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "note",
    }
}

/// A path as a URI reference.
fn uri(path: &str) -> String {
    let mut uri = String::with_capacity(path.len());
    for byte in path.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'/' | b'-' | b'_' | b'.' | b'~' => {
                uri.push(char::from(byte));
            }
            b'\\' => uri.push('/'),
            other => uri.push_str(&format!("%{other:02X}")),
        }
    }
    uri
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{json, locate};
    use crate::rule::Example;
    use crate::{Options, check, examples};

    #[test]
    fn a_log_names_rule_level_file_and_line() {
        let subject = examples::subject(&Example::Stat(r#"{ "id": 1 }"#));
        let report = check(&subject, &Options::default());
        let located = locate(&subject, &report.findings);
        let log = sarif(&located, "1.0.0");
        let result = &log["runs"][0]["results"][0];
        assert_eq!(result["ruleId"], "P01");
        assert_eq!(result["level"], "error");
        let rules = log["runs"][0]["tool"]["driver"]["rules"].as_array().unwrap();
        assert_eq!(rules[result["ruleIndex"].as_u64().unwrap() as usize]["id"], "P01");
        let location = &result["locations"][0]["physicalLocation"];
        assert_eq!(location["artifactLocation"]["uri"], "k8s-otel-example.json");
        assert_eq!(json(&located)["errors"], 1);
    }

    #[test]
    fn paths_become_uris() {
        assert_eq!(uri("a b\\c%/é.json"), "a%20b/c%25/%C3%A9.json");
    }
}
