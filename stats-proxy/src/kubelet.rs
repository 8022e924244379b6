//! Which kubelet a request is for, and whether it answers.

use std::sync::Arc;

use axum::extract::rejection::RawPathParamsRejection;
use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::request::Parts;
use k8s_openapi::api::core::v1::{Node, Pod};
use kubelet_stats::summary::Summary;

use crate::refusal::Refusal;
use crate::source::KubeletSource;

/// All kubelets, and the one that the root stands for.
pub(crate) struct Kubelets {
    source: Arc<dyn KubeletSource>,
    chosen: Option<String>,
    more: &'static str,
}

impl Kubelets {
    pub(crate) fn new(source: Arc<dyn KubeletSource>, chosen: Option<String>, more: &'static str) -> Self {
        Self { source, chosen, more }
    }

    /// What else the server has, for people.
    pub(crate) fn more(&self) -> &'static str {
        self.more
    }

    pub(crate) fn node_names(&self) -> Vec<String> {
        self.source.node_names()
    }

    /// The node that the root stands for.
    pub(crate) fn chosen(&self) -> Option<&str> {
        self.chosen.as_deref()
    }
}

/// The kubelet that a request is for: that of the node in its path, else the chosen one. It answers.
pub(crate) struct Kubelet {
    kubelets: Arc<Kubelets>,
    name: String,
}

impl FromRequestParts<Arc<Kubelets>> for Kubelet {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, kubelets: &Arc<Kubelets>) -> Result<Self, Refusal> {
        let unreadable = |rejection: RawPathParamsRejection| Refusal::UnreadableName(rejection.body_text());
        let params = RawPathParams::from_request_parts(parts, kubelets).await.map_err(unreadable)?;
        let named = params.iter().find(|(key, _)| *key == "node").map(|(_, name)| name.to_owned());
        let Some(name) = named.or_else(|| kubelets.chosen.clone()) else {
            let path = parts.uri.path().to_owned();
            return Err(Refusal::WhichNode { path, nodes: kubelets.node_names() });
        };
        let Some(node) = kubelets.source.node(&name) else {
            return Err(Refusal::UnknownNode { name, nodes: kubelets.node_names() });
        };
        match lost(&node) {
            Some(why) => Err(Refusal::Lost { name, why }),
            None => Ok(Self { kubelets: Arc::clone(kubelets), name }),
        }
    }
}

impl Kubelet {
    /// Its node's name.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn summary(&self) -> Result<Summary, Refusal> {
        // None although there is such a node: it is gone or lost since we looked.
        let lost = || Refusal::Lost { name: self.name.clone(), why: "its kubelet is silent".to_owned() };
        self.kubelets.source.summary(&self.name).ok_or_else(lost)
    }

    pub(crate) fn pods(&self) -> Vec<Arc<Pod>> {
        self.kubelets.source.pods(&self.name)
    }
}

/// Why nobody reaches a node, if that is so: the control plane does not know how it is.
fn lost(node: &Node) -> Option<String> {
    let conditions = node.status.as_ref()?.conditions.as_ref()?;
    let ready = conditions.iter().find(|condition| condition.type_ == "Ready")?;
    (ready.status == "Unknown").then(|| {
        let since = ready.last_transition_time.as_ref().map(|time| format!(" since {}", time.0));
        let said = ready.message.as_deref().filter(|message| !message.is_empty());
        format!(
            "its condition Ready is Unknown{}{}",
            since.unwrap_or_default(),
            said.map(|message| format!(" ({})", message.trim_end_matches('.'))).unwrap_or_default()
        )
    })
}
