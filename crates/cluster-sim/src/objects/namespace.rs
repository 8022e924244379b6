//! Namespaces.

use k8s_openapi::api::core::v1::{Namespace, NamespaceSpec, NamespaceStatus};

use super::Dates;
use crate::draw::Draw;
use crate::manifest::SYSTEM_NAMESPACES;
use crate::time::calendar::Calendar;

/// The namespaces of the files, after the four that an API server makes itself.
pub(crate) fn namespaces(manifests: &[Namespace], draw: Draw, calendar: &Calendar) -> Vec<Namespace> {
    let declared =
        |name: &str| manifests.iter().any(|namespace| namespace.metadata.name.as_deref() == Some(name));
    let system = SYSTEM_NAMESPACES.into_iter().filter(|name| !declared(name)).map(|name| {
        let mut namespace = Namespace::default();
        namespace.metadata.name = Some(name.to_owned());
        namespace
    });
    system.chain(manifests.iter().cloned()).map(|namespace| live(namespace, draw, calendar)).collect()
}

fn live(mut namespace: Namespace, draw: Draw, calendar: &Calendar) -> Namespace {
    let name = namespace.metadata.name.clone().unwrap_or_default();
    let draw = draw.of("Namespace").of(&name);
    let created = if SYSTEM_NAMESPACES.contains(&name.as_str()) {
        calendar.cluster()
    } else {
        calendar.namespace(draw)
    };
    Dates { calendar, created, changed: created }.admit(&mut namespace.metadata, &draw.uuid());
    namespace.metadata.labels.get_or_insert_default().insert("kubernetes.io/metadata.name".to_owned(), name);
    namespace.spec = Some(NamespaceSpec { finalizers: Some(vec!["kubernetes".to_owned()]) });
    namespace.status =
        Some(NamespaceStatus { phase: Some("Active".to_owned()), ..NamespaceStatus::default() });
    namespace
}
