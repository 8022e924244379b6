//! What is forgotten, and what that frees.

use labels::Labels;
use tsdb::{AppendError, AppendOutcome, Options, Store, TimeRange};

use crate::{intern, select_all};

const STEP: i64 = 15_000;

/// A value that no encoding makes small.
fn noise(i: i64) -> f64 {
    ((i as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) as f64).sqrt()
}

#[test]
fn what_is_older_than_the_retention_is_not_shown() {
    let store = Store::new(Options { retention_ms: 100 * STEP, ..Options::default() });
    let s = intern(&store, "s");
    for i in 0..1000 {
        store.append(s, i * STEP, noise(i)).unwrap();
        let shown = select_all(&store).remove(0).1;
        assert!(shown.iter().map(|(time, _)| time / STEP).eq((i - 100).max(0)..=i), "at {i}");
    }
    // Chunks that are partly shown, and the time since the last cleanup.
    assert!(store.stats().samples < 100 + 240 + 10, "{:?}", store.stats());
}

#[test]
fn a_series_that_ended_is_dropped_with_its_labels_and_its_id_is_not_used_again() {
    let store = Store::new(Options { retention_ms: 100 * STEP, ..Options::default() });
    let (ended, lives) = (intern(&store, "ended"), intern(&store, "lives"));
    store.append(ended, 0, 1.0).unwrap();
    for i in 0..300 {
        store.append(lives, i * STEP, 1.0).unwrap();
    }
    let stats = store.stats();
    assert_eq!((stats.series, stats.label_pairs), (1, 1));
    assert_eq!(store.append(ended, 300 * STEP, 1.0), Err(AppendError::UnknownSeries));

    let again = intern(&store, "ended");
    assert_ne!(again, ended);
    assert_eq!(store.append(again, 300 * STEP, 2.0), Ok(AppendOutcome::Appended));
    assert_eq!(store.append(ended, 301 * STEP, 1.0), Err(AppendError::UnknownSeries));
    assert_eq!(select_all(&store)[0], ("ended".to_owned(), vec![(300 * STEP, 2.0)]));
}

#[test]
fn a_new_series_may_wait_for_its_first_sample_but_not_forever() {
    let store = Store::new(Options { retention_ms: 100 * STEP, ..Options::default() });
    let lives = intern(&store, "lives");
    store.append(lives, 0, 1.0).unwrap();
    let waiting = intern(&store, "waiting");
    // Past one cleanup, which comes at least every two steps here.
    for i in 1..3 {
        store.append(lives, i * STEP, 1.0).unwrap();
    }
    assert_eq!(store.append(waiting, 2 * STEP, 1.0), Ok(AppendOutcome::Appended));
    let forgotten = intern(&store, "forgotten");
    for i in 3..10 {
        store.append(lives, i * STEP, 1.0).unwrap();
    }
    assert_eq!(store.append(forgotten, 10 * STEP, 1.0), Err(AppendError::UnknownSeries));
}

#[test]
fn churn_leaves_nothing_behind() {
    let store = Store::new(Options { retention_ms: 100 * STEP, label_cache_bytes: 0, ..Options::default() });
    let mut after_a_while = None;
    for i in 0..20_000i64 {
        // Each scrape brings a pod and loses one.
        for pod in i..i + 10 {
            let labels =
                Labels::from_pairs([("__name__", "up".to_owned()), ("pod", format!("pod-{pod:06}"))]);
            store.append(store.intern(&labels).unwrap(), i * STEP, noise(i)).unwrap();
        }
        if i == 1_000 {
            after_a_while = Some(store.memory().total());
        }
    }
    let (before, after) = (after_a_while.unwrap(), store.memory().total());
    // Series share pages of some kilobytes, of which there may be one more or less.
    assert!(after < before + 12_000, "{before} bytes after 1,000 scrapes, {after} after 20,000");
    assert!(store.stats().series < 150, "{:?}", store.stats());
}

#[test]
fn bytes_are_bounded_and_the_newest_samples_stay() {
    let limit = 400_000;
    let store = Store::new(Options {
        retention_bytes: Some(limit),
        retention_ms: i64::MAX,
        chunk_samples: 120,
        ..Options::default()
    });
    let ids: Vec<_> = (0..50).map(|i| intern(&store, &format!("m{i}"))).collect();
    for i in 0..3_000 {
        for id in &ids {
            store.append(*id, i * STEP, noise(i)).unwrap();
        }
        let total = store.memory().total();
        assert!(total <= limit + limit / 8, "{total} bytes at scrape {i}");
    }
    let shown = select_all(&store);
    assert_eq!(shown.len(), 50);
    // What is shown has no holes, is the same time for all, and makes good use of the bytes.
    for (_, samples) in &shown {
        assert_eq!(samples.len(), shown[0].1.len());
        assert!(samples.windows(2).all(|w| w[1].0 - w[0].0 == STEP));
        assert_eq!(samples.last().unwrap().0, 2_999 * STEP);
    }
    assert!(shown[0].1.len() > 400, "{} samples", shown[0].1.len());
}

#[test]
fn a_bound_below_what_labels_need_keeps_the_newest_samples() {
    let store = Store::new(Options { retention_bytes: Some(1), ..Options::default() });
    let s = intern(&store, "s");
    for i in 0..1_000 {
        store.append(s, i * STEP, noise(i)).unwrap();
    }
    assert_eq!(select_all(&store)[0].1.last(), Some(&(999 * STEP, noise(999))));
    assert!(store.stats().samples < 100, "{:?}", store.stats());
}

#[test]
fn truncating_forgets_at_once_and_is_not_undone_by_late_samples() {
    let store = Store::new(Options::default());
    let s = intern(&store, "s");
    for i in 0..100 {
        store.append(s, i * STEP, 1.0).unwrap();
    }
    store.truncate(90 * STEP);
    assert_eq!(select_all(&store)[0].1.len(), 10);
    assert_eq!(store.horizon_ms(), Some(90 * STEP));
    let late = 90 * STEP - 1;
    assert_eq!(
        store.append(s, late, 1.0),
        Err(AppendError::TooOld { timestamp_ms: late, oldest_ms: 90 * STEP })
    );
    store.truncate(1_000 * STEP);
    assert!(store.label_names(&[], TimeRange::ALL).is_empty());
}
