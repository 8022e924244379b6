//! What a query answers.

use labels::Labels;

/// One sample of a series.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// Milliseconds since the epoch.
    pub timestamp_ms: i64,
    /// The value.
    pub value: f64,
}

/// A series with one sample.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// The series' labels.
    pub labels: Labels,
    /// Its sample.
    pub point: Point,
}

/// A series with a range of samples.
#[derive(Clone, Debug, PartialEq)]
pub struct RangeSeries {
    /// The series' labels.
    pub labels: Labels,
    /// Its samples, ascending in time.
    pub points: Vec<Point>,
}

/// The value of a query.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A number at the query's time.
    Scalar(Point),
    /// Text.
    String(String),
    /// One sample for each series. Order is the engine's: sorted only where the query sorts.
    Vector(Vec<Sample>),
    /// A range of samples for each series, sorted by labels.
    Matrix(Vec<RangeSeries>),
}

/// Remarks that do not make a query fail, in Prometheus' words (`PromQL info: …`, `PromQL warning: …`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Annotations {
    /// Possible mistakes, for example `rate` of something that does not look like a counter.
    pub infos: Vec<String>,
    /// Probable mistakes.
    pub warnings: Vec<String>,
}

/// A query's value and what there is to say about it.
#[derive(Clone, Debug, PartialEq)]
pub struct QueryOutput {
    /// The value.
    pub value: Value,
    /// Remarks.
    pub annotations: Annotations,
    /// Samples read from the storage: the query's cost.
    pub samples_read: u64,
}
