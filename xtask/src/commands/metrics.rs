//! `cargo xtask metrics`: the catalogue, as an author's reference.

use std::process::ExitCode;

use catalogue::{MetricDef, MetricKind, Presence, Switch};

use crate::context::Context;
use crate::ui::{Table, Usage, print_result};

/// Show the metrics that the OpenTelemetry receivers send, and what they are called in Prometheus.
///
/// Without a name: a table of all. With a part of a name: a table of those that contain it. With a whole name, of
/// OpenTelemetry or of Prometheus: everything there is to know about it.
#[derive(clap::Args)]
pub(crate) struct Metrics {
    /// A metric's name or a part of it, for example k8s.pod.cpu or k8s_pod_cpu_time_seconds_total.
    name: Option<String>,
}

impl Metrics {
    pub(crate) fn run(self, _: &Context) -> anyhow::Result<ExitCode> {
        let wanted = self.name.unwrap_or_default();
        if let Some(metric) = catalogue::find(&wanted).or_else(|| catalogue::find_by_prometheus_name(&wanted))
        {
            print_result(&details(metric))?;
            return Ok(ExitCode::SUCCESS);
        }
        let found: Vec<&MetricDef> = catalogue::all()
            .filter(|metric| metric.name.contains(&wanted) || metric.prometheus_name().contains(&wanted))
            .collect();
        if found.is_empty() {
            let hint = "`cargo xtask metrics` lists all that are known";
            return Err(
                Usage(format!("no metric of the receivers has {wanted:?} in its name: {hint}")).into()
            );
        }
        print_result(&list(&found))?;
        Ok(ExitCode::SUCCESS)
    }
}

fn list(metrics: &[&MetricDef]) -> String {
    let mut table = Table::default();
    for column in ["OpenTelemetry", "Prometheus", "type", "unit", "receiver", "sent"] {
        table.text_column(column);
    }
    for metric in metrics {
        table.row(vec![
            metric.name.to_owned(),
            metric.prometheus_name(),
            kind(metric).to_owned(),
            metric.unit.to_owned(),
            metric.receiver.name().to_owned(),
            if metric.on_by_default { "by default" } else { "when asked" }.to_owned(),
        ]);
    }
    table.render()
}

fn details(metric: &MetricDef) -> String {
    let mut rows = vec![
        ("OpenTelemetry", metric.name.to_owned()),
        ("Prometheus", metric.prometheus_name()),
        ("meaning", metric.description.to_owned()),
        ("type", kind(metric).to_owned()),
        ("unit", if metric.unit.is_empty() { "none".to_owned() } else { metric.unit.to_owned() }),
        ("receiver", metric.receiver.name().to_owned()),
        ("about", metric.entity.name.to_owned()),
        ("sent", sent(metric)),
    ];
    for attribute in metric.attributes {
        let values =
            metric.values_of(attribute).map_or_else(|| "any value".to_owned(), |values| values.join(", "));
        rows.push(("attribute", format!("{attribute}: {values}")));
    }
    for attribute in metric.entity.attributes {
        let presence = match attribute.presence {
            Presence::Default => String::new(),
            Presence::OptIn => " (when switched on under resource_attributes)".to_owned(),
            Presence::ExtraLabel(label) => format!(" (with extra_metadata_labels: [{label}])"),
        };
        rows.push(("resource", format!("{}{presence}", attribute.key)));
    }
    let lost: Vec<&str> = metric.identity_lost(catalogue::prometheus::LGTM_PROMOTED).collect();
    if !lost.is_empty() {
        rows.push((
            "with LGTM's own promoted attributes",
            format!("series that differ in {} fall onto one", lost.join(", ")),
        ));
    }
    rows.extend(metric.since.map(|version| ("since", version.to_owned())));
    rows.extend(metric.changed.map(|what| ("changed", what.to_owned())));

    let width = rows.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    rows.iter().map(|(name, value)| format!("{name:<width$}  {value}\n")).collect()
}

fn kind(metric: &MetricDef) -> &'static str {
    match metric.kind {
        MetricKind::Counter => "counter",
        MetricKind::Gauge if metric.counter_like => "gauge that counts",
        MetricKind::Gauge | MetricKind::UpDownCounter => "gauge",
    }
}

/// What in a collector's configuration turns it on or off.
fn sent(metric: &MetricDef) -> String {
    let own = |on: bool| format!("metrics: {{{}: {{enabled: {on}}}}}", metric.name);
    let also = |setting: String| match metric.on_by_default {
        true => format!("with {setting}; off by {}", own(false)),
        false => format!("when asked: {setting} and {}", own(true)),
    };
    match metric.switch {
        Switch::Metric if metric.on_by_default => format!("by default; off by {}", own(false)),
        Switch::Metric => format!("when asked: {}", own(true)),
        Switch::Group(group) => also(format!("metric_groups: [{group}]")),
        Switch::Scraper(scraper) => also(format!("scrapers: {{{scraper}: {{}}}}")),
        Switch::NodeCondition(condition) => format!("with node_conditions_to_report: [{condition}]"),
        Switch::Allocatable(resource) => format!("with allocatable_types_to_report: [{resource}]"),
        Switch::OpenShift => also("distribution: openshift".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_metric_is_described_with_its_names_its_unit_and_its_labels() {
        let metric = catalogue::find("k8s.pod.network.io").unwrap();
        let text = details(metric);
        for part in [
            "k8s_pod_network_io_bytes_total",
            "counter",
            "By",
            "kubelet_stats",
            "direction: receive, transmit",
        ] {
            assert!(text.contains(part), "{part:?} is missing:\n{text}");
        }
    }

    #[test]
    fn every_metric_can_be_listed_and_described() {
        let all: Vec<&MetricDef> = catalogue::all().collect();
        assert_eq!(list(&all).lines().count(), all.len() + 1);
        assert!(all.iter().all(|metric| !details(metric).contains("meaning        \n")));
    }
}
