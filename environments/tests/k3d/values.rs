//! What the collectors are configured with: the values merged over the chart's defaults and presets, as the chart does it.

use std::collections::BTreeSet;

use catalogue::Receiver;
use environments::k3d::{Collector, configuration};
use environments::stack::fragments::{batch, k8s_attributes, switched_metrics};
use environments::stack::lgtm;
use serde_json::{Value, json};

use crate::support::{fragments, values};

/// The defaults of the chart 0.170.0, as far as they matter: what is in no pipeline here has to be taken out by the values.
fn chart_defaults() -> Value {
    json!({
        "exporters": { "debug": {} },
        "extensions": { "health_check": { "endpoint": "${env:MY_POD_IP}:13133" } },
        "processors": { "batch": {}, "memory_limiter": { "check_interval": "5s", "limit_percentage": 80 } },
        "receivers": { "jaeger": {}, "otlp": {}, "prometheus": {}, "zipkin": {} },
        "service": {
            "extensions": ["health_check"],
            "pipelines": {
                "logs": { "exporters": ["debug"], "receivers": ["otlp"] },
                "metrics": { "exporters": ["debug"], "receivers": ["otlp", "prometheus"] },
                "traces": { "exporters": ["debug"], "receivers": ["otlp", "jaeger", "zipkin"] },
            },
        },
    })
}

/// What the presets put under the values, with the names that they use, and the receivers that they append.
fn preset(collector: Collector) -> (Value, &'static [&'static str]) {
    let attributes = json!({
        "extract": { "metadata": ["service.name", "k8s.cluster.uid"], "otel_annotations": true },
        "passthrough": false,
        "pod_association": [{ "sources": [{ "from": "resource_attribute", "name": "k8s.pod.ip" }] }],
    });
    match collector {
        Collector::Cluster => (
            json!({ "receivers": { "k8s_cluster": { "collection_interval": "10s" } },
                    "processors": { "k8s_attributes": attributes } }),
            &["k8s_cluster"],
        ),
        Collector::Nodes => (
            json!({ "receivers": {
                        "kubeletstats": { "collection_interval": "20s", "auth_type": "serviceAccount",
                                          "endpoint": "${env:K8S_NODE_IP}:10250" },
                        "hostmetrics": { "root_path": "/hostfs", "collection_interval": "10s" } },
                    "processors": { "k8s_attributes": attributes } }),
            &["kubeletstats", "hostmetrics"],
        ),
    }
}

/// Helm's merge: mappings merge, everything else replaces, `null` removes.
fn merge(under: &mut Value, over: &Value) {
    let (Some(under), Some(over)) = (under.as_object_mut(), over.as_object()) else {
        *under = over.clone();
        return;
    };
    for (key, value) in over {
        match under.get_mut(key) {
            _ if value.is_null() => drop(under.remove(key)),
            Some(there) => merge(there, value),
            None => drop(under.insert(key.clone(), value.clone())),
        }
    }
}

/// The configuration with which the collector starts.
fn resulting(collector: Collector) -> Value {
    let mut made = chart_defaults();
    let (preset, receivers) = preset(collector);
    merge(&mut made, &preset);
    merge(&mut made, &configuration(&values(collector).text).unwrap());
    let pipeline = made.pointer_mut("/service/pipelines/metrics").unwrap();
    for receiver in receivers {
        let listed = pipeline["receivers"].as_array_mut().unwrap();
        if !listed.iter().any(|it| it == receiver) {
            listed.push(json!(receiver));
        }
    }
    made
}

fn whole(collector: Collector) -> Value {
    serde_yaml::from_str(&values(collector).text).unwrap()
}

/// The components of the pinned collector that we use, by the names that it has for them; the older ones are aliases in it.
const KNOWN: [(&str, &[&str]); 4] = [
    ("receivers", &["k8s_cluster", "kubeletstats", "hostmetrics"]),
    ("processors", &["batch", "k8s_attributes", "memory_limiter", "resource"]),
    ("exporters", &["otlp_http"]),
    ("extensions", &["health_check"]),
];

#[test]
fn only_known_components_are_configured_and_each_of_them_is_in_a_pipeline() {
    for collector in Collector::ALL {
        let made = resulting(collector);
        for (section, known) in KNOWN {
            let defined: BTreeSet<&str> =
                made[section].as_object().unwrap().keys().map(String::as_str).collect();
            for name in &defined {
                let kind = name.split('/').next().unwrap();
                assert!(known.contains(&kind), "{collector:?}: {section}: {name}");
            }
            let mut used = BTreeSet::new();
            if section == "extensions" {
                used.extend(
                    made["service"]["extensions"].as_array().unwrap().iter().filter_map(Value::as_str),
                );
            }
            for pipeline in made["service"]["pipelines"].as_object().unwrap().values() {
                let listed = pipeline.get(section).and_then(Value::as_array);
                used.extend(listed.into_iter().flatten().filter_map(Value::as_str));
            }
            assert_eq!(used, defined, "{collector:?}: {section}");
        }
        let pipelines: Vec<_> = made["service"]["pipelines"].as_object().unwrap().keys().collect();
        assert_eq!(pipelines, ["metrics"]);
    }
}

#[test]
fn the_receivers_send_exactly_what_the_fragments_say() {
    let fragments = fragments();
    for (collector, name, receiver) in [
        (Collector::Cluster, "k8s_cluster", Receiver::K8sCluster),
        (Collector::Nodes, "kubeletstats", Receiver::KubeletStats),
        (Collector::Nodes, "hostmetrics", Receiver::HostMetrics),
    ] {
        let made = resulting(collector);
        let settings = &made["receivers"][name];
        for (key, value) in fragments.of(receiver) {
            assert_eq!(&settings[key], value, "{name}.{key}");
        }
        assert_eq!(settings["collection_interval"], "15s");
        for metric in switched_metrics(settings) {
            assert_eq!(catalogue::find(&metric).unwrap().receiver, receiver, "{metric}");
        }
    }
}

#[test]
fn pods_find_their_workloads_as_in_the_other_environment_and_get_no_service_attributes() {
    let cluster = resulting(Collector::Cluster)["processors"]["k8s_attributes"].clone();
    assert_eq!(cluster, k8s_attributes(&json!({ "passthrough": false })));
    let nodes = resulting(Collector::Nodes)["processors"]["k8s_attributes"].clone();
    let filter = json!({ "node_from_env_var": "K8S_NODE_NAME" });
    assert_eq!(nodes, k8s_attributes(&json!({ "passthrough": false, "filter": filter })));
}

#[test]
fn everything_has_the_clusters_name_and_what_a_node_sends_the_nodes() {
    for collector in Collector::ALL {
        let made = resulting(collector);
        let attribute = &made["processors"]["resource/cluster"]["attributes"][0];
        assert_eq!(
            (&attribute["key"], &attribute["value"]),
            (&json!("k8s.cluster.name"), &json!("${env:CLUSTER_NAME}"))
        );
        let variable = json!([{ "name": "CLUSTER_NAME", "value": "k3d" }]);
        assert_eq!(whole(collector)["extraEnvs"], variable);
    }
    let nodes = resulting(Collector::Nodes);
    let attribute = &nodes["processors"]["resource/node"]["attributes"][0];
    let expected = json!({ "key": "k8s.node.name", "value": "${env:K8S_NODE_NAME}", "action": "insert" });
    assert_eq!(attribute, &expected, "insert: what has a name keeps it");
    let order = nodes["service"]["pipelines"]["metrics"]["processors"].as_array().unwrap();
    let place = |name: &str| order.iter().position(|it| it == name).unwrap();
    assert!(place("k8s_attributes") < place("resource/node"));
    assert_eq!((place("memory_limiter"), place("batch")), (0, order.len() - 1));
}

#[test]
fn prometheus_takes_the_batches_itself() {
    for collector in Collector::ALL {
        let made = resulting(collector);
        let endpoint = format!("http://lgtm:{}{}", lgtm::PROMETHEUS_PORT, lgtm::PROMETHEUS_OTLP_PATH);
        assert_eq!(made["exporters"]["otlp_http"]["endpoint"], endpoint);
        assert_eq!(made["processors"]["batch"], batch());
    }
}

#[test]
fn the_collectors_open_no_ports_and_may_read_what_their_receivers_ask_for() {
    for collector in Collector::ALL {
        let values = whole(collector);
        for (name, port) in values["ports"].as_object().unwrap() {
            assert_eq!(port["enabled"], false, "{name}");
        }
        // All that the chart has on by default.
        assert_eq!(values["ports"].as_object().unwrap().len(), 6);
    }
    let cluster = whole(Collector::Cluster);
    assert_eq!(cluster["service"]["enabled"], false, "a Service without ports is none");
    let allowed = |values: &Value| -> Vec<String> {
        let rules = values["clusterRole"]["rules"].as_array().unwrap().iter();
        rules
            .flat_map(|rule| rule["resources"].as_array().unwrap())
            .map(|it| it.as_str().unwrap().to_owned())
            .collect()
    };
    let volumes = ["persistentvolumes", "persistentvolumeclaims", "endpointslices"];
    assert_eq!(allowed(&cluster), volumes);
    assert_eq!(allowed(&whole(Collector::Nodes)), ["nodes/proxy"], "for the types of volumes");
}

#[test]
fn the_image_is_the_pinned_one_by_its_digest() {
    for collector in Collector::ALL {
        let image = &whole(collector)["image"];
        assert_eq!(image["repository"], "otel/opentelemetry-collector-contrib");
        assert!(image["digest"].as_str().unwrap().starts_with("sha256:"));
    }
}
