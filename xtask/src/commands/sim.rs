//! `cargo xtask sim`: trouble on purpose.

use std::borrow::Borrow;
use std::process::ExitCode;

use anyhow::anyhow;
use clap::{Args, Subcommand};
use cluster_sim::provocation::TargetKind;
use cluster_sim::{Action, Provocation, Target};
use jiff::SignedDuration;
use kubelet_stats::annotations::Amount;
use serde::Serialize;

use crate::commands::real::{self, Answered, Asked};
use crate::commands::{Format, chosen_real};
use crate::context::Context;
use crate::environment::{
    ActiveProvocation, EnvironmentName, EnvironmentStatus, PROVOKE, Presence, Provoke, Provoked,
    RunningEnvironment, StateFolder, UNDO, Undo, Undone, ask_change, silent, time_of_day,
};
use crate::ui::{Table, Usage, print_result};

/// Provoke something in the running environment, and see it at the next scrape.
///
/// A target is written as far as it is needed to tell it from others: NAME, NAMESPACE/NAME, KIND/NAME or
/// KIND/NAMESPACE/NAME, with kubectl's kinds (deployment or deploy, sts, ds, po, node, pvc, …). What is provoked lasts for
/// --for, or until it is undone; then the object is well again, and what was counted stays counted. One object takes one
/// provocation at a time.
///
///   cargo xtask sim node-down general-0003 --for 10m
///   cargo xtask sim scale shop/cart --replicas 8
///   cargo xtask sim list
///   cargo xtask sim undo --all
///
/// `cargo xtask kwok --scenario FILE` does the same from a file, at set times. On a container engine it is done to the objects of
/// the real API server, from now on; what has an end ends while `cargo xtask kwok` stays in its terminal, or at the next `sim`.
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Sim {
    #[command(subcommand)]
    deed: Deed,

    /// Which environment, where several run [default: the usual one, or the only one that runs]
    #[arg(long, value_name = "NAME", global = true)]
    name: Option<EnvironmentName>,

    /// Which cluster of an environment with several [default: the first one]
    #[arg(long, value_name = "NAME", global = true)]
    cluster: Option<String>,
}

#[derive(Subcommand)]
enum Deed {
    /// A node's kubelet falls silent: the node is not ready, its metrics end, its pods are not ready.
    NodeDown(Whom),
    /// The first container of a pod, or of all pods of a workload, ends with code 1 again and again.
    Crash(Whom),
    /// The first container of a pod, or of all pods of a workload, runs out of memory again and again.
    Oom(Whom),
    /// A pod, all pods of a workload, or a node use more CPU or memory.
    Spike(Spike),
    /// The volume of a claim, or the volumes of a pod's claims, are nearly full.
    FillVolume(FillVolume),
    /// A workload has another number of pods.
    Scale(Scale),
    /// A workload's pods are replaced one after the other.
    Rollout(Whom),
    /// Show what is provoked and not over.
    List(List),
    /// End what was provoked, from the next scrape on.
    Undo(UndoWhat),
}

#[derive(Args)]
struct Whom {
    /// To whom: NAME, NAMESPACE/NAME, KIND/NAME or KIND/NAMESPACE/NAME.
    target: String,

    /// For how long, for example 10m; without it until it is undone.
    #[arg(long = "for", value_name = "DURATION", value_parser = super::parse_duration)]
    duration: Option<SignedDuration>,
}

#[derive(Args)]
struct Spike {
    #[command(flatten)]
    whom: Whom,

    /// How much CPU: limit, x4 (four times as much as else), or an amount like 1500m [default: limit]
    #[arg(long, value_name = "AMOUNT")]
    cpu: Option<Amount>,

    /// How much memory: limit, x2, or an amount like 512Mi [default: as else]
    #[arg(long, value_name = "AMOUNT")]
    memory: Option<Amount>,
}

#[derive(Args)]
struct FillVolume {
    #[command(flatten)]
    whom: Whom,

    /// How full, in percent, from 95 on [default: 96]
    #[arg(long, value_name = "PERCENT", allow_negative_numbers = true)]
    to: Option<u8>,
}

#[derive(Args)]
struct Scale {
    #[command(flatten)]
    whom: Whom,

    /// How many pods it shall have.
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    replicas: u32,
}

#[derive(Args)]
struct List {
    /// How to print it. "json" is a list.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Args)]
struct UndoWhat {
    /// The number that `sim` and `sim list` show.
    #[arg(required_unless_present = "all")]
    id: Option<u32>,

    /// Everything.
    #[arg(long, conflicts_with = "id")]
    all: bool,
}

impl Sim {
    pub(crate) fn run(self, context: &Context) -> anyhow::Result<ExitCode> {
        let format = match &self.deed {
            Deed::List(List { format }) => *format,
            _ => Format::Text,
        };
        let asked = match self.deed {
            Deed::NodeDown(whom) => whom.suffers(Action::NodeDown)?,
            Deed::Crash(whom) => whom.suffers(Action::Crash)?,
            Deed::Oom(whom) => whom.suffers(Action::Oom)?,
            Deed::Spike(Spike { whom, cpu, memory }) => whom.suffers(Action::Spike { cpu, memory })?,
            Deed::FillVolume(FillVolume { whom, to }) => whom.suffers(Action::FillVolume { to })?,
            Deed::Scale(Scale { whom, replicas }) => whom.suffers(Action::Scale { replicas })?,
            Deed::Rollout(whom) => whom.suffers(Action::Rollout)?,
            Deed::List(_) => Asked::List,
            Deed::Undo(UndoWhat { id, all: _ }) => Asked::Undo { id },
        };
        let cluster = self.cluster.as_deref();
        if let Some(real) = chosen_real(self.name.as_ref())? {
            if let Some(cluster) = cluster {
                return Err(Usage(format!("--cluster {cluster}: {} has one cluster", real.name)).into());
            }
            match real::sim(context, &real, &asked)? {
                Answered::Provoked(provoked) => print_result(&provoked_text(&provoked, &real.name))?,
                Answered::Listed(active) => print_result(&list(&active, format)?)?,
                Answered::Undone(undone) => print_result(&undone_text(&undone, false))?,
                #[cfg(not(feature = "clusters"))]
                Answered::Elsewhere(code) => return Ok(code),
            }
            return Ok(ExitCode::SUCCESS);
        }
        let (environment, status) = running(self.name.as_ref())?;
        match asked {
            Asked::List => print_result(&list(&in_cluster(&status, cluster)?, format)?)?,
            Asked::Undo { id } => {
                let wish = Undo { cluster: self.cluster, id, all: id.is_none() };
                let undone: Undone = ask_change(&environment, UNDO, &wish)?;
                print_result(&undone_text(&undone, status.clusters.len() > 1))?;
            }
            Asked::Provoke { action, target, for_seconds } => {
                let wish = Provoke { cluster: self.cluster, action, target, for_seconds };
                let provoked: Provoked = ask_change(&environment, PROVOKE, &wish)?;
                print_result(&provoked_text(&provoked, &environment.name))?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Whom {
    fn suffers(self, action: Action) -> anyhow::Result<Asked> {
        let for_seconds = self.duration.map(seconds).transpose()?;
        Ok(Asked::Provoke { action, target: self.target, for_seconds })
    }
}

/// The embedded environment that is meant.
fn running(
    name: Option<&EnvironmentName>,
) -> anyhow::Result<(Box<RunningEnvironment>, Box<EnvironmentStatus>)> {
    match StateFolder::of_user()?.find(name)? {
        (_, Presence::Running(environment, status)) => Ok((environment, status)),
        (name, Presence::Silent { pid, came_up }) => Err(silent(&name, pid, came_up)),
        (name, Presence::Absent) => Err(anyhow!(
            "nothing runs that something could be done to: `cargo xtask kwok{}` starts an environment, with --detach \
             in the background",
            name.flag()
        )),
    }
}

/// At least one: less than that no scrape would see.
fn seconds(duration: SignedDuration) -> anyhow::Result<u32> {
    let whole = u32::try_from(duration.as_secs()).ok().filter(|whole| *whole > 0);
    whole.ok_or_else(|| Usage("--for takes at least 1s and at most 136 years".to_owned()).into())
}

/// What is provoked, in one cluster or in all.
fn in_cluster<'a>(
    status: &'a EnvironmentStatus,
    cluster: Option<&str>,
) -> anyhow::Result<Vec<&'a ActiveProvocation>> {
    if let Some(cluster) = cluster
        && !status.clusters.iter().any(|name| name == cluster)
    {
        let names = status.clusters.join(", ");
        return Err(Usage(format!("there is no cluster {cluster:?}; there is {names}")).into());
    }
    let here = |active: &&ActiveProvocation| cluster.is_none_or(|cluster| cluster == active.cluster);
    Ok(status.provocations.iter().filter(here).collect())
}

fn list<T: Borrow<ActiveProvocation> + Serialize>(shown: &[T], format: Format) -> anyhow::Result<String> {
    if format == Format::Json {
        return Ok(format!("{}\n", serde_json::to_string_pretty(&shown)?));
    }
    if shown.is_empty() {
        return Ok("nothing is provoked\n".to_owned());
    }
    let mut table = Table::default();
    table.number_column("id");
    for column in ["cluster", "action", "target", "how", "from", "lasts"] {
        table.text_column(column);
    }
    for active in shown {
        let active = active.borrow();
        let Provocation { id, action, target, since, until } = &active.provocation;
        let until =
            until.map_or_else(|| "undone".to_owned(), |until| until.strftime("%F %T UTC").to_string());
        table.row(vec![
            id.to_string(),
            active.cluster.clone(),
            action.name().to_owned(),
            target.to_string(),
            active.how(),
            since.strftime("%F %T UTC").to_string(),
            format!("until {until}"),
        ]);
    }
    Ok(table.render())
}

/// Numbers count in each cluster: where there are several, it says in which one.
fn undone_text(undone: &Undone, several: bool) -> String {
    if undone.provocations.is_empty() {
        return "nothing is provoked\n".to_owned();
    }
    let lines = undone.provocations.iter().map(|ActiveProvocation { cluster, provocation }| {
        let Provocation { id, action, target, .. } = provocation;
        let place = if several { format!(" --cluster {cluster}") } else { String::new() };
        format!("undone: {} {target} ({id}{place})\n", action.name())
    });
    let visible = format!("visible at the scrape of {}\n", time_of_day(undone.visible_at));
    lines.chain([visible]).collect()
}

fn provoked_text(provoked: &Provoked, name: &EnvironmentName) -> String {
    let ActiveProvocation { cluster, provocation } = &provoked.provocation;
    let one_of_several = (provoked.clusters > 1).then_some(&**cluster);
    let flags = format!(
        "{}{}",
        name.flag(),
        one_of_several.map(|cluster| format!(" --cluster {cluster}")).unwrap_or_default()
    );
    format!(
        "{}\nvisible at the scrape of {}:\n  cargo xtask query '{}'{}\n  cargo xtask sim undo {}{flags}\n",
        provoked.provocation.line(),
        time_of_day(provoked.visible_at),
        effect(provocation, one_of_several),
        name.flag(),
        provocation.id,
    )
}

/// A query that shows what a provocation does.
fn effect(provocation: &Provocation, cluster: Option<&str>) -> String {
    let target = &provocation.target;
    let mut matchers = own_matchers(target);
    if let Some(cluster) = cluster {
        matchers.insert(0, format!("k8s_cluster_name={cluster:?}"));
    }
    let of = |metric: &str| format!("{metric}{{{}}}", matchers.join(","));
    match (&provocation.action, target.kind) {
        (Action::NodeDown, _) => of("k8s_node_condition_ready"),
        (Action::Crash, _) => of("k8s_container_ready"),
        (Action::Oom, _) => of("container_memory_working_set_bytes"),
        (Action::Spike { cpu: None, memory: Some(_) }, TargetKind::Node) => {
            of("k8s_node_memory_working_set_bytes")
        }
        (Action::Spike { cpu: None, memory: Some(_) }, _) => of("k8s_pod_memory_working_set_bytes"),
        (Action::Spike { .. }, TargetKind::Node) => of("k8s_node_cpu_usage"),
        (Action::Spike { .. }, _) => of("k8s_pod_cpu_usage"),
        (Action::FillVolume { .. }, _) => {
            matchers.push("k8s_volume_type=\"persistentVolumeClaim\"".to_owned());
            let of = |metric: &str| format!("{metric}{{{}}}", matchers.join(","));
            format!("{} / {}", of("k8s_volume_available_bytes"), of("k8s_volume_capacity_bytes"))
        }
        (Action::Scale { .. }, TargetKind::Deployment) => of("k8s_deployment_desired"),
        (Action::Scale { .. }, TargetKind::StatefulSet) => of("k8s_statefulset_desired_pods"),
        (Action::Scale { .. }, TargetKind::ReplicaSet) => of("k8s_replicaset_desired"),
        (Action::Scale { .. }, TargetKind::ReplicationController) => {
            // Its own series name it; those of its pods, which the other queries are about, do not.
            matchers.pop();
            matchers.push(format!("k8s_replicationcontroller_name={:?}", target.name));
            format!("k8s_replication_controller_desired{{{}}}", matchers.join(","))
        }
        (Action::Scale { .. }, _) => format!("count({})", of("k8s_pod_phase")),
        (Action::Rollout, TargetKind::Deployment) => {
            format!("count by (k8s_replicaset_name) ({})", of("k8s_pod_phase"))
        }
        (Action::Rollout, TargetKind::StatefulSet) => of("k8s_statefulset_updated_pods"),
        // A DaemonSet's metrics do not tell its revisions: the youngest of its pods does.
        (Action::Rollout, _) => format!("min({})", of("k8s_pod_uptime_seconds_total")),
    }
}

/// What selects the series of an object, or those of the pods of a workload.
fn own_matchers(target: &Target) -> Vec<String> {
    let name = &target.name;
    let own = match target.kind {
        TargetKind::Node => format!("k8s_node_name={name:?}"),
        TargetKind::Pod => format!("k8s_pod_name={name:?}"),
        TargetKind::Deployment => format!("k8s_deployment_name={name:?}"),
        TargetKind::StatefulSet => format!("k8s_statefulset_name={name:?}"),
        TargetKind::DaemonSet => format!("k8s_daemonset_name={name:?}"),
        TargetKind::ReplicaSet => format!("k8s_replicaset_name={name:?}"),
        TargetKind::Job => format!("k8s_job_name={name:?}"),
        TargetKind::CronJob => format!("k8s_cronjob_name={name:?}"),
        TargetKind::PersistentVolumeClaim => format!("k8s_persistentvolumeclaim_name={name:?}"),
        // No label of its pods names it.
        TargetKind::ReplicationController => format!("k8s_pod_name=~\"{name}-[a-z0-9]+\""),
    };
    target
        .namespace
        .iter()
        .map(|namespace| format!("k8s_namespace_name={namespace:?}"))
        .chain([own])
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn provocation(action: Action, target: &str) -> Provocation {
        let since = "2026-11-23T12:00:15Z".parse().unwrap();
        Provocation { id: 2, action, target: target.parse().unwrap(), since, until: None }
    }

    #[test]
    fn every_action_has_a_query_that_can_be_read_and_names_the_target() {
        let spike = |cpu: Option<&str>, memory: Option<&str>| Action::Spike {
            cpu: cpu.map(|amount| amount.parse().unwrap()),
            memory: memory.map(|amount| amount.parse().unwrap()),
        };
        for (action, target, part) in [
            (Action::NodeDown, "node/general-0003", "k8s_node_condition_ready{"),
            (Action::Crash, "pod/shop/web-1", "k8s_container_ready{"),
            (Action::Crash, "daemonset/shop/agent", "k8s_daemonset_name=\"agent\""),
            (Action::Oom, "deployment/shop/cart", "container_memory_working_set_bytes{"),
            (spike(None, None), "node/general-0003", "k8s_node_cpu_usage{"),
            (spike(None, None), "pod/shop/web-1", "k8s_pod_cpu_usage{"),
            (spike(None, Some("limit")), "pod/shop/web-1", "k8s_pod_memory_working_set_bytes{"),
            (spike(None, Some("x2")), "node/general-0003", "k8s_node_memory_working_set_bytes{"),
            (spike(Some("x2"), Some("limit")), "job/shop/report", "k8s_job_name=\"report\""),
            (Action::FillVolume { to: None }, "pvc/shop/data-search-0", "k8s_persistentvolumeclaim_name"),
            (
                Action::FillVolume { to: None },
                "pod/shop/search-0",
                "k8s_volume_type=\"persistentVolumeClaim\"",
            ),
            (Action::Scale { replicas: 3 }, "deployment/shop/cart", "k8s_deployment_desired{"),
            (Action::Scale { replicas: 3 }, "statefulset/shop/search", "k8s_statefulset_desired_pods{"),
            (Action::Scale { replicas: 3 }, "replicaset/shop/old", "k8s_replicaset_desired{"),
            (
                Action::Scale { replicas: 3 },
                "replicationcontroller/shop/old",
                "k8s_replicationcontroller_name=\"old\"",
            ),
            (Action::Rollout, "deployment/shop/cart", "count by (k8s_replicaset_name)"),
            (Action::Rollout, "statefulset/shop/search", "k8s_statefulset_updated_pods{"),
            (Action::Rollout, "daemonset/shop/agent", "min(k8s_pod_uptime_seconds_total{"),
        ] {
            let provocation = provocation(action, target);
            for cluster in [None, Some("kwok-2")] {
                let query = effect(&provocation, cluster);
                assert!(query.contains(part) && query.contains(&provocation.target.name), "{query}");
                assert_eq!(query.contains("k8s_cluster_name=\"kwok-2\""), cluster.is_some(), "{query}");
                assert!(promql::parse(&query, promql::ParseOptions::default()).is_ok(), "{query}");
                for metric in query.split(|c: char| !(c.is_alphanumeric() || c == '_')) {
                    let is_metric = query.contains(&format!("{metric}{{"));
                    assert!(
                        !is_metric
                            || metric.is_empty()
                            || catalogue::find_by_prometheus_name(metric).is_some(),
                        "{metric}"
                    );
                }
            }
        }
    }

    #[test]
    fn the_answer_says_what_happens_when_it_is_seen_and_how_it_is_undone() {
        let answer = |clusters| Provoked {
            provocation: ActiveProvocation {
                cluster: "kwok-1".to_owned(),
                provocation: provocation(Action::NodeDown, "node/a"),
            },
            visible_at: "2026-11-23T12:00:15Z".parse().unwrap(),
            clusters,
        };
        let usual = EnvironmentName::default();
        assert_eq!(
            provoked_text(&answer(1), &usual),
            "2: node-down node/a, from 12:00:15 UTC until it is undone\nvisible at the scrape of 12:00:15 UTC:\n  \
             cargo xtask query 'k8s_node_condition_ready{k8s_node_name=\"a\"}'\n  cargo xtask sim undo 2\n"
        );
        let second = provoked_text(&answer(2), &"second".parse().unwrap());
        assert!(
            second.ends_with("' --name second\n  cargo xtask sim undo 2 --name second --cluster kwok-1\n"),
            "{second}"
        );
    }

    #[test]
    fn where_there_are_several_clusters_what_was_undone_says_in_which() {
        let undone = Undone {
            provocations: vec![ActiveProvocation {
                cluster: "kwok-2".to_owned(),
                provocation: provocation(Action::NodeDown, "node/a"),
            }],
            visible_at: "2026-11-23T12:00:15Z".parse().unwrap(),
        };
        let seen = "visible at the scrape of 12:00:15 UTC\n";
        assert_eq!(undone_text(&undone, false), format!("undone: node-down node/a (2)\n{seen}"));
        assert_eq!(
            undone_text(&undone, true),
            format!("undone: node-down node/a (2 --cluster kwok-2)\n{seen}")
        );
    }

    #[test]
    fn a_provocation_lasts_at_least_a_second() {
        assert_eq!(seconds(SignedDuration::from_mins(10)).unwrap(), 600);
        for duration in [SignedDuration::ZERO, SignedDuration::from_millis(999), SignedDuration::MAX] {
            assert!(seconds(duration).unwrap_err().downcast_ref::<Usage>().is_some(), "{duration:?}");
        }
    }
}
