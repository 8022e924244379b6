//! Where scrapes go: the store, and whoever else wants them.

use std::sync::Arc;

use catalogue::{Attribute, MetricDef, Point, Resource, Sink};
use prometheus_server::{SinkReport, StoreSink};
use tsdb::Store;

/// Takes what the receivers send, besides the store.
pub trait ScrapeSink: Sink + Send {
    /// A scrape is complete: all receivers of all clusters have sent what they had.
    fn scraped(&mut self);
}

/// The store first, then the others.
pub(crate) struct Sinks {
    store: StoreSink,
    others: Vec<Box<dyn ScrapeSink>>,
    samples: u64,
}

impl Sinks {
    /// The store alone.
    pub(crate) fn new(store: Arc<Store>) -> Self {
        let promoted = catalogue::prometheus::promoted();
        Self { store: StoreSink::new(store, promoted), others: Vec::new(), samples: 0 }
    }

    /// From now on another one as well.
    pub(crate) fn add(&mut self, sink: Box<dyn ScrapeSink>) {
        self.others.push(sink);
    }

    /// How many samples passed through.
    pub(crate) fn samples(&self) -> u64 {
        self.samples
    }

    /// What became of the samples in the store since the last time.
    pub(crate) fn take_report(&mut self) -> SinkReport {
        self.store.take_report()
    }

    /// A scrape is complete: the store shows it, and the others are told.
    pub(crate) fn scraped(&mut self) {
        self.store.commit();
        self.others.iter_mut().for_each(|other| other.scraped());
    }
}

impl Sink for Sinks {
    fn record(
        &mut self,
        resource: &Resource,
        metric: &'static MetricDef,
        attributes: &[Attribute<'_>],
        point: Point,
    ) {
        self.samples += 1;
        self.store.record(resource, metric, attributes, point);
        for other in &mut self.others {
            other.record(resource, metric, attributes, point);
        }
    }
}
