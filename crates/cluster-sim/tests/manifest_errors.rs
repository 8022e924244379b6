//! Malformed files: each error names the file, the line, the object and the field, and says what is wrong.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use cluster_sim::{ManifestError, Manifests};

/// A file that is right: one node template and one Deployment.
const GOOD: &str = "\
apiVersion: v1
kind: Node
metadata:
  name: general
  annotations:
    kubernetes-mixin-otel/weight: \"3\"
status:
  capacity: {cpu: 4, memory: 8Gi, pods: 110}
  allocatable: {cpu: 3900m, memory: 7Gi, pods: 110}
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  replicas: 2
  selector:
    matchLabels: {app: web}
  template:
    metadata:
      labels: {app: web}
      annotations:
        kubernetes-mixin-otel/usage-profile: steady
    spec:
      volumes:
        - name: tmp
          emptyDir: {sizeLimit: 1Gi}
      containers:
        - name: main
          image: registry.example/web:1
          ports:
            - containerPort: 8080
          volumeMounts:
            - {name: tmp, mountPath: /tmp}
          resources:
            requests: {cpu: 100m}
            limits: {cpu: 200m}
";

fn parse(text: &str) -> Result<Manifests, ManifestError> {
    Manifests::parse(&[("fleet.yaml", text)])
}

/// [`GOOD`] with `from` replaced.
fn broken(from: &str, to: &str) -> ManifestError {
    assert_eq!(GOOD.matches(from).count(), 1, "{from:?} comes once in the good file");
    match parse(&GOOD.replace(from, to)) {
        Ok(_) => panic!("{to:?} should be refused"),
        Err(error) => error,
    }
}

#[test]
fn the_good_file_is_good() {
    parse(GOOD).unwrap();
}

#[test]
fn every_error_names_its_line_object_and_field() {
    let template = "spec.template.spec";
    let container = "spec.template.spec.containers[0]";
    #[rustfmt::skip]
    let cases: &[(&str, &str, &str, &str)] = &[
        // YAML
        ("  replicas: 2\n", "  replicas: 2\n   x: 1\n", "17:5", "mapping values are not allowed in this context"),
        ("  replicas: 2\n", "  replicas: 2\n  replicas: 3\n", "17:3", "the key `replicas` comes twice"),
        // what it is
        ("kind: Deployment", "kind: Deploymnt", "12:1", "Deploymnt web: kind: unknown kind `Deploymnt`; known are Namespace, Node, Pod,"),
        ("kind: Deployment\n", "", "11:1", "`kind` is missing"),
        ("apiVersion: apps/v1", "apiVersion: v1", "11:1", "Deployment web: apiVersion: a Deployment is of apiVersion `apps/v1`, not `v1`"),
        ("apiVersion: apps/v1", "apiVersion: [v1]", "11:1", "Deployment web: apiVersion: must be a text"),
        ("kind: Node", "kind: Node\nspec: [1]", "3:1", "Node general: spec: invalid type: sequence, expected"),
        // types and unknown fields
        ("  replicas: 2", "  replicas: two", "16:3", "Deployment web: spec.replicas: invalid type: string \"two\", expected a whole number"),
        ("  replicas: 2", "  replica: 2", "16:3", "Deployment web: spec.replica: unknown field"),
        ("          image: registry", "          imgae: registry", "30:11", "Deployment web: spec.template.spec.containers[0].imgae: unknown field"),
        ("  replicas: 2", "  replicas:", "16:3", "Deployment web: spec.replicas: has no value"),
        ("emptyDir: {sizeLimit: 1Gi}", "emptyDir:", "27:11", "Deployment web: spec.template.spec.volumes[0].emptyDir: has no value"),
        ("            requests: {cpu: 100m}", "            requests: 5", "36:13", &format!("Deployment web: {container}.resources.requests: invalid type: integer `5`")),
        // metadata
        ("  name: web\n", "  namespace: default\n", "13:1", "Deployment: metadata.name: is missing"),
        ("  name: web\n", "  name: Web\n", "14:3", "Deployment Web: metadata.name: `Web` is no DNS name"),
        ("  name: web\n", "  name: web\n  namespace: no_such\n", "15:3", "Deployment no_such/web: metadata.namespace: `no_such` is no DNS label"),
        ("  name: web\n", "  name: web\n  namespace: shop\n", "15:3", "Deployment shop/web: metadata.namespace: no Namespace `shop` is declared"),
        ("  name: web\n", "  name: web\n  uid: x\n", "15:3", "Deployment web: metadata.uid: is for the server and the controllers to set"),
        ("  name: web\n", "  name: web\n  ownerReferences: []\n", "15:3", "Deployment web: metadata.ownerReferences: is for the server"),
        ("  name: web\n", "  name: web\n  labels: {a b: c}\n", "15:12", "Deployment web: metadata.labels[\"a b\"]: is no label key"),
        ("  name: web\n", "  name: web\n  labels: {a: b c}\n", "15:12", "Deployment web: metadata.labels.a: `b c` is no label value"),
        ("  name: general\n", "  name: general\n  namespace: default\n", "5:3", "Node default/general: metadata.namespace: a Node lives in no namespace"),
        // our annotations
        ("otel/weight: \"3\"", "otel/weihgt: \"3\"", "6:5", "Node general: metadata.annotations[\"kubernetes-mixin-otel/weihgt\"]: unknown annotation; known are"),
        ("weight: \"3\"", "weight: \"0\"", "6:5", "Node general: metadata.annotations[\"kubernetes-mixin-otel/weight\"]: `0` is no whole number above zero"),
        ("weight: \"3\"", "zones: a,,b", "6:5", "Node general: metadata.annotations[\"kubernetes-mixin-otel/zones\"]: `` is no name of a zone"),
        ("profile: steady", "profile: stedy", "23:9", "metadata.annotations[\"kubernetes-mixin-otel/usage-profile\"]: there is no profile `stedy`; there are idle,"),
        ("  name: web\n", "  name: web\n  annotations: {kubernetes-mixin-otel/scaling: always}\n", "15:17", "scaling\"]: `always` is unknown; there are `fixed` and `spare`"),
        // nodes
        ("  capacity: {cpu: 4, memory: 8Gi, pods: 110}\n", "", "7:1", "Node general: status.capacity.cpu: is missing"),
        ("memory: 8Gi", "memory: 8GiB", "8:22", "Node general: status.capacity.memory: `8GiB` is no quantity: a unit"),
        ("cpu: 3900m", "cpu: 5", "9:17", "Node general: status.allocatable.cpu: `5` is more than the capacity, `4`"),
        ("status:\n", "spec: {taints: [{key: a, effect: Never}]}\nstatus:\n", "7:26", "Node general: spec.taints[0].effect: `Never` is none of NoSchedule"),
        // workloads
        ("  replicas: 2", "  replicas: -2", "16:3", "Deployment web: spec.replicas: `-2` is negative"),
        ("    matchLabels: {app: web}", "    matchLabels: {app: other}", "17:3", "Deployment web: spec.selector: does not select the pods of its own template"),
        ("    matchLabels: {app: web}", "    matchLabels: {}", "17:3", "Deployment web: spec.selector: is empty"),
        ("    spec:\n      volumes", "    spec:\n      restartPolicy: Never\n      volumes", "25:7", &format!("Deployment web: {template}.restartPolicy: only `Always` is possible here")),
        // pods
        ("        - name: main\n", "        - name: Main\n", "29:11", &format!("Deployment web: {container}.name: `Main` is no DNS label")),
        ("          image: registry.example/web:1\n", "", "29:11", &format!("Deployment web: {container}.image: is missing")),
        ("{name: tmp, mountPath", "{name: temp, mountPath", "34:16", &format!("Deployment web: {container}.volumeMounts[0].name: the pod has no volume `temp`")),
        ("containerPort: 8080", "containerPort: 808080", "32:15", &format!("Deployment web: {container}.ports[0].containerPort: `808080` is no port")),
        ("requests: {cpu: 100m}", "requests: {cpu: ten}", "36:24", &format!("Deployment web: {container}.resources.requests.cpu: `ten` is no quantity: a number is expected")),
        ("requests: {cpu: 100m}", "requests: {cpu: -1}", "36:24", &format!("Deployment web: {container}.resources.requests.cpu: `-1` is negative")),
        ("requests: {cpu: 100m}", "requests: {cpu: 300m}", "36:24", &format!("Deployment web: {container}.resources.requests.cpu: `300m` is more than the limit, `200m`")),
        ("          emptyDir: {sizeLimit: 1Gi}\n", "", "26:11", &format!("Deployment web: {template}.volumes[0]: has no source")),
        ("{sizeLimit: 1Gi}", "{sizeLimit: big}", "27:22", &format!("Deployment web: {template}.volumes[0].emptyDir.sizeLimit: `big` is no quantity")),
        ("          image: registry.example/web:1\n", "          image: a\n        - name: main\n          image: b\n", "31:11", "Deployment web: spec.template.spec.containers[1].name: two containers are called `main`"),
    ];
    for (from, to, place, message) in cases {
        let error = broken(from, to).to_string();
        let expected = format!("fleet.yaml:{place}: ");
        assert!(error.starts_with(&expected), "{to:?}\n got {error}\nnot {expected}");
        assert!(error[expected.len()..].contains(message), "{to:?}\n got {error}\nnot {message}");
    }
}

/// Documents of the other kinds, all right, to stand behind [`GOOD`].
const OTHERS: &str = "\
---
apiVersion: batch/v1
kind: Job
metadata: {name: once}
spec:
  completions: 2
  template:
    spec:
      restartPolicy: Never
      containers: [{name: main, image: a}]
---
apiVersion: batch/v1
kind: CronJob
metadata: {name: often}
spec:
  schedule: '*/5 * * * *'
  jobTemplate:
    spec:
      template:
        metadata:
          annotations: {kubernetes-mixin-otel/runs-for: 90s}
        spec:
          restartPolicy: OnFailure
          containers: [{name: main, image: a}]
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web}
spec:
  minReplicas: 1
  maxReplicas: 4
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
---
apiVersion: v1
kind: ResourceQuota
metadata: {name: all}
spec:
  hard: {pods: 10, requests.cpu: 1}
---
apiVersion: v1
kind: PersistentVolume
metadata: {name: disk}
spec:
  capacity: {storage: 1Gi}
  claimRef: {namespace: default, name: data}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data}
spec:
  accessModes: [ReadWriteOnce]
  resources: {requests: {storage: 1Gi}}
---
apiVersion: kwok.x-k8s.io/v1alpha1
kind: Stage
metadata: {name: stage}
spec:
  resourceRef: {kind: Pod}
  delay: {durationMilliseconds: 1000}
  next: {delete: true}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  ports: [{port: 80}]
---
apiVersion: v1
kind: Pod
metadata: {name: lone, labels: {app: lone}}
spec:
  containers: [{name: main, image: a}]
";

#[test]
fn every_error_in_another_kind_names_its_line_object_and_field() {
    let good = format!("{GOOD}{OTHERS}");
    parse(&good).unwrap();
    let first = GOOD.lines().count();
    #[rustfmt::skip]
    let cases: &[(&str, &str, usize, &str)] = &[
        ("  completions: 2\n", "  completions: -2\n", 6, "Job once: spec.completions: `-2` is negative"),
        ("  completions: 2\n", "  completionMode: Indexed\n", 6, "Job once: spec.completionMode: only `NonIndexed` is simulated"),
        ("      restartPolicy: Never\n", "", 8, "Job once: spec.template.spec.restartPolicy: must be `Never` or `OnFailure`"),
        ("    spec:\n      restartPolicy: Never", "    metadata: {labels: {kubernetes-mixin-otel/stage: evicted}}\n    spec:\n      restartPolicy: Never", 8, "pods of a Job can only be `failed`"),
        ("    spec:\n      restartPolicy: Never", "    metadata: {labels: {kubernetes-mixin-otel/stage: lazy}}\n    spec:\n      restartPolicy: Never", 8, "there is no stage `lazy`; there are crash-loop,"),
        ("'*/5 * * * *'", "'61 * * * *'", 16, "CronJob often: spec.schedule: `61` is no minute: 0 to 59"),
        ("'*/5 * * * *'", "'* * *'", 16, "CronJob often: spec.schedule: `* * *` has not the five fields"),
        ("'*/5 * * * *'", "'@daily'\n  timeZone: Europe/Berlin", 17, "CronJob often: spec.timeZone: `Europe/Berlin`: schedules are simulated in Etc/UTC only"),
        ("runs-for: 90s", "runs-for: soon", 21, "runs-for\"]: `soon` is no duration, such as 90s"),
        ("  minReplicas: 1\n", "  minReplicas: 0\n", 30, "HorizontalPodAutoscaler web: spec.minReplicas: `0` is less than 1"),
        ("  minReplicas: 1\n", "  minReplicas: 5\n", 31, "HorizontalPodAutoscaler web: spec.maxReplicas: `4` is less than the minimum, `5`"),
        ("  minReplicas: 1\n", "  minReplicas: 3\n", 31, "HorizontalPodAutoscaler default/web: spec.maxReplicas: the 2 replicas of `web` are not within 3 to 4"),
        ("kind: Deployment, name: web", "kind: Deployment, name: wep", 32, "spec.scaleTargetRef.name: there is no Deployment `wep` in this namespace"),
        ("kind: Deployment, name: web", "kind: StatefulSet, name: web", 32, "spec.scaleTargetRef.kind: a StatefulSet is not scaled here, only Deployments"),
        ("hard: {pods: 10,", "hard: {pods: ten,", 38, "ResourceQuota all: spec.hard.pods: `ten` is no quantity"),
        ("  hard: {pods", "  scopes: [Terminating]\n  hard: {pods", 38, "ResourceQuota all: spec.scopes: is not simulated"),
        ("capacity: {storage: 1Gi}", "capacity: {}", 44, "PersistentVolume disk: spec.capacity.storage: is missing"),
        ("{namespace: default, name: data}", "{name: data}", 45, "PersistentVolume disk: spec.claimRef.namespace: is missing"),
        ("  accessModes: [ReadWriteOnce]\n", "", 50, "PersistentVolumeClaim data: spec.accessModes: is missing"),
        ("requests: {storage: 1Gi}", "requests: {}", 52, "PersistentVolumeClaim data: spec.resources.requests.storage: is missing"),
        ("durationMilliseconds: 1000", "durationMiliseconds: 1000", 59, "Stage stage: spec.delay.durationMiliseconds: unknown field"),
        ("durationMilliseconds: 1000", "durationMilliseconds: long", 59, "Stage stage: spec.delay.durationMilliseconds: invalid type: string \"long\", expected a whole number"),
        ("  resourceRef: {kind: Pod}\n", "", 57, "Stage stage: spec: missing field `resourceRef`"),
        ("ports: [{port: 80}]", "ports: [{port: 0}]", 66, "Service web: spec.ports[0].port: `0` is no port"),
        ("labels: {app: lone}", "annotations: {kubernetes-mixin-otel/replicas: many}", 70, "replicas\"]: `many` is no whole number"),
        ("labels: {app: lone}", "annotations: {kubernetes-mixin-otel/weight: '1'}", 70, "weight\"]: has no meaning here: it is for Nodes"),
        ("labels: {app: lone}", "labels: {kubernetes-mixin-otel/provoked: crash}", 70, "provoked\"]: is put on objects that exist already"),
        ("labels: {app: lone}", "annotations: {kubernetes-mixin-otel/spike: cpu=limit}", 70, "spike\"]: unknown annotation; known are"),
        ("labels: {app: lone}", "ownerReferences: [{apiVersion: v1, kind: Pod, name: lone, uid: a}]", 70, "Pod lone: metadata.ownerReferences: is for the server and the controllers to set"),
    ];
    for (from, to, line, message) in cases {
        assert_eq!(good.matches(from).count(), 1, "{from:?} comes once in the good file");
        let Err(error) = parse(&good.replace(from, to)) else { panic!("{to:?} should be refused") };
        let expected = format!("fleet.yaml:{}:", first + line);
        let text = error.to_string();
        assert!(text.starts_with(&expected), "{to:?}\n got {text}\nnot {expected}");
        assert!(text.contains(message), "{to:?}\n got {text}\nnot {message}");
    }
}

#[test]
fn rollouts_and_the_spare_deployment_have_their_rules() {
    let annotated = |text: &str| {
        GOOD.replace(
            "  name: web\n",
            &format!("  name: web\n  annotations: {{kubernetes-mixin-otel/{text}}}\n"),
        )
    };
    for (text, message) in [
        ("rollout-every: 5m", "`5m` is too short"),
        ("rollout-every: 50m", "spec.strategy.rollingUpdate.maxSurge: must be 0"),
        ("load: wave", "has no meaning here: it is for HorizontalPodAutoscalers"),
    ] {
        let error = parse(&annotated(text)).unwrap_err();
        assert!(error.to_string().contains(message), "{error}");
    }
    let strategy = "spec:\n  strategy: {rollingUpdate: {maxSurge: 0, maxUnavailable: 1}}\n  replicas: 2";
    parse(&annotated("rollout-every: 50m").replace("spec:\n  replicas: 2", strategy)).unwrap();

    let spare = annotated("scaling: spare");
    let second = &spare[spare.find("---").unwrap()..];
    let second = second.replace("web", "other");
    let error = parse(&format!("{spare}{second}")).unwrap_err();
    assert!(error.to_string().contains("Deployment default/web is `spare` already"), "{error}");
    let scaled = OTHERS.split("---\n").find(|text| text.contains("kind: HorizontalPodAutoscaler")).unwrap();
    let error = parse(&format!("{spare}---\n{scaled}")).unwrap_err();
    assert!(error.to_string().contains("it cannot be scaled"), "{error}");
}

#[test]
fn parts_of_an_error_are_data() {
    let error = broken("  replicas: 2", "  replicas: two");
    assert_eq!((error.file.as_str(), error.line, error.column), ("fleet.yaml", 16, 3));
    assert_eq!(
        (error.object.as_deref(), error.field.as_deref()),
        (Some("Deployment web"), Some("spec.replicas"))
    );
}

#[test]
fn documents_are_checked_with_each_other_across_files() {
    let again = GOOD.replace("kind: Node", "kind: Node # again").replace("name: general", "name: other");
    let error = Manifests::parse(&[("a.yaml", GOOD), ("b.yaml", &again)]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "b.yaml:14:3: Deployment default/web: metadata.name: was already declared at a.yaml:14"
    );

    let rival = again.replace("name: web", "name: rival");
    let error = Manifests::parse(&[("a.yaml", GOOD), ("b.yaml", &rival)]).unwrap_err();
    let message = "b.yaml:17:3: Deployment default/rival: spec.selector: it and Deployment default/web select each other's pods";
    assert_eq!(error.to_string(), message);
}

#[test]
fn names_that_something_else_gets_with_a_number_are_refused_with_both_places() {
    let pod = |name: &str, more: &str| {
        format!(
            "---\napiVersion: v1\nkind: Pod\nmetadata:\n  name: {name}\n{more}spec: {{containers: [{{name: a, image: b}}]}}\n"
        )
    };
    let claim = |name: &str| {
        format!(
            "---\napiVersion: v1\nkind: PersistentVolumeClaim\nmetadata:\n  name: {name}\nspec:\n  accessModes: [ReadWriteOnce]\n  resources: {{requests: {{storage: 1Gi}}}}\n"
        )
    };
    let volume = |name: &str, claim: &str| {
        format!(
            "---\napiVersion: v1\nkind: PersistentVolume\nmetadata:\n  name: {name}\nspec:\n  accessModes: [ReadWriteOnce]\n  capacity: {{storage: 1Gi}}\n  claimRef: {{namespace: default, name: {claim}}}\n  hostPath: {{path: /v}}\n"
        )
    };
    let set = |name: &str, template: &str| {
        let claim = format!(
            "{{metadata: {{name: {template}}}, spec: {{accessModes: [ReadWriteOnce], resources: {{requests: {{storage: 1Gi}}}}}}}}"
        );
        format!(
            "---\napiVersion: apps/v1\nkind: StatefulSet\nmetadata:\n  name: {name}\nspec:\n  replicas: 1\n  selector: {{matchLabels: {{app: {name}}}}}\n  template: {{metadata: {{labels: {{app: {name}}}}}, spec: {{containers: [{{name: a, image: b}}]}}}}\n  volumeClaimTemplates: [{claim}]\n"
        )
    };
    let replicas = "  annotations: {kubernetes-mixin-otel/replicas: \"3\"}\n";
    let search = set("search", "data");
    let template = volume("search-data", "data-search");
    for (maker, other, message) in [
        (
            search.clone(),
            pod("search-0", ""),
            "one of the pods of StatefulSet default/search (a.yaml:42) may have this name",
        ),
        (
            search.clone(),
            pod("search-17", ""),
            "one of the pods of StatefulSet default/search (a.yaml:42) may have this name",
        ),
        (
            search.clone(),
            claim("data-search-0"),
            "one of the claims of StatefulSet default/search (a.yaml:42) may have this name",
        ),
        (
            format!("{template}{search}"),
            volume("search-data-0", "else"),
            "one of the volumes of PersistentVolume search-data (a.yaml:42) may have this name",
        ),
        (
            pod("batch", replicas),
            pod("batch-0001", ""),
            "one of the pods of Pod default/batch (a.yaml:42) may have this name",
        ),
        (
            pod("lone", ""),
            pod("lone-0001", ""),
            "one of the copies of Pod default/lone (a.yaml:42) may have this name",
        ),
        (
            search.clone(),
            pod("search", replicas),
            "its pods and the pods of StatefulSet default/search (a.yaml:42) would have the same names",
        ),
        (
            set("c", "a-b"),
            set("b-c", "a"),
            "its claims and the claims of StatefulSet default/c (a.yaml:42) would have the same names",
        ),
    ] {
        let first = format!("{GOOD}{maker}");
        let error = Manifests::parse(&[("a.yaml", &first), ("b.yaml", &other)]).unwrap_err().to_string();
        assert!(error.starts_with("b.yaml:5:3: "), "{error}");
        assert!(error.ends_with(&format!(" metadata.name: {message}")), "{error}");
        // Nor does it matter what is written first.
        let error = Manifests::parse(&[("b.yaml", &other), ("a.yaml", &first)]).unwrap_err().to_string();
        assert!(
            error.contains("may have this name") || error.contains("would have the same names"),
            "{error}"
        );
    }
    let cron_job = "---\napiVersion: batch/v1\nkind: CronJob\nmetadata:\n  name: report\nspec:\n  schedule: '0 0 * * *'\n  jobTemplate: {spec: {template: {spec: {restartPolicy: Never, containers: [{name: a, image: b}]}}}}\n";
    let job = |name: &str| {
        format!(
            "---\napiVersion: batch/v1\nkind: Job\nmetadata:\n  name: {name}\nspec: {{template: {{spec: {{restartPolicy: Never, containers: [{{name: a, image: b}}]}}}}}}\n"
        )
    };
    let error = parse(&format!("{GOOD}{cron_job}{}", job("report-29380000"))).unwrap_err().to_string();
    let message = "one of the runs of CronJob default/report (fleet.yaml:42) may have this name";
    assert!(error.ends_with(message), "{error}");
    parse(&format!("{GOOD}{cron_job}{}", job("report-1"))).unwrap_or_else(|error| panic!("{error}"));
    let servers =
        "---\napiVersion: v1\nkind: Service\nmetadata:\n  name: kubernetes\nspec: {ports: [{port: 443}]}\n";
    let error = parse(&format!("{GOOD}{servers}")).unwrap_err().to_string();
    assert!(error.ends_with("the API server makes a Service of this name itself"), "{error}");
    for other in [
        pod("search", ""),
        pod("search-00", ""),
        pod("search-a", ""),
        pod("data-search-0", ""),
        claim("search-0"),
        volume("search-data-00", "else"),
    ] {
        let right = Manifests::parse(&[("a.yaml", &format!("{GOOD}{template}{search}{other}"))]);
        right.unwrap_or_else(|error| panic!("{error}"));
    }
}

#[test]
fn owners_are_not_for_files_to_name_so_that_none_can_own_itself() {
    let owned = |name: &str, owner: &str| {
        let reference = format!("{{apiVersion: v1, kind: Pod, name: {owner}, uid: {owner}}}");
        let metadata = format!("{{name: {name}, ownerReferences: [{reference}]}}");
        format!(
            "---\napiVersion: v1\nkind: Pod\nmetadata: {metadata}\nspec: {{containers: [{{name: a, image: b}}]}}\n"
        )
    };
    for (text, name) in [(owned("a", "b") + &owned("b", "a"), "a"), (owned("c", "c"), "c")] {
        let error = parse(&format!("{GOOD}{text}")).unwrap_err().to_string();
        let line = GOOD.lines().count() + 4;
        let expected = format!(
            "fleet.yaml:{line}:21: Pod {name}: metadata.ownerReferences: is for the server and the controllers to set"
        );
        assert_eq!(error, expected);
    }
}

#[test]
fn files_without_a_node_are_refused() {
    let none: [(&str, &str); 0] = [];
    for error in
        [parse("").unwrap_err(), parse("---\n# nothing\n").unwrap_err(), Manifests::parse(&none).unwrap_err()]
    {
        assert!(error.message.contains("no file has a Node"), "{error}");
    }
}

#[test]
fn what_is_no_manifest_is_refused() {
    for text in ["hello", "- a\n- b\n", "42"] {
        let error = parse(text).unwrap_err();
        assert!(error.message.contains("a manifest is a mapping"), "{error}");
    }
}

proptest::proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in "(?s).{0,200}") {
        let _ = parse(&text);
    }

    #[test]
    fn any_damage_to_a_file_is_read_or_refused(at in 0..GOOD.len(), length in 0_usize..40, put in "[a-z:{}\\[\\]\\-,&*!|>'\"%@` \n]{0,6}") {
        let end = (at + length).min(GOOD.len());
        if let Err(error) = parse(&format!("{}{put}{}", &GOOD[..at], &GOOD[end..])) {
            proptest::prop_assert!(error.line >= 1 && error.column >= 1);
        }
    }
}
