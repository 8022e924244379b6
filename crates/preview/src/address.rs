//! What the address of a page says, and addresses of other pages.

use std::collections::{BTreeMap, BTreeSet};

use dashboard_view::Chosen;
use grafana::variables::{Values, selection_from_address};
use jiff::tz::{Offset, TimeZone};

/// Longer lists of parameters are cut: nobody chooses so many values.
const MAX_PAIRS: usize = 5_000;

/// The parameters of a page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Address {
    /// `/d/UID`.
    pub(crate) path: String,
    /// `var-NAME`, and which of them was just changed (`changed`).
    pub(crate) chosen: Chosen,
    /// `from` and `to`.
    pub(crate) range: Option<(String, String)>,
    /// `refresh`: how often the page is shown anew.
    pub(crate) refresh: Option<String>,
    /// `theme`: whoever links to a page can say how it shall look.
    pub(crate) theme: Option<String>,
    /// `rows`: those that are folded or open against what was saved.
    pub(crate) rows: BTreeSet<i64>,
    /// `page-ID`: which rows of tables are shown.
    pub(crate) pages: BTreeMap<i64, usize>,
    /// `sort-ID`: a column of a table and whether downwards.
    pub(crate) sorts: BTreeMap<i64, (String, bool)>,
    /// `copy`: which one of the panels of one id.
    pub(crate) copy: usize,
    /// All others.
    pub(crate) others: BTreeMap<String, String>,
}

impl Address {
    /// Reads the part of an address after the question mark.
    pub(crate) fn read(path: &str, query: &str) -> Self {
        let pairs: Vec<(String, String)> = form_urlencoded::parse(query.as_bytes())
            .take(MAX_PAIRS)
            .map(|(key, value)| (key.into_owned(), value.into_owned()))
            .collect();
        let texts = pairs.iter().map(|(key, value)| (key.as_str(), value.as_str()));
        let mut address = Self { path: path.to_owned(), ..Self::default() };
        address.chosen.values = selection_from_address(texts);
        let (mut from, mut to) = (None, None);
        for (key, value) in pairs.into_iter().filter(|(key, _)| !key.starts_with("var-")) {
            let number = |prefix: &str| key.strip_prefix(prefix)?.parse::<i64>().ok();
            match key.as_str() {
                "changed" => address.chosen.changed = Some(value),
                "from" => from = Some(value).filter(|text| !text.trim().is_empty()),
                "to" => to = Some(value).filter(|text| !text.trim().is_empty()),
                "refresh" => address.refresh = Some(value).filter(|text| !text.is_empty()),
                "theme" => address.theme = Some(value),
                "rows" => address.rows = value.split(',').filter_map(|id| id.parse().ok()).collect(),
                "copy" => address.copy = value.parse().unwrap_or(0),
                _ => {
                    if let Some(panel) = number("page-") {
                        address.pages.insert(panel, value.parse().unwrap_or(1));
                    } else if let Some(panel) = number("sort-") {
                        let (column, down) = match value.rsplit_once(':') {
                            Some((column, order)) => (column.to_owned(), order == "desc"),
                            None => (value, false),
                        };
                        address.sorts.insert(panel, (column, down));
                    } else {
                        address.others.insert(key, value);
                    }
                }
            }
        }
        if from.is_some() || to.is_some() {
            let now = || "now".to_owned();
            address.range = Some((from.unwrap_or_else(|| "now-1h".to_owned()), to.unwrap_or_else(now)));
        }
        address
    }

    /// The same with the values that variables really have.
    pub(crate) fn settled(&self, values: &Values, hidden: &BTreeSet<String>) -> Self {
        let pairs = values.address_pairs();
        let pairs: Vec<(&str, &str)> = pairs
            .iter()
            .map(|(key, value)| (key.as_str(), value.as_str()))
            .filter(|(key, _)| !key.strip_prefix("var-").is_some_and(|name| hidden.contains(name)))
            .collect();
        let chosen = Chosen { values: selection_from_address(pairs), changed: None };
        Self { chosen, ..self.clone() }
    }

    /// The same for another range of time.
    pub(crate) fn at(&self, from: &str, to: &str) -> Self {
        Self { range: Some((from.to_owned(), to.to_owned())), ..self.clone() }
    }

    /// The same at another place.
    pub(crate) fn on(&self, path: String) -> Self {
        Self { path, ..self.clone() }
    }

    /// The variables and the range alone, as pairs.
    pub(crate) fn carried(&self, variables: bool, range: bool) -> Vec<(String, String)> {
        let mut pairs = Vec::new();
        if variables {
            for (name, values) in &self.chosen.values {
                pairs.extend(values.iter().map(|value| (format!("var-{name}"), value.clone())));
            }
        }
        if let Some((from, to)) = self.range.as_ref().filter(|_| range) {
            pairs.push(("from".to_owned(), from.clone()));
            pairs.push(("to".to_owned(), to.clone()));
        }
        pairs
    }

    /// As it stands in the browser.
    pub(crate) fn text(&self) -> String {
        let mut pairs = self.carried(true, true);
        pairs.extend(self.refresh.clone().map(|refresh| ("refresh".to_owned(), refresh)));
        pairs.extend(self.theme.clone().map(|theme| ("theme".to_owned(), theme)));
        if !self.rows.is_empty() {
            let rows: Vec<String> = self.rows.iter().map(i64::to_string).collect();
            pairs.push(("rows".to_owned(), rows.join(",")));
        }
        pairs.extend(self.pages.iter().map(|(panel, page)| (format!("page-{panel}"), page.to_string())));
        pairs.extend(self.sorts.iter().map(|(panel, (column, down))| {
            (format!("sort-{panel}"), format!("{column}:{}", if *down { "desc" } else { "asc" }))
        }));
        if self.copy > 0 {
            pairs.push(("copy".to_owned(), self.copy.to_string()));
        }
        pairs.extend(self.others.clone());
        with_pairs(&self.path, &pairs)
    }
}

/// A path with parameters.
pub(crate) fn with_pairs(path: &str, pairs: &[(String, String)]) -> String {
    if pairs.is_empty() {
        return path.to_owned();
    }
    let query: String = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs.iter()).finish();
    format!("{path}?{query}")
}

/// The reader's distance from UTC in minutes, which a script leaves in a cookie: the server cannot know it otherwise.
pub(crate) fn utc_offset(cookies: &str) -> Option<i32> {
    /// The islands that are first and last.
    const ALLOWED: std::ops::RangeInclusive<i32> = -12 * 60..=14 * 60;
    let values = cookies.split(';').filter_map(|cookie| cookie.trim().strip_prefix("utc-offset="));
    values.filter_map(|minutes| minutes.parse().ok()).find(|minutes| ALLOWED.contains(minutes))
}

/// The zone of a dashboard for a reader who is so far from UTC. Named zones would need a database of them: the reader's
/// own stands for them.
pub(crate) fn zone(timezone: Option<&str>, minutes: i32) -> TimeZone {
    if timezone.is_some_and(|name| name.eq_ignore_ascii_case("utc")) {
        return TimeZone::UTC;
    }
    Offset::from_seconds(minutes.saturating_mul(60)).map_or(TimeZone::UTC, TimeZone::fixed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_survives_being_read_and_written() {
        for text in [
            "/d/a",
            "/d/a?var-ns=a&var-ns=b+c&var-pod=%24__all&from=now-6h&to=now",
            "/d/a?refresh=30s&theme=light&rows=3%2C7&page-12=2&sort-12=CPU%3A+x%3Adesc&copy=1",
            "/explore?query=sum%28up%29",
        ] {
            let (path, query) = text.split_once('?').unwrap_or((text, ""));
            assert_eq!(Address::read(path, query).text(), text);
        }
    }

    #[test]
    fn what_cannot_be_read_is_left_out_and_a_missing_end_is_now() {
        let address = Address::read("/d/a", "from=now-5m&rows=x,1,,2&page-a=1&page-3=x&changed=ns");
        assert_eq!(address.range, Some(("now-5m".to_owned(), "now".to_owned())));
        assert_eq!(address.rows, BTreeSet::from([1, 2]));
        assert_eq!(address.pages, BTreeMap::from([(3, 1)]));
        assert_eq!(address.chosen.changed.as_deref(), Some("ns"));
        assert_eq!(Address::read("/d/a", "from=&to=").range, None);
    }

    #[test]
    fn the_offset_comes_out_of_the_cookies_and_must_be_one() {
        for (cookies, expected) in [
            ("utc-offset=60", Some(60)),
            ("a=b; utc-offset=-210; c", Some(-210)),
            ("utc-offset=99999", None),
            ("utc-offset=x", None),
            ("", None),
        ] {
            assert_eq!(utc_offset(cookies), expected, "{cookies}");
        }
        assert_eq!(zone(Some("utc"), 60), TimeZone::UTC);
        assert_eq!(zone(Some("browser"), 60).to_offset(jiff::Timestamp::UNIX_EPOCH).seconds(), 3_600);
    }
}
