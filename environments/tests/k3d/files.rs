//! What the programs and the API server are given, in golden files, and whether its parts fit together.

use std::path::Path;

use environments::k3d::config::{DASHBOARDS_IN_NODE, NODE_PORTS, Settings};
use environments::k3d::{Chart, ClusterFile, Collector, Helm, K3d, NAMESPACE, Names, Objects, Ports};
use environments::stack::lgtm::{self, Lgtm};
use expect_test::{ExpectFile, expect_file};
use serde_json::Value;
use tools::Invocation;

use crate::support::{pins, values, workspace};

fn names() -> Names {
    Names::new("dev", Path::new("/state"))
}

fn cluster_file(agents: usize) -> ClusterFile {
    let template = std::fs::read_to_string(workspace().join("deploy/k3d/cluster.yaml")).unwrap();
    let settings = Settings {
        names: &names(),
        image: &pins().images["k3s"].to_pull(),
        agents,
        ports: Ports::default(),
        dashboards: Path::new("/repository/dashboards/generated"),
    };
    ClusterFile::new(&template, &settings).unwrap()
}

fn lgtm_objects() -> Objects {
    let (workspace, pins) = (workspace(), pins());
    Objects::lgtm(&workspace, &pins, &Lgtm::read(&workspace, &pins).unwrap()).unwrap()
}

fn is_as_in(golden: &ExpectFile, objects: &Objects) {
    let documents: Vec<String> =
        objects.all().iter().map(|object| serde_yaml::to_string(object).unwrap()).collect();
    golden.assert_eq(&documents.join("---\n"));
}

#[test]
fn k3d_reads_this_file() {
    expect_file!["../golden/k3d/cluster.yaml"].assert_eq(&cluster_file(2).text(6550).unwrap());
}

#[test]
fn these_objects_are_applied() {
    is_as_in(&expect_file!["../golden/k3d/lgtm.yaml"], &lgtm_objects());
    is_as_in(
        &expect_file!["../golden/k3d/workloads.yaml"],
        &Objects::workloads(&workspace(), &pins()).unwrap(),
    );
}

#[test]
fn helm_reads_these_values() {
    expect_file!["../golden/k3d/collector-cluster.yaml"].assert_eq(&values(Collector::Cluster).text);
    expect_file!["../golden/k3d/collector-nodes.yaml"].assert_eq(&values(Collector::Nodes).text);
}

#[test]
fn the_programs_are_run_like_this() {
    let (k3d, helm) = (
        K3d {
            program: "k3d".into(),
            engine_address: "unix:///var/run/docker.sock".to_owned(),
            tools_image: pins().images["k3d-tools"].to_pull(),
        },
        Helm { program: "helm".into(), names: names() },
    );
    let file = Chart::File("/cache/opentelemetry-collector-0.170.0.tgz".into());
    let repository = Chart::Repository {
        url: "https://open-telemetry.github.io/opentelemetry-helm-charts".to_owned(),
        name: "opentelemetry-collector".to_owned(),
        version: "0.170.0".to_owned(),
    };
    let values = Path::new("/state/collector-nodes.yaml");
    let runs = [
        k3d.list(),
        k3d.create(Path::new("/state/k3d.yaml")),
        k3d.start("kubernetes-mixin-otel"),
        k3d.kubeconfig("kubernetes-mixin-otel"),
        k3d.delete("kubernetes-mixin-otel"),
        helm.status("collector-nodes"),
        helm.upgrade("collector-nodes", &repository, values, "kubernetes-mixin-otel 0123456789ab"),
        helm.upgrade("collector-nodes", &file, values, "kubernetes-mixin-otel 0123456789ab"),
        helm.uninstall("collector-nodes"),
    ];
    let text: Vec<String> = runs.iter().map(shown).collect();
    expect_file!["../golden/k3d/commands.txt"].assert_eq(&text.join("\n"));
}

/// A command with its environment and deadline.
fn shown(run: &Invocation) -> String {
    let environment: String =
        run.environment.iter().map(|(name, value)| format!("{name}={} ", value.to_string_lossy())).collect();
    format!("{environment}{run}   # {} s\n", run.deadline.as_secs())
}

fn object<'a>(objects: &'a Objects, kind: &str) -> &'a Value {
    objects.all().iter().find(|object| object["kind"] == kind).unwrap()
}

#[test]
fn lgtm_finds_its_files_where_it_looks_for_them() {
    let objects = lgtm_objects();
    let (workspace, pins) = (workspace(), pins());
    let lgtm = Lgtm::read(&workspace, &pins).unwrap();
    let data = &object(&objects, "ConfigMap")["data"];
    let container = object(&objects, "Deployment").pointer("/spec/template/spec/containers/0").unwrap();
    let mounts = container["volumeMounts"].as_array().unwrap();
    for (path, text) in lgtm.files() {
        let mount = mounts.iter().find(|mount| mount["mountPath"] == path).unwrap();
        assert_eq!(data[mount["subPath"].as_str().unwrap()], text, "{path}");
    }
    assert!(mounts.iter().any(|mount| mount["mountPath"] == lgtm::DASHBOARDS));
    assert_eq!(container["image"], lgtm.image.to_pull());
    assert_eq!(container["resources"]["limits"]["memory"], format!("{}Gi", lgtm::MEMORY_BYTES >> 30));
    assert_eq!(container["startupProbe"]["exec"]["command"][2], lgtm::READY_FILE);
    let names: Vec<_> = container["env"].as_array().unwrap().iter().map(|pair| &pair["name"]).collect();
    assert_eq!(names.len(), lgtm.environment.len());
}

#[test]
fn the_dashboards_of_this_machine_reach_the_pod_through_every_node() {
    let file: Value = serde_yaml::from_str(&cluster_file(2).text(6550).unwrap()).unwrap();
    let volume = &file["volumes"][0];
    assert_eq!(volume["volume"], format!("/repository/dashboards/generated:{DASHBOARDS_IN_NODE}"));
    assert_eq!(volume["nodeFilters"][0], "all");
    let objects = lgtm_objects();
    let volumes = object(&objects, "Deployment").pointer("/spec/template/spec/volumes").unwrap();
    let path = volumes.as_array().unwrap().iter().find_map(|volume| volume.pointer("/hostPath/path"));
    assert_eq!(path.unwrap(), DASHBOARDS_IN_NODE);
}

#[test]
fn each_published_port_leads_to_lgtms_port_of_the_same_meaning() {
    let objects = lgtm_objects();
    let service = object(&objects, "Service");
    let ports = service["spec"]["ports"].as_array().unwrap();
    assert_eq!(ports.len(), NODE_PORTS.len());
    for (port, node_port) in NODE_PORTS {
        let found = ports.iter().find(|found| found["nodePort"] == node_port).unwrap();
        assert_eq!(found["port"], port);
        let containers = object(&objects, "Deployment").pointer("/spec/template/spec/containers/0/ports");
        let target =
            containers.unwrap().as_array().unwrap().iter().find(|it| it["name"] == found["targetPort"]);
        assert_eq!(target.unwrap()["containerPort"], port);
    }
    assert_eq!(service["spec"]["type"], "NodePort", "a load balancer would take host ports");
    assert_eq!(service["metadata"]["namespace"], NAMESPACE);
}

#[test]
fn the_sample_workloads_have_every_kind_and_nothing_without_requests_and_limits() {
    let objects = Objects::workloads(&workspace(), &pins()).unwrap();
    let kinds = [
        "Deployment",
        "StatefulSet",
        "DaemonSet",
        "Job",
        "CronJob",
        "HorizontalPodAutoscaler",
        "ResourceQuota",
    ];
    for kind in kinds {
        object(&objects, kind);
    }
    assert!(object(&objects, "StatefulSet").pointer("/spec/volumeClaimTemplates/0").is_some());
    let mut containers = 0;
    for object in objects.all() {
        let spec =
            object.pointer("/spec/template/spec").or(object.pointer("/spec/jobTemplate/spec/template/spec"));
        for container in spec.and_then(|spec| spec["containers"].as_array()).into_iter().flatten() {
            containers += 1;
            for amounts in ["requests", "limits"] {
                for resource in ["cpu", "memory"] {
                    assert!(container["resources"][amounts][resource].is_string(), "{container}");
                }
            }
            assert!(container["image"].as_str().unwrap().contains("@sha256:"), "{container}");
        }
    }
    assert_eq!(containers, 6);
    assert_eq!(objects.rollouts().len(), 4, "all but those that end");
}
