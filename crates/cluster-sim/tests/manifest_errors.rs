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
        ("  name: web\n", "  name: web\n  annotations: {kubernetes-mixin-otel/scaling: always}\n", "15:17", "scaling\"]: `always` is unknown; the only value is `fixed`"),
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
