//! The fleet of the embedded simulation as objects for a real KWOK cluster.
//!
//! The same files, the same scaling ([`Manifests::scaled`]), so the same nodes, workloads and numbers of pods. What controllers
//! make (ReplicaSets, the pods of workloads, claims of StatefulSets) is left to them. Of a status, only what nobody else would
//! write is sent: how large a node is. Its conditions and addresses come from KWOK's stages.
//!
//! Nobody wants to wait for a fleet to start as slowly as its pods do later: StatefulSets start their pods in parallel, and
//! [`Cluster::start_fleet`] lets the stage by which pods start do so at once until all are there.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::Context as _;
use cluster_sim::{Manifests, Simulation, SimulationOptions};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::exchange::{Call, TroubleKind};
use super::{Applied, Cluster, Pace, PodCount};
use crate::plan::{Progress, State};

/// What KWOK and the scheduler have to be told about a node.
const NODE_STATUS: [&str; 2] = ["capacity", "allocatable"];

/// Where it is written which fleet there is.
const MARK: &str = "/api/v1/namespaces/kube-system/configmaps/kubernetes-mixin-otel-fleet";

/// The kinds of which a smaller fleet has fewer objects than a larger one before it.
const KINDS: [(&str, &str); 15] = [
    ("kwok.x-k8s.io/v1alpha1", "Stage"),
    ("v1", "Node"),
    ("v1", "PersistentVolume"),
    ("v1", "PersistentVolumeClaim"),
    ("v1", "Pod"),
    ("v1", "ReplicationController"),
    ("v1", "ResourceQuota"),
    ("v1", "Service"),
    ("apps/v1", "DaemonSet"),
    ("apps/v1", "Deployment"),
    ("apps/v1", "ReplicaSet"),
    ("apps/v1", "StatefulSet"),
    ("autoscaling/v2", "HorizontalPodAutoscaler"),
    ("batch/v1", "CronJob"),
    ("batch/v1", "Job"),
];

/// What to apply, and what there is then.
#[derive(Clone, Debug)]
pub struct Fleet {
    /// The objects, in an order in which a server takes them.
    pub objects: Vec<Value>,
    /// How many nodes there are then.
    pub nodes: usize,
    /// How many pods there are once the Jobs and CronJobs have had their runs: the number that was asked for.
    pub pods: usize,
    /// How many of them start within seconds: not those that nothing has room for, whose image cannot be had, or whose run comes
    /// later.
    pub first_pods: usize,
    /// The namespaces that it has pods in.
    pub namespaces: Vec<String>,
    digest: String,
}

impl Fleet {
    /// The fleet of `manifests` at the size of `options`.
    ///
    /// # Errors
    /// When the files do not allow for this size.
    pub fn new(manifests: &Manifests, options: &SimulationOptions) -> anyhow::Result<Self> {
        let size = || format!("{} nodes and {} pods cannot be had", options.nodes, options.pods);
        let scaled = manifests.scaled(options.nodes, options.pods).with_context(size)?;
        let objects: Vec<Value> =
            scaled.manifests().into_iter().map(without_status).map(in_parallel).collect();
        let mut simulation = Simulation::new(manifests, options).with_context(size)?;
        let embedded = simulation.at(simulation.epoch()).context("the fleet has no beginning")?;
        let is_of_job = |owners: Option<&Vec<_>>| {
            owners.into_iter().flatten().any(
                |owner: &k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference| owner.kind == "Job",
            )
        };
        let starts = embedded.pods.iter().filter(|pod| {
            let labels = pod.metadata.labels.as_ref();
            let stage = labels.and_then(|labels| labels.get(cluster_sim::annotations::STAGE));
            let is_bound = pod.spec.as_ref().is_some_and(|spec| spec.node_name.is_some());
            is_bound
                && stage.is_none_or(|stage| stage != "image-pull-backoff")
                && !is_of_job(pod.metadata.owner_references.as_ref())
        });
        let of_jobs: usize = objects.iter().map(first_runs).sum();
        let namespaces: BTreeSet<String> =
            embedded.pods.iter().filter_map(|pod| pod.metadata.namespace.clone()).collect();
        let mut hash = Sha256::new();
        for object in &objects {
            hash.update(object.to_string());
            hash.update("\n");
        }
        let digest = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(Self {
            nodes: options.nodes,
            pods: options.pods,
            first_pods: starts.count() + of_jobs,
            namespaces: namespaces.into_iter().collect(),
            objects,
            digest,
        })
    }
}

/// The object without what servers and controllers write.
fn without_status(mut object: Value) -> Value {
    let is_node = object["kind"] == "Node";
    if let Some(fields) = object.as_object_mut()
        && let Some(Value::Object(mut status)) = fields.remove("status")
    {
        status.retain(|field, _| is_node && NODE_STATUS.contains(&field.as_str()));
        if !status.is_empty() {
            fields.insert("status".to_owned(), Value::Object(status));
        }
    }
    object
}

/// A StatefulSet that does not wait for each of its pods before it makes the next one: in order, a few hundred take an hour.
fn in_parallel(mut object: Value) -> Value {
    if object["kind"] == "StatefulSet" && object["spec"]["podManagementPolicy"].is_null() {
        object["spec"]["podManagementPolicy"] = json!("Parallel");
    }
    object
}

/// The stages by which pods start to run, without their delays.
fn hurried(objects: &[Value]) -> Vec<Value> {
    let starts_pods = |object: &&Value| {
        let spec = &object["spec"];
        let template = spec["next"]["statusTemplate"].as_str().unwrap_or_default();
        object["kind"] == "Stage"
            && spec["resourceRef"]["kind"] == "Pod"
            && !spec["delay"].is_null()
            && template.lines().any(|line| line.trim() == "phase: Running")
    };
    let without_delay = |object: &Value| {
        let mut object = object.clone();
        if let Some(spec) = object["spec"].as_object_mut() {
            spec.remove("delay");
        }
        object
    };
    objects.iter().filter(starts_pods).map(without_delay).collect()
}

/// How many pods of a Job start at once.
fn first_runs(object: &Value) -> usize {
    let spec = &object["spec"];
    if object["kind"] != "Job" || spec["suspend"] == true {
        return 0;
    }
    let number = |field: &str| spec[field].as_u64().map_or(1, |number| usize::try_from(number).unwrap_or(1));
    number("parallelism").min(number("completions"))
}

impl Cluster {
    /// Whether the cluster has this fleet: what was applied last, and that its nodes are still there.
    ///
    /// # Errors
    /// When the server does not say.
    pub async fn look_fleet(&self, fleet: &Fleet) -> anyhow::Result<State> {
        let mark = match self.call(&Call::get(MARK)).await {
            Ok(answer) => answer.json::<Value>(),
            Err(trouble) if trouble.kind == TroubleKind::NotFound => return Ok(State::Absent),
            Err(trouble) => Err(trouble),
        };
        let mark = mark.map_err(|trouble| trouble.error("the fleet cannot be looked at", &self.address))?;
        let text = |field: &str| mark["data"][field].as_str().unwrap_or("?").to_owned();
        if text("objects") != fleet.digest {
            let size = format!("{} nodes and {} pods", text("nodes"), text("pods"));
            let asked = format!("{} nodes and {} pods", fleet.nodes, fleet.pods);
            let what = if size == asked {
                "its objects are others".to_owned()
            } else {
                format!("{size}, not {asked}")
            };
            return Ok(State::Different(what));
        }
        let counts = self.count().await?;
        if counts.nodes.total < fleet.nodes {
            return Ok(State::Different(format!(
                "{} of {} nodes are there",
                counts.nodes.total, fleet.nodes
            )));
        }
        Ok(State::Up(format!("{} nodes, {}", counts.nodes.total, counts.pods)))
    }

    /// Makes the cluster have this fleet: applies its objects, and deletes those of another fleet that was applied before. Its
    /// pods start as its stages say.
    ///
    /// # Errors
    /// As [`Cluster::apply`] has them.
    pub async fn apply_fleet(
        &self,
        fleet: &Fleet,
        pace: Pace,
        progress: &Progress<'_>,
    ) -> anyhow::Result<Applied> {
        let applied = self.apply_and_prune(&fleet.objects, &fleet.objects, pace, progress).await?;
        self.mark(fleet, pace).await?;
        Ok(applied)
    }

    /// Makes the cluster have this fleet and waits until its first pods run. Meanwhile pods start without delay. Who is ended in
    /// the middle begins again: [`Cluster::look_fleet`] says that it is there only when all of this is done.
    ///
    /// # Errors
    /// As [`Cluster::apply`] and [`Cluster::wait_running`] have them.
    pub async fn start_fleet(
        &self,
        fleet: &Fleet,
        pace: Pace,
        deadline: Duration,
        progress: &Progress<'_>,
    ) -> anyhow::Result<(Applied, PodCount)> {
        let hurried = hurried(&fleet.objects);
        let is_slow = |object: &&Value| {
            hurried.iter().any(|other| {
                other["kind"] == object["kind"] && other["metadata"]["name"] == object["metadata"]["name"]
            })
        };
        let (slow, others): (Vec<&Value>, Vec<&Value>) = fleet.objects.iter().partition(is_slow);
        let first: Vec<Value> = hurried.iter().chain(others).cloned().collect();
        let applied = self.apply_and_prune(&first, &fleet.objects, pace, progress).await?;
        let running = self.wait_running(fleet.first_pods, deadline, progress).await;
        // Also when they do not all run: what comes later starts as the files say.
        let slow: Vec<Value> = slow.into_iter().cloned().collect();
        self.apply(&slow, pace, progress).await?;
        let running = running?;
        self.mark(fleet, pace).await?;
        Ok((applied, running))
    }

    async fn apply_and_prune(
        &self,
        objects: &[Value],
        keep: &[Value],
        pace: Pace,
        progress: &Progress<'_>,
    ) -> anyhow::Result<Applied> {
        let applied = self.apply(objects, pace, progress).await?;
        if applied.created < applied.total() {
            let gone = self.prune(&KINDS, keep, pace).await?;
            if gone > 0 {
                progress.show(&format!("{gone} objects of the fleet before are gone"));
            }
        }
        Ok(applied)
    }

    /// Writes down which fleet there is.
    async fn mark(&self, fleet: &Fleet, pace: Pace) -> anyhow::Result<()> {
        let mark = json!({
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "kubernetes-mixin-otel-fleet", "namespace": "kube-system"},
            "data": {
                "objects": fleet.digest,
                "nodes": fleet.nodes.to_string(),
                "pods": fleet.pods.to_string(),
            },
        });
        let marked = self.insist(&Call::apply(MARK, &mark), &pace).await;
        marked
            .map(|_| ())
            .map_err(|trouble| trouble.error("the fleet's mark cannot be written", &self.address))
    }
}
