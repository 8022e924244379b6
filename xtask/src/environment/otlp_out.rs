//! The simulated fleet's metrics sent to an OTLP/HTTP backend, besides the store: how flags choose the backend and how the
//! scrapes get to its sender.

use anyhow::Context as _;
use catalogue::{Attribute, MetricDef, Point, Resource, Sink};
use embedded::ScrapeSink;
use otlp::OtlpSink;
use otlp_sender::{EndpointError, HeaderError, OtlpSender};

use crate::ui::Usage;

pub(crate) use otlp_sender::{SendingStatus as OtlpOutStatus, one_line};

/// The backend that the flags choose.
#[derive(Debug)]
pub(crate) struct Target(otlp_sender::Target);

impl Target {
    /// Reads `--otlp-endpoint` and each `--otlp-header`.
    pub(crate) fn new(endpoint: &str, headers: &[String]) -> anyhow::Result<Self> {
        let target = otlp_sender::Target::new(endpoint).map_err(|error| Usage(refused_endpoint(error)))?;
        let target = headers.iter().try_fold(target, |target, header| target.with_header(header));
        match target {
            Ok(target) => Ok(Self(target)),
            Err(error @ HeaderError::Unreadable { .. }) => Err(error).context("--otlp-header"),
            Err(error) => Err(Usage(format!("--otlp-header: {error}")).into()),
        }
    }

    /// Where requests go.
    pub(crate) fn url(&self) -> String {
        self.0.url().to_string()
    }

    /// See [`otlp_sender::Target::texts`].
    pub(crate) fn texts(&self) -> impl Iterator<Item = Vec<u8>> {
        self.0.texts()
    }

    /// The names of the headers.
    pub(crate) fn header_names(&self) -> Vec<&str> {
        self.0.header_names()
    }
}

fn refused_endpoint(error: EndpointError) -> String {
    let remedy = match error {
        EndpointError::NeedsHttps => {
            ". With it: `cargo run --quiet --package xtask --features https -- kwok …`; or send to a collector nearby"
        }
        _ => "",
    };
    format!("--otlp-endpoint: {error}{remedy}")
}

/// Sends the live scrapes.
#[derive(Clone, Debug)]
pub(crate) struct OtlpOut(OtlpSender);

impl OtlpOut {
    /// Begins. What the user has to know is told through `say`, rarely.
    pub(crate) fn start(target: Target, say: impl Fn(&str) + Send + Sync + 'static) -> anyhow::Result<Self> {
        let say = move |status: &OtlpOutStatus| say(&format!("OTLP out: {}", status.line()));
        Ok(Self(OtlpSender::start(target.0, say).context("failed to start a thread")?))
    }

    /// Takes the scrapes. When it is dropped, sending ends.
    pub(crate) fn outlet(&self) -> Box<dyn ScrapeSink> {
        Box::new(Outlet { sink: OtlpSink::new(), sender: self.0.clone() })
    }

    /// How sending goes.
    pub(crate) fn status(&self) -> OtlpOutStatus {
        self.0.status()
    }

    /// See [`OtlpSender::finish`].
    pub(crate) async fn finish(&self, within: std::time::Duration) -> u64 {
        self.0.finish(within).await
    }
}

/// Collects a scrape and hands it over.
struct Outlet {
    sink: OtlpSink,
    sender: OtlpSender,
}

impl Sink for Outlet {
    fn record(
        &mut self,
        resource: &Resource,
        metric: &'static MetricDef,
        attributes: &[Attribute<'_>],
        point: Point,
    ) {
        self.sink.record(resource, metric, attributes, point);
    }
}

impl ScrapeSink for Outlet {
    fn scraped(&mut self) {
        self.sender.send(self.sink.take());
    }
}

impl Drop for Outlet {
    fn drop(&mut self) {
        self.sender.close();
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use catalogue::Number;

    use super::*;

    fn refusal(endpoint: &str, headers: &[&str]) -> anyhow::Error {
        let headers: Vec<String> = headers.iter().map(|header| (*header).to_owned()).collect();
        Target::new(endpoint, &headers).unwrap_err()
    }

    #[test]
    fn a_flag_that_is_wrong_is_named() {
        for (endpoint, headers, told) in [
            ("127.0.0.1:4318", &[][..], "--otlp-endpoint: the URL must begin with http:// or https://"),
            ("http://host", &["a=b", "secret"], "--otlp-header: a header is written NAME=VALUE"),
        ] {
            let error = refusal(endpoint, headers);
            assert!(error.downcast_ref::<Usage>().is_some(), "{error:?}");
            assert_eq!(error.to_string(), told);
        }
        let error = refusal("http://host", &["@/nowhere/headers"]);
        assert!(error.downcast_ref::<Usage>().is_none(), "{error:?}");
        assert!(
            format!("{error:#}").starts_with("--otlp-header: failed to read /nowhere/headers"),
            "{error:#}"
        );
    }

    #[test]
    #[cfg(not(feature = "https"))]
    fn without_tls_the_way_to_it_is_told() {
        let refusal = refusal("https://otlp.example/otlp", &[]).to_string();
        assert!(refusal.contains("--features https"), "{refusal}");
    }

    #[test]
    fn scrapes_are_handed_over_whole_until_the_outlet_is_gone() {
        let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let target = Target::new(&format!("http://{nobody}"), &[]).unwrap();
        let out = OtlpOut::start(target, |_| ()).unwrap();
        let mut outlet = out.outlet();
        let node = Resource::new([("k8s.node.name", "n")]);
        for time_ns in [1, 2] {
            let point = Point { start_ns: None, time_ns, value: Number::Int(1) };
            outlet.record(&node, &catalogue::k8s_cluster::NODE_CONDITION_READY, &[], point);
        }
        outlet.scraped();
        drop(outlet);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let begin = Instant::now();
        assert_eq!(runtime.block_on(out.finish(Duration::from_secs(20))), 2);
        assert!(begin.elapsed() < Duration::from_secs(10), "{:?}", begin.elapsed());
    }
}
