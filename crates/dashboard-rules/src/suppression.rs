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
    /// Where it stands in the JSON; `None` for Jsonnet.
    pub pointer: Option<Pointer>,
}

impl Suppression {
    /// Reads one: `{ rule, panel, reason, until }`.
    pub fn read(value: &Value, pointer: Option<Pointer>) -> Self {
        let text = |key| value.get(key).and_then(Value::as_str).unwrap_or_default().trim().to_owned();
        Self {
            rule: text("rule"),
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
        !self.rule.is_empty()
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

/// Those that stand in a dashboard's JSON.
pub(crate) fn from_json(dashboard: &Value) -> Vec<Suppression> {
    let list = dashboard.get(PROPERTY).and_then(Value::as_array);
    let at = Pointer::root().key(PROPERTY);
    list.into_iter()
        .flatten()
        .enumerate()
        .map(|(index, value)| Suppression::read(value, Some(at.index(index))))
        .collect()
}
