//! What is measured of the sending of host metrics.

use std::fmt;

use otlp_sender::{OtlpSender, SendingStatus};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;

/// How sending goes.
#[derive(Debug)]
pub(super) struct Sent(pub(super) OtlpSender);

impl Collector for Sent {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let SendingStatus { sent, refused, dropped, waiting, problem, failed_tries, last_success, .. } =
            self.0.status();
        let counter = ConstCounter::new(0_u64).metric_type();
        let help = "Points of host metrics, by what became of them";
        let mut points = encoder.encode_descriptor("otlp_points", help, None, counter)?;
        for (outcome, count) in [("sent", sent), ("refused", refused), ("dropped", dropped)] {
            ConstCounter::new(count).encode(points.encode_family(&[("outcome", outcome)])?)?;
        }
        let help = "Requests with host metrics that failed, each time that they were tried";
        let failed = encoder.encode_descriptor("otlp_failed_tries", help, None, counter)?;
        ConstCounter::new(failed_tries).encode(failed)?;

        let mut gauge = |name, help, value: f64| {
            let gauge = ConstGauge::new(value);
            gauge.encode(encoder.encode_descriptor(name, help, None, gauge.metric_type())?)
        };
        #[allow(clippy::cast_precision_loss, reason = "bounded far below")]
        gauge("otlp_points_waiting", "Points of host metrics that wait to be sent", waiting as f64)?;
        let up = f64::from(u8::from(problem.is_none()));
        gauge("otlp_up", "Whether host metrics are sent without trouble", up)?;
        if let Some(at) = last_success {
            let help = "When host metrics were taken last";
            gauge("otlp_last_success_timestamp_seconds", help, at.as_duration().as_secs_f64())?;
        }
        Ok(())
    }
}
