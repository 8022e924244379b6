//! The addresses in a dashboard.

use grafana::model::Panel;
use grafana::variables::references;
use serde_json::Value;

use crate::finding::Place;
use crate::subject::Dashboard;

/// An address to another dashboard: `/d/uid/slug?var-a=b&${c:queryparam}`.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::rules) struct DashboardUrl<'a> {
    /// The uid.
    pub(in crate::rules) uid: &'a str,
    /// What follows it in the path.
    pub(in crate::rules) slug: Option<&'a str>,
    /// The variables that it sets.
    pub(in crate::rules) variables: Vec<&'a str>,
}

/// Reads an address, if it leads to a dashboard of this Grafana.
pub(in crate::rules) fn read(url: &str) -> Option<DashboardUrl<'_>> {
    // An address with a host leads elsewhere, even if it has such a path.
    if url.contains("://") {
        return None;
    }
    let start = url.find("/d/").filter(|start| !url[..*start].contains('?'))?;
    let rest = &url[start + 3..];
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    let path = path.split('#').next().unwrap_or_default();
    let (uid, slug) = path.split_once('/').map_or((path, None), |(uid, slug)| (uid, Some(slug)));
    let mut variables = Vec::new();
    for pair in query.split('&') {
        if let Some(name) = pair.strip_prefix("var-") {
            variables.push(name.split('=').next().unwrap_or_default());
        } else if let Some(reference) = references(pair).next()
            && reference.range == (0..pair.len())
            && reference.format == Some("queryparam")
            && !reference.name.starts_with("__")
        {
            variables.push(reference.name);
        }
    }
    let known = !uid.is_empty() && references(uid).next().is_none();
    known.then_some(DashboardUrl { uid, slug: slug.filter(|slug| !slug.is_empty()), variables })
}

/// Every address in a dashboard's links, with its place.
pub(in crate::rules) fn all(dashboard: &Dashboard) -> Vec<(Place, &str)> {
    let mut found = Vec::new();
    for (index, link) in dashboard.model.links.iter().enumerate().filter(|(_, link)| link.kind == "link") {
        found.push((dashboard.place().key("links").index(index).key("url"), link.url.as_str()));
    }
    for (_, panel) in dashboard.panels() {
        let place = || dashboard.place_of_panel(panel);
        for (index, link) in panel.links.iter().enumerate() {
            found.push((place().key("links").index(index).key("url"), &link.url));
        }
        let defaults = || place().key("fieldConfig").key("defaults").key("links");
        for (index, link) in panel.field_config.defaults.links.iter().enumerate() {
            found.push((defaults().index(index).key("url"), &link.url));
        }
        of_overrides(panel, &place, &mut found);
    }
    found
}

fn of_overrides<'a>(panel: &'a Panel, place: &dyn Fn() -> Place, found: &mut Vec<(Place, &'a str)>) {
    for (index, exception) in panel.field_config.overrides.iter().enumerate() {
        for (number, (_, value)) in
            exception.properties.iter().enumerate().filter(|(_, (id, _))| id == "links")
        {
            for (at, link) in value.as_array().into_iter().flatten().enumerate() {
                if let Some(url) = link.get("url").and_then(Value::as_str) {
                    let properties =
                        place().key("fieldConfig").key("overrides").index(index).key("properties");
                    found.push((properties.index(number).key("value").index(at).key("url"), url));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_dashboards_are_read_and_others_left_alone() {
        let url = |uid, slug, variables: &[&'static str]| {
            Some(DashboardUrl { uid, slug, variables: variables.to_vec() })
        };
        for (text, expected) in [
            ("/d/abc", url("abc", None, &[])),
            ("/grafana/d/abc/pods?orgId=1&var-a=b", url("abc", Some("pods"), &["a"])),
            (
                "/d/abc?${datasource:queryparam}&var-pod=${__data.fields.Pod}&${__url_time_range}",
                url("abc", None, &["datasource", "pod"]),
            ),
            ("/d/abc?refresh=$x", url("abc", None, &[])),
            ("d/abc", None),
            ("/d/${uid}", None),
            ("https://example.org/d/abc", None),
            ("/explore?left=/d/abc", None),
            ("", None),
        ] {
            assert_eq!(read(text), expected, "{text}");
        }
    }
}
