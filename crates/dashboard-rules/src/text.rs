//! JSON as text: where values stand in it, and edits that leave the rest of it as it was written.

use std::collections::BTreeMap;
use std::ops::Range;

use grafana::json::canonical;
use serde_json::Value;

use crate::fix::{Change, Edit, Impossible, in_order};
use crate::pointer::Pointer;

/// A value in a text.
#[derive(Debug)]
pub(crate) struct Node {
    /// Where, in bytes.
    pub(crate) range: Range<usize>,
    children: Children,
}

#[derive(Debug)]
enum Children {
    Members(Vec<Member>),
    Items(Vec<Node>),
    None,
}

#[derive(Debug)]
struct Member {
    /// With its quotes.
    key: Range<usize>,
    name: String,
    value: Node,
}

impl Node {
    /// Reads a text that is JSON; nothing for others, and for such as are nested without end.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let mut reader = Reader { text, at: 0 };
        reader.space();
        reader.value(0)
    }

    /// The value there.
    pub(crate) fn find(&self, pointer: &Pointer) -> Option<&Self> {
        pointer.steps().try_fold(self, |node, step| node.child(&step))
    }

    /// The value there, or the nearest one around it that there is.
    pub(crate) fn nearest(&self, pointer: &Pointer) -> &Self {
        let mut node = self;
        for step in pointer.steps() {
            match node.child(&step) {
                Some(child) => node = child,
                None => break,
            }
        }
        node
    }

    fn child(&self, step: &str) -> Option<&Self> {
        match &self.children {
            // Of two members of one name the last one counts.
            Children::Members(members) => {
                members.iter().rev().find(|member| member.name == step).map(|member| &member.value)
            }
            Children::Items(items) => items.get(step.parse::<usize>().ok()?),
            Children::None => None,
        }
    }
}

/// Reads JSON that has been found to be valid before; anything else ends it early.
struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn space(&mut self) {
        while self.peek().is_some_and(|byte| byte.is_ascii_whitespace()) {
            self.at += 1;
        }
    }

    fn value(&mut self, depth: usize) -> Option<Node> {
        /// As deep as the parser of JSON goes.
        const DEEPEST: usize = 128;
        if depth > DEEPEST {
            return None;
        }
        let start = self.at;
        let children = match self.peek()? {
            b'{' => Children::Members(self.members(depth)?),
            b'[' => Children::Items(self.items(depth)?),
            b'"' => {
                self.string()?;
                Children::None
            }
            _ => {
                while self
                    .peek()
                    .is_some_and(|byte| !matches!(byte, b',' | b']' | b'}') && !byte.is_ascii_whitespace())
                {
                    self.at += 1;
                }
                if self.at == start {
                    return None;
                }
                Children::None
            }
        };
        Some(Node { range: start..self.at, children })
    }

    fn string(&mut self) -> Option<Range<usize>> {
        let start = self.at;
        self.at += 1;
        loop {
            match self.peek()? {
                b'\\' => self.at += 2,
                b'"' => {
                    self.at += 1;
                    return Some(start..self.at);
                }
                _ => self.at += 1,
            }
        }
    }

    fn members(&mut self, depth: usize) -> Option<Vec<Member>> {
        let mut members = Vec::new();
        self.at += 1;
        loop {
            self.space();
            match self.peek()? {
                b'}' => {
                    self.at += 1;
                    return Some(members);
                }
                b',' => self.at += 1,
                b'"' => {
                    let key = self.string()?;
                    let name = serde_json::from_str(&self.text[key.clone()]).ok()?;
                    self.space();
                    if self.peek()? != b':' {
                        return None;
                    }
                    self.at += 1;
                    self.space();
                    members.push(Member { key, name, value: self.value(depth + 1)? });
                }
                _ => return None,
            }
        }
    }

    fn items(&mut self, depth: usize) -> Option<Vec<Node>> {
        let mut items = Vec::new();
        self.at += 1;
        loop {
            self.space();
            match self.peek()? {
                b']' => {
                    self.at += 1;
                    return Some(items);
                }
                b',' => self.at += 1,
                _ => items.push(self.value(depth + 1)?),
            }
        }
    }
}

/// Where in the raw literal of a string (with its quotes) the byte of the decoded string stands.
pub(crate) fn raw_offset(literal: &str, decoded: usize) -> usize {
    let mut characters = literal.char_indices().skip(1).peekable();
    let mut passed = 0;
    while let Some((at, character)) = characters.next() {
        if passed >= decoded || character == '"' {
            return at;
        }
        if character != '\\' {
            passed += character.len_utf8();
            continue;
        }
        match characters.next() {
            Some((_, 'u')) => {
                let code =
                    literal.get(at + 2..at + 6).and_then(|digits| u32::from_str_radix(digits, 16).ok());
                for _ in 0..4 {
                    characters.next();
                }
                // Two of them make one character of four bytes.
                passed += match code {
                    Some(0xD800..=0xDFFF) => 2,
                    Some(code) => char::from_u32(code).map_or(0, char::len_utf8),
                    None => 0,
                };
            }
            _ => passed += 1,
        }
    }
    literal.len()
}

/// Line and column of a byte, both from 1, columns in characters.
pub(crate) fn line_and_column(text: &str, at: usize) -> (usize, usize) {
    promql::ast::Span::new(at, at).line_and_column(text)
}

/// Applies edits to the text of a file, whose dashboard is at `wrapper`. What they do not touch stays as it is written.
///
/// # Errors
/// When a place is not there, or holds something else.
pub fn edit(text: &str, wrapper: &Pointer, edits: &[Edit]) -> Result<String, Impossible> {
    let mut text = text.to_owned();
    let mut left = in_order(edits);
    while !left.is_empty() {
        (text, left) = pass(&text, wrapper, &left)?;
    }
    Ok(text)
}

/// Reads the text once and does the edits that do not touch each other; gives back the others, in their order.
fn pass<'e>(
    text: &str,
    wrapper: &Pointer,
    edits: &[&'e Edit],
) -> Result<(String, Vec<&'e Edit>), Impossible> {
    let nothing = |edit: &Edit| Impossible { pointer: edit.pointer.clone(), reason: "the text is no JSON" };
    let Some(first) = edits.first() else { return Ok((text.to_owned(), Vec::new())) };
    let root = Node::read(text).ok_or_else(|| nothing(first))?;
    let mut pieces = Pieces::default();
    let mut later: Vec<&Edit> = Vec::new();
    let mut rest = edits;
    while let Some(edit) = rest.first() {
        // Those in one string are done together.
        let is_replacement = |other: &&&Edit| {
            matches!((&edit.change, &other.change), (Change::Replace { .. }, Change::Replace { .. }))
                && other.pointer == edit.pointer
        };
        let (group, behind) = rest.split_at(rest.iter().take_while(is_replacement).count().max(1));
        rest = behind;
        // What is removed from a list moves those behind it, which somebody may still have to find.
        let waits = match edit.change {
            Change::Canonical => !later.is_empty() || !pieces.0.is_empty(),
            Change::Remove => !later.is_empty(),
            _ => false,
        };
        let done = !waits && {
            let (range, new) = piece(text, &root, &edit.pointer.behind(wrapper), group)?;
            pieces.put(range, new)
        };
        if !done {
            later.extend(group);
        }
    }
    Ok((pieces.written_into(text), later))
}

/// What is put into a text, by where it begins: where that ends, and what stands there then. No two overlap.
#[derive(Default)]
struct Pieces(BTreeMap<usize, (usize, String)>);

impl Pieces {
    /// Adds one, unless it touches another.
    fn put(&mut self, range: Range<usize>, new: String) -> bool {
        // Something that is put in between has to know what is before it and behind it.
        let is_free = |start: usize, end: usize| {
            if range.is_empty() || start == end {
                end < range.start || range.end < start
            } else {
                end <= range.start || range.end <= start
            }
        };
        let near = self.0.range(..=range.end).rev().take_while(|(_, (end, _))| *end >= range.start);
        let free = near.into_iter().all(|(start, (end, _))| is_free(*start, *end));
        if free {
            self.0.insert(range.start, (range.end, new));
        }
        free
    }

    fn written_into(self, text: &str) -> String {
        let mut result = String::with_capacity(text.len());
        let mut copied = 0;
        for (start, (end, new)) in self.0 {
            result.push_str(&text[copied..start]);
            result.push_str(&new);
            copied = end;
        }
        result.push_str(&text[copied..]);
        result
    }
}

/// The part of a text that an edit is about, or several replacements in one string, and what stands there then.
fn piece(
    text: &str,
    root: &Node,
    pointer: &Pointer,
    edits: &[&Edit],
) -> Result<(Range<usize>, String), Impossible> {
    let fail = |reason| Impossible { pointer: pointer.clone(), reason };
    let there = || root.find(pointer).ok_or_else(|| fail("it is not there"));
    let Some(edit) = edits.first() else { return Err(fail("there is nothing to do")) };
    Ok(match &edit.change {
        Change::Canonical => {
            let value: Value = serde_json::from_str(text).map_err(|_| fail("the text is no JSON"))?;
            (0..text.len(), canonical(&value))
        }
        Change::Replace { .. } => {
            let node = there()?;
            let mut old: String =
                serde_json::from_str(&text[node.range.clone()]).map_err(|_| fail("there is no text"))?;
            // From the end to the beginning, as they come.
            for edit in edits {
                let Change::Replace { span, text: new } = &edit.change else { continue };
                if old.get(span.start..span.end).is_none() {
                    return Err(fail("the text is another one"));
                }
                old.replace_range(span.start..span.end, new);
            }
            (node.range.clone(), Value::from(old).to_string())
        }
        Change::Set(value) => match root.find(pointer) {
            Some(node) => (node.range.clone(), written(value, &indentation(text, node.range.start))),
            None => insertion(text, root, pointer, value)
                .ok_or_else(|| fail("there is nothing to put it into"))?,
        },
        Change::Remove => (removal(root, pointer).ok_or_else(|| fail("it is not there"))?, String::new()),
        Change::Rename(name) => {
            let parent = pointer.parent().and_then(|parent| root.find(&parent));
            let (Some(Node { children: Children::Members(members), .. }), Some(old)) =
                (parent, pointer.last())
            else {
                return Err(fail("it has no name"));
            };
            if members.iter().any(|member| member.name == *name) {
                return Err(fail("there is one of the new name already"));
            }
            let member = members
                .iter()
                .rev()
                .find(|member| member.name == old)
                .ok_or_else(|| fail("it is not there"))?;
            (member.key.clone(), Value::from(name.as_str()).to_string())
        }
    })
}

/// The white space at the beginning of the line; none where that is too far away to be worth a look.
fn indentation(text: &str, at: usize) -> String {
    const LONGEST: usize = 4_096;
    let before = &text.as_bytes()[at.saturating_sub(LONGEST)..at];
    let newline = before.iter().rposition(|byte| *byte == b'\n').map(|found| at - before.len() + found + 1);
    let start = newline.unwrap_or(if before.len() == at { 0 } else { at });
    text[start..at].chars().take_while(|character| matches!(character, ' ' | '\t')).collect()
}

/// A value in lines that are indented as far as those around it.
fn written(value: &Value, indentation: &str) -> String {
    canonical(value).trim_end().replace('\n', &format!("\n{indentation}"))
}

/// Where a value is put that is not there yet, and the text with what has to be around it.
fn insertion(text: &str, root: &Node, pointer: &Pointer, value: &Value) -> Option<(Range<usize>, String)> {
    // The nearest object or list that is there, and what is missing inside it.
    let mut missing = Vec::new();
    let mut here = pointer.clone();
    let parent = loop {
        missing.insert(0, here.last()?);
        here = here.parent()?;
        if let Some(node) = root.find(&here) {
            break node;
        }
    };
    let (first, rest) = missing.split_first()?;
    let mut value = value.clone();
    for key in rest.iter().rev() {
        value = Value::Object([(key.clone(), value)].into_iter().collect());
    }
    let (starts, last, key) = match &parent.children {
        Children::Members(members) => (
            members.first().map(|member| member.key.start),
            members.last().map(|member| member.value.range.end),
            format!("{}: ", Value::from(first.as_str())),
        ),
        Children::Items(items) if first.parse() == Ok(items.len()) => (
            items.first().map(|item| item.range.start),
            items.last().map(|item| item.range.end),
            String::new(),
        ),
        // `null` becomes an object.
        Children::None if &text[parent.range.clone()] == "null" => {
            let object = Value::Object([(first.clone(), value)].into_iter().collect());
            return Some((parent.range.clone(), written(&object, &indentation(text, parent.range.start))));
        }
        _ => return None,
    };
    let (Some(start), Some(end)) = (starts, last) else {
        let at = parent.range.start + 1;
        return Some((at..parent.range.end - 1, format!("{key}{}", written(&value, &indentation(text, at)))));
    };
    // In a line of its own where the others have one.
    let on_own_line = text[..start].trim_end_matches([' ', '\t']).ends_with('\n');
    let indent = indentation(text, start);
    let separator = if on_own_line { format!(",\n{indent}") } else { ", ".to_owned() };
    Some((end..end, format!("{separator}{key}{}", written(&value, &indent))))
}

/// The range that goes with a value: its name, and a comma.
fn removal(root: &Node, pointer: &Pointer) -> Option<Range<usize>> {
    let parent = root.find(&pointer.parent()?)?;
    let step = pointer.last()?;
    let (count, index) = match &parent.children {
        Children::Members(members) => {
            (members.len(), members.iter().rposition(|member| member.name == step)?)
        }
        Children::Items(items) => (items.len(), step.parse().ok().filter(|index| *index < items.len())?),
        Children::None => return None,
    };
    let range = |index: usize| match &parent.children {
        Children::Members(members) => {
            members.get(index).map(|member| member.key.start..member.value.range.end)
        }
        Children::Items(items) => items.get(index).map(|item| item.range.clone()),
        Children::None => None,
    };
    let own = range(index)?;
    Some(match index.checked_sub(1) {
        Some(before) => range(before)?.end..own.end,
        None if count > 1 => own.start..range(1)?.start,
        None => parent.range.start + 1..parent.range.end - 1,
    })
}

#[cfg(test)]
mod tests {
    use promql::ast::Span;
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::fix;

    const TEXT: &str = "{\n    \"b\": [1, {\"x\": \"say \\\"é\\\"\"}],\n    \"a\": {}\n}";

    fn at(path: &str, change: Change) -> Edit {
        Edit { pointer: Pointer::from_path(path), change }
    }

    #[test]
    fn an_edit_leaves_the_rest_as_it_was_written() {
        for (edit_, expected) in [
            (at("b[0]", Change::Set(json!(2))), TEXT.replace("[1", "[2")),
            (at("b[0]", Change::Remove), TEXT.replace("1, ", "")),
            (at("b[1]", Change::Remove), TEXT.replace(", {\"x\": \"say \\\"é\\\"\"}", "")),
            (at("a", Change::Rename("c".to_owned())), TEXT.replace("\"a\"", "\"c\"")),
            (at("a", Change::Remove), TEXT.replace(",\n    \"a\": {}", "")),
            (at("c", Change::Set(json!(true))), TEXT.replace("{}\n", "{},\n    \"c\": true\n")),
            (at("a.d", Change::Set(json!(1))), TEXT.replace("{}", "{\"d\": 1}")),
            (at("b[2]", Change::Set(json!("z"))), TEXT.replace("}]", "}, \"z\"]")),
            (
                at("b[1].x", Change::Replace { span: Span::new(5, 7), text: "\"".to_owned() }),
                TEXT.replace("\\\"é\\\"", "\\\"\\\"\\\""),
            ),
        ] {
            let text = edit(TEXT, &Pointer::root(), std::slice::from_ref(&edit_)).unwrap();
            assert_eq!(text, expected, "{edit_:?}");
        }
    }

    #[test]
    fn edits_in_one_string_and_beside_each_other_are_all_done() {
        let replace = |start, end, text: &str| {
            at("b[1].x", Change::Replace { span: Span::new(start, end), text: text.to_owned() })
        };
        let edits = [
            replace(0, 3, "told"),
            replace(5, 7, "e"),
            at("b[0]", Change::Remove),
            at("a.d", Change::Set(json!(1))),
            at("a.e", Change::Set(json!(2))),
            at("c", Change::Set(json!(3))),
        ];
        let text = edit(TEXT, &Pointer::root(), &edits).unwrap();
        let value: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value, json!({ "b": [{ "x": "told \"e\"" }], "a": { "d": 1, "e": 2 }, "c": 3 }));
    }

    #[test]
    fn places_in_strings_are_found_behind_escapes() {
        let literal = r#""a\"\u00e9\ud83d\ude00b""#;
        let decoded: String = serde_json::from_str(literal).unwrap();
        for (needle, raw) in [("a", "a"), ("\"", "\\\""), ("é", "\\u00e9"), ("b", "b")] {
            let offset = raw_offset(literal, decoded.find(needle).unwrap());
            assert!(literal[offset..].starts_with(raw), "{needle}: {offset}");
        }
        assert_eq!(raw_offset(literal, 1000), literal.len() - 1);
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<i32>().prop_map(Value::from),
            "[a-z\"\\\\é ]{0,6}".prop_map(Value::from)
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map("[a-c~/]{0,2}", inner, 0..4)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    fn pointers(value: &Value, here: &Pointer, all: &mut Vec<Pointer>) {
        all.push(here.clone());
        match value {
            Value::Array(items) => {
                items.iter().enumerate().for_each(|(i, item)| pointers(item, &here.index(i), all));
            }
            Value::Object(object) => {
                object.iter().for_each(|(key, item)| pointers(item, &here.key(key), all));
            }
            _ => {}
        }
    }

    proptest! {
        #[test]
        fn an_edited_text_is_the_edited_value(value in any_json(), pick in any::<prop::sample::Index>(), which in 0..3_u8, pretty in any::<bool>()) {
            let text = if pretty { canonical(&value) } else { value.to_string() };
            let mut all = Vec::new();
            pointers(&value, &Pointer::root(), &mut all);
            let pointer = pick.get(&all).clone();
            let change = match which {
                0 => Change::Set(json!({"new": [1]})),
                1 => Change::Remove,
                _ => Change::Rename("zz".to_owned()),
            };
            let edits = [Edit { pointer: if which == 0 { pointer.key("0") } else { pointer }, change }];
            let by_text = edit(&text, &Pointer::root(), &edits).ok().map(|text| serde_json::from_str::<Value>(&text).unwrap());
            let by_value = fix::apply(&value, &edits).ok();
            prop_assert_eq!(by_text, by_value);
        }

        #[test]
        fn several_edits_at_once_are_those_edits_one_by_one(
            value in any_json(), picks in prop::collection::vec((any::<prop::sample::Index>(), 0..3_u8), 1..6), pretty in any::<bool>(),
        ) {
            let text = if pretty { canonical(&value) } else { value.to_string() };
            let mut all = Vec::new();
            pointers(&value, &Pointer::root(), &mut all);
            let mut edits: Vec<Edit> = Vec::new();
            for (number, (pick, which)) in picks.iter().enumerate() {
                let pointer = pick.get(&all).clone();
                let (pointer, change) = match which {
                    0 => (pointer.key(&format!("new{number}")), Change::Set(json!(number))),
                    1 => (pointer, Change::Remove),
                    _ => (pointer, Change::Set(json!([number]))),
                };
                // No two at one place or inside each other, as in fixes.
                let inside = |a: &Pointer, b: &Pointer| format!("{}/", a.as_str()).starts_with(&format!("{}/", b.as_str()));
                if edits.iter().all(|edit| !inside(&edit.pointer, &pointer) && !inside(&pointer, &edit.pointer)) {
                    edits.push(Edit { pointer, change });
                }
            }
            let by_text = edit(&text, &Pointer::root(), &edits).ok().map(|text| serde_json::from_str::<Value>(&text).unwrap());
            let by_value = fix::apply(&value, &edits).ok();
            prop_assert_eq!(by_text, by_value, "{:?}", edits);
        }

        #[test]
        fn no_text_breaks_the_reader(text in "[\\{\\}\\[\\]\",: a\\\\0]{0,40}") {
            let _ = Node::read(&text);
            let _ = raw_offset(&text, 3);
        }
    }
}
