//! The store as the query engine wants it.

use std::ops::ControlFlow;
use std::sync::Arc;

use promql::{SelectRequest, SeriesRef, Storage, StorageError};
use tsdb::Store;

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
        self.store.select(request.matchers, request.start_ms, request.end_ms, &mut |series| {
            visit(SeriesRef { labels: series.labels, timestamps: series.timestamps, values: series.values })
        });
        Ok(())
    }
}
