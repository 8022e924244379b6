//! J05: two dashboards of one uid or title.

use std::collections::BTreeMap;

use crate::finding::Findings;
use crate::pointer::Pointer;
use crate::rule::{Check, Example, Fixable, Needs, Rule, Severity};
use crate::subject::{Dashboard, Subject};

pub(super) const RULE: Rule = Rule {
    id: "J05",
    severity: Severity::Error,
    title: "no other dashboard has the uid or the title",
    why: "Two dashboards with one uid replace each other whenever Grafana reads their files, and two with one title in one \
          folder cannot both be there.",
    needs: Needs::Static,
    fix: Fixable::No,
    bad: Example::Set(&[
        r#"{ "uid": "k8s-otel-pods", "title": "Pods" }"#,
        r#"{ "uid": "k8s-otel-pods", "title": "Nodes" }"#,
    ]),
    good: Example::Set(&[
        r#"{ "uid": "k8s-otel-pods", "title": "Pods" }"#,
        r#"{ "uid": "k8s-otel-nodes", "title": "Nodes" }"#,
    ]),
    check: Check::Set(check),
};

/// The tag of the dashboards whose uids stand in [`TAKEN`].
const OTHER_MIXIN: &str = "kubernetes-mixin";

/// The uids of kubernetes-mixin's dashboards, each the MD5 of a file name, sorted: who has both mixins must not have to
/// choose.
const TAKEN: [(&str, &str); 24] = [
    ("058020e04168bfdea0c52269cb699df2", "k8s-resources-nodes-overview"),
    ("09ec8aa1e996d6ffcd6817bbaff4db1b", "apiserver"),
    ("200ac8fdbfbb74b39aff88118e4d1c2c", "k8s-resources-node"),
    ("2e6b6a3b4bddf1427b3a55aa1311c656", "scheduler"),
    ("3138fa155d5915769fbded898ac09fd9", "kubelet"),
    ("40597a704a610e936dc6ed374a7ce023", "k8s-resources-windows-pod"),
    ("490b402361724ab1d4c45666c1fa9b6f", "k8s-resources-windows-namespace"),
    ("4d08557fd9391b100730f2494bccac68", "k8s-resources-windows-cluster"),
    ("53a43377ec9aaf2ff64dfc7a1f539334", "k8s-windows-cluster-rsrc-use"),
    ("632e265de029684c40b21cb76bca4f94", "proxy"),
    ("6581e46e4e5c7ba40a07646395ef7b23", "k8s-resources-pod"),
    ("728bf77cc1166d2f3133bf25846876cc", "workload-total"),
    ("72e0e05bef5099e5f049b05fdc429ed4", "controller-manager"),
    ("7a18067ce943a40ae25454675c19ff5c", "pod-total"),
    ("85a562078cdf77779eaa1add43ccec1e", "k8s-resources-namespace"),
    ("8b7a8b326d7a6f1f04244066368c67af", "namespace-by-pod"),
    ("919b92a8e8041bd567af9edab12c840c", "persistentvolumesusage"),
    ("96e7484b0bb53b74fbc2bcb7723cd40b", "k8s-windows-node-rsrc-use"),
    ("a164a7f0339f99e89cea5cb47e9be617", "k8s-resources-workload"),
    ("a87fb0d919ec0ea5f6543124e16c42a5", "k8s-resources-workloads-namespace"),
    ("b59e6c9f2fcbe2e16d77fc492374cc4f", "k8s-resources-multicluster"),
    ("bbb2a765a623ae38130206c7d94a160f", "namespace-by-workload"),
    ("efa86fd1d0c121a26444b636a3f509a8", "k8s-resources-cluster"),
    ("ff635a025bcfea7bc3dd4f508990a3e9", "cluster-total"),
];

fn check(subject: &Subject, findings: &mut Findings<'_>) {
    let mut by_uid: BTreeMap<&str, &Dashboard> = BTreeMap::new();
    let mut by_title: BTreeMap<(&str, &str), &Dashboard> = BTreeMap::new();
    for dashboard in &subject.dashboards {
        let uid = dashboard.model.uid.as_deref().unwrap_or_default();
        let at_uid = || dashboard.place_at(Pointer::root().key("uid"));
        if !uid.is_empty()
            && let Some(first) = by_uid.insert(uid, dashboard)
        {
            let message = format!(
                "{} has the uid {uid:?} as well, so only one of the two is shown: change one",
                first.file
            );
            findings.add(at_uid(), message);
        }
        let title = dashboard.model.title.as_str();
        if !title.is_empty()
            && let Some(first) = by_title.insert((folder(&dashboard.file), title), dashboard)
        {
            let place = dashboard.place_at(Pointer::root().key("title"));
            findings
                .add(place, format!("{} has the title {title:?} as well: change one of them", first.file));
        }
        let taken = TAKEN.binary_search_by_key(&uid, |(taken, _)| taken);
        if let Ok(index) = taken
            && !dashboard.model.tags.iter().any(|tag| tag == OTHER_MIXIN)
        {
            let (_, file) = TAKEN[index];
            let message = format!(
                "the uid {uid:?} is that of {OTHER_MIXIN}'s {file}.json, so the two replace each other: give this one its own"
            );
            findings.add(at_uid(), message);
        }
    }
}

fn folder(file: &str) -> &str {
    file.rfind(['/', '\\']).map_or("", |end| &file[..end])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Options, check, examples};

    #[test]
    fn the_uids_of_another_mixin_stay_its_own() {
        assert!(TAKEN.is_sorted());
        let uid = TAKEN[3].0;
        let found = |tags: &str| {
            let patch = format!("{{ \"uid\": \"{uid}\", \"tags\": [{tags:?}] }}");
            let subject = examples::subject(&Example::Dashboard(Box::leak(patch.into_boxed_str())));
            check(&subject, &Options::only_rules(&[&RULE])).findings.len()
        };
        assert_eq!((found("mine"), found(OTHER_MIXIN)), (1, 0));
    }
}
