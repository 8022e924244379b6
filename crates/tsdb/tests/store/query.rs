//! Reading.

use std::ops::ControlFlow;

use labels::{Labels, MatchOp, Matcher};
use tsdb::{Count, Options, Store, TimeRange};

use crate::{intern, select, select_all};

fn text(values: &[std::sync::Arc<str>]) -> Vec<&str> {
    values.iter().map(|value| &**value).collect()
}

/// `up{pod=a}` at 0 and 10 s, `up{pod=b}` at 20 s, `down{zone=z}` at 20 s.
fn store() -> Store {
    let store = Store::new(Options::default());
    for (pairs, times) in [
        (vec![("__name__", "up"), ("pod", "b")], vec![20_000]),
        (vec![("__name__", "up"), ("pod", "a")], vec![0, 10_000]),
        (vec![("__name__", "down"), ("zone", "z")], vec![20_000]),
    ] {
        let id = store.intern(&Labels::from_pairs(pairs)).expect("room for three");
        for time in times {
            store.append(id, time, 1.0).expect("in order");
        }
    }
    store
}

#[test]
fn select_shows_series_in_label_order_and_samples_between_inclusive_bounds() {
    let up = [Matcher::equal("__name__", "up")];
    for (matchers, start, end, expected) in [
        (&up[..], 0, 20_000, vec![(r#"up{pod="a"}"#, vec![0, 10_000]), (r#"up{pod="b"}"#, vec![20_000])]),
        (&up, 1, 9_999, vec![]),
        (&up, 10_000, 10_000, vec![(r#"up{pod="a"}"#, vec![10_000])]),
        (&up, 20_000, 0, vec![]),
        (&[], 20_000, i64::MAX, vec![(r#"down{zone="z"}"#, vec![20_000]), (r#"up{pod="b"}"#, vec![20_000])]),
        (&[Matcher::equal("pod", "")], i64::MIN, i64::MAX, vec![(r#"down{zone="z"}"#, vec![20_000])]),
    ] {
        let shown: Vec<_> = select(&store(), matchers, start, end)
            .into_iter()
            .map(|(labels, samples)| (labels, samples.iter().map(|(time, _)| *time).collect::<Vec<_>>()))
            .collect();
        let expected: Vec<_> =
            expected.into_iter().map(|(labels, times)| (labels.to_owned(), times)).collect();
        assert_eq!(shown, expected, "{matchers:?} {start}..={end}");
    }
}

#[test]
fn many_series_come_in_label_order_too() {
    // More than are compared one by one, made in another order, in two portions.
    let store = Store::new(Options::default());
    let mut expected = Vec::new();
    for portion in [0..700, 700..1000] {
        for number in portion {
            let pod = format!("pod-{}", number * 7919 % 1000);
            let labels =
                Labels::from_pairs([("__name__", if number % 3 == 0 { "a" } else { "b" }), ("pod", &pod)]);
            store.append(store.intern(&labels).unwrap(), 0, 1.0).unwrap();
            expected.push(labels);
        }
        expected.sort();
        let expected: Vec<_> = expected.iter().map(ToString::to_string).collect();
        let shown: Vec<_> = select_all(&store).into_iter().map(|(labels, _)| labels).collect();
        assert_eq!(shown, expected);
    }
}

#[test]
fn label_order_survives_series_that_come_and_go() {
    let store = Store::new(Options { retention_ms: 50, ..Options::default() });
    for tick in 0..300 {
        // 400 of 1,000 pods at a time, none of them for long.
        for number in tick * 3..tick * 3 + 400 {
            let labels = Labels::from_pairs([("pod", format!("{:03}", number * 7919 % 1000))]);
            store.append(store.intern(&labels).unwrap(), tick, 1.0).unwrap();
        }
        let shown: Vec<_> = select_all(&store).into_iter().map(|(labels, _)| labels).collect();
        assert!(shown.len() >= 400 && shown.is_sorted(), "at {tick}: {shown:?}");
    }
}

#[test]
fn a_visitor_may_stop_the_walk_and_use_the_store() {
    let store = store();
    let mut visited = 0;
    store.select(&[], 0, i64::MAX, &mut |series| {
        visited += 1;
        // Would wait forever if the walk held a lock.
        let id = store.intern(series.labels).unwrap();
        store.append(id, 30_000 + visited, 1.0).unwrap();
        if visited == 2 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    assert_eq!(visited, 2);
    let mut visited = 0;
    store.series(&[], TimeRange::ALL, &mut |_| {
        visited += 1;
        ControlFlow::Break(())
    });
    assert_eq!(visited, 1);
}

#[test]
fn names_and_values_are_those_of_the_series_that_meet_the_range() {
    let store = store();
    let early = TimeRange { start_ms: 0, end_ms: 19_999 };
    let between = TimeRange { start_ms: 1, end_ms: 9_999 };
    let later = TimeRange { start_ms: 10_001, end_ms: 100_000 };
    let up = [Matcher::equal("__name__", "up")];
    for (matchers, range, names, pods) in [
        (&[][..], TimeRange::ALL, vec!["__name__", "pod", "zone"], vec!["a", "b"]),
        (&up, TimeRange::ALL, vec!["__name__", "pod"], vec!["a", "b"]),
        (&[], early, vec!["__name__", "pod"], vec!["a"]),
        // Between two samples, as in Prometheus, a series is there.
        (&[], between, vec!["__name__", "pod"], vec!["a"]),
        (&[], later, vec!["__name__", "pod", "zone"], vec!["b"]),
        (&up, early, vec!["__name__", "pod"], vec!["a"]),
        (&[Matcher::equal("zone", "z")], TimeRange::ALL, vec!["__name__", "zone"], vec![]),
        (&[Matcher::equal("zone", "y")], TimeRange::ALL, vec![], vec![]),
        (&[], TimeRange { start_ms: 30_000, end_ms: 40_000 }, vec![], vec![]),
    ] {
        assert_eq!(text(&store.label_names(matchers, range)), names, "{matchers:?} {range:?}");
        assert_eq!(text(&store.label_values("pod", matchers, range)), pods, "{matchers:?} {range:?}");
    }
    assert!(store.label_values("nosuch", &[], TimeRange::ALL).is_empty());
}

#[test]
fn a_series_without_samples_is_invisible() {
    let store = store();
    intern(&store, "waiting");
    assert_eq!(select_all(&store).len(), 3);
    assert_eq!(text(&store.label_values("__name__", &[], TimeRange::ALL)), ["down", "up"]);
}

#[test]
fn an_empty_store_answers_everything_with_nothing() {
    let store = Store::new(Options::default());
    assert!(select_all(&store).is_empty());
    assert!(store.label_names(&[], TimeRange::ALL).is_empty());
    assert_eq!((store.newest_ms(), store.horizon_ms()), (None, None));
    store.truncate(0);
    assert_eq!(store.stats().series, 0);
}

#[test]
fn cardinality_names_the_largest_first() {
    let cardinality = store().cardinality(2);
    let count = |name: &str, value| Count { name: name.to_owned(), value };
    assert_eq!(cardinality.series_by_metric_name, [count("up", 2), count("down", 1)]);
    assert_eq!(cardinality.values_by_label_name, [count("__name__", 2), count("pod", 2)]);
    assert_eq!(cardinality.bytes_by_label_name, [count("__name__", 8), count("pod", 2)]);
    assert_eq!(cardinality.series_by_label_pair, [count("__name__=up", 2), count("__name__=down", 1)]);
}

#[test]
fn selectors_with_several_conditions_need_all_of_them() {
    let shown = |matchers: &[(&str, MatchOp, &str)]| {
        let matchers: Vec<_> = matchers.iter().map(|(n, op, v)| Matcher::new(n, *op, v).unwrap()).collect();
        select(&store(), &matchers, i64::MIN, i64::MAX)
            .into_iter()
            .map(|(labels, _)| labels)
            .collect::<Vec<_>>()
    };
    assert_eq!(
        shown(&[("__name__", MatchOp::Equal, "up"), ("pod", MatchOp::NotEqual, "a")]),
        [r#"up{pod="b"}"#]
    );
    assert_eq!(shown(&[("pod", MatchOp::Regex, "a|b"), ("zone", MatchOp::NotRegex, ".+")]).len(), 2);
    assert!(shown(&[("pod", MatchOp::Equal, "a"), ("pod", MatchOp::Equal, "b")]).is_empty());
}
