//! All or nothing.

use tsdb::{AppendError, Batch, BatchError, CommitSummary, Options, Store};

use crate::{intern, select_all};

#[test]
fn one_refused_sample_refuses_the_batch() {
    let store = Store::new(Options::default());
    let (a, b) = (intern(&store, "a"), intern(&store, "b"));
    store.append(a, 1_000, 1.0).unwrap();
    let before = select_all(&store);

    let mut batch = Batch::new();
    batch.push(b, 2_000, 1.0);
    batch.push(a, 1_000, 7.0);
    batch.push(a, 3_000, 1.0);
    let error = AppendError::DuplicateSample { timestamp_ms: 1_000, stored: 1.0, refused: 7.0 };
    assert_eq!(store.commit(&batch), Err(BatchError { index: 1, series: a, error }));
    assert_eq!(select_all(&store), before);
    assert_eq!(store.newest_ms(), Some(1_000));

    batch.clear();
    batch.push(b, 2_000, 1.0);
    batch.push(a, 1_000, 1.0);
    batch.push(a, 3_000, 1.0);
    assert_eq!(store.commit(&batch), Ok(CommitSummary { appended: 2, out_of_order: 0, duplicates: 1 }));
    // As after a lost answer: the sender tries again.
    assert_eq!(store.commit(&batch), Ok(CommitSummary { appended: 0, out_of_order: 0, duplicates: 3 }));
}

#[test]
fn of_two_samples_of_one_time_in_a_batch_the_first_counts() {
    let store = Store::new(Options::default());
    let s = intern(&store, "s");
    let mut batch = Batch::new();
    for (time, value) in [(5, 1.0), (3, 2.0), (5, 3.0), (3, 4.0), (4, 5.0)] {
        batch.push(s, time, value);
    }
    assert_eq!(store.commit(&batch), Ok(CommitSummary { appended: 3, out_of_order: 0, duplicates: 2 }));
    assert_eq!(select_all(&store), [("s".to_owned(), vec![(3, 2.0), (4, 5.0), (5, 1.0)])]);
}

#[test]
fn another_value_in_the_past_of_a_series_is_passed_over() {
    let store = Store::new(Options::default());
    let s = intern(&store, "s");
    store.append(s, 1_000, 1.0).unwrap();
    store.append(s, 2_000, 2.0).unwrap();
    let mut batch = Batch::new();
    batch.push(s, 1_000, 7.0);
    batch.push(s, 3_000, 3.0);
    assert_eq!(store.commit(&batch), Ok(CommitSummary { appended: 1, out_of_order: 0, duplicates: 1 }));
    assert_eq!(select_all(&store), [("s".to_owned(), vec![(1_000, 1.0), (2_000, 2.0), (3_000, 3.0)])]);
}

#[test]
fn a_batch_is_judged_by_what_was_there_before_it() {
    // Its own newest sample does not make its other samples too old.
    let store = Store::new(Options::default());
    let (a, b) = (intern(&store, "a"), intern(&store, "b"));
    let mut batch = Batch::new();
    batch.push(a, 7_200_000, 1.0);
    batch.push(b, 0, 1.0);
    assert!(store.commit(&batch).is_ok());
    assert_eq!(select_all(&store).len(), 2);
}

#[test]
fn a_batch_for_a_dropped_series_says_which() {
    let store = Store::new(Options { retention_ms: 1_000_000, ..Options::default() });
    let (a, b) = (intern(&store, "a"), intern(&store, "b"));
    store.append(a, 0, 1.0).unwrap();
    store.append(b, 5_000_000, 1.0).unwrap();
    store.append(b, 6_000_000, 1.0).unwrap();
    let mut batch = Batch::new();
    batch.push(b, 7_000_000, 1.0);
    batch.push(a, 7_000_000, 1.0);
    assert_eq!(
        store.commit(&batch),
        Err(BatchError { index: 1, series: a, error: AppendError::UnknownSeries })
    );
    assert_eq!(store.newest_ms(), Some(6_000_000));
}

#[test]
fn many_samples_of_one_series_newest_first_are_no_more_work_than_oldest_first() {
    // Put in one by one, this would take minutes.
    let store = Store::new(Options::default());
    let s = intern(&store, "s");
    let mut batch = Batch::new();
    for time in (0..300_000).rev() {
        batch.push(s, time, (time % 1000) as f64);
    }
    let summary = store.commit(&batch).unwrap();
    assert_eq!(summary, CommitSummary { appended: 300_000, out_of_order: 0, duplicates: 0 });
    assert_eq!(select_all(&store)[0].1.len(), 300_000);
}
