//! How something is mended: edits of the JSON.

use promql::ast::Span;
use serde_json::Value;

use crate::pointer::Pointer;

/// Edits that belong together.
#[derive(Clone, Debug, PartialEq)]
pub struct Fix {
    /// What they do, for people: `set refresh to 2`.
    pub label: String,
    /// In any order; no two at the same place.
    pub edits: Vec<Edit>,
}

/// One change at one place.
#[derive(Clone, Debug, PartialEq)]
pub struct Edit {
    /// Where.
    pub pointer: Pointer,
    /// What.
    pub change: Change,
}

/// What happens there.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// The value is this one now; it is added where there is none. Objects on the way are made.
    Set(Value),
    /// The property or the list's item goes.
    Remove,
    /// The property gets another name.
    Rename(String),
    /// This part of the string there is replaced (an empty span inserts).
    Replace {
        /// In bytes of the string.
        span: Span,
        /// By this.
        text: String,
    },
    /// The whole file is written in canonical form.
    Canonical,
}

impl Fix {
    /// A fix of one edit.
    pub fn one(label: impl Into<String>, pointer: Pointer, change: Change) -> Self {
        Self { label: label.into(), edits: vec![Edit { pointer, change }] }
    }

    /// Sets one value.
    pub fn set(pointer: Pointer, value: impl Into<Value>) -> Self {
        let value = value.into();
        let last = pointer.last().unwrap_or_default();
        Self::one(format!("set {last} to {value}"), pointer, Change::Set(value))
    }

    /// Removes one property or item.
    pub fn remove(pointer: Pointer) -> Self {
        Self::one(format!("remove {}", pointer.last().unwrap_or_default()), pointer, Change::Remove)
    }

    /// Replaces a part of a query.
    pub fn replace(label: impl Into<String>, pointer: Pointer, span: Span, text: impl Into<String>) -> Self {
        Self::one(label, pointer, Change::Replace { span, text: text.into() })
    }

    /// Adds another edit.
    #[must_use]
    pub fn and(mut self, pointer: Pointer, change: Change) -> Self {
        self.edits.push(Edit { pointer, change });
        self
    }
}

/// Why an edit was not possible.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Impossible {
    /// Where.
    pub pointer: Pointer,
    /// Why.
    pub reason: &'static str,
}

/// Applies edits to a dashboard, all or none. Removals of list items shift those behind them, so the edits are done
/// from the end of the dashboard to its beginning.
///
/// # Errors
/// When a place is not there, or holds something else.
pub fn apply(dashboard: &Value, edits: &[Edit]) -> Result<Value, Impossible> {
    let mut result = dashboard.clone();
    for edit in in_order(edits) {
        apply_one(&mut result, edit)?;
    }
    Ok(result)
}

/// From the end of the dashboard to its beginning.
pub(crate) fn in_order(edits: &[Edit]) -> Vec<&Edit> {
    let mut ordered: Vec<&Edit> = edits.iter().collect();
    ordered.sort_by_key(|edit| std::cmp::Reverse(order(edit)));
    ordered
}

/// Numbers in pointers as numbers, so that item 10 stands behind item 9; then the place in the text.
fn order(edit: &Edit) -> (Vec<(usize, String)>, usize) {
    let steps = edit.pointer.steps().map(|step| (step.parse().unwrap_or(usize::MAX), step)).collect();
    let start = match &edit.change {
        Change::Replace { span, .. } => span.start,
        _ => 0,
    };
    (steps, start)
}

fn apply_one(root: &mut Value, edit: &Edit) -> Result<(), Impossible> {
    let fail = |reason| Impossible { pointer: edit.pointer.clone(), reason };
    match &edit.change {
        Change::Canonical => Ok(()),
        Change::Replace { span, text } => {
            let Some(Value::String(old)) = root.pointer_mut(edit.pointer.as_str()) else {
                return Err(fail("there is no text"));
            };
            if old.get(span.start..span.end).is_none() {
                return Err(fail("the text is another one"));
            }
            old.replace_range(span.start..span.end, text);
            Ok(())
        }
        Change::Set(value) => {
            *make(root, &edit.pointer).ok_or_else(|| fail("there is nothing to put it into"))? =
                value.clone();
            Ok(())
        }
        Change::Remove => {
            let (parent, key) = parent_mut(root, &edit.pointer).ok_or_else(|| fail("it is not there"))?;
            match parent {
                Value::Object(object) => object.remove(&key).map(drop).ok_or_else(|| fail("it is not there")),
                Value::Array(list) => match key.parse::<usize>() {
                    Ok(index) if index < list.len() => {
                        list.remove(index);
                        Ok(())
                    }
                    _ => Err(fail("it is not there")),
                },
                _ => Err(fail("it is not there")),
            }
        }
        Change::Rename(name) => {
            let (parent, key) = parent_mut(root, &edit.pointer).ok_or_else(|| fail("it is not there"))?;
            let Value::Object(object) = parent else { return Err(fail("it has no name")) };
            if object.contains_key(name) {
                return Err(fail("there is one of the new name already"));
            }
            let value = object.remove(&key).ok_or_else(|| fail("it is not there"))?;
            object.insert(name.clone(), value);
            Ok(())
        }
    }
}

fn parent_mut<'a>(root: &'a mut Value, pointer: &Pointer) -> Option<(&'a mut Value, String)> {
    let key = pointer.last()?;
    let parent = root.pointer_mut(pointer.parent()?.as_str())?;
    Some((parent, key))
}

/// The value at the pointer, with objects made on the way; one step behind the end of a list appends.
fn make<'a>(root: &'a mut Value, pointer: &Pointer) -> Option<&'a mut Value> {
    let mut here = root;
    for step in pointer.steps() {
        if here.is_null() {
            *here = Value::Object(serde_json::Map::new());
        }
        here = match here {
            Value::Object(object) => object.entry(step).or_insert(Value::Null),
            Value::Array(list) => {
                let index: usize = step.parse().ok()?;
                if index == list.len() {
                    list.push(Value::Null);
                }
                list.get_mut(index)?
            }
            _ => return None,
        };
    }
    Some(here)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn edit(path: &str, change: Change) -> Edit {
        Edit { pointer: Pointer::from_path(path), change }
    }

    #[test]
    fn edits_set_remove_rename_and_replace() {
        let before = json!({"a": {"b": "one two"}, "list": [1, 2, 3], "old": 1});
        let after = apply(
            &before,
            &[
                edit("a.b", Change::Replace { span: Span::new(4, 7), text: "three".to_owned() }),
                edit("list[0]", Change::Remove),
                edit("list[2]", Change::Remove),
                edit("old", Change::Rename("new".to_owned())),
                edit("x.y", Change::Set(json!(true))),
            ],
        );
        assert_eq!(after, Ok(json!({"a": {"b": "one three"}, "list": [2], "new": 1, "x": {"y": true}})));
    }

    #[test]
    fn the_tenth_item_is_removed_before_the_ninth() {
        let list: Vec<usize> = (0..12).collect();
        let edits: Vec<Edit> = [9, 10, 2].map(|i| edit(&format!("[{i}]"), Change::Remove)).into();
        assert_eq!(apply(&json!(list), &edits), Ok(json!([0, 1, 3, 4, 5, 6, 7, 8, 11])));
    }

    #[test]
    fn what_is_not_there_cannot_be_edited() {
        let value = json!({"a": 1, "b": "é"});
        for wrong in [
            edit("c", Change::Remove),
            edit("a.b", Change::Set(json!(1))),
            edit("a", Change::Rename("b".to_owned())),
            edit("b", Change::Replace { span: Span::new(0, 1), text: String::new() }),
            edit("b", Change::Replace { span: Span::new(7, 9), text: String::new() }),
            edit("a", Change::Replace { span: Span::new(0, 0), text: String::new() }),
        ] {
            assert!(apply(&value, std::slice::from_ref(&wrong)).is_err(), "{wrong:?}");
        }
    }
}
