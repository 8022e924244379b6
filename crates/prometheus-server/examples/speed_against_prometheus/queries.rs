//! The queries, and the times they are asked for.

use crate::{Result, fleet};

/// A query.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Query {
    /// What it stresses.
    pub(crate) name: &'static str,
    pub(crate) text: &'static str,
    /// Asked for the end of the window instead of all of it.
    pub(crate) instant: bool,
}

/// What dashboards ask.
pub(crate) const ALL: [Query; 9] = [
    range("sum by (rate)", "sum by (k8s_namespace_name) (rate(cpu_seconds_total[5m]))"),
    range("sum by", "sum by (k8s_namespace_name) (memory_bytes)"),
    range(
        "join",
        "sum by (k8s_node_name) (memory_bytes * on (k8s_pod_name) group_left (k8s_node_name) pod_info)",
    ),
    range("topk of sums", "topk(10, sum by (k8s_pod_name) (rate(cpu_seconds_total[5m])))"),
    range("one label", r#"memory_bytes{k8s_namespace_name="namespace-3"}"#),
    range("regex", r#"sum(rate(cpu_seconds_total{k8s_pod_name=~"pod-.*7"}[5m]))"#),
    range("histogram_quantile", "histogram_quantile(0.9, sum by (le) (rate(latency_seconds_bucket[5m])))"),
    range("subquery", "max_over_time(sum by (k8s_namespace_name) (rate(cpu_seconds_total[5m]))[10m:1m])"),
    Query {
        name: "instant sum by (rate)",
        text: "sum by (k8s_namespace_name) (rate(cpu_seconds_total[5m]))",
        instant: true,
    },
];

const fn range(name: &'static str, text: &'static str) -> Query {
    Query { name, text, instant: false }
}

/// Evenly spread times within the fleet's hour.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Window {
    pub(crate) steps: usize,
    step: i64,
}

impl Window {
    /// # Errors
    /// When there are more steps than samples.
    pub(crate) fn of_steps(steps: usize) -> Result<Self> {
        if steps == 0 || steps > fleet::SAMPLES {
            return Err(format!("STEPS is {steps}, and must be 1 to {}", fleet::SAMPLES).into());
        }
        // A multiple of the interval keeps all steps as far from a sample as the last one is.
        let step = fleet::INTERVAL * (fleet::SAMPLES / steps) as i64;
        Ok(Self { steps, step })
    }

    pub(crate) fn step_seconds(self) -> i64 {
        self.step
    }

    /// The last step, seconds since the epoch: neither at a sample nor at a whole minute, where subqueries have steps.
    pub(crate) fn end(self) -> i64 {
        fleet::START + fleet::SAMPLES as i64 * fleet::INTERVAL + 3
    }

    pub(crate) fn start(self) -> i64 {
        self.end() - (self.steps as i64 - 1) * self.step
    }
}
