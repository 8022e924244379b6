//! How Prometheus names what arrives over OTLP: its default translation (`UnderscoreEscapingWithSuffixes`).
//!
//! Names lose what is outside Prometheus' alphabet and gain their unit, `_total` or `_ratio`. Resource attributes become
//! labels only where they are promoted.

use std::collections::HashMap;
use std::sync::LazyLock;

use labels::{Labels, LabelsBuilder, METRIC_NAME};

use crate::{Attribute, MetricDef, MetricKind, Resource};

/// The resource attributes that grafana/otel-lgtm promotes to labels as it comes.
pub const LGTM_PROMOTED: &[&str] = &[
    "service.instance.id",
    "service.name",
    "service.namespace",
    "service.version",
    "cloud.availability_zone",
    "cloud.region",
    "container.name",
    "deployment.environment",
    "deployment.environment.name",
    "k8s.cluster.name",
    "k8s.container.name",
    "k8s.cronjob.name",
    "k8s.daemonset.name",
    "k8s.deployment.name",
    "k8s.job.name",
    "k8s.namespace.name",
    "k8s.node.name",
    "k8s.pod.name",
    "k8s.replicaset.name",
    "k8s.statefulset.name",
    "host.name",
];

/// What we promote besides: without it all volumes of a pod, all autoscalers of a namespace and so on would fall onto
/// one series.
pub const FURTHER_PROMOTED: &[&str] = &[
    "k8s.volume.name",
    "k8s.volume.type",
    "k8s.persistentvolumeclaim.name",
    "k8s.persistentvolume.name",
    "k8s.hpa.name",
    "k8s.resourcequota.name",
    "k8s.replicationcontroller.name",
    "k8s.service.name",
    "k8s.node.system_container.name",
];

/// The resource attributes that become labels in our environments: LGTM's and ours.
pub fn promoted() -> impl Iterator<Item = &'static str> {
    LGTM_PROMOTED.iter().chain(FURTHER_PROMOTED).copied()
}

/// What a metric's name depends on besides its name and unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NameKind {
    /// `_ratio` where the unit is `1`.
    Gauge,
    /// `_total`.
    MonotonicSum,
    /// Sums that may fall, histograms, summaries: neither.
    Other,
}

impl From<MetricKind> for NameKind {
    fn from(kind: MetricKind) -> Self {
        match kind {
            MetricKind::Gauge => Self::Gauge,
            MetricKind::Counter => Self::MonotonicSum,
            MetricKind::UpDownCounter => Self::Other,
        }
    }
}

/// The name in Prometheus of a metric with this OpenTelemetry name and unit.
pub fn metric_name(name: &str, unit: &str, kind: NameKind) -> String {
    let mut tokens: Vec<&str> = name.split(|c| !is_name_char(c)).filter(|token| !token.is_empty()).collect();
    let (main, per) = unit_suffixes(unit);
    if !main.is_empty() && !tokens.contains(&main.as_str()) {
        tokens.push(&main);
    }
    if !per.is_empty() && !tokens.contains(&per.as_str()) {
        tokens.extend(["per", &per]);
    }
    match kind {
        NameKind::MonotonicSum => move_to_end(&mut tokens, "total"),
        NameKind::Gauge if unit == "1" => move_to_end(&mut tokens, "ratio"),
        NameKind::Gauge | NameKind::Other => {}
    }
    let joined = tokens.join("_");
    if joined.starts_with(|c: char| c.is_ascii_digit()) { format!("_{joined}") } else { joined }
}

fn is_name_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == ':'
}

fn move_to_end<'a>(tokens: &mut Vec<&'a str>, token: &'a str) {
    tokens.retain(|other| *other != token);
    tokens.push(token);
}

/// `By/s` as `bytes` and `second`; each empty where the unit says nothing.
fn unit_suffixes(unit: &str) -> (String, String) {
    let (main, per) = unit.split_once('/').unwrap_or((unit, ""));
    let suffix = |part: &str, word: fn(&str) -> &str| match part.trim() {
        // An annotation such as `{pod}` is for readers.
        part if part.contains(['{', '}']) => String::new(),
        part => clean(word(part)),
    };
    (suffix(main, main_unit), suffix(per, per_unit))
}

/// Keeps what may stand in a name, with single underscores in between.
fn clean(unit: &str) -> String {
    let mut cleaned = String::with_capacity(unit.len());
    for c in unit.chars() {
        if is_name_char(c) {
            cleaned.push(c);
        } else if !cleaned.is_empty() && !cleaned.ends_with('_') {
            cleaned.push('_');
        }
    }
    cleaned
}

fn main_unit(unit: &str) -> &str {
    match unit {
        "d" => "days",
        "h" => "hours",
        "min" => "minutes",
        "s" => "seconds",
        "ms" => "milliseconds",
        "us" => "microseconds",
        "ns" => "nanoseconds",
        "By" => "bytes",
        "KiBy" => "kibibytes",
        "MiBy" => "mebibytes",
        "GiBy" => "gibibytes",
        "TiBy" => "tibibytes",
        "KBy" => "kilobytes",
        "MBy" => "megabytes",
        "GBy" => "gigabytes",
        "TBy" => "terabytes",
        "m" => "meters",
        "V" => "volts",
        "A" => "amperes",
        "J" => "joules",
        "W" => "watts",
        "g" => "grams",
        "Cel" => "celsius",
        "Hz" => "hertz",
        "%" => "percent",
        "1" => "",
        other => other,
    }
}

fn per_unit(unit: &str) -> &str {
    match unit {
        "s" => "second",
        "m" => "minute",
        "h" => "hour",
        "d" => "day",
        "w" => "week",
        "mo" => "month",
        "y" => "year",
        other => other,
    }
}

/// The name in Prometheus of a label made from this attribute.
pub fn label_name(key: &str) -> String {
    let cleaned: String = key.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    if cleaned.starts_with(|c: char| c.is_ascii_digit()) {
        format!("key_{cleaned}")
    } else if cleaned.starts_with('_') && !cleaned.starts_with("__") {
        format!("key{cleaned}")
    } else {
        cleaned
    }
}

/// The labels of the series that a measurement goes to.
///
/// Attributes of the datapoint win over promoted ones of the resource; two attributes of one label name are joined with
/// `;`. `job` and `instance` come from `service.*`, where the resource has those.
pub fn series_labels<'p>(
    resource: &Resource,
    metric: &MetricDef,
    attributes: &[Attribute<'_>],
    promoted: impl IntoIterator<Item = &'p str>,
) -> Labels {
    let mut builder = LabelsBuilder::default();
    for key in promoted {
        if let Some(value) = resource.get(key) {
            builder.set(&label_name(key), value);
        }
    }
    let mut sorted: Vec<Attribute<'_>> = attributes.to_vec();
    sorted.sort_unstable();
    let mut joined: Vec<(String, String)> = Vec::with_capacity(sorted.len());
    for (key, value) in sorted {
        let name = label_name(key);
        match joined.iter_mut().find(|(other, _)| *other == name) {
            // An empty value so far is none.
            Some((_, values)) if !values.is_empty() => {
                values.push(';');
                values.push_str(value);
            }
            Some((_, values)) => value.clone_into(values),
            None => joined.push((name, value.to_owned())),
        }
    }
    for (name, value) in &joined {
        // An attribute without a value has no label, and hides no promoted one.
        if !value.is_empty() {
            builder.set(name, value);
        }
    }
    let job = match (resource.get("service.name"), resource.get("service.namespace")) {
        // Also where the namespace is there and empty.
        (Some(service), Some(namespace)) => format!("{namespace}/{service}"),
        (Some(service), None) => service.to_owned(),
        (None, _) => String::new(),
    };
    for (name, value) in [("job", &*job), ("instance", resource.get("service.instance.id").unwrap_or(""))] {
        if !value.is_empty() {
            builder.set(name, value);
        }
    }
    builder.set(METRIC_NAME, &metric.prometheus_name());
    builder.build()
}

impl MetricDef {
    /// Its name in Prometheus.
    pub fn prometheus_name(&self) -> String {
        metric_name(self.name, self.unit, self.kind.into())
    }
}

static BY_PROMETHEUS_NAME: LazyLock<HashMap<String, &'static MetricDef>> =
    LazyLock::new(|| crate::all().map(|metric| (metric.prometheus_name(), metric)).collect());

/// The metric of the catalogue that has this name in Prometheus.
pub fn find_by_prometheus_name(name: &str) -> Option<&'static MetricDef> {
    BY_PROMETHEUS_NAME.get(name).copied()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{Receiver, ValueType, entity};

    #[test]
    fn metric_names_gain_unit_and_type() {
        use NameKind::{Gauge, MonotonicSum, Other};
        for (name, unit, kind, expected) in [
            ("k8s.pod.cpu.time", "s", MonotonicSum, "k8s_pod_cpu_time_seconds_total"),
            ("k8s.pod.phase", "", Gauge, "k8s_pod_phase"),
            ("k8s.container.cpu_limit", "{cpu}", Gauge, "k8s_container_cpu_limit"),
            ("container.memory.page_faults", "1", Gauge, "container_memory_page_faults_ratio"),
            ("k8s.pod.network.errors", "1", MonotonicSum, "k8s_pod_network_errors_total"),
            ("k8s.pod.volume.usage", "By", Other, "k8s_pod_volume_usage_bytes"),
            ("inodes", "1", Other, "inodes"),
            ("ratio.of.things", "1", Gauge, "of_things_ratio"),
            ("requests.total", "{request}", MonotonicSum, "requests_total"),
            ("total.bytes.sent", "By", MonotonicSum, "bytes_sent_total"),
            ("uptime.seconds", "s", Gauge, "uptime_seconds"),
            ("disk.speed", "By/s", Gauge, "disk_speed_bytes_per_second"),
            ("speed", "m/s", Gauge, "speed_meters_per_second"),
            ("rate", "{request}/s", Gauge, "rate_per_second"),
            ("ticks.second", "1/s", Gauge, "ticks_second"),
            ("load", "km/h", Gauge, "load_km_per_hour"),
            ("fill", "%", Gauge, "fill_percent"),
            ("odd", "  By  ", Gauge, "odd_bytes"),
            ("odd", "a__b--c", Gauge, "odd_a_b_c"),
            ("a..b__c-d", "", Gauge, "a_b_c_d"),
            ("recording:rule", "", Gauge, "recording:rule"),
            ("5xx.responses", "", MonotonicSum, "_5xx_responses_total"),
            ("größe", "", Gauge, "gr_e"),
        ] {
            assert_eq!(metric_name(name, unit, kind), expected, "{name} {unit}");
        }
    }

    #[test]
    fn label_names_keep_their_underscores() {
        for (key, expected) in [
            ("k8s.pod.name", "k8s_pod_name"),
            ("a..b", "a__b"),
            ("a:b", "a_b"),
            ("5xx", "key_5xx"),
            ("_private", "key_private"),
            ("__name__", "__name__"),
        ] {
            assert_eq!(label_name(key), expected, "{key}");
        }
    }

    proptest! {
        #[test]
        fn translated_names_are_names_of_prometheus(name in ".+", unit in ".*") {
            for kind in [NameKind::Gauge, NameKind::MonotonicSum, NameKind::Other] {
                let name = metric_name(&name, &unit, kind);
                prop_assert!(name.is_empty() || labels::is_classic_metric_name(&name), "{name}");
            }
            prop_assert!(labels::is_classic_label_name(&label_name(&name)));
        }

        #[test]
        fn a_translated_name_is_not_translated_again(name in "[a-z]+([._][a-z]+){0,3}", unit in "s|By|1|") {
            let once = metric_name(&name, &unit, NameKind::MonotonicSum);
            prop_assert_eq!(metric_name(&once, &unit, NameKind::MonotonicSum), once);
        }
    }

    static GAUGE: MetricDef =
        MetricDef::gauge(Receiver::HostMetrics, "m", ValueType::Int, "", &entity::host_metrics::HOST);

    fn series(resource: &[(&'static str, &str)], attributes: &[Attribute<'_>]) -> String {
        let resource = Resource::new(resource.iter().copied());
        series_labels(&resource, &GAUGE, attributes, promoted()).to_string()
    }

    #[test]
    fn a_series_has_the_attributes_of_the_datapoint_and_the_promoted_ones() {
        for (resource, attributes, expected) in [
            (vec![], vec![], "m"),
            (vec![("k8s.pod.name", "a"), ("k8s.pod.uid", "u")], vec![], r#"m{k8s_pod_name="a"}"#),
            (vec![("k8s.node.name", "")], vec![], "m"),
            (vec![("k8s.node.name", "n")], vec![("k8s.node.name", "d")], r#"m{k8s_node_name="d"}"#),
            (vec![("k8s.node.name", "n")], vec![("k8s.node.name", "")], r#"m{k8s_node_name="n"}"#),
            (vec![], vec![("a_b", "2"), ("a.b", "1")], r#"m{a_b="1;2"}"#),
            (vec![], vec![("a_b", "2"), ("a.b", "")], r#"m{a_b="2"}"#),
            (vec![], vec![("a_b", ""), ("a.b", "1")], r#"m{a_b="1;"}"#),
            (vec![], vec![("a_b", ""), ("a.b", "")], "m"),
            (vec![("service.name", "s")], vec![], r#"m{job="s", service_name="s"}"#),
            (
                vec![("service.name", "s"), ("service.namespace", "")],
                vec![],
                r#"m{job="/s", service_name="s"}"#,
            ),
            (
                vec![("service.name", ""), ("service.instance.id", "")],
                vec![("job", "j"), ("instance", "i")],
                r#"m{instance="i", job="j"}"#,
            ),
            (
                vec![("service.name", "s"), ("service.namespace", "n"), ("service.instance.id", "i")],
                vec![("job", "j")],
                r#"m{instance="i", job="n/s", service_instance_id="i", service_name="s", service_namespace="n"}"#,
            ),
        ] {
            assert_eq!(series(&resource, &attributes), expected);
        }
    }

    #[test]
    fn every_metric_is_found_by_its_prometheus_name() {
        for metric in crate::all() {
            let found = find_by_prometheus_name(&metric.prometheus_name());
            assert!(found.is_some_and(|found| std::ptr::eq(found, metric)), "{}", metric.name);
        }
    }
}
