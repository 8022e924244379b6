//! The store of the same process.

use std::collections::BTreeMap;

use grafana::prometheus::Series;
use labels::Labels;
use prometheus_server::{Browse, QueryFailure, QueryService};
use promql::{QueryError, QueryOutput, RangeQuery, Value};

use crate::metrics::{ErrorKind, Interrupt, Metrics, MetricsError, QueryAnswer, Selection, StepRange, Stop};

/// [`Metrics`] of a [`QueryService`].
#[derive(Clone, Debug)]
pub struct InMemory(QueryService);

impl InMemory {
    /// Asks this service.
    pub fn new(service: QueryService) -> Self {
        Self(service)
    }

    fn browse(&self, selection: &Selection) -> Result<Browse, MetricsError> {
        let selectors = selection.selectors.iter().map(|selector| self.0.selector(selector));
        Ok(Browse {
            selectors: selectors.collect::<Result<_, _>>()?,
            start_ms: Some(selection.range.from_ms),
            end_ms: Some(selection.range.to_ms),
            limit: None,
        })
    }
}

impl Metrics for InMemory {
    fn instant(
        &self,
        query: &str,
        at_ms: i64,
        interrupt: Interrupt<'_>,
    ) -> Result<QueryAnswer, MetricsError> {
        answer(self.0.instant(query, at_ms, &interrupt)?)
    }

    fn range(
        &self,
        query: &str,
        range: StepRange,
        interrupt: Interrupt<'_>,
    ) -> Result<QueryAnswer, MetricsError> {
        let StepRange { start_ms, end_ms, step_ms } = range;
        answer(self.0.range(query, RangeQuery { start_ms, end_ms, step_ms }, &interrupt)?)
    }

    fn label_values(
        &self,
        label: &str,
        selection: &Selection,
        interrupt: Interrupt<'_>,
    ) -> Result<Vec<String>, MetricsError> {
        ask_whether_to_go_on(interrupt)?;
        let found = self.0.label_values(label, &self.browse(selection)?);
        Ok(found.items.iter().map(ToString::to_string).collect())
    }

    fn label_names(
        &self,
        selection: &Selection,
        interrupt: Interrupt<'_>,
    ) -> Result<Vec<String>, MetricsError> {
        ask_whether_to_go_on(interrupt)?;
        let found = self.0.label_names(&self.browse(selection)?);
        Ok(found.items.iter().map(ToString::to_string).collect())
    }

    fn series(
        &self,
        selection: &Selection,
        interrupt: Interrupt<'_>,
    ) -> Result<Vec<BTreeMap<String, String>>, MetricsError> {
        let found = self.0.series(&self.browse(selection)?, &interrupt).map_err(QueryFailure::from)?;
        Ok(found.items.iter().map(label_map).collect())
    }
}

/// The store's own lists are quick, and not interrupted on the way.
fn ask_whether_to_go_on(interrupt: Interrupt<'_>) -> Result<(), MetricsError> {
    match interrupt() {
        None => Ok(()),
        Some(Stop::Timeout) => Err(QueryFailure::from(QueryError::Timeout).into()),
        Some(Stop::Canceled) => Err(QueryFailure::from(QueryError::Canceled).into()),
    }
}

fn answer(output: QueryOutput) -> Result<QueryAnswer, MetricsError> {
    let point = |point: promql::Point| (point.timestamp_ms, point.value);
    let series = match output.value {
        Value::Scalar(value) => vec![Series { labels: BTreeMap::new(), points: vec![point(value)] }],
        Value::String(_) => {
            let message = "the query gives a text, which cannot be drawn";
            return Err(MetricsError::new(ErrorKind::Execution, message));
        }
        Value::Vector(samples) => samples
            .into_iter()
            .map(|sample| Series { labels: label_map(&sample.labels), points: vec![point(sample.point)] })
            .collect(),
        Value::Matrix(series) => series
            .into_iter()
            .map(|one| Series {
                labels: label_map(&one.labels),
                points: one.points.into_iter().map(point).collect(),
            })
            .collect(),
    };
    let promql::Annotations { infos, warnings } = output.annotations;
    Ok(QueryAnswer {
        series,
        remarks: warnings.into_iter().chain(infos).collect(),
        samples_read: Some(output.samples_read),
    })
}

fn label_map(labels: &Labels) -> BTreeMap<String, String> {
    labels.iter().map(|label| (label.name.to_string(), label.value.to_string())).collect()
}

impl From<QueryFailure> for MetricsError {
    fn from(failure: QueryFailure) -> Self {
        let message = failure.to_string();
        let (kind, span, hint) = match failure {
            QueryFailure::Parse { error, .. } => {
                (ErrorKind::Syntax, Some(error.span.start..error.span.end), error.hint)
            }
            QueryFailure::Query(QueryError::Execution { span, .. }) => {
                (ErrorKind::Execution, Some(span.start..span.end), None)
            }
            QueryFailure::Query(QueryError::Timeout) => (ErrorKind::Timeout, None, None),
            QueryFailure::Query(QueryError::Canceled) => (ErrorKind::Canceled, None, None),
            QueryFailure::Query(QueryError::Storage(_)) => (ErrorKind::Source, None, None),
        };
        Self { kind, message, span, hint }
    }
}
