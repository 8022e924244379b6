//! How patches change objects.

use serde_json::{Map, Value};

/// Server-side apply: sets what `applied` says, and takes away what the same manager said `before` and does not say any more.
/// Lists are replaced as a whole, which is enough for one manager.
pub(super) fn apply(object: &mut Value, before: Option<&Value>, applied: &Value) {
    let (Value::Object(fields), Value::Object(applied)) = (&mut *object, applied) else {
        *object = applied.clone();
        return;
    };
    if let Some(Value::Object(before)) = before {
        fields.retain(|key, _| applied.contains_key(key) || !before.contains_key(key));
    }
    for (key, value) in applied {
        apply(fields.entry(key).or_insert(Value::Null), before.and_then(|before| before.get(key)), value);
    }
}

/// A merge patch (RFC 7386).
pub(super) fn merge(object: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *object = patch.clone();
        return;
    };
    if !object.is_object() {
        *object = Value::Object(Map::new());
    }
    if let Value::Object(fields) = object {
        for (key, value) in patch {
            if value.is_null() {
                fields.remove(key);
            } else {
                merge(fields.entry(key).or_insert(Value::Null), value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_a_manager_does_not_say_any_more_goes_and_what_others_say_stays() {
        let mut object = json!({"spec": {"a": 1, "b": 2, "others": 3}});
        let before = json!({"spec": {"a": 1, "b": 2}});
        apply(&mut object, Some(&before), &json!({"spec": {"b": 4, "list": [1]}}));
        assert_eq!(object, json!({"spec": {"b": 4, "others": 3, "list": [1]}}));
    }

    #[test]
    fn null_takes_away() {
        let mut object = json!({"a": {"b": 1, "c": 2}});
        merge(&mut object, &json!({"a": {"b": null, "d": 3}}));
        assert_eq!(object, json!({"a": {"c": 2, "d": 3}}));
    }
}
