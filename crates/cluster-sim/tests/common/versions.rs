//! Objects, their versions and their Arcs: all three change together.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use cluster_sim::{ClusterObjects, Simulation};
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::Metadata;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde_json::Value;

/// Follows `simulation` second by second, and panics when an object changes without its version or the other way round.
/// `lenient`: what counts pods may get another version without a change. Answers how often objects of each kind changed.
pub(crate) fn check(
    simulation: &mut Simulation,
    start: Timestamp,
    seconds: i64,
    lenient: bool,
) -> BTreeMap<String, usize> {
    let mut before = simulation.at(start).unwrap();
    let mut changes = BTreeMap::<String, usize>::new();
    for second in 1..seconds {
        let now = simulation.at(start + SignedDuration::from_secs(second)).unwrap();
        if Arc::ptr_eq(&before, &now) {
            continue;
        }
        for (old, new) in changed(&before, &now) {
            let version = |tree: &Value| tree["metadata"]["resourceVersion"].clone();
            let name = format!("{} {} at second {second}", new["kind"], new["metadata"]["name"]);
            assert!(version(&old) != version(&new), "{name} is another Arc, but no other version");
            let number = |tree: &Value| version(tree).as_str().unwrap().parse::<u64>().unwrap();
            assert!(number(&old) < number(&new), "the version of {name} falls");
            let mut unversioned = new.clone();
            unversioned["metadata"]["resourceVersion"] = version(&old);
            let same = old == unversioned;
            // When a pod that is not ready is replaced by another one, its owner's numbers stay.
            let may_be_same = lenient && !["Pod", "Node"].contains(&new["kind"].as_str().unwrap());
            assert!(!same || may_be_same, "{name} has another version, but did not change");
            *changes.entry(new["kind"].as_str().unwrap().to_owned()).or_default() += 1;
        }
        before = now;
    }
    changes
}

/// Objects with one uid in both snapshots that are not the same Arc, as JSON.
fn changed(before: &ClusterObjects, now: &ClusterObjects) -> Vec<(Value, Value)> {
    fn of<T: Metadata<Ty = ObjectMeta> + serde::Serialize>(
        before: &[Arc<T>],
        now: &[Arc<T>],
    ) -> Vec<(Value, Value)> {
        let tree = |object: &Arc<T>| serde_json::to_value(&**object).unwrap();
        let old: HashMap<_, _> =
            before.iter().map(|object| (object.metadata().uid.as_deref(), object)).collect();
        now.iter()
            .filter_map(|object| Some((*old.get(&object.metadata().uid.as_deref())?, object)))
            .filter(|(old, new)| !Arc::ptr_eq(old, new))
            .map(|(old, new)| (tree(old), tree(new)))
            .collect()
    }
    let mut pairs = of(&before.pods, &now.pods);
    pairs.extend(of(&before.nodes, &now.nodes));
    pairs.extend(of(&before.deployments, &now.deployments));
    pairs.extend(of(&before.replica_sets, &now.replica_sets));
    pairs.extend(of(&before.stateful_sets, &now.stateful_sets));
    pairs.extend(of(&before.daemon_sets, &now.daemon_sets));
    pairs.extend(of(&before.jobs, &now.jobs));
    pairs.extend(of(&before.cron_jobs, &now.cron_jobs));
    pairs.extend(of(&before.horizontal_pod_autoscalers, &now.horizontal_pod_autoscalers));
    pairs.extend(of(&before.resource_quotas, &now.resource_quotas));
    pairs.extend(of(&before.replication_controllers, &now.replication_controllers));
    pairs.extend(of(&before.services, &now.services));
    pairs.extend(of(&before.endpoint_slices, &now.endpoint_slices));
    pairs.extend(of(&before.namespaces, &now.namespaces));
    pairs.extend(of(&before.persistent_volume_claims, &now.persistent_volume_claims));
    pairs.extend(of(&before.persistent_volumes, &now.persistent_volumes));
    pairs
}
