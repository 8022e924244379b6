//! Each live rule finds its mistake in answers that are made up, and nothing where all is well.

use std::collections::BTreeMap;
use std::time::Duration;

use dashboard_view::{ErrorKind, Interrupt, Metrics, MetricsError, QueryAnswer, Selection, StepRange};
use grafana::prometheus::Series;
use serde_json::{Value, json};

use crate::examples;
use crate::live::{Budget, LiveOptions, LiveReport, look_at};
use crate::rule::{Example, Severity};
use crate::rules;
use crate::subject::{Dashboard, Source, Style, Subject};

/// Labels and a value for each series of an answer.
type Answered = Result<Vec<(Vec<(&'static str, &'static str)>, f64)>, &'static str>;

/// Answers by the text of the query.
struct MadeUp {
    answer: fn(&str) -> Answered,
    namespaces: &'static [&'static str],
    samples: u64,
}

impl MadeUp {
    fn ask(&self, query: &str, times: &[i64]) -> Result<QueryAnswer, MetricsError> {
        let list = (self.answer)(query).map_err(|said| MetricsError::new(ErrorKind::Execution, said))?;
        let series = list.into_iter().map(|(labels, value)| Series {
            labels: labels.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
            points: times.iter().map(|time| (*time, value)).collect(),
        });
        Ok(QueryAnswer { series: series.collect(), remarks: Vec::new(), samples_read: Some(self.samples) })
    }
}

impl Metrics for MadeUp {
    fn instant(&self, query: &str, at_ms: i64, _: Interrupt<'_>) -> Result<QueryAnswer, MetricsError> {
        self.ask(query, &[at_ms])
    }

    fn range(&self, query: &str, range: StepRange, _: Interrupt<'_>) -> Result<QueryAnswer, MetricsError> {
        self.ask(query, &[range.start_ms, range.end_ms])
    }

    fn label_values(
        &self,
        label: &str,
        _: &Selection,
        _: Interrupt<'_>,
    ) -> Result<Vec<String>, MetricsError> {
        let values: &[&str] = if label == "k8s_namespace_name" { self.namespaces } else { &["one", "two"] };
        Ok(values.iter().map(ToString::to_string).collect())
    }

    fn label_names(&self, _: &Selection, _: Interrupt<'_>) -> Result<Vec<String>, MetricsError> {
        Ok(Vec::new())
    }

    fn series(&self, _: &Selection, _: Interrupt<'_>) -> Result<Vec<BTreeMap<String, String>>, MetricsError> {
        Ok(Vec::new())
    }
}

/// One namespace that uses half a core, a hundred bytes; three nodes.
fn sound(query: &str) -> Answered {
    let value = if query.contains("cpu_time") { 0.5 } else { 100.0 };
    Ok(match query.contains("k8s_node_condition_ready") {
        true => vec![(vec![], 3.0)],
        false => vec![(vec![("k8s_namespace_name", "apps")], value)],
    })
}

const SOUND: MadeUp = MadeUp { answer: sound, namespaces: &["apps", "db", "web"], samples: 10 };

fn looked_at<'m>(ids: &[&str], subject: &Subject, change: impl FnOnce(&mut LiveOptions<'m>)) -> LiveReport {
    let mut options: LiveOptions<'m> = LiveOptions {
        rules: ids.iter().map(|id| rules::find(id).unwrap()).collect(),
        metrics: &SOUND,
        is_simulated: false,
        second_collector: None,
        larger: None,
        simulated: None,
        data_sources: &[],
        now_ms: 1_780_315_200_000,
        range: ("now-30m".to_owned(), "now".to_owned()),
        budget: Budget::default(),
        elapsed: &|| Duration::ZERO,
        progress: &|_, _| {},
        threads: 2,
    };
    change(&mut options);
    look_at(subject, &options)
}

fn looked<'m>(rule: &str, subject: &Subject, change: impl FnOnce(&mut LiveOptions<'m>)) -> LiveReport {
    let report = looked_at(&[rule], subject, change);
    assert!(report.broken.is_empty(), "{:?}", report.broken);
    report
}

fn messages<'m>(rule: &str, subject: &Subject, change: impl FnOnce(&mut LiveOptions<'m>)) -> Vec<String> {
    looked(rule, subject, change).findings.into_iter().map(|finding| finding.message).collect()
}

fn example() -> Subject {
    examples::subject(&Example::Dashboard("{}"))
}

#[track_caller]
fn one_with(messages: &[String], expected: &str) {
    assert!(!messages.is_empty(), "nothing was found, but {expected:?} was expected");
    assert!(
        messages.iter().any(|message| message.contains(expected)),
        "{expected:?} is not in {messages:#?}"
    );
    for message in messages {
        assert!(!message.ends_with('.') && message.len() > 20, "{message}");
    }
}

#[test]
fn a_sound_dashboard_keeps_to_every_live_rule() {
    for rule in super::RULES {
        let with_all = |options: &mut LiveOptions<'static>| {
            options.second_collector = Some(&SOUND);
            options.larger = Some(&SOUND);
            options.simulated = Some((&SOUND, options.now_ms));
        };
        let report = looked(rule.id, &example(), with_all);
        assert!(report.findings.is_empty(), "{}: {:#?}", rule.id, report.findings);
        let row = &report.rows[0];
        assert!(row.looks >= 4 && row.queries >= 3 && row.series >= 4, "{row:?}");
    }
}

#[test]
fn l01_tells_a_query_that_fails_once_however_many_values_it_fails_for() {
    let many = MadeUp {
        answer: |query| match query.contains("cpu_time") {
            true => Err("many-to-many matching not allowed"),
            false => sound(query),
        },
        ..SOUND
    };
    let report = looked("L01", &example(), |options| options.metrics = &many);
    // The panel and the table ask it.
    assert_eq!(report.findings.len(), 2, "{:#?}", report.findings);
    assert!(report.findings[0].message.contains("as it opens the query fails: many-to-many"));
    assert!(report.findings[0].place.pointer.to_string().contains("targets[0].expr"));
    // One that fails at a single value alone.
    let single = MadeUp {
        answer: |query| match query.contains("\"web\"") {
            true => Err("too many samples"),
            false => sound(query),
        },
        ..SOUND
    };
    let told = messages("L01", &example(), |options| options.metrics = &single);
    one_with(&told, "namespace = web");
}

#[test]
fn l02_tells_panels_without_a_number_unless_they_say_what_that_means() {
    let nothing = MadeUp { answer: |_| Ok(Vec::new()), ..SOUND };
    let told = messages("L02", &example(), |options| options.metrics = &nothing);
    assert_eq!(told.len(), 3, "{told:#?}");
    one_with(&told, "no query finds a series");
    let not_a_number = MadeUp { answer: |_| Ok(vec![(vec![], f64::NAN)]), ..SOUND };
    one_with(&messages("L02", &example(), |options| options.metrics = &not_a_number), "all values are NaN");
    let explained = examples::subject(&Example::Panel(
        r#"{ "fieldConfig": { "defaults": { "noValue": "No running pod" } } }"#,
    ));
    let told = messages("L02", &explained, |options| options.metrics = &nothing);
    assert_eq!(told.len(), 2, "{told:#?}");
}

/// Only what its owner has: a metric of another exporter, a namespace by name, a value that somebody wrote down.
fn foreign() -> Subject {
    let mut value = examples::dashboard();
    value["panels"][1]["targets"][0]["expr"] = json!("sum(http_requests_total{code=~\"5..\"})");
    value["panels"][2]["targets"][0]["expr"] = json!("sum(k8s_namespace_phase{k8s_namespace_name=\"shop\"})");
    value["panels"][3]["targets"][0]["expr"] = json!("k8s_pod_phase{k8s_node_name=\"$text\"}");
    value["panels"][3]["targets"][1]["expr"] = json!("k8s_pod_phase{k8s_node_name=\"$text\"}");
    value["templating"]["list"][1]["query"] = json!("label_values(kube_node_info, cluster)");
    value["templating"]["list"]
        .as_array_mut()
        .unwrap()
        .push(json!({ "name": "text", "type": "textbox", "query": "a" }));
    Subject::new(vec![Dashboard::new("foreign.json", value, Source::Value).unwrap()])
}

#[test]
fn what_is_not_simulated_is_not_judged_and_told_once() {
    let nothing = MadeUp { answer: |_| Ok(Vec::new()), ..SOUND };
    let simulated = |options: &mut LiveOptions<'static>| options.is_simulated = true;
    let report = looked("L02", &foreign(), |options| {
        options.metrics = &nothing;
        options.is_simulated = true;
    });
    let told: Vec<_> = report.findings.iter().map(|one| (one.severity, one.message.as_str())).collect();
    let [(Severity::Info, message)] = told[..] else { panic!("{told:#?}") };
    assert!(message.contains("3 empty panels") && message.contains("http_requests_total"), "{message}");
    // A server has what its dashboards ask for, and our own dashboards ask for what is simulated.
    assert_eq!(messages("L02", &foreign(), |options| options.metrics = &nothing).len(), 3);
    let ours = messages("L02", &example(), |options| {
        options.metrics = &nothing;
        options.is_simulated = true;
    });
    assert_eq!(ours.len(), 3, "{ours:#?}");
    // A metric that is there, with values that come from there, is to have an answer.
    let mut known = foreign();
    let mut value = known.dashboards.remove(0).value;
    value["panels"][2]["targets"][0]["expr"] =
        json!("sum(k8s_namespace_phase{k8s_namespace_name=~\"$namespace\"})");
    let known = Subject::new(vec![Dashboard::new("known.json", value, Source::Value).unwrap()]);
    let told = messages("L02", &known, |options| {
        options.metrics = &nothing;
        options.is_simulated = true;
    });
    assert_eq!(told.len(), 2, "{told:#?}");
    one_with(&told, "no query finds a series");
    let none = MadeUp { namespaces: &[], answer: sound, samples: 10 };
    assert_eq!(messages("L06", &foreign(), simulated), Vec::<String>::new());
    let told = messages("L06", &foreign(), |options| {
        options.metrics = &none;
        options.is_simulated = true;
    });
    one_with(&told, "$namespace has nothing");
    assert_eq!(told.len(), 1, "{told:#?}");
}

#[test]
fn what_works_in_grafana_and_not_here_is_no_error() {
    let mut value = examples::dashboard();
    value["panels"][3]["transformations"] = json!([{ "id": "timeSeriesTable", "options": {} }]);
    value["templating"]["list"][2]["regex"] = json!("/^(?!kube-).*/");
    value["templating"]["list"]
        .as_array_mut()
        .unwrap()
        .push(json!({ "name": "resolution", "type": "custom", "query": "30s,1m" }));
    value["panels"][1]["interval"] = json!("$resolution");
    value["panels"][1]["targets"][0]["interval"] = json!("${resolution}");
    let subject = Subject::new(vec![Dashboard::new("a.json", value, Source::Value).unwrap()]);
    for (rule, part) in [("L01", "timeSeriesTable"), ("L06", "^(?!kube-).*")] {
        let report = looked(rule, &subject, |_| {});
        let told: Vec<_> = report.findings.iter().map(|one| (one.severity, one.message.as_str())).collect();
        assert!(
            matches!(told[..], [(Severity::Info, message)] if message.contains(part) && message.contains("not judged")),
            "{rule}: {told:#?}"
        );
    }
}

#[test]
fn what_asks_another_data_source_is_left_alone() {
    let nothing = MadeUp { answer: |_| Ok(Vec::new()), ..SOUND };
    let logs = examples::subject(&Example::Panel(
        r#"{ "datasource": { "type": "loki", "uid": "logs" },
             "targets": [{ "datasource": { "type": "loki", "uid": "logs" }, "expr": "{a=\"b\"}", "refId": "A" }] }"#,
    ));
    assert_eq!(messages("L01", &logs, |options| options.metrics = &nothing), Vec::<String>::new());
    let told = messages("L02", &logs, |options| options.metrics = &nothing);
    assert_eq!(told.len(), 2, "the stat and the table: {told:#?}");
}

#[test]
fn l03_tells_what_costs_too_much_in_the_larger_environment_if_there_is_one() {
    let low = Budget { series: 0, samples: 1_000 };
    let told = messages("L03", &example(), |options| options.budget = low);
    one_with(&told, "gives 1 series, more than 0");
    let greedy = MadeUp { samples: 1_000_000_000, ..SOUND };
    one_with(&messages("L03", &example(), |options| options.metrics = &greedy), "reads 1000000000 samples");
    one_with(&messages("L03", &example(), |options| options.larger = Some(&greedy)), "reads 1000000000");
    let small = messages("L03", &example(), |options| {
        options.metrics = &greedy;
        options.larger = Some(&SOUND);
    });
    assert_eq!(small, Vec::<String>::new());
}

#[test]
fn l04_tells_what_cannot_be() {
    let negative = MadeUp { answer: |_| Ok(vec![(vec![("k8s_namespace_name", "apps")], -1.0)]), ..SOUND };
    one_with(&messages("L04", &example(), |options| options.metrics = &negative), "less than nothing");
    let endless = MadeUp { answer: |_| Ok(vec![(vec![], f64::INFINITY)]), ..SOUND };
    one_with(&messages("L04", &example(), |options| options.metrics = &endless), "divided by 0");
    let ratio = |max: &str| {
        let patch =
            format!(r#"{{ "fieldConfig": {{ "defaults": {{ "unit": "percentunit", "max": {max} }} }} }}"#);
        let mut value = examples::dashboard();
        value["panels"][2]["fieldConfig"] =
            serde_json::from_str::<Value>(&patch).unwrap()["fieldConfig"].clone();
        Subject::new(vec![Dashboard::new(examples::FILE, value, Source::Value).unwrap()])
    };
    one_with(&messages("L04", &ratio("1"), |_| {}), "300 % of the whole");
    // What was declared can be exceeded.
    assert_eq!(messages("L04", &ratio("null"), |_| {}), Vec::<String>::new());
}

#[test]
fn l04_tells_dashboards_that_do_not_agree() {
    let dashboard = |uid: &str, title: &str, query: &str| {
        let mut value = examples::dashboard();
        value["uid"] = json!(uid);
        value["panels"][1]["title"] = json!(title);
        value["panels"][1]["targets"][0]["expr"] = json!(query);
        Dashboard::new(format!("{uid}.json"), value, Source::Value).unwrap().in_style(Style::House)
    };
    let subject = Subject::new(vec![
        dashboard("k8s-otel-multicluster", "CPU usage by cluster", "by_cluster_cpu_time"),
        dashboard("k8s-otel-cluster", "CPU usage by namespace", "by_namespace_cpu_time"),
    ]);
    assert_eq!(messages("L04", &subject, |_| {}), Vec::<String>::new());
    let apart = MadeUp {
        answer: |query| match query {
            "by_cluster_cpu_time" => Ok(vec![(vec![], 0.9)]),
            "by_namespace_cpu_time" => Ok(vec![(vec![("a", "b")], 0.5), (vec![("a", "c")], 0.5)]),
            _ => sound(query),
        },
        ..SOUND
    };
    let told = messages("L04", &subject, |options| options.metrics = &apart);
    one_with(&told, "the CPU of all clusters is 0.9000 here and 1.0000");
    assert_eq!(told.len(), 1, "{told:#?}");
}

#[test]
fn l05_tells_what_a_second_collector_changes() {
    let double = MadeUp {
        answer: |query| {
            sound(query).map(|list| list.into_iter().map(|(labels, value)| (labels, 2.0 * value)).collect())
        },
        ..SOUND
    };
    let told = messages("L05", &example(), |options| options.second_collector = Some(&double));
    one_with(&told, "with a second collector 0.5 becomes 1 in the series");
    let fails = MadeUp { answer: |_| Err("many-to-many matching not allowed"), ..SOUND };
    let told = messages("L05", &example(), |options| options.second_collector = Some(&fails));
    one_with(&told, "with a second collector the query fails");
    let more = MadeUp { answer: |_| Ok(vec![(vec![], 1.0), (vec![("a", "b")], 1.0)]), ..SOUND };
    let told = messages("L05", &example(), |options| options.second_collector = Some(&more));
    one_with(&told, "there are 2 series instead of 1");
    // Who counts what is sent has to see it.
    let counts =
        examples::subject(&Example::Panel(r#"{ "description": "Series of pods.\n\nWhat to do: nothing." }"#));
    let other = messages("L05", &counts, |options| options.second_collector = Some(&double));
    assert!(other.len() == 3, "the stat and the table's two queries: {other:#?}");
}

#[test]
fn l06_tells_variables_without_values_and_links_to_nothing() {
    let none = MadeUp { namespaces: &[], ..SOUND };
    one_with(&messages("L06", &example(), |options| options.metrics = &none), "$namespace has nothing");
    let with_link = |url: &str| {
        let link = json!([{ "title": "There", "url": url }]);
        let mut value = examples::dashboard();
        value["panels"][3]["fieldConfig"]["defaults"]["links"] = link;
        Subject::new(vec![Dashboard::new(examples::FILE, value, Source::Value).unwrap()])
    };
    for (url, expected) in [
        ("/d/k8s-otel-example?var-namespace=${__data.fields.Namespace}", None),
        ("/d/k8s-otel-example?${namespace:queryparam}", None),
        ("/d/k8s-otel-example?var-namespace=nowhere", Some("does not know the value \"nowhere\"")),
        (
            "/d/k8s-otel-example?var-namespace=${__data.fields[\"CPU usage\"]}",
            Some("does not know the value \"0.5\""),
        ),
        ("/d/k8s-otel-example?var-namespace=${__data.fields.Pod}", Some("the column \"Pod\"")),
    ] {
        let told = messages("L06", &with_link(url), |_| {});
        match expected {
            Some(expected) => one_with(&told, expected),
            None => assert_eq!(told, Vec::<String>::new(), "{url}"),
        }
    }
}

#[test]
fn d02_tells_what_a_real_cluster_has_and_the_simulated_one_has_not() {
    let other = MadeUp { answer: |_| Ok(vec![(vec![("namespace", "apps")], 1.0)]), ..SOUND };
    let told = messages("D02", &example(), |options| options.simulated = Some((&other, options.now_ms)));
    one_with(&told, "only the server's series have the labels k8s_namespace_name");
    let empty = MadeUp { answer: |_| Ok(Vec::new()), ..SOUND };
    let told = messages("D02", &example(), |options| options.metrics = &empty);
    assert_eq!(told, Vec::<String>::new(), "there is nothing to compare with");
    let told = messages("D02", &example(), |options| {
        options.metrics = &empty;
        options.simulated = Some((&SOUND, options.now_ms));
    });
    one_with(&told, "the server has no series");
}

#[test]
fn a_dashboard_of_far_too_many_panels_is_not_asked_for() {
    let panels: Vec<Value> = (0..2_000).map(|id| json!({ "id": id, "type": "stat", "title": "x" })).collect();
    let value = json!({ "title": "Large", "panels": panels });
    let subject = Subject::new(vec![Dashboard::new("large.json", value, Source::Value).unwrap()]);
    let report = looked_at(&["L02"], &subject, |_| {});
    assert_eq!(report.broken.len(), 1, "{:?}", report.broken);
    assert!(report.broken[0].contains("2000 panels"), "{:?}", report.broken);
}
