//! Matchers whose expressions take their time.

use std::ops::ControlFlow;
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use labels::{Labels, MatchOp, Matcher};
use tsdb::{Options, Store, TimeRange};

fn labels(pod: usize) -> Labels {
    Labels::from_pairs([("__name__", "m".to_owned()), ("pod", format!("pod-{pod}"))])
}

fn store(pods: usize) -> Store {
    let store = Store::new(Options::default());
    for pod in 0..pods {
        let id = store.intern(&labels(pod)).expect("there is room");
        store.append(id, 1_000, 1.0).expect("the first sample");
    }
    store
}

fn slow(op: MatchOp, pattern: &str) -> [Matcher; 1] {
    let matcher = Matcher::new("pod", op, pattern).expect("a good expression");
    assert!(matcher.is_slow());
    [matcher]
}

#[test]
fn the_store_can_be_written_while_values_are_tested() {
    let store = store(100);
    let (ask, asked) = channel();
    let (answer, answered) = channel();
    thread::scope(|scope| {
        scope.spawn(|| {
            for pod in asked {
                let id = store.intern(&labels(pod)).unwrap();
                answer.send(store.append(id, 1_000, 1.0)).unwrap();
            }
        });
        let next = std::cell::Cell::new(1_000);
        let give_up = || {
            // New ones come only for a while.
            if next.get() < 1_005 {
                ask.send(next.replace(next.get() + 1)).unwrap();
                answered.recv_timeout(Duration::from_secs(20)).expect("the store is locked").unwrap();
            }
            false
        };
        let search = store.search(&give_up);
        let mut found = 0;
        let matchers = slow(MatchOp::Regex, "pod-[0-9]*[02468]");
        search.select(&matchers, TimeRange::ALL, &mut |_| {
            found += 1;
            ControlFlow::Continue(())
        });
        assert_eq!(found, 53, "what came while values were tested is seen too");
        drop(ask);
    });
}

#[test]
fn reads_end_when_they_are_told_to() {
    let store = store(5_000);
    let search = store.search(&|| true);
    for op in [MatchOp::Regex, MatchOp::NotRegex] {
        let matchers = slow(op, "pod-[0-9]+");
        search.select(&matchers, TimeRange::ALL, &mut |_| panic!("visited"));
        assert!(search.label_names(&matchers, TimeRange::ALL).is_empty());
        assert!(search.label_values("pod", &matchers, TimeRange::ALL).is_empty());
    }
    let mut visited = 0;
    search.series(&[], TimeRange::ALL, &mut |_| {
        visited += 1;
        ControlFlow::Continue(())
    });
    assert!(visited < 5_000, "{visited}");
}
