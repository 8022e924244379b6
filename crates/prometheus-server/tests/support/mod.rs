//! A small data set, an API over it, and a client that needs no socket.

#![allow(dead_code, reason = "each test file uses a part of it")]

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Method, Request, StatusCode, header};
use labels::Labels;
use prometheus_server::{ApiOptions, ApiState, BuildInfo, QueryService, router};
use promql::{EngineOptions, ParseOptions};
use tower::ServiceExt;
use tsdb::{Options, Store};

/// The time of the first sample, seconds since the epoch: 2015-07-01T20:10:00Z.
pub(crate) const T0: i64 = 1_435_781_400;
/// Seconds between samples.
pub(crate) const STEP: i64 = 15;
/// Samples of each series.
pub(crate) const SAMPLES: i64 = 41;
/// The time of the last sample.
pub(crate) const T1: i64 = T0 + STEP * (SAMPLES - 1);

/// A series and its samples: seconds and values.
pub(crate) struct Series {
    pub(crate) labels: Vec<(&'static str, &'static str)>,
    pub(crate) samples: Vec<(i64, f64)>,
}

/// Counters with a reset, gauges with every kind of number and text, a histogram.
pub(crate) fn data() -> Vec<Series> {
    let times = || (0..SAMPLES).map(|at| (at, T0 + at * STEP));
    let mut all = Vec::new();
    for (job, instance, slope) in [("api", "a:80", 3.0), ("api", "b:80", 0.5), ("db", "a:5432", 1.25)] {
        all.push(Series {
            labels: vec![("__name__", "requests_total"), ("job", job), ("instance", instance)],
            // Far from zero, where `rate` extrapolates differently in different versions.
            samples: times().map(|(at, t)| (t, 1000.0 + slope * ((at % 30) as f64))).collect(),
        });
        all.push(Series {
            labels: vec![("__name__", "up"), ("job", job), ("instance", instance)],
            samples: times().map(|(at, t)| (t, f64::from(at % 7 != 3))).collect(),
        });
    }
    for (bucket, slope) in [("0.1", 1.0), ("1", 4.0), ("+Inf", 5.0)] {
        all.push(Series {
            labels: vec![("__name__", "latency_seconds_bucket"), ("job", "api"), ("le", bucket)],
            samples: times().map(|(at, t)| (t, slope * at as f64)).collect(),
        });
    }
    for (kind, value) in [
        ("tiny", 1.5e-9),
        ("small", 0.000_001),
        ("third", 1.0 / 3.0),
        ("negative", -2.5),
        ("zero", 0.0),
        ("large", 1e20),
        ("huge", 2.5e21),
        ("nan", f64::NAN),
        ("inf", f64::INFINITY),
        ("minus inf", f64::NEG_INFINITY),
        ("<quoted \"\\\n & ü>", 1.0),
    ] {
        all.push(Series {
            labels: vec![("__name__", "number"), ("kind", kind)],
            samples: times().map(|(_, t)| (t, value)).collect(),
        });
    }
    // Gone after half the time.
    all.push(Series {
        labels: vec![("__name__", "departed"), ("job", "api")],
        samples: times().take(10).map(|(at, t)| (t, at as f64)).collect(),
    });
    all
}

/// A store that holds [`data`].
pub(crate) fn store() -> Arc<Store> {
    let store = Store::new(Options { lag_window_ms: i64::MAX, ..Options::default() });
    for series in data() {
        let id = store.intern(&Labels::from_pairs(series.labels)).unwrap();
        for (seconds, value) in series.samples {
            store.append(id, seconds * 1000, value).unwrap();
        }
    }
    Arc::new(store)
}

/// The API over a store, at the time of the last sample.
pub(crate) fn state_of(store: Arc<Store>, options: ApiOptions) -> ApiState {
    let service = QueryService::new(store, EngineOptions::default(), ParseOptions::default());
    ApiState::new(service, Arc::new(|| T1 * 1000), options)
}

/// The API over [`data`].
pub(crate) fn api() -> Router {
    let options = ApiOptions {
        build: BuildInfo { version: "3.14.0".into(), ..BuildInfo::default() },
        started_ms: T0 * 1000,
        storage_retention: "6h".into(),
        flags: [("storage.tsdb.retention.time".to_owned(), "6h".to_owned())].into(),
        config_yaml: "otlp: {}\n".into(),
        ..ApiOptions::default()
    };
    router(state_of(store(), options))
}

/// An answer.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }
}

/// Sends a request to the API.
pub(crate) async fn send(api: &Router, request: Request<Body>) -> Answer {
    let response = api.clone().oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap().to_vec();
    Answer { status: parts.status, headers: parts.headers, body }
}

/// `GET path`.
pub(crate) async fn get(api: &Router, path: &str) -> Answer {
    send(api, Request::get(path).body(Body::empty()).unwrap()).await
}

/// `POST path` with a form.
pub(crate) async fn post(api: &Router, path: &str, form: impl Into<String>) -> Answer {
    let request = Request::builder()
        .method(Method::POST)
        .uri(path)
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Body::from(form.into()))
        .unwrap();
    send(api, request).await
}
