//! Where a value stands in the JSON of a dashboard.

use std::fmt;

use serde_json::Value;

/// A JSON pointer (RFC 6901): `/panels/3/targets/0/expr`; empty for the dashboard itself.
///
/// It is displayed the way people write it: `panels[3].targets[0].expr`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Pointer(String);

impl Pointer {
    /// The dashboard itself.
    pub fn root() -> Self {
        Self::default()
    }

    /// Reads the form that [`grafana::model`] has in its paths: `panels[3].title`, `a["strange key"]`.
    pub fn from_path(path: &str) -> Self {
        let mut pointer = Self::root();
        let mut rest = path;
        while !rest.is_empty() {
            if let Some(quoted) = rest.strip_prefix("[\"") {
                let end = end_of_quoted(quoted);
                let key: String =
                    serde_json::from_str(&format!("\"{}\"", &quoted[..end])).unwrap_or_default();
                pointer = pointer.key(&key);
                rest = quoted[end..].strip_prefix("\"]").unwrap_or_default();
            } else if let Some(index) = rest.strip_prefix('[') {
                let (number, behind) = index.split_once(']').unwrap_or((index, ""));
                pointer = pointer.key(number);
                rest = behind;
            } else {
                let rest_of_key = rest.strip_prefix('.').unwrap_or(rest);
                let end = rest_of_key.find(['.', '[']).unwrap_or(rest_of_key.len());
                pointer = pointer.key(&rest_of_key[..end]);
                rest = &rest_of_key[end..];
            }
        }
        pointer
    }

    /// The value under this key of the object here.
    #[must_use]
    pub fn key(&self, key: &str) -> Self {
        let mut text = String::with_capacity(self.0.len() + 1 + key.len());
        text.push_str(&self.0);
        text.push('/');
        for character in key.chars() {
            match character {
                '~' => text.push_str("~0"),
                '/' => text.push_str("~1"),
                other => text.push(other),
            }
        }
        Self(text)
    }

    /// The value at this index of the list here.
    #[must_use]
    pub fn index(&self, index: usize) -> Self {
        Self(format!("{}/{index}", self.0))
    }

    /// Behind another pointer.
    #[must_use]
    pub fn behind(&self, prefix: &Self) -> Self {
        Self(format!("{}{}", prefix.0, self.0))
    }

    /// The object or list that holds it.
    pub fn parent(&self) -> Option<Self> {
        self.0.rfind('/').map(|slash| Self(self.0[..slash].to_owned()))
    }

    /// The last key or index.
    pub fn last(&self) -> Option<String> {
        self.steps().last()
    }

    /// The keys and indices on the way.
    pub fn steps(&self) -> impl Iterator<Item = String> + '_ {
        self.0.split('/').skip(1).map(|step| step.replace("~1", "/").replace("~0", "~"))
    }

    /// As RFC 6901 has it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What stands there.
    pub fn of<'a>(&self, value: &'a Value) -> Option<&'a Value> {
        value.pointer(&self.0)
    }
}

/// Where the quote stands that ends a JSON string whose first quote is gone already.
fn end_of_quoted(text: &str) -> usize {
    let mut escaped = false;
    for (at, character) in text.char_indices() {
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at,
            _ => {}
        }
    }
    text.len()
}

impl fmt::Display for Pointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, step) in self.steps().enumerate() {
            if !step.is_empty() && step.bytes().all(|byte| byte.is_ascii_digit()) {
                write!(f, "[{step}]")?;
            } else if !step.is_empty()
                && step.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '$'))
            {
                write!(f, "{}{step}", if number == 0 { "" } else { "." })?;
            } else {
                write!(f, "[{step:?}]")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_become_pointers_and_pointers_paths() {
        for (path, pointer) in [
            ("", ""),
            ("title", "/title"),
            ("panels[3].targets[0].expr", "/panels/3/targets/0/expr"),
            ("panels[1].panels[0]", "/panels/1/panels/0"),
            ("a[\"b/c~d e\"].f", "/a/b~1c~0d e/f"),
            ("a[\"say \\\"x\\\"\"][0]", "/a/say \"x\"/0"),
        ] {
            assert_eq!(Pointer::from_path(path).as_str(), pointer, "{path}");
            assert_eq!(Pointer::from_path(path).to_string(), path);
        }
    }

    #[test]
    fn a_pointer_knows_where_it_lies() {
        let pointer = Pointer::root().key("panels").index(2).key("a/b");
        assert_eq!(pointer.as_str(), "/panels/2/a~1b");
        assert_eq!(pointer.last().as_deref(), Some("a/b"));
        assert_eq!(pointer.parent(), Some(Pointer::from_path("panels[2]")));
        assert_eq!(Pointer::root().parent(), None);
        assert_eq!(pointer.behind(&Pointer::root().key("spec")).as_str(), "/spec/panels/2/a~1b");
    }
}
