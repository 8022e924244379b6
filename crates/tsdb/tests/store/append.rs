//! The rules of what is accepted.

use labels::Labels;
use tsdb::AppendOutcome::{Appended, Duplicate, OutOfOrder};
use tsdb::{AppendError, AppendOutcome, InternError, Options, Store};

use crate::{intern, select_all};

const MINUTE: i64 = 60_000;

fn too_old(timestamp_ms: i64, oldest_ms: i64) -> Result<AppendOutcome, AppendError> {
    Err(AppendError::TooOld { timestamp_ms, oldest_ms })
}

fn duplicate(timestamp_ms: i64, stored: f64, refused: f64) -> Result<AppendOutcome, AppendError> {
    Err(AppendError::DuplicateSample { timestamp_ms, stored, refused })
}

#[test]
fn samples_are_judged_as_prometheus_judges_them() {
    // Three series: `s` has samples at 30 and 100 minutes, `t` at 100, `u` none. The window is 10 minutes, the lag 60.
    let now = 100 * MINUTE;
    for (what, series, time, value, expected) in [
        ("the next sample", "s", now + 1, 5.0, Ok(Appended)),
        ("one from far ahead: the caller's matter", "s", now + 1_000_000 * MINUTE, 5.0, Ok(Appended)),
        ("the newest one again", "s", now, 2.0, Ok(Duplicate)),
        ("another value at its time", "s", now, 3.0, duplicate(now, 2.0, 3.0)),
        ("zero is not minus zero", "t", now, -0.0, duplicate(now, 0.0, -0.0)),
        ("a late one", "s", now - 5 * MINUTE, 5.0, Ok(OutOfOrder)),
        ("one that is just not too late", "s", now - 10 * MINUTE, 5.0, Ok(OutOfOrder)),
        (
            "one that is just too late",
            "s",
            now - 10 * MINUTE - 1,
            5.0,
            too_old(now - 10 * MINUTE - 1, now - 10 * MINUTE),
        ),
        ("an old one again", "s", 30 * MINUTE, 1.0, too_old(30 * MINUTE, now - 10 * MINUTE)),
        ("the first of a series", "u", now, 5.0, Ok(Appended)),
        ("the first of a series that lags", "u", 40 * MINUTE, 5.0, Ok(Appended)),
        (
            "the first of a series that lags too much",
            "u",
            40 * MINUTE - 1,
            5.0,
            too_old(40 * MINUTE - 1, 40 * MINUTE),
        ),
    ] {
        let store = Store::new(Options::default());
        let s = intern(&store, "s");
        store.append(s, 30 * MINUTE, 1.0).unwrap();
        store.append(s, now, 2.0).unwrap();
        store.append(intern(&store, "t"), now, 0.0).unwrap();
        let before = select_all(&store);
        let outcome = store.append(intern(&store, series), time, value);
        // Compared as text: -0.0 equals 0.0.
        assert_eq!(format!("{outcome:?}"), format!("{expected:?}"), "{what}");
        if !matches!(outcome, Ok(Appended | OutOfOrder)) {
            assert_eq!(
                format!("{before:?}"),
                format!("{:?}", select_all(&store)),
                "{what}: nothing may change"
            );
        }
    }
}

#[test]
fn a_nan_is_a_duplicate_of_the_same_nan_only() {
    let stale = f64::from_bits(0x7ff0_0000_0000_0002);
    let store = Store::new(Options::default());
    let s = intern(&store, "s");
    store.append(s, 0, stale).unwrap();
    assert_eq!(store.append(s, 0, stale), Ok(Duplicate));
    assert!(matches!(store.append(s, 0, f64::NAN), Err(AppendError::DuplicateSample { .. })));
    assert_eq!(select_all(&store)[0].1[0].1.to_bits(), stale.to_bits());
}

#[test]
fn late_samples_are_read_in_their_place() {
    let store = Store::new(Options { chunk_samples: 10, ..Options::default() });
    let s = intern(&store, "s");
    let mut times: Vec<i64> = (0..200).map(|i| i * 15_000).collect();
    for (index, time) in times.iter().enumerate() {
        store.append(s, *time, index as f64).unwrap();
    }
    // One in each of the last 40 gaps, newest first: into tail and chunks.
    let late: Vec<i64> = times.iter().rev().skip(1).take(39).map(|time| time + 7).collect();
    for time in &late {
        assert_eq!(store.append(s, *time, -1.0), Ok(OutOfOrder));
        assert_eq!(store.append(s, *time, -1.0), Ok(Duplicate));
    }
    times.extend(&late);
    times.sort_unstable();
    let shown = select_all(&store).remove(0).1;
    assert!(shown.iter().map(|(time, _)| *time).eq(times));
    assert_eq!(shown.iter().filter(|(time, value)| (time % 15_000 == 7) != (*value == -1.0)).count(), 0);
}

#[test]
fn extreme_times_are_stored_like_any_other() {
    let store = Store::new(Options { lag_window_ms: i64::MAX, retention_ms: i64::MAX, ..Options::default() });
    let s = intern(&store, "s");
    let times = [i64::MIN, i64::MIN + 1, -1, 0, i64::from(u32::MAX) + 1, i64::MAX - 1, i64::MAX];
    for (value, time) in times.iter().enumerate() {
        store.append(s, *time, value as f64).unwrap();
    }
    let shown = select_all(&store).remove(0).1;
    // All time is more than a retention can span: the negative half is past it.
    assert!(shown.iter().map(|(time, _)| *time).eq(times[3..].iter().copied()), "{shown:?}");
}

#[test]
fn equal_labels_are_one_series_and_a_series_has_labels() {
    let store = Store::new(Options::default());
    let labels = Labels::from_pairs([("a", "1"), ("b", "2")]);
    let id = store.intern(&labels).unwrap();
    assert_eq!(store.intern(&Labels::from_pairs([("b", "2"), ("a", "1")])), Ok(id));
    assert_ne!(store.intern(&Labels::from_pairs([("a", "1")])), Ok(id));
    assert_eq!(store.intern(&Labels::empty()), Err(InternError::NoLabels));
}

#[test]
fn a_full_store_refuses_new_series_and_serves_the_old_ones() {
    let store = Store::new(Options { max_series: 2, ..Options::default() });
    let (a, _) = (intern(&store, "a"), intern(&store, "b"));
    let refused = store.intern(&Labels::from_pairs([("__name__", "c")]));
    assert_eq!(refused, Err(InternError::TooManySeries { limit: 2 }));
    assert_eq!(intern(&store, "a"), a);
    assert_eq!(store.append(a, 0, 1.0), Ok(Appended));
    assert_eq!(store.stats().label_pairs, 2, "the refused labels must leave nothing behind");
}

#[test]
fn series_that_were_interned_in_vain_are_dropped_and_others_are_not() {
    let store = Store::new(Options::default());
    let used = intern(&store, "used");
    store.append(used, 1_000, 1.0).unwrap();
    let before = (store.stats().series, store.stats().label_pairs);
    let vain = [intern(&store, "vain"), intern(&store, "vainer")];
    store.discard_unused(&[vain[1], used, vain[0], vain[1]]);
    assert_eq!((store.stats().series, store.stats().label_pairs), before);
    for gone in vain {
        assert_eq!(store.append(gone, 1_000, 1.0), Err(AppendError::UnknownSeries));
    }
    assert_ne!(intern(&store, "vain"), vain[0], "a number was used twice");
    assert_eq!(store.append(used, 2_000, 2.0), Ok(Appended));
}
