//! A Prometheus, or what answers as one, over HTTP.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use dashboard_view::{ErrorKind, Interrupt, Metrics, MetricsError, QueryAnswer, Selection, StepRange};
use grafana::prometheus::Series;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::access::Access;

/// How long a server may think about one question.
const TIMEOUT: Duration = Duration::from_secs(30);

/// An answer larger than this is refused.
const LARGEST_ANSWER: u64 = 64 << 20;

/// After so many failures that are the server's own it is not asked any more.
const PATIENCE: u32 = 3;

/// Asks a server.
pub(super) struct Server {
    access: Access,
    agent: ureq::Agent,
    failures: AtomicU32,
    /// Why it is not asked any more.
    given_up: Mutex<Option<String>>,
}

impl Server {
    /// One that may take its time, but not more than this.
    pub(super) fn new(access: Access) -> Self {
        Self::with_timeout(access, TIMEOUT)
    }

    fn with_timeout(access: Access, timeout: Duration) -> Self {
        let mut config = ureq::Agent::config_builder()
            .timeout_global(Some(timeout))
            .http_status_as_error(false)
            // The headers are for this server, and for no other that it may name.
            .max_redirects(0)
            .user_agent(concat!("kubernetes-mixin-otel/", env!("CARGO_PKG_VERSION")));
        if access.local {
            config = config.proxy(None);
        }
        let agent = config.build().new_agent();
        Self { access, agent, failures: AtomicU32::new(0), given_up: Mutex::default() }
    }

    /// Its present in milliseconds since 1970.
    pub(super) fn now(&self) -> Result<i64, String> {
        let data: QueryData = self.ask("query", &[("query", "time()".to_owned())]).map_err(|e| e.message)?;
        let (_, value) = match data {
            QueryData::Scalar(sample) => sample.read(),
            _ => None,
        }
        .ok_or_else(|| format!("{} did not tell its time", self.access.base))?;
        // Milliseconds since 1970 are far from the end of what a float can count.
        #[allow(
            clippy::cast_possible_truncation,
            reason = "it saturates, and dashboards refuse such a present"
        )]
        Ok((value * 1_000.0) as i64)
    }

    /// Whether its cluster's metrics began so recently that rates have nothing to be made of yet. A server that does not say is none
    /// of those.
    pub(super) fn has_just_begun(&self) -> bool {
        const BEGUN: &str =
            "count(k8s_node_condition_ready) unless count(k8s_node_condition_ready offset 2m)";
        let asked = self.ask("query", &[("query", BEGUN.to_owned())]);
        matches!(asked, Ok(QueryData::Vector(series)) if !series.is_empty())
    }

    /// Why it was not asked to the end, if it was not.
    pub(super) fn given_up(&self) -> Option<String> {
        self.given_up.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Asks, and reads what stands in `data`.
    fn ask<T: DeserializeOwned>(&self, path: &str, parameters: &[(&str, String)]) -> Result<T, MetricsError> {
        self.ask_for(path, parameters).map(|(data, _)| data)
    }

    fn ask_for<T: DeserializeOwned>(
        &self,
        path: &str,
        parameters: &[(&str, String)],
    ) -> Result<(T, Vec<String>), MetricsError> {
        if let Some(reason) = self.given_up() {
            return Err(MetricsError::new(ErrorKind::Source, reason));
        }
        let outcome = self.request(path, parameters);
        if let Err(error) = &outcome
            && error.kind == ErrorKind::Source
        {
            let failures = self.failures.fetch_add(1, Ordering::Relaxed) + 1;
            if failures >= PATIENCE {
                let mut given_up = self.given_up.lock().unwrap_or_else(PoisonError::into_inner);
                given_up.get_or_insert_with(|| error.message.clone());
            }
        }
        outcome
    }

    fn request<T: DeserializeOwned>(
        &self,
        path: &str,
        parameters: &[(&str, String)],
    ) -> Result<(T, Vec<String>), MetricsError> {
        let base = &self.access.base;
        let source = |what: String| MetricsError::new(ErrorKind::Source, format!("{base} {what}"));
        // Label values can be asked for with GET alone.
        let url = format!("{base}/api/v1/{path}");
        let sent = if path.starts_with("label/") {
            let mut request = self.agent.get(&url);
            for (name, value) in &self.access.headers {
                request = request.header(name, value);
            }
            request.query_pairs(parameters.iter().map(|(name, value)| (*name, value.as_str()))).call()
        } else {
            let mut request = self.agent.post(&url);
            for (name, value) in &self.access.headers {
                request = request.header(name, value);
            }
            request.send_form(parameters.iter().map(|(name, value)| (*name, value.as_str())))
        };
        let mut answer = sent.map_err(|error| source(unreached(&error)))?;
        let status = answer.status().as_u16();
        match status {
            200..300 | 400 | 422 | 503 => {}
            401 | 403 => {
                return Err(source(format!(
                    "refuses these credentials ({status}): give --bearer-token-file, --basic-auth-file or --header"
                )));
            }
            404 => {
                return Err(source(
                    "has no /api/v1 (404): give the address that Prometheus' API is below".into(),
                ));
            }
            300..400 => return Err(source(format!("leads elsewhere ({status}): give that address"))),
            _ => return Err(source(format!("answers with the status {status}"))),
        }
        let bytes = answer
            .body_mut()
            .with_config()
            .limit(LARGEST_ANSWER)
            .read_to_vec()
            .map_err(|error| source(unreached(&error)))?;
        let envelope: Envelope<T> = serde_json::from_slice(&bytes).map_err(|_| {
            source(if bytes.trim_ascii_start().starts_with(b"<") {
                "answers with a page, not with JSON: it is no Prometheus, or a login stands before it"
                    .to_owned()
            } else {
                "answers something else than Prometheus' API does".to_owned()
            })
        })?;
        match envelope {
            Envelope { status: Status::Success, data: Some(data), warnings, infos, .. } => {
                Ok((data, warnings.into_iter().chain(infos).collect()))
            }
            Envelope { status: Status::Error, error: Some(message), error_type, .. } => {
                let kind = match error_type.as_deref() {
                    Some("bad_data") => ErrorKind::Syntax,
                    Some("timeout") => ErrorKind::Timeout,
                    Some("canceled") => ErrorKind::Canceled,
                    _ => ErrorKind::Execution,
                };
                Err(MetricsError::new(kind, message))
            }
            _ => Err(source("answers something else than Prometheus' API does".to_owned())),
        }
    }

    fn query(&self, path: &str, parameters: &[(&str, String)]) -> Result<QueryAnswer, MetricsError> {
        let (data, remarks) = self.ask_for::<QueryData>(path, parameters)?;
        let lies = || {
            let message = format!("{} answers with values that are no numbers", self.access.base);
            MetricsError::new(ErrorKind::Source, message)
        };
        let series = match data {
            QueryData::Vector(list) => list
                .into_iter()
                .map(|one| Some(Series { labels: one.metric, points: vec![one.value?.read()?] }))
                .collect::<Option<_>>(),
            QueryData::Matrix(list) => list
                .into_iter()
                .map(|one| {
                    let points = one.values.iter().map(Sample::read).collect::<Option<_>>()?;
                    Some(Series { labels: one.metric, points })
                })
                .collect::<Option<_>>(),
            QueryData::Scalar(sample) => {
                sample.read().map(|point| vec![Series { labels: BTreeMap::new(), points: vec![point] }])
            }
            QueryData::String(_) => {
                let message = "the query gives a text, which cannot be drawn";
                return Err(MetricsError::new(ErrorKind::Execution, message));
            }
        };
        Ok(QueryAnswer { series: series.ok_or_else(lies)?, remarks, samples_read: None })
    }
}

/// What every answer has around it.
#[derive(Deserialize)]
struct Envelope<T> {
    status: Status,
    data: Option<T>,
    #[serde(rename = "errorType")]
    error_type: Option<String>,
    error: Option<String>,
    #[serde(default)]
    warnings: Vec<String>,
    #[serde(default)]
    infos: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Status {
    Success,
    Error,
}

#[derive(Deserialize)]
#[serde(tag = "resultType", content = "result", rename_all = "lowercase")]
enum QueryData {
    Vector(Vec<Element>),
    Matrix(Vec<Element>),
    Scalar(Sample),
    String(#[allow(dead_code, reason = "it cannot be drawn")] (f64, String)),
}

#[derive(Deserialize)]
struct Element {
    #[serde(default)]
    metric: BTreeMap<String, String>,
    value: Option<Sample>,
    #[serde(default)]
    values: Vec<Sample>,
}

/// Seconds since 1970, and a number as text.
#[derive(Deserialize)]
struct Sample(f64, String);

impl Sample {
    fn read(&self) -> Option<(i64, f64)> {
        let value = match self.1.as_str() {
            "+Inf" => f64::INFINITY,
            "-Inf" => f64::NEG_INFINITY,
            text => text.parse().ok()?,
        };
        #[allow(clippy::cast_possible_truncation, reason = "it saturates, and such a time is drawn nowhere")]
        Some(((self.0 * 1_000.0).round() as i64, value))
    }
}

/// Why there is no answer, in words of ours: the library's may repeat what was sent.
fn unreached(error: &ureq::Error) -> String {
    match error {
        ureq::Error::Timeout(_) => "does not answer in time".to_owned(),
        ureq::Error::HostNotFound => "cannot be found: is the name right?".to_owned(),
        ureq::Error::ConnectionFailed => "cannot be reached: does it run?".to_owned(),
        ureq::Error::BodyExceedsLimit(_) => {
            format!("answers with more than {} MB: ask for fewer series", LARGEST_ANSWER >> 20)
        }
        ureq::Error::Io(error) => format!("cannot be reached: {error}"),
        ureq::Error::Tls(_) | ureq::Error::TlsRequired => "speaks no TLS that can be trusted".to_owned(),
        _ => "does not speak HTTP as it should".to_owned(),
    }
}

/// Seconds since 1970, as the API wants them.
fn seconds(milliseconds: i64) -> String {
    format!("{}.{:03}", milliseconds.div_euclid(1_000), milliseconds.rem_euclid(1_000))
}

fn browse(selection: &Selection) -> Vec<(&'static str, String)> {
    let matches = selection.selectors.iter().map(|selector| ("match[]", selector.clone()));
    let range = [("start", seconds(selection.range.from_ms)), ("end", seconds(selection.range.to_ms))];
    matches.chain(range).collect()
}

impl Metrics for Server {
    fn instant(&self, query: &str, at_ms: i64, _: Interrupt<'_>) -> Result<QueryAnswer, MetricsError> {
        self.query("query", &[("query", query.to_owned()), ("time", seconds(at_ms))])
    }

    fn range(&self, query: &str, range: StepRange, _: Interrupt<'_>) -> Result<QueryAnswer, MetricsError> {
        self.query(
            "query_range",
            &[
                ("query", query.to_owned()),
                ("start", seconds(range.start_ms)),
                ("end", seconds(range.end_ms)),
                ("step", seconds(range.step_ms)),
            ],
        )
    }

    fn label_values(
        &self,
        label: &str,
        selection: &Selection,
        _: Interrupt<'_>,
    ) -> Result<Vec<String>, MetricsError> {
        // A label's name stands in the path: what could lead elsewhere is no name.
        if !label.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_:".contains(&byte)) {
            return Err(MetricsError::new(
                ErrorKind::Syntax,
                format!("{label:?} is no label that can be asked for"),
            ));
        }
        self.ask(&format!("label/{label}/values"), &browse(selection))
    }

    fn label_names(&self, selection: &Selection, _: Interrupt<'_>) -> Result<Vec<String>, MetricsError> {
        self.ask("labels", &browse(selection))
    }

    fn series(
        &self,
        selection: &Selection,
        _: Interrupt<'_>,
    ) -> Result<Vec<BTreeMap<String, String>>, MetricsError> {
        self.ask("series", &browse(selection))
    }
}

#[cfg(test)]
mod tests;
