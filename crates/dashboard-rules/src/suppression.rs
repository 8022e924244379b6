//! Findings that somebody decided to live with.
//!
//! A suppression stands where the dashboard is written. In Jsonnet it is a hidden field of a panel or of the dashboard,
//! so that users never see it:
//!
//! ```jsonnet
//! panels.timeseries(…) + { suppressed:: [{ rule: 'U04', reason: 'the title is a name', until: '2027-06-30' }] }
//! ```
//!
//! In JSON it is a property `suppressed` of the dashboard, which Grafana ignores; `panel` is the panel's id there.

use jiff::civil::Date;
use serde_json::Value;

use crate::finding::Finding;
use crate::pointer::Pointer;

/// The property that holds them.
pub const PROPERTY: &str = "suppressed";

/// A finding that is not to be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suppression {
    /// The rule's id.
    pub rule: String,
    /// The panel's id; the whole dashboard where there is none.
    pub panel: Option<i64>,
    /// Why it is all right.
    pub reason: String,
    /// The last day on which it holds; `Err` with the text where that is no date.
    pub until: Option<Result<Date, String>>,
    /// What is written otherwise than it has to be, so that it covers nothing, and how to write it.
    pub unreadable: Option<String>,
    /// Where it stands in the JSON; `None` for Jsonnet.
    pub pointer: Option<Pointer>,
}

impl Suppression {
    /// Reads one: `{ rule, panel, reason, until }`.
    pub fn read(value: &Value, pointer: Option<Pointer>) -> Self {
        let text = |key| value.get(key).and_then(Value::as_str).unwrap_or_default().trim().to_owned();
        let rule = text("rule");
        Self {
            unreadable: unreadable(value, &rule),
            rule,
            panel: value.get("panel").and_then(Value::as_i64),
            reason: text("reason"),
            until: value.get("until").map(|until| match until.as_str() {
                Some(day) => day.parse().map_err(|_| day.to_owned()),
                None => Err(until.to_string()),
            }),
            pointer,
        }
    }

    /// Whether it says everything that it has to say, and has not expired.
    pub fn holds(&self, today: Option<Date>) -> bool {
        self.unreadable.is_none()
            && !self.rule.is_empty()
            && !self.reason.is_empty()
            && matches!(self.until, Some(Ok(_)))
            && !self.is_expired(today)
    }

    /// Whether its day has passed.
    pub fn is_expired(&self, today: Option<Date>) -> bool {
        matches!((&self.until, today), (Some(Ok(until)), Some(today)) if *until < today)
    }

    /// Whether it is about this finding of its dashboard.
    pub fn covers(&self, finding: &Finding) -> bool {
        self.rule == finding.rule
            && self
                .panel
                .is_none_or(|id| finding.place.panel.as_ref().is_some_and(|panel| panel.id == Some(id)))
    }
}

/// What of a suppression cannot be what was meant.
fn unreadable(value: &Value, rule: &str) -> Option<String> {
    // A panel that is not read must not become the whole dashboard.
    if let Some(panel) = value.get("panel").filter(|panel| !panel.is_null() && panel.as_i64().is_none()) {
        let number = panel.as_str().and_then(|text| text.trim().parse::<i64>().ok());
        let instead = number.map_or_else(|| "the number that is its id".to_owned(), |id| format!("{id}"));
        return Some(format!("is for the panel {panel}, which is no number: write \"panel\": {instead}"));
    }
    let known = crate::rules::find(rule)?;
    (known.id != rule).then(|| format!("names the rule {rule:?}: write {:?}", known.id))
}

/// Those that stand in a dashboard's JSON.
pub(crate) fn from_json(dashboard: &Value) -> Vec<Suppression> {
    let at = Pointer::root().key(PROPERTY);
    let list = match dashboard.get(PROPERTY) {
        None | Some(Value::Null) => return Vec::new(),
        Some(Value::Array(list)) => list,
        Some(other) => {
            let mut one = Suppression::read(other, Some(at));
            one.unreadable = Some("stands in no list: write \"suppressed\": [{ … }]".to_owned());
            return vec![one];
        }
    };
    list.iter().enumerate().map(|(index, value)| Suppression::read(value, Some(at.index(index)))).collect()
}
