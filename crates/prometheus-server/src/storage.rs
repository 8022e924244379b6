//! The store as the query engine wants it.

use std::ops::ControlFlow;
use std::sync::Arc;

use promql::{SelectRequest, SeriesRef, Storage, StorageError};
use tsdb::{SeriesView, Store, TimeRange};

/// Lends a store's series to the query engine.
#[derive(Clone, Debug)]
pub struct StoreStorage {
    store: Arc<Store>,
}

impl StoreStorage {
    /// The engine's view of `store`.
    pub fn new(store: Arc<Store>) -> Self {
        Self { store }
    }
}

impl Storage for StoreStorage {
    fn select(
        &self,
        request: &SelectRequest<'_>,
        visit: &mut dyn FnMut(SeriesRef<'_>) -> ControlFlow<()>,
    ) -> Result<(), StorageError> {
        let SelectRequest { matchers, start_ms, end_ms, newest_at, give_up } = *request;
        let search = self.store.search(give_up);
        let range = TimeRange { start_ms, end_ms };
        let mut lend = |series: SeriesView<'_>| {
            visit(SeriesRef { labels: series.labels, timestamps: series.timestamps, values: series.values })
        };
        match newest_at {
            None => search.select(matchers, range, &mut lend),
            Some(promql::Instants { first_ms, step_ms }) => {
                let instants = tsdb::Instants { first_ms, step_ms };
                search.select_newest(matchers, range, instants, &mut lend);
            }
        }
        Ok(())
    }
}
