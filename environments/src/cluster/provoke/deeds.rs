//! What is changed for a provocation, and what takes it back.

use cluster_sim::annotations::STAGE;
use cluster_sim::provocation::{FULL, LEAST_FULL, TargetKind};
use cluster_sim::{Action, Provocation, ProvocationError};
use futures_util::future::try_join_all;
use jiff::Timestamp;
use kubelet_stats::Quantity;
use kubelet_stats::annotations::{Amount, Fill, Spike, Window};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::super::Cluster;
use super::super::exchange::{Call, Form, Trouble, TroubleKind};
use super::ledger::Record;
use super::marks::{self, Marks};
use super::scene::{Thing, path, pod_path};

/// By which `kubectl rollout restart` makes a new revision.
const RESTARTED: &str = "kubectl.kubernetes.io/restartedAt";

/// A change of an object.
pub(super) struct Patch {
    pub(super) path: String,
    pub(super) change: Value,
}

/// What is to be done.
pub(super) struct Deed {
    pub(super) patches: Vec<Patch>,
    /// The pods that it is done to, `NAMESPACE/NAME`.
    pub(super) pods: Vec<String>,
    pub(super) former: Former,
}

/// What was there before, to be there again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Former {
    #[default]
    Nothing,
    Replicas(u32),
    RestartedAt(Option<String>),
}

impl Cluster {
    /// What a provocation changes; a [`ProvocationError`] when it cannot be done.
    pub(super) async fn deed(&self, provocation: &Provocation, thing: &Thing) -> anyhow::Result<Deed> {
        let target = &provocation.target;
        let impossible = |reason: String| ProvocationError::Impossible {
            action: provocation.action.name(),
            target: target.clone(),
            reason,
        };
        let failed =
            |trouble: Trouble| trouble.error(&format!("{target} cannot be looked at"), &self.address);
        let on_object = |change: Value, former: Former| Deed {
            patches: vec![Patch { path: path(target), change }],
            pods: Vec::new(),
            former,
        };
        let window = Window {
            since: provocation.since.as_second(),
            until: provocation.until.map(|until| until.as_second().max(provocation.since.as_second() + 1)),
        };
        match &provocation.action {
            Action::NodeDown => Ok(on_object(label(Some("node-down")), Former::Nothing)),
            Action::Scale { replicas } => {
                let object = self.object(&path(target)).await.map_err(failed)?;
                self.check_autoscaler(target, *replicas).await.map_err(failed)?.map_err(impossible)?;
                let former =
                    object["spec"]["replicas"].as_u64().and_then(|number| u32::try_from(number).ok());
                Ok(on_object(json!({"spec": {"replicas": replicas}}), Former::Replicas(former.unwrap_or(1))))
            }
            Action::Rollout => {
                let object = self.object(&path(target)).await.map_err(failed)?;
                let former = object["spec"]["template"]["metadata"]["annotations"][RESTARTED].as_str();
                let change = restart(Some(&provocation.since.to_string()));
                Ok(on_object(change, Former::RestartedAt(former.map(str::to_owned))))
            }
            Action::FillVolume { to } => {
                let percent = to.unwrap_or(FULL);
                if !(LEAST_FULL..=100).contains(&percent) {
                    return Err(impossible(format!("{percent} % is not {LEAST_FULL} % to 100 %")).into());
                }
                let pods = self.mounts(thing).await.map_err(failed)?.map_err(impossible)?;
                let marked = pods.into_iter().map(|(pod, volumes)| {
                    let fill = |volume| Fill { window, volume, percent };
                    (pod, Marks { fills: volumes.into_iter().map(fill).collect(), ..Marks::default() })
                });
                Ok(on_pods(marked.collect()).map_err(impossible)?)
            }
            Action::Spike { .. } if target.kind == TargetKind::Node => {
                let reason = "on a real cluster an annotation of a node restarts its receiver: spike a pod on it instead";
                Err(impossible(reason.to_owned()).into())
            }
            action @ (Action::Crash | Action::Oom | Action::Spike { .. }) => {
                self.check_amounts(action).await.map_err(failed)?.map_err(impossible)?;
                let pods = match target.kind {
                    TargetKind::Pod => vec![self.object(&path(target)).await.map_err(failed)?],
                    _ => self.pods_of(thing).await.map_err(failed)?,
                };
                let running = running(pods, action, target.kind == TargetKind::Pod).map_err(impossible)?;
                let marked = running.into_iter().map(|pod| {
                    let marks = marks_for(action, &pod, window);
                    (pod, marks)
                });
                Ok(on_pods(marked.collect()).map_err(impossible)?)
            }
        }
    }

    /// Puts everything back to what it was before, as it is at `at`.
    pub(super) async fn take_back(&self, record: &Record, at: Timestamp) -> Result<(), Trouble> {
        let Record { provocation, pods, former } = record;
        let target = &provocation.target;
        let one = |change: Value| vec![Patch { path: path(target), change }];
        let patches = match (&provocation.action, former) {
            (Action::NodeDown, _) => one(label(None)),
            (_, Former::Replicas(replicas)) => one(json!({"spec": {"replicas": replicas}})),
            (_, Former::RestartedAt(former)) => one(restart(former.as_deref())),
            (action, Former::Nothing) => {
                let takes_label = matches!(action, Action::Crash | Action::Oom);
                let (since, until) = (provocation.since.as_second(), at.as_second());
                let ends =
                    pods.iter().filter_map(|pod| pod.split_once('/')).map(|(namespace, name)| async move {
                        let path = pod_path(namespace, name);
                        let pod = match self.object(&path).await {
                            Err(trouble) if trouble.kind == TroubleKind::NotFound => return Ok(None),
                            pod => pod?,
                        };
                        let change = marks::end(&pod["metadata"], since, until, takes_label);
                        Ok::<_, Trouble>(Some(Patch { path, change }))
                    });
                try_join_all(ends).await?.into_iter().flatten().collect()
            }
        };
        self.patch_all(patches).await
    }

    async fn object(&self, path: &str) -> Result<Value, Trouble> {
        self.insist(&Call::get(path), &super::Pace::default()).await?.json()
    }

    /// Whether there is a node that has as much as a spike is to take.
    async fn check_amounts(&self, action: &Action) -> Result<Result<(), String>, Trouble> {
        let Action::Spike { cpu, memory } = action else { return Ok(Ok(())) };
        let exact =
            [("cpu", cpu), ("memory", memory)].into_iter().filter_map(|(resource, amount)| match amount {
                Some(Amount::Exactly(wanted)) => Some((resource, *wanted)),
                _ => None,
            });
        let exact: Vec<(&str, Quantity)> = exact.collect();
        if exact.is_empty() {
            return Ok(Ok(()));
        }
        let nodes = self.list("/api/v1/nodes", Form::Whole).await?;
        for (resource, wanted) in exact {
            let capacities = nodes.iter().filter_map(|node| node["status"]["capacity"][resource].as_str());
            let capacities = capacities.filter_map(|text| Some((text.parse::<Quantity>().ok()?, text)));
            if let Some((most, text)) = capacities.max()
                && wanted > most
            {
                let wanted = Amount::Exactly(wanted);
                return Ok(Err(format!(
                    "{resource} {wanted} is more than the {text} that the largest node has"
                )));
            }
        }
        Ok(Ok(()))
    }

    /// Whether an autoscaler would take the new number back.
    async fn check_autoscaler(
        &self,
        target: &cluster_sim::Target,
        replicas: u32,
    ) -> Result<Result<(), String>, Trouble> {
        let namespace = target.namespace.as_deref().unwrap_or_default();
        let collection = format!("/apis/autoscaling/v2/namespaces/{namespace}/horizontalpodautoscalers");
        for autoscaler in self.list(&collection, Form::Whole).await? {
            let spec = &autoscaler["spec"];
            let reference = &spec["scaleTargetRef"];
            if reference["name"] != *target.name || reference["kind"] != target.kind.name() {
                continue;
            }
            let (least, most) = (spec["minReplicas"].as_u64().unwrap_or(1), spec["maxReplicas"].as_u64());
            let name = autoscaler["metadata"]["name"].as_str().unwrap_or_default();
            let most = most.unwrap_or(u64::from(u32::MAX));
            // With none, the autoscaler is off.
            if replicas > 0 && !(least..=most).contains(&u64::from(replicas)) {
                return Ok(Err(format!(
                    "the HorizontalPodAutoscaler {name} keeps it between {least} and {most} pods, and would take that back"
                )));
            }
        }
        Ok(Ok(()))
    }

    /// The pods that mount a claim, or that mount the claims which a pod mounts, with their names for the volumes.
    async fn mounts(&self, thing: &Thing) -> Result<Result<Vec<(Value, Vec<String>)>, String>, Trouble> {
        let target = &thing.target;
        let pods = self.pods_in(target.namespace.as_deref().unwrap_or_default()).await?;
        let wanted: Vec<String> = if target.kind == TargetKind::Pod {
            let own = pods.iter().filter(|pod| pod["metadata"]["name"] == *target.name);
            own.flat_map(claims).map(|(_, claim)| claim).collect()
        } else {
            let claim = self.object(&path(target)).await?;
            if claim["spec"]["volumeName"].is_null() {
                return Ok(Err("it is not bound to a volume".to_owned()));
            }
            vec![target.name.clone()]
        };
        let mounting = pods.into_iter().filter_map(|pod| {
            let volumes: Vec<String> =
                claims(&pod).filter(|(_, claim)| wanted.contains(claim)).map(|(volume, _)| volume).collect();
            (!volumes.is_empty()).then_some((pod, volumes))
        });
        let mounting: Vec<(Value, Vec<String>)> = mounting.collect();
        Ok(match (mounting.is_empty(), target.kind) {
            (false, _) => Ok(mounting),
            (true, TargetKind::Pod) => Err("it has no volume of a PersistentVolumeClaim".to_owned()),
            (true, _) => Err("no pod mounts it, so nobody measures its volume".to_owned()),
        })
    }
}

fn label(value: Option<&str>) -> Value {
    json!({"metadata": {"labels": {cluster_sim::annotations::PROVOKED: value}}})
}

fn restart(at: Option<&str>) -> Value {
    json!({"spec": {"template": {"metadata": {"annotations": {RESTARTED: at}}}}})
}

/// The volumes of a pod that are claims: their names, and the claims'.
fn claims(pod: &Value) -> impl Iterator<Item = (String, String)> + '_ {
    pod["spec"]["volumes"].as_array().into_iter().flatten().filter_map(|volume| {
        let claim = volume["persistentVolumeClaim"]["claimName"].as_str()?;
        Some((volume["name"].as_str()?.to_owned(), claim.to_owned()))
    })
}

/// The pods of these that run and that this can be done to; why there is none.
fn running(pods: Vec<Value>, action: &Action, is_one: bool) -> Result<Vec<Value>, String> {
    let mut why = None;
    let running: Vec<Value> = pods
        .into_iter()
        .filter(|pod| match check(pod, action) {
            Ok(()) => true,
            Err(reason) => {
                why = Some(reason);
                false
            }
        })
        .collect();
    match why {
        _ if !running.is_empty() => Ok(running),
        Some(reason) if is_one => Err(reason),
        Some(reason) => Err(format!("nothing of it runs that this can be done to: {reason}")),
        None => Err("nothing of it runs now".to_owned()),
    }
}

/// Why this cannot be done to a pod.
fn check(pod: &Value, action: &Action) -> Result<(), String> {
    let ends = matches!(action, Action::Crash | Action::Oom);
    let stage = pod["metadata"]["labels"][STAGE].as_str();
    let reason = match (pod["status"]["phase"].as_str(), stage) {
        (Some("Succeeded" | "Failed"), _) => "it has ended",
        (_, Some("image-pull-backoff")) => "it does not run: its image cannot be had",
        (Some("Running"), Some("crash-loop")) if ends => "it is in a crash loop already, by its manifest",
        (Some("Running"), Some("failed" | "evicted")) if ends => "its pods end by themselves",
        (Some("Running"), _) if *action == Action::Oom && memory_limit(pod).is_none() => {
            "its first container has no memory limit to run into"
        }
        (Some("Running"), _) => return Ok(()),
        _ => "it does not run",
    };
    Err(reason.to_owned())
}

fn memory_limit(pod: &Value) -> Option<&str> {
    pod.pointer("/spec/containers/0/resources/limits/memory")?.as_str()
}

fn marks_for(action: &Action, pod: &Value, window: Window) -> Marks {
    match action {
        Action::Crash => Marks { label: Some("crash"), ..Marks::default() },
        Action::Oom => {
            let container = pod.pointer("/spec/containers/0/name").and_then(Value::as_str).map(str::to_owned);
            let spike = Spike { window, container, cpu: None, memory: Some(Amount::Limit) };
            Marks { label: Some("oom"), spike: Some(spike), fills: Vec::new() }
        }
        Action::Spike { cpu, memory } => {
            // Without anything given, CPU at its limit.
            let cpu = cpu.or(memory.is_none().then_some(Amount::Limit));
            Marks { spike: Some(Spike { window, container: None, cpu, memory: *memory }), ..Marks::default() }
        }
        _ => Marks::default(),
    }
}

/// The changes that put marks on pods.
fn on_pods(marked: Vec<(Value, Marks)>) -> Result<Deed, String> {
    let (mut patches, mut pods) = (Vec::new(), Vec::new());
    for (pod, marks) in marked {
        let metadata = &pod["metadata"];
        let text = |field: &str| metadata[field].as_str().unwrap_or_default();
        let (namespace, name) = (text("namespace"), text("name"));
        let change =
            marks::put(metadata, &marks).map_err(|reason| format!("pod {namespace}/{name}: {reason}"))?;
        patches.push(Patch { path: pod_path(namespace, name), change });
        pods.push(format!("{namespace}/{name}"));
    }
    Ok(Deed { patches, pods, former: Former::Nothing })
}
