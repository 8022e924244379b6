//! KWOK's `Stage`: how a real KWOK cluster brings pods and nodes into the states that this crate simulates.
//!
//! Read only so that a misspelt field is found here and not by a cluster that waits for ever; [`crate::Fleet::manifests`]
//! hands stages on as they are.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::{Deserialize, Serialize};

/// A Stage, `kwok.x-k8s.io/v1alpha1`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Stage {
    pub(crate) api_version: String,
    pub(crate) kind: String,
    pub(crate) metadata: ObjectMeta,
    pub(crate) spec: StageSpec,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct StageSpec {
    pub(crate) resource_ref: ResourceRef,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) selector: Option<Selector>,
    #[serde(skip_serializing_if = "Option::is_none")]
    weight: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    weight_from: Option<ExpressionFrom>,
    #[serde(skip_serializing_if = "Option::is_none")]
    delay: Option<Delay>,
    pub(crate) next: Next,
    #[serde(skip_serializing_if = "Option::is_none")]
    immediate_next_stage: Option<bool>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ResourceRef {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) api_group: Option<String>,
    pub(crate) kind: String,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Selector {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) match_labels: Option<BTreeMap<String, String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    match_annotations: Option<BTreeMap<String, String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) match_expressions: Option<Vec<MatchExpression>>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct MatchExpression {
    pub(crate) key: String,
    pub(crate) operator: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) values: Option<Vec<String>>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ExpressionFrom {
    expression_from: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Delay {
    #[serde(skip_serializing_if = "Option::is_none")]
    duration_milliseconds: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    duration_from: Option<ExpressionFrom>,
    #[serde(skip_serializing_if = "Option::is_none")]
    jitter_duration_milliseconds: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    jitter_duration_from: Option<ExpressionFrom>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Next {
    #[serde(skip_serializing_if = "Option::is_none")]
    event: Option<Event>,
    #[serde(skip_serializing_if = "Option::is_none")]
    finalizers: Option<Finalizers>,
    #[serde(skip_serializing_if = "Option::is_none")]
    delete: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status_template: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status_subresource: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Event {
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    type_: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Finalizers {
    #[serde(skip_serializing_if = "Option::is_none")]
    add: Option<Vec<FinalizerItem>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    remove: Option<Vec<FinalizerItem>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    empty: Option<bool>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct FinalizerItem {
    value: String,
}
