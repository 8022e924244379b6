//! Labels and annotations of pods, before and after.

use cluster_sim::annotations::PROVOKED;
use kubelet_stats::annotations::{FILL, Fill, Fills, SPIKE, Spike, Spikes};
use serde_json::{Value, json};

/// What is put on a pod.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Marks {
    pub(super) label: Option<&'static str>,
    pub(super) spike: Option<Spike>,
    pub(super) fills: Vec<Fill>,
}

/// The change that puts `marks` on a pod with this metadata; why that cannot be.
pub(super) fn put(metadata: &Value, marks: &Marks) -> Result<Value, String> {
    let mut change = json!({});
    if let Some(label) = marks.label {
        change["labels"][PROVOKED] = json!(label);
    }
    if let Some(spike) = &marks.spike {
        let mut spikes: Vec<Spike> = read::<Spikes>(metadata, SPIKE)?.iter().cloned().collect();
        spikes.push(spike.clone());
        let spikes = Spikes::new(spikes).map_err(|_| "it has a spike already".to_owned())?;
        change["annotations"][SPIKE] = json!(spikes.to_string());
    }
    if !marks.fills.is_empty() {
        let mut fills = read::<Fills>(metadata, FILL)?;
        fills.0.extend(marks.fills.iter().cloned());
        change["annotations"][FILL] = json!(fills.to_string());
    }
    Ok(json!({"metadata": change}))
}

/// The change that ends at `until` what was put on a pod at `since`. The entries stay: what they have counted is part of the pod's
/// counters.
pub(super) fn end(metadata: &Value, since: i64, until: i64, takes_label: bool) -> Value {
    let mut change = json!({});
    if takes_label {
        change["labels"][PROVOKED] = Value::Null;
    }
    let until = until.max(since + 1);
    let is_open = |ends: Option<i64>| ends.is_none_or(|ends| ends > until);
    // What cannot be read was not written by us.
    if let Ok(spikes) = read::<Spikes>(metadata, SPIKE)
        && spikes.iter().any(|spike| spike.window.since == since && is_open(spike.window.until))
    {
        let spikes = spikes.iter().cloned().map(|mut spike| {
            if spike.window.since == since && is_open(spike.window.until) {
                spike.window.until = Some(until);
            }
            spike
        });
        if let Ok(spikes) = Spikes::new(spikes.collect()) {
            change["annotations"][SPIKE] = json!(spikes.to_string());
        }
    }
    if let Ok(mut fills) = read::<Fills>(metadata, FILL) {
        let mut any = false;
        for fill in &mut fills.0 {
            if fill.window.since == since && is_open(fill.window.until) {
                fill.window.until = Some(until);
                any = true;
            }
        }
        if any {
            change["annotations"][FILL] = json!(fills.to_string());
        }
    }
    json!({"metadata": change})
}

/// The entries of an annotation; none when it is not there.
fn read<T: std::str::FromStr<Err = String> + Default>(metadata: &Value, key: &str) -> Result<T, String> {
    match metadata["annotations"][key].as_str() {
        Some(text) => text.parse().map_err(|error| format!("its annotation {key} cannot be read: {error}")),
        None => Ok(T::default()),
    }
}

#[cfg(test)]
mod tests {
    use kubelet_stats::annotations::{Amount, Window};

    use super::*;

    fn spike(since: i64, until: Option<i64>) -> Marks {
        let window = Window { since, until };
        Marks {
            spike: Some(Spike { window, container: None, cpu: Some(Amount::Limit), memory: None }),
            ..Marks::default()
        }
    }

    #[test]
    fn a_spike_is_added_to_those_before_and_ends_without_them() {
        let before = json!({"annotations": {SPIKE: "memory=limit since=1970-01-01T00:00:10Z until=1970-01-01T00:00:20Z"}});
        let change = put(&before, &spike(60, None)).unwrap();
        let text = change["metadata"]["annotations"][SPIKE].as_str().unwrap();
        assert!(text.starts_with("memory=limit since=1970-01-01T00:00:10Z"), "{text}");
        assert!(text.ends_with("cpu=limit since=1970-01-01T00:01:00Z"), "{text}");
        let after = end(&change["metadata"], 60, 90, false);
        let ended = after["metadata"]["annotations"][SPIKE].as_str().unwrap();
        assert!(
            ended.ends_with("cpu=limit since=1970-01-01T00:01:00Z until=1970-01-01T00:01:30Z"),
            "{ended}"
        );
        assert_eq!(after["metadata"]["labels"], Value::Null);
        // Ended at once it lasts a second.
        let at_once = end(&change["metadata"], 60, 60, false);
        assert!(
            at_once["metadata"]["annotations"][SPIKE]
                .as_str()
                .unwrap()
                .ends_with("until=1970-01-01T00:01:01Z")
        );
        // One that has ended stays.
        assert_eq!(end(&after["metadata"], 60, 120, false), json!({"metadata": {}}));
    }

    #[test]
    fn two_spikes_at_a_time_are_refused_and_so_is_what_cannot_be_read() {
        let open = put(&json!({}), &spike(60, None)).unwrap();
        assert_eq!(put(&open["metadata"], &spike(90, None)).unwrap_err(), "it has a spike already");
        let odd = json!({"annotations": {SPIKE: "much"}});
        assert!(put(&odd, &spike(60, None)).unwrap_err().contains("cannot be read"));
        assert_eq!(end(&odd, 60, 90, true), json!({"metadata": {"labels": {PROVOKED: null}}}));
    }
}
