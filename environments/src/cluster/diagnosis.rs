//! What is wrong with pods, in words: for error messages.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use futures_util::future::join_all;
use serde_json::Value;

use super::Cluster;
use super::exchange::{Call, Trouble};

/// Pods that are described, at most.
const PODS: usize = 8;
/// Events that are told, at most.
const EVENTS: usize = 8;
/// Logs that are told, at most …
const LOGS: usize = 3;
/// … and lines of each.
const LINES: usize = 12;

/// A pod that is not as it should be.
struct Unwell<'a> {
    name: &'a str,
    phase: &'a str,
    reasons: Vec<String>,
    /// Containers whose logs say why, and whether it is the log of the run before.
    logs: Vec<(&'a str, bool)>,
}

impl Cluster {
    /// The pods of `namespace` (those that `selector` selects, such as `app=collector`) that are not ready and why, the last
    /// events, and the end of the failing containers' logs. What cannot be had is said in its place: this is the text of an
    /// error already.
    pub async fn diagnosis(&self, namespace: &str, selector: Option<&str>) -> String {
        match self.diagnose(namespace, selector).await {
            Ok(text) => text,
            Err(trouble) => format!("  what is wrong cannot be asked for: {trouble}"),
        }
    }

    async fn diagnose(&self, namespace: &str, selector: Option<&str>) -> Result<String, Trouble> {
        let mut call = Call::get(format!("/api/v1/namespaces/{namespace}/pods")).query("limit", "500");
        if let Some(selector) = selector {
            call = call.query("labelSelector", selector);
        }
        let list: Value = self.call(&call).await?.json()?;
        let pods = list["items"].as_array().map(Vec::as_slice).unwrap_or_default();
        let unwell: Vec<Unwell<'_>> = pods.iter().filter_map(look_at).collect();
        let mut text = format!("  {} of {} pods in {namespace} are not ready", unwell.len(), pods.len());
        for pod in unwell.iter().take(PODS) {
            // Writing to a String does not fail.
            let _ = write!(text, "\n    {} ({}): {}", pod.name, pod.phase, pod.reasons.join("; "));
        }
        if unwell.len() > PODS {
            let _ = write!(text, "\n    … and {} more", unwell.len() - PODS);
        }
        match self.events(namespace).await {
            Ok(events) if events.is_empty() => {}
            Ok(events) => {
                text.push_str("\n  last events");
                for event in events {
                    let _ = write!(text, "\n    {event}");
                }
            }
            Err(trouble) => {
                let _ = write!(text, "\n  events cannot be had: {trouble}");
            }
        }
        let failing: Vec<(&str, &str, bool)> = unwell
            .iter()
            .flat_map(|pod| pod.logs.iter().map(|(container, previous)| (pod.name, *container, *previous)))
            .take(LOGS)
            .collect();
        let logs = join_all(failing.iter().map(|(pod, container, previous)| {
            let call = Call::get(format!("/api/v1/namespaces/{namespace}/pods/{pod}/log"))
                .query("container", *container)
                .query("tailLines", LINES.to_string())
                .query("previous", previous.to_string());
            async move { self.call(&call).await }
        }))
        .await;
        for ((pod, container, _), log) in failing.into_iter().zip(logs) {
            match log {
                Ok(log) => {
                    let _ = write!(text, "\n  log of {pod}, container {container}");
                    for line in log.text().lines() {
                        let _ = write!(text, "\n    {line}");
                    }
                }
                Err(trouble) => {
                    let _ = write!(text, "\n  log of {pod}, container {container}: cannot be had: {trouble}");
                }
            }
        }
        Ok(text)
    }

    /// The last events of a namespace, warnings before others, each in a line.
    async fn events(&self, namespace: &str) -> Result<Vec<String>, Trouble> {
        let call = Call::get(format!("/api/v1/namespaces/{namespace}/events")).query("limit", "500");
        let list: Value = self.call(&call).await?.json()?;
        let mut events: Vec<&Value> =
            list["items"].as_array().map(|items| items.iter().collect()).unwrap_or_default();
        let text = |event: &Value, field: &str| event[field].as_str().unwrap_or_default().to_owned();
        let time = |event: &Value| {
            let last = text(event, "lastTimestamp");
            if last.is_empty() { text(event, "eventTime") } else { last }
        };
        events.sort_by_key(|event| (event["type"] == "Warning", time(event)));
        Ok(events
            .into_iter()
            .rev()
            .take(EVENTS)
            .map(|event| {
                let object = &event["involvedObject"];
                format!(
                    "{} {}/{}: {}: {}",
                    time(event),
                    text(object, "kind").to_ascii_lowercase(),
                    text(object, "name"),
                    text(event, "reason"),
                    text(event, "message").lines().next().unwrap_or_default()
                )
            })
            .collect())
    }
}

/// What is wrong with a pod; `None` when nothing is.
fn look_at(pod: &Value) -> Option<Unwell<'_>> {
    let phase = pod.pointer("/status/phase").and_then(Value::as_str).unwrap_or("no phase");
    let conditions = pod.pointer("/status/conditions").and_then(Value::as_array);
    let mut conditions = conditions.into_iter().flatten();
    if phase == "Succeeded" || conditions.clone().any(|one| one["type"] == "Ready" && one["status"] == "True")
    {
        return None;
    }
    let mut reasons = Vec::new();
    if let Some(unscheduled) =
        conditions.find(|one| one["type"] == "PodScheduled" && one["status"] == "False")
    {
        reasons.push(unscheduled["message"].as_str().unwrap_or("not scheduled").to_owned());
    }
    if let Some(reason) = pod.pointer("/status/reason").and_then(Value::as_str) {
        reasons.push(reason.to_owned());
    }
    let mut logs = Vec::new();
    for list in ["/status/initContainerStatuses", "/status/containerStatuses"] {
        for status in pod.pointer(list).and_then(Value::as_array).into_iter().flatten() {
            let Some(name) = status["name"].as_str() else { continue };
            let Some((reason, log)) = container_reason(status) else { continue };
            reasons.push(format!("container {name}: {reason}"));
            logs.extend(log.map(|previous| (name, previous)));
        }
    }
    if reasons.is_empty() {
        reasons.push("not ready".to_owned());
    }
    let name = pod.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default();
    Some(Unwell { name, phase, reasons, logs })
}

/// What is wrong with a container, and whether its log (or that of the run before) may say why.
fn container_reason(status: &Value) -> Option<(String, Option<bool>)> {
    let has_run_before = status["restartCount"].as_i64().unwrap_or(0) > 0;
    let ended = |state: &Value| {
        let code = state["exitCode"].as_i64().unwrap_or(0);
        format!("{} with code {code}", state["reason"].as_str().unwrap_or("ended"))
    };
    if let Some(waiting) = status.pointer("/state/waiting") {
        let reason = waiting["reason"].as_str().unwrap_or("waiting");
        let message = waiting["message"].as_str().map(|message| format!(" ({message})")).unwrap_or_default();
        let last = status.pointer("/lastState/terminated").map(|state| format!(", last {}", ended(state)));
        return Some((
            format!("{reason}{message}{}", last.unwrap_or_default()),
            has_run_before.then_some(true),
        ));
    }
    if let Some(terminated) = status.pointer("/state/terminated") {
        return (terminated["exitCode"] != 0).then(|| (ended(terminated), Some(false)));
    }
    (status["ready"] == false && status.pointer("/state/running").is_some())
        .then(|| ("runs and is not ready".to_owned(), Some(false)))
}

/// What most of these pods are waiting for: `; 12 wait: 0/50 nodes are available …`.
pub(crate) fn most_common_reasons(pods: &[Value]) -> String {
    let mut counts = BTreeMap::<String, usize>::new();
    for pod in pods.iter().filter_map(look_at) {
        *counts.entry(pod.reasons.into_iter().next().unwrap_or_default()).or_default() += 1;
    }
    let mut counts: Vec<(String, usize)> = counts.into_iter().collect();
    counts.sort_by_key(|(_, number)| std::cmp::Reverse(*number));
    counts.iter().take(3).map(|(reason, number)| format!("; {number} wait: {reason}")).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pod(status: &Value) -> Value {
        json!({"metadata": {"name": "a"}, "status": status})
    }

    #[test]
    fn what_is_wrong_with_a_pod_is_said_in_a_line() {
        let ready = json!([{"type": "Ready", "status": "True"}]);
        for (status, expected) in [
            (json!({"phase": "Running", "conditions": ready}), None),
            (json!({"phase": "Succeeded"}), None),
            (json!({"phase": "Pending"}), Some("not ready")),
            (
                json!({"phase": "Pending", "conditions": [{"type": "PodScheduled", "status": "False", "message": "0/3 nodes are available"}]}),
                Some("0/3 nodes are available"),
            ),
            (
                json!({"phase": "Running", "containerStatuses": [{"name": "c", "restartCount": 2, "state": {"waiting": {"reason": "CrashLoopBackOff"}}, "lastState": {"terminated": {"exitCode": 1, "reason": "Error"}}}]}),
                Some("container c: CrashLoopBackOff, last Error with code 1"),
            ),
            (
                json!({"phase": "Pending", "containerStatuses": [{"name": "c", "state": {"waiting": {"reason": "ErrImagePull", "message": "no such tag"}}}]}),
                Some("container c: ErrImagePull (no such tag)"),
            ),
            (json!({"phase": "Failed", "reason": "Evicted"}), Some("Evicted")),
            (
                json!({"phase": "Running", "containerStatuses": [{"name": "c", "ready": false, "state": {"running": {}}}]}),
                Some("container c: runs and is not ready"),
            ),
        ] {
            let pod = pod(&status);
            assert_eq!(look_at(&pod).map(|unwell| unwell.reasons.join("; ")).as_deref(), expected, "{pod}");
        }
    }

    #[test]
    fn what_most_pods_wait_for_is_named_first() {
        let waits = |message: &str| {
            pod(&json!({"conditions": [{"type": "PodScheduled", "status": "False", "message": message}]}))
        };
        let pods = [waits("no cpu"), waits("no gpu"), waits("no cpu")];
        assert_eq!(most_common_reasons(&pods), "; 2 wait: no cpu; 1 wait: no gpu");
    }
}
