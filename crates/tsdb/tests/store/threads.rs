//! Several threads at once.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use labels::{Labels, Matcher};
use tsdb::{AppendError, Batch, Options, Store, TimeRange};

const STEP: i64 = 15_000;

#[test]
fn readers_see_whole_batches_while_writers_write() {
    let store = Store::new(Options { retention_ms: 400 * STEP, chunk_samples: 30, ..Options::default() });
    let labels: Vec<Labels> =
        (0..100).map(|i| Labels::from_pairs([("__name__", "m".to_owned()), ("i", format!("{i}"))])).collect();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut ids: Vec<_> = labels.iter().map(|labels| store.intern(labels).unwrap()).collect();
            let mut batch = Batch::new();
            for tick in 0..2_000 {
                batch.clear();
                for id in &ids {
                    batch.push(*id, tick * STEP, tick as f64);
                }
                // Nothing is dropped here but series that the other writer made.
                store.commit(&batch).unwrap();
            }
            ids.clear();
            done.store(true, Ordering::Release);
        });
        scope.spawn(|| {
            // Makes series come and go beside it.
            for pod in 0.. {
                if done.load(Ordering::Acquire) {
                    break;
                }
                let labels =
                    Labels::from_pairs([("__name__", "short".to_owned()), ("pod", format!("{pod}"))]);
                let id = store.intern(&labels).unwrap();
                match store.append(id, store.newest_ms().unwrap_or(0), 1.0) {
                    Ok(_) | Err(AppendError::UnknownSeries | AppendError::TooOld { .. }) => {}
                    Err(error) => panic!("{error}"),
                }
            }
        });
        for _ in 0..2 {
            scope.spawn(|| {
                let mut newest_before = i64::MIN;
                while !done.load(Ordering::Acquire) {
                    let mut newest = Vec::new();
                    store.select(&[Matcher::equal("__name__", "m")], i64::MIN, i64::MAX, &mut |series| {
                        assert!(series.timestamps.windows(2).all(|w| w[1] - w[0] == STEP));
                        assert!(
                            series.timestamps.iter().zip(series.values).all(|(t, v)| *t == *v as i64 * STEP)
                        );
                        newest.extend(series.timestamps.last().copied());
                        ControlFlow::Continue(())
                    });
                    if let Some(first) = newest.first() {
                        assert_eq!(newest.len(), 100, "a batch is shown in part");
                        assert!(newest.iter().all(|time| time == first), "a batch is shown in part");
                        assert!(*first >= newest_before, "time runs backwards");
                        newest_before = *first;
                    }
                    assert!(store.label_values("i", &[], TimeRange::ALL).len() <= 100);
                    store.stats();
                }
            });
        }
    });
    assert_eq!(store.label_values("i", &[], TimeRange::ALL).len(), 100);
}
