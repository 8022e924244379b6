//! `/metrics/resource`: CPU, memory and swap of a node, its pods and its containers, in Prometheus' text format.
//!
//! Names, help, order and numbers are those of a kubelet since v1.34. Its older `scrape_error` is deprecated since v1.29
//! and hidden since v1.30, so it is not there.

use std::fmt::Write as _;

use jiff::Timestamp;
use kubelet_stats::summary::{
    ContainerStats, CpuStats, MemoryStats, NodeStats, PodStats, Summary, SwapStats,
};

pub(crate) const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8; escaping=underscores";

/// A value and when it was sampled, if it says.
type Sample = (f64, Option<Timestamp>);

/// Whose numbers a metric tells.
enum Of {
    Container(fn(&ContainerStats) -> Option<Sample>),
    Node(fn(&NodeStats) -> Option<Sample>),
    Pod(fn(&PodStats) -> Option<Sample>),
    /// The scrape itself.
    Scrape(f64),
}

struct Metric {
    name: &'static str,
    kind: &'static str,
    /// With the stability that Kubernetes promises for it.
    help: &'static str,
    of: Of,
}

/// By name, as a registry writes them.
const METRICS: [Metric; 12] = [
    Metric {
        name: "container_cpu_usage_seconds_total",
        kind: "counter",
        help: "[STABLE] Cumulative cpu time consumed by the container in core-seconds",
        of: Of::Container(|container| cpu(container.cpu.as_ref())),
    },
    Metric {
        name: "container_memory_working_set_bytes",
        kind: "gauge",
        help: "[STABLE] Current working set of the container in bytes",
        of: Of::Container(|container| memory(container.memory.as_ref())),
    },
    Metric {
        name: "container_start_time_seconds",
        kind: "gauge",
        help: "[STABLE] Start time of the container since unix epoch in seconds",
        of: Of::Container(|container| {
            let seconds = container.start_time.as_duration().as_secs_f64();
            (seconds >= 1.0).then_some((seconds, None))
        }),
    },
    Metric {
        name: "container_swap_limit_bytes",
        kind: "gauge",
        help: "[ALPHA] Current amount of the container swap limit in bytes. Reported only on non-windows systems",
        of: Of::Container(|container| swap_limit(container.swap.as_ref())),
    },
    Metric {
        name: "container_swap_usage_bytes",
        kind: "gauge",
        help: "[ALPHA] Current amount of the container swap usage in bytes. Reported only on non-windows systems",
        of: Of::Container(|container| swap(container.swap.as_ref())),
    },
    Metric {
        name: "node_cpu_usage_seconds_total",
        kind: "counter",
        help: "[STABLE] Cumulative cpu time consumed by the node in core-seconds",
        of: Of::Node(|node| cpu(node.cpu.as_ref())),
    },
    Metric {
        name: "node_memory_working_set_bytes",
        kind: "gauge",
        help: "[STABLE] Current working set of the node in bytes",
        of: Of::Node(|node| memory(node.memory.as_ref())),
    },
    Metric {
        name: "node_swap_usage_bytes",
        kind: "gauge",
        help: "[ALPHA] Current swap usage of the node in bytes. Reported only on non-windows systems",
        of: Of::Node(|node| swap(node.swap.as_ref())),
    },
    Metric {
        name: "pod_cpu_usage_seconds_total",
        kind: "counter",
        help: "[STABLE] Cumulative cpu time consumed by the pod in core-seconds",
        of: Of::Pod(|pod| cpu(pod.cpu.as_ref())),
    },
    Metric {
        name: "pod_memory_working_set_bytes",
        kind: "gauge",
        help: "[STABLE] Current working set of the pod in bytes",
        of: Of::Pod(|pod| memory(pod.memory.as_ref())),
    },
    Metric {
        name: "pod_swap_usage_bytes",
        kind: "gauge",
        help: "[ALPHA] Current amount of the pod swap usage in bytes. Reported only on non-windows systems",
        of: Of::Pod(|pod| swap(pod.swap.as_ref())),
    },
    Metric {
        name: "resource_scrape_error",
        kind: "gauge",
        help: "[STABLE] 1 if there was an error while getting container metrics, 0 otherwise",
        of: Of::Scrape(0.0),
    },
];

fn cpu(stats: Option<&CpuStats>) -> Option<Sample> {
    let stats = stats?;
    Some((stats.usage_core_nano_seconds? as f64 / 1e9, Some(stats.time)))
}

fn memory(stats: Option<&MemoryStats>) -> Option<Sample> {
    let stats = stats?;
    Some((stats.working_set_bytes? as f64, Some(stats.time)))
}

fn swap(stats: Option<&SwapStats>) -> Option<Sample> {
    let stats = stats?;
    Some((stats.swap_usage_bytes? as f64, Some(stats.time)))
}

fn swap_limit(stats: Option<&SwapStats>) -> Option<Sample> {
    let stats = stats?;
    let used = stats.swap_usage_bytes.unwrap_or(0);
    Some((stats.swap_available_bytes?.saturating_add(used) as f64, Some(stats.time)))
}

/// The metrics of a node.
pub(crate) fn text(summary: &Summary) -> String {
    let mut pods: Vec<&PodStats> = summary.pods.iter().collect();
    pods.sort_by_key(|pod| (&pod.pod_ref.namespace, &pod.pod_ref.name));
    let mut containers: Vec<(&PodStats, &ContainerStats)> =
        pods.iter().flat_map(|pod| pod.containers.iter().map(|container| (*pod, container))).collect();
    // Stable, so that those of one name stay in the order of their pods.
    containers.sort_by_key(|(_, container)| &container.name);

    let mut page = Page::default();
    for metric in &METRICS {
        match metric.of {
            Of::Container(value) => page.family(
                metric,
                containers.iter().filter_map(|(pod, container)| {
                    let labels = [
                        ("container", container.name.as_str()),
                        ("namespace", pod.pod_ref.namespace.as_str()),
                        ("pod", pod.pod_ref.name.as_str()),
                    ];
                    Some((labels, value(container)?))
                }),
            ),
            Of::Pod(value) => page.family(
                metric,
                pods.iter().filter_map(|pod| {
                    let labels =
                        [("namespace", pod.pod_ref.namespace.as_str()), ("pod", pod.pod_ref.name.as_str())];
                    Some((labels, value(pod)?))
                }),
            ),
            Of::Node(value) => page.family(metric, value(&summary.node).map(|sample| ([], sample))),
            Of::Scrape(value) => page.family(metric, [([], (value, None))]),
        }
    }
    page.text
}

/// The text format.
#[derive(Default)]
struct Page {
    text: String,
}

impl Page {
    /// A metric with its samples; nothing at all where it has none.
    fn family<'a, const N: usize>(
        &mut self,
        metric: &Metric,
        samples: impl IntoIterator<Item = ([(&'static str, &'a str); N], Sample)>,
    ) {
        let mut samples = samples.into_iter().peekable();
        if samples.peek().is_none() {
            return;
        }
        let Metric { name, kind, help, .. } = metric;
        self.push(&["# HELP ", name, " ", help, "\n# TYPE ", name, " ", kind, "\n"]);
        for (labels, (value, time)) in samples {
            self.push(&[name]);
            for (at, (label, value)) in labels.into_iter().enumerate() {
                self.push(&[if at == 0 { "{" } else { "," }, label, "=\""]);
                self.escaped(value);
                self.push(&["\""]);
            }
            self.push(&[if N == 0 { " " } else { "} " }]);
            self.number(value);
            if let Some(time) = time {
                // Writing to a string does not fail.
                let _ = write!(self.text, " {}", time.as_millisecond());
            }
            self.push(&["\n"]);
        }
    }

    fn push(&mut self, parts: &[&str]) {
        self.text.extend(parts.iter().copied());
    }

    /// A label's value: names of Kubernetes need no escape, but nobody promised that they are.
    fn escaped(&mut self, value: &str) {
        for character in value.chars() {
            match character {
                '\\' => self.text.push_str(r"\\"),
                '"' => self.text.push_str("\\\""),
                '\n' => self.text.push_str(r"\n"),
                other => self.text.push(other),
            }
        }
    }

    /// A number as Go writes one with the fewest digits: from a million on, and below a ten-thousandth, with an exponent.
    fn number(&mut self, value: f64) {
        let scientific = format!("{value:e}");
        let exponent = scientific.split_once('e').and_then(|(mantissa, exponent)| {
            let exponent: i32 = exponent.parse().ok()?;
            (value != 0.0 && !(-4..6).contains(&exponent)).then_some((mantissa, exponent))
        });
        // Writing to a string does not fail.
        let _ = match exponent {
            Some((mantissa, exponent)) => {
                let sign = if exponent < 0 { '-' } else { '+' };
                write!(self.text, "{mantissa}e{sign}{:02}", exponent.abs())
            }
            None => write!(self.text, "{value}"),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_go_writes_them() {
        for (value, expected) in [
            (0.0, "0"),
            (1.0, "1"),
            (40.384910049, "40.384910049"),
            (6197.005020909, "6197.005020909"),
            (999_999.0, "999999"),
            (1_000_000.0, "1e+06"),
            (17_391_616.0, "1.7391616e+07"),
            (1_137_475_584.0, "1.137475584e+09"),
            (1_624_396_248.302_091_6, "1.6243962483020916e+09"),
            (0.0001, "0.0001"),
            (0.000_01, "1e-05"),
            (1e100, "1e+100"),
        ] {
            let mut page = Page::default();
            page.number(value);
            assert_eq!(page.text, expected);
        }
    }

    #[test]
    fn what_a_summary_does_not_say_has_no_sample_and_no_heading() {
        let start = "1970-01-01T00:00:00Z";
        let container = serde_json::json!({"name": "a\"b\\c\nd", "startTime": start});
        let summary = serde_json::from_value(serde_json::json!({
            "node": {"nodeName": "n", "startTime": start, "cpu": {"time": start}},
            "pods": [{"podRef": {"name": "p", "namespace": "n", "uid": "u"}, "startTime": start, "containers": [container]}]
        }));
        let mut summary: Summary = summary.unwrap();
        let only_scrape = text(&summary);
        assert!(only_scrape.starts_with("# HELP resource_scrape_error [STABLE] "), "{only_scrape}");
        summary.pods[0].containers[0].start_time = "2026-01-31T12:00:00Z".parse().unwrap();
        let line = "container_start_time_seconds{container=\"a\\\"b\\\\c\\nd\",namespace=\"n\",pod=\"p\"} 1.7698608e+09\n";
        assert!(text(&summary).contains(line), "{}", text(&summary));
    }

    #[test]
    fn metrics_stand_in_the_order_of_their_names() {
        assert!(METRICS.is_sorted_by_key(|metric| metric.name));
    }
}
