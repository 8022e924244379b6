//! What controllers, the scheduler and KWOK would do, done at once.

use serde_json::{Value, json};

use super::scenario::Scenario;
use super::store::{Key, Store, key};

/// The taints that every DaemonSet tolerates are the only ones that nodes of these tests have.
const STAGE: &str = "kubernetes-mixin-otel/stage";

/// Does what follows from the object at `changed` being as it is.
pub(super) fn follow(store: &mut Store, changed: &Key, scenario: &Scenario) {
    let Some(object) = store.get(changed).cloned() else { return };
    match changed.0.as_str() {
        "Node" => ready_node(store, object),
        "Pod" => start_pod(store, object, scenario),
        "Deployment" | "ReplicaSet" | "ReplicationController" | "StatefulSet" => {
            let replicas = object["spec"]["replicas"].as_u64().unwrap_or(1);
            populate(store, &object, replicas, scenario);
        }
        "DaemonSet" => {
            let selector = object["spec"]["template"]["spec"]["nodeSelector"].clone();
            let wants = |node: &&Value| selects(&selector, &node["metadata"]["labels"]);
            let nodes = store.of_kind("Node").filter(wants).count() as u64;
            populate(store, &object, nodes, scenario);
        }
        "Job" if object["spec"]["suspend"] != true => {
            let number = |field: &str| object["spec"][field].as_u64().unwrap_or(1);
            populate(store, &object, number("parallelism").min(number("completions")), scenario);
        }
        _ => {}
    }
}

/// Deletes what an object that is gone had owned.
pub(super) fn collect_garbage(store: &mut Store, gone: &Value) {
    let owned: Vec<Key> = store
        .of_kind("Pod")
        .filter(|pod| pod["metadata"]["ownerReferences"][0]["uid"] == gone["metadata"]["uid"])
        .map(key)
        .collect();
    for (kind, namespace, name) in owned {
        store.take(&kind, Some(&namespace), &name);
    }
}

/// Whether the labels have everything that the selector wants.
pub(super) fn selects(selector: &Value, labels: &Value) -> bool {
    selector.as_object().is_none_or(|wanted| wanted.iter().all(|(key, value)| labels[key] == *value))
}

fn ready_node(store: &mut Store, mut node: Value) {
    if node["status"]["phase"].is_null() {
        node["status"]["phase"] = json!("Running");
        node["status"]["conditions"] = json!([{"type": "Ready", "status": "True"}]);
        store.put(node);
    }
}

fn start_pod(store: &mut Store, mut pod: Value, scenario: &Scenario) {
    if pod["status"].is_null() {
        pod["status"] = pod_status(&pod, scenario);
        store.put(pod);
    }
}

fn pod_status(pod: &Value, scenario: &Scenario) -> Value {
    if let Some(message) = scenario.unschedulable {
        let condition =
            json!({"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message});
        return json!({"phase": "Pending", "conditions": [condition]});
    }
    let containers = pod["spec"]["containers"].as_array().cloned().unwrap_or_default();
    let lacks_image = pod["metadata"]["labels"][STAGE] == "image-pull-backoff";
    let state =
        if lacks_image { json!({"waiting": {"reason": "ImagePullBackOff"}}) } else { json!({"running": {}}) };
    let statuses: Vec<Value> = containers
        .iter()
        .map(|container| json!({"name": container["name"], "ready": !lacks_image, "restartCount": 0, "state": state}))
        .collect();
    let (phase, ready) = if lacks_image { ("Pending", "False") } else { ("Running", "True") };
    json!({"phase": phase, "conditions": [{"type": "Ready", "status": ready}], "containerStatuses": statuses})
}

/// Gives a workload so many pods of its template's newest revision, and its status.
fn populate(store: &mut Store, owner: &Value, number: u64, scenario: &Scenario) {
    let (kind, namespace, name) = key(owner);
    let mut template = owner["spec"]["template"].clone();
    if let Some(metadata) = template["metadata"].as_object_mut() {
        // Empty is absent.
        metadata.retain(|_, value| value.as_object().is_none_or(|fields| !fields.is_empty()));
    }
    let revision = format!(
        "{:x}",
        template.to_string().bytes().fold(0_u32, |sum, byte| sum.wrapping_mul(31) + u32::from(byte))
    );
    let own = |pod: &&Value| pod["metadata"]["ownerReferences"][0]["uid"] == owner["metadata"]["uid"];
    let pod_name = |index: u64| match kind.as_str() {
        "StatefulSet" => format!("{name}-{index}"),
        _ => format!("{name}-{revision}-{index}"),
    };
    let wanted: Vec<String> = (0..number).map(pod_name).collect();
    let stale: Vec<Key> = store
        .of_kind("Pod")
        .filter(own)
        .filter(|pod| {
            let is_wanted = wanted.iter().any(|name| pod["metadata"]["name"] == **name);
            !is_wanted || pod["metadata"]["annotations"]["fake/revision"] != *revision
        })
        .map(key)
        .collect();
    for (kind, namespace, name) in stale {
        store.take(&kind, Some(&namespace), &name);
    }
    for pod_name in wanted {
        if store.get(&("Pod".to_owned(), namespace.clone(), pod_name.clone())).is_some() {
            continue;
        }
        let mut pod = json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": template["metadata"].as_object().cloned().unwrap_or_default(),
            "spec": template["spec"],
        });
        pod["metadata"]["name"] = json!(pod_name);
        pod["metadata"]["namespace"] = json!(namespace);
        pod["metadata"]["annotations"]["fake/revision"] = json!(revision);
        pod["metadata"]["ownerReferences"] = json!([
            {"apiVersion": owner["apiVersion"], "kind": kind, "name": name, "uid": owner["metadata"]["uid"], "controller": true}
        ]);
        mount_claims(&mut pod, owner, &pod_name);
        pod["status"] = pod_status(&pod, scenario);
        store.put(pod);
    }
    let ready = store
        .of_kind("Pod")
        .filter(own)
        .filter(|pod| {
            pod["status"]["conditions"][0]["type"] == "Ready"
                && pod["status"]["conditions"][0]["status"] == "True"
        })
        .count();
    let mut owner = owner.clone();
    owner["status"] = json!({
        "observedGeneration": owner["metadata"]["generation"],
        "replicas": number, "updatedReplicas": number, "readyReplicas": ready, "availableReplicas": ready,
        "desiredNumberScheduled": number, "updatedNumberScheduled": number, "numberAvailable": ready,
    });
    store.put(owner);
}

/// The claims of a StatefulSet's pod, as volumes of it.
fn mount_claims(pod: &mut Value, owner: &Value, pod_name: &str) {
    let templates = owner["spec"]["volumeClaimTemplates"].as_array().cloned().unwrap_or_default();
    for template in templates {
        let volume = template["metadata"]["name"].clone();
        let claim = format!("{}-{pod_name}", volume.as_str().unwrap_or_default());
        let volume = json!({"name": volume, "persistentVolumeClaim": {"claimName": claim}});
        match pod["spec"]["volumes"].as_array_mut() {
            Some(volumes) => volumes.push(volume),
            None => pod["spec"]["volumes"] = json!([volume]),
        }
    }
}
