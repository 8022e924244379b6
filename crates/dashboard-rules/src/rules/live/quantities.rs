//! What several of our dashboards show, each in its own way, and has to be the same on all of them.

use std::collections::BTreeSet;

use grafana::model::Panel;

use crate::finding::Findings;
use crate::live::{Live, Look};
use crate::subject::{Dashboard, panel_name};

/// The sum of what these panels show in the end.
struct Quantity {
    what: &'static str,
    /// The dashboard of the first one is where it is looked for.
    panels: &'static [Side],
}

/// A panel by the uid of its dashboard and its title.
struct Side {
    uid: &'static str,
    title: &'static str,
    /// Only the series whose label has the value of this variable.
    part: Option<(&'static str, &'static str)>,
}

const fn side(uid: &'static str, title: &'static str) -> Side {
    Side { uid, title, part: None }
}

/// What the whole cluster's dashboard says about one namespace.
const fn of_namespace(title: &'static str) -> Side {
    Side { uid: "k8s-otel-cluster", title, part: Some(("k8s_namespace_name", "namespace")) }
}

/// The table of invariants.
const QUANTITIES: &[Quantity] = &[
    Quantity {
        what: "the CPU of all clusters",
        panels: &[
            side("k8s-otel-multicluster", "CPU usage by cluster"),
            side("k8s-otel-cluster", "CPU usage by namespace"),
        ],
    },
    Quantity {
        what: "the memory of all clusters",
        panels: &[
            side("k8s-otel-multicluster", "Memory usage by cluster"),
            side("k8s-otel-cluster", "Memory usage by namespace"),
        ],
    },
    Quantity {
        what: "what all clusters receive",
        panels: &[
            side("k8s-otel-multicluster", "Receive bandwidth"),
            side("k8s-otel-cluster", "Receive bandwidth"),
            side("k8s-otel-net-cluster", "Receive bandwidth"),
        ],
    },
    Quantity {
        what: "what all clusters send",
        panels: &[
            side("k8s-otel-multicluster", "Transmit bandwidth"),
            side("k8s-otel-cluster", "Transmit bandwidth"),
            side("k8s-otel-net-cluster", "Transmit bandwidth"),
        ],
    },
    Quantity {
        what: "the CPU of the namespace",
        panels: &[
            side("k8s-otel-namespace-pods", "CPU usage by pod"),
            side("k8s-otel-namespace-workloads", "CPU usage by workload"),
            of_namespace("CPU usage by namespace"),
        ],
    },
    Quantity {
        what: "the memory of the namespace",
        panels: &[
            side("k8s-otel-namespace-pods", "Memory usage by pod"),
            side("k8s-otel-namespace-workloads", "Memory usage by workload"),
            of_namespace("Memory usage by namespace"),
        ],
    },
    Quantity {
        what: "what the namespace receives",
        panels: &[
            side("k8s-otel-namespace-pods", "Receive bandwidth"),
            side("k8s-otel-namespace-workloads", "Receive bandwidth"),
            side("k8s-otel-net-namespace-pods", "Receive bandwidth"),
            side("k8s-otel-net-namespace-workloads", "Receive bandwidth"),
            of_namespace("Receive bandwidth"),
        ],
    },
    Quantity {
        what: "what the namespace sends",
        panels: &[
            side("k8s-otel-namespace-pods", "Transmit bandwidth"),
            side("k8s-otel-namespace-workloads", "Transmit bandwidth"),
            side("k8s-otel-net-namespace-pods", "Transmit bandwidth"),
            side("k8s-otel-net-namespace-workloads", "Transmit bandwidth"),
            of_namespace("Transmit bandwidth"),
        ],
    },
    Quantity {
        what: "what the pod receives",
        panels: &[side("k8s-otel-pod", "Receive bandwidth"), side("k8s-otel-net-pod", "Receive bandwidth")],
    },
    Quantity {
        what: "what the workload receives",
        panels: &[
            side("k8s-otel-workload", "Receive bandwidth"),
            side("k8s-otel-net-workload", "Receive bandwidth"),
        ],
    },
];

/// Two panels may differ by this part of the larger value: one may ask a step earlier than the other.
const TOLERANCE: f64 = 0.05;

/// Compares what begins at this dashboard.
pub(super) fn compare(look: &Look<'_>, live: &Live<'_>, findings: &mut Findings<'_>) {
    for quantity in QUANTITIES {
        let Some((first, others)) = quantity.panels.split_first() else { continue };
        if look.dashboard.model.uid.as_deref() != Some(first.uid) {
            continue;
        }
        let Some(panel) = find(look.dashboard, first.title) else { continue };
        let Some(here) = total(look, panel, first, look, live) else { continue };
        for other in others {
            let Some(dashboard) = live.subject.with_uid(other.uid).next() else { continue };
            let Some(there) = find(dashboard, other.title) else { continue };
            let Some(value) = total_elsewhere(look, dashboard, there, other, live) else { continue };
            let difference = (here - value).abs();
            if difference <= TOLERANCE * here.abs().max(value.abs()) {
                continue;
            }
            let message = format!(
                "{} {} is {here:.4} here and {value:.4} on {:?} in {:?}, {:.0} % apart: one of the two counts wrong",
                look.choice.text(),
                quantity.what,
                dashboard.model.title,
                panel_name(there).title,
                100.0 * difference / here.abs().max(value.abs()),
            );
            findings.add(look.dashboard.place_of_panel(panel), message);
        }
    }
}

fn find<'d>(dashboard: &'d Dashboard, title: &str) -> Option<&'d Panel> {
    dashboard.panels().map(|(_, panel)| panel).find(|panel| panel.title == title)
}

fn total_elsewhere(
    look: &Look<'_>,
    dashboard: &Dashboard,
    panel: &Panel,
    side: &Side,
    live: &Live<'_>,
) -> Option<f64> {
    let only = panel.id.map(|id| BTreeSet::from([id]));
    let other = Look::of_panels(dashboard, look.choice_for(dashboard), only, live);
    total(&other, panel, side, look, live)
}

/// The sum over the first query's series of their values in the end.
fn total(look: &Look<'_>, panel: &Panel, side: &Side, asked: &Look<'_>, live: &Live<'_>) -> Option<f64> {
    let (_, target) = look.targets().find(|(one, _)| one.panel().path == panel.path)?;
    let part = match side.part {
        Some((label, variable)) => Some((label, asked.view.values.get(variable)?.values())),
        None => None,
    };
    let answer = live.metrics().answer(&target.query, target.asked).ok()?;
    let counts = |series: &&grafana::prometheus::Series| {
        part.as_ref().is_none_or(|(label, values)| {
            series.labels.get(*label).is_some_and(|value| values.contains(&value.as_str()))
        })
    };
    let end = answer.series.iter().filter_map(|series| series.points.last()).map(|(time, _)| *time).max()?;
    let values = answer.series.iter().filter(counts).filter_map(|series| series.points.last());
    // A series that ended earlier is not there in the end.
    Some(values.filter(|(time, _)| *time == end).map(|(_, value)| *value).sum())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn every_panel_of_the_table_is_on_one_of_our_dashboards() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../dashboards/generated");
        for quantity in QUANTITIES {
            for side in quantity.panels {
                let text = std::fs::read_to_string(folder.join(format!("{}.json", side.uid))).unwrap();
                let dashboard = crate::subject::read_text("x.json", &text).unwrap();
                assert!(find(&dashboard, side.title).is_some(), "{}: {}", side.uid, side.title);
            }
        }
    }
}
