//! The pages, asked for as a browser asks for them.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode, header};
use dashboard_view::InMemory;
use grafana::model;
use preview::{Options, Preview, Shelf, Shelved, router};
use prometheus_server::QueryService;
use serde_json::{Value, json};
use tower::ServiceExt as _;

const NOW_MS: i64 = 1_780_315_200_000;
const STEP_MS: i64 = 15_000;

/// `<script>` as the value of a label, ten thousand characters, and right-to-left.
fn hostile() -> [String; 3] {
    [
        "<script>alert(1)</script>".to_owned(),
        "x".repeat(10_000),
        "\u{202e}\u{5d0}\u{5d1}<b onclick=x>".to_owned(),
    ]
}

/// An hour of `cpu{ns, pod}`: two namespaces with pods of their own, and one pod for each hostile value.
fn service(pods: usize) -> QueryService {
    let store = Arc::new(tsdb::Store::new(tsdb::Options {
        lag_window_ms: 2 * 3_600_000,
        ..tsdb::Options::default()
    }));
    let mut series: Vec<(String, String)> = Vec::new();
    series.extend((0..pods).map(|number| ("apps".to_owned(), format!("web-{number}"))));
    series.push(("data".to_owned(), "db-0".to_owned()));
    series.extend(hostile().map(|value| ("hostile".to_owned(), value)));
    for at_ms in (NOW_MS - 3_600_000..=NOW_MS).step_by(STEP_MS as usize) {
        for (number, (namespace, pod)) in series.iter().enumerate() {
            let labels = labels::Labels::from_pairs([("__name__", "cpu"), ("ns", namespace), ("pod", pod)]);
            let id = store.intern(&labels).unwrap();
            store.append(id, at_ms, number as f64 + 1.0).unwrap();
        }
    }
    QueryService::new(store, promql::EngineOptions::default(), promql::ParseOptions::default())
}

fn dashboard() -> Value {
    let variable = |name: &str, query: &str, multi: bool| json!({"type": "query", "name": name, "query": query, "refresh": 2, "sort": 1, "multi": multi, "includeAll": multi});
    let target = |expr: &str, instant: bool| json!([{"refId": "A", "expr": expr, "instant": instant, "format": if instant { "table" } else { "time_series" }}]);
    json!({
        "uid": "test-pods", "title": "Pods <b>", "tags": ["mine", "other"], "time": {"from": "now-1h", "to": "now"}, "refresh": "1m",
        "templating": {"list": [
            variable("ns", "label_values(cpu, ns)", false),
            variable("pod", "label_values(cpu{ns=\"$ns\"}, pod)", true),
            {"type": "textbox", "name": "text", "query": "typed"},
        ]},
        "links": [{"type": "dashboards", "tags": ["mine"], "asDropdown": true, "title": "Ours", "includeVars": true, "keepTime": true}],
        "panels": [
            {"id": 1, "type": "timeseries", "title": "CPU of $ns", "gridPos": {"x": 0, "y": 0, "w": 12, "h": 8}, "targets": target("cpu{ns=\"$ns\",pod=~\"$pod\"}", false)},
            {"id": 2, "type": "table", "title": "Table", "gridPos": {"x": 12, "y": 0, "w": 12, "h": 8}, "targets": target("cpu{ns=\"$ns\"}", true),
             "fieldConfig": {"defaults": {}, "overrides": [{"matcher": {"id": "byName", "options": "pod"}, "properties": [
                {"id": "links", "value": [{"title": "Pod", "url": "/d/test-pod?${ns:queryparam}&var-pod=${__data.fields.pod}&${__url_time_range}"}]}]}]}},
            {"id": 3, "type": "stat", "title": "Broken", "gridPos": {"x": 0, "y": 8, "w": 6, "h": 4}, "targets": target("sum(cpu", true)},
            {"id": 4, "type": "piechart-next", "title": "Unknown", "gridPos": {"x": 6, "y": 8, "w": 6, "h": 4}, "targets": target("cpu", true)},
            {"id": 5, "type": "row", "title": "Folded", "collapsed": true, "gridPos": {"x": 0, "y": 12, "w": 24, "h": 1}, "panels": [
                {"id": 6, "type": "stat", "title": "Inside", "gridPos": {"x": 0, "y": 13, "w": 6, "h": 4}, "targets": target("sum(cpu)", true)},
            ]},
        ],
    })
}

fn shelved(value: &Value) -> Shelved {
    let dashboard = model::parse(value).unwrap().dashboard;
    Shelved { uid: dashboard.uid.clone().unwrap(), folder: "Folder <i>".to_owned(), dashboard }
}

struct Site {
    shelf: Arc<Shelf>,
    router: axum::Router,
}

impl Site {
    fn new(pods: usize) -> Self {
        let shelf = Arc::new(Shelf::new(7));
        let other = json!({"uid": "test-other", "title": "Other", "tags": ["mine"], "panels": []});
        shelf.replace(Ok(vec![shelved(&dashboard()), shelved(&other)]));
        Self::with(shelf, pods)
    }

    fn with(shelf: Arc<Shelf>, pods: usize) -> Self {
        let options = Options::new(Arc::new(|| NOW_MS), Arc::new(|| Duration::ZERO));
        let preview = Preview::new(Arc::clone(&shelf), Arc::new(InMemory::new(service(pods))), options);
        Self { shelf, router: router(preview) }
    }

    async fn ask(&self, address: &str) -> (StatusCode, axum::http::HeaderMap, String) {
        let request = Request::get(address).body(Body::empty()).unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        let body = to_bytes(response.into_body(), 50 << 20).await.unwrap();
        (status, headers, String::from_utf8(body.to_vec()).unwrap())
    }

    async fn page(&self, address: &str) -> String {
        let (status, _, body) = self.ask(address).await;
        assert_eq!(status, StatusCode::OK, "{address}: {body}");
        body
    }
}

/// The part of a page from this text to the next end tag of this name.
fn part<'a>(page: &'a str, from: &str, end: &str) -> &'a str {
    let start = page.find(from).unwrap_or_else(|| panic!("{from:?} is not in {page}"));
    let length = page[start..].find(end).unwrap_or(page.len() - start);
    &page[start..start + length]
}

fn panel(page: &str, id: u32) -> &str {
    part(page, &format!("data-panel=\"{id}\""), "</section>")
}

#[tokio::test]
async fn the_list_has_every_dashboard_and_can_be_searched() {
    let site = Site::new(1);
    let page = site.page("/").await;
    assert!(page.contains("data-dashboard=\"test-pods\"") && page.contains("href=\"/d/test-other\""));
    assert!(page.contains("Folder &lt;i&gt;") && page.contains("Pods &lt;b&gt;"), "{page}");
    for (query, found) in [
        ("q=pods", &["test-pods"][..]),
        ("q=FOLDER+oth", &["test-pods", "test-other"]),
        ("q=nothing", &[]),
        ("tag=other", &["test-pods"]),
        ("tag=mine&q=other", &["test-pods", "test-other"]),
    ] {
        let page = site.page(&format!("/?{query}")).await;
        for uid in ["test-pods", "test-other"] {
            let expected = found.contains(&uid);
            assert_eq!(page.contains(&format!("data-dashboard=\"{uid}\"")), expected, "{query} {uid}");
        }
    }
}

#[tokio::test]
async fn a_dashboard_has_its_variables_its_time_and_its_panels() {
    let site = Site::new(3);
    let page = site.page("/d/test-pods/some-slug").await;
    assert!(page.contains("<select name=\"var-ns\"") && page.contains("value=\"typed\""), "{page}");
    let pods = part(&page, "data-variable=\"pod\"", "</details>");
    for value in ["$__all", "web-0", "web-2"] {
        assert!(pods.contains(&format!("name=\"var-pod\" value=\"{value}\"")), "{value}: {pods}");
    }
    assert!(page.contains("Last 1 hour") && page.contains("data-range=\"now-6h\""));
    assert!(panel(&page, 1).contains("CPU of apps") && panel(&page, 1).contains("class=\"hover\""));
    assert!(panel(&page, 2).contains("web-1"));
    assert!(panel(&page, 4).contains("piechart-next"), "{}", panel(&page, 4));
    assert!(!page.contains("data-panel=\"6\""), "it is folded away");
    assert!(site.page("/d/test-pods?rows=5").await.contains("data-panel=\"6\""));
    let menu = part(&page, "data-menu=\"1\"", "</details>");
    assert!(
        menu.contains("/d/test-pods/panel/1?")
            && menu.contains("data.csv")
            && menu.contains("/explore?query=cpu")
    );
}

#[tokio::test]
async fn an_error_of_a_query_stands_in_its_panel_and_nowhere_else() {
    let page = Site::new(1).page("/d/test-pods").await;
    assert!(panel(&page, 3).contains("parse error"), "{}", panel(&page, 3));
    for id in [1, 2, 4] {
        assert!(!panel(&page, id).contains("parse error"), "{id}");
    }
}

#[tokio::test]
async fn choosing_a_namespace_chooses_among_its_own_pods() {
    let site = Site::new(2);
    let page = site.page("/d/test-pods?var-ns=data&var-pod=web-1&changed=ns").await;
    let address = part(&page, "<meta name=\"address\"", ">");
    assert!(address.contains("var-ns=data") && address.contains("var-pod=db-0"), "{address}");
    assert!(!address.contains("changed") && !address.contains("web-1"), "{address}");
    let page = site.page("/d/test-pods?var-ns=apps&var-pod=web-0&var-pod=web-1").await;
    assert!(page.contains("web-0 + web-1"));
    assert!(site.page("/d/test-pods?var-pod=%24__all").await.contains("<bdi>All</bdi>"));
}

#[tokio::test]
async fn links_carry_the_variables_and_the_time() {
    let page = Site::new(2).page("/d/test-pods?var-ns=data&from=now-30m&to=now").await;
    let table = panel(&page, 2);
    assert!(
        table.contains("href=\"/d/test-pod?var-ns=data&amp;var-pod=db-0&amp;from=now-30m&amp;to=now\""),
        "{table}"
    );
    let links = part(&page, "class=\"picker links\"", "</details>");
    assert!(links.contains("href=\"/d/test-other?var-ns=data&amp;"), "{links}");
    assert!(links.contains("from=now-30m&amp;to=now"), "{links}");
}

#[tokio::test]
async fn a_range_that_cannot_be_read_is_told_and_the_dashboards_own_is_shown() {
    let page = Site::new(1).page("/d/test-pods?from=whenever&to=now").await;
    assert!(part(&page, "class=\"problem\"", "</p>").contains("whenever"));
    assert!(page.contains("Last 1 hour"));
}

#[tokio::test]
async fn at_most_a_hundred_series_are_drawn_and_the_others_are_counted() {
    let page = Site::new(130).page("/d/test-pods?var-pod=%24__all").await;
    let plot = panel(&page, 1);
    assert_eq!(plot.matches("<g data-series=").count(), 100);
    assert!(plot.contains("30 more are not"), "{}", part(plot, "left-out", "</p>"));
    assert!(panel(&page, 2).contains("Rows 1 to 50 of 130"));
    let next = Site::new(130).page("/d/test-pods?page-2=3&sort-2=Value:desc").await;
    let table = panel(&next, 2);
    assert!(table.contains("Rows 101 to 130 of 130") && table.contains(">web-0<"), "{table}");
    assert!(table.contains("aria-sort=\"descending\""));
}

#[tokio::test]
async fn hostile_values_are_shown_and_nothing_of_them_is_markup() {
    let site = Site::new(1);
    for address in [
        "/d/test-pods?var-ns=hostile&var-pod=%24__all",
        "/d/test-pods?var-ns=%3Cscript%3Ealert(1)%3C/script%3E&var-text=%22%3E%3Cscript%3Ealert(1)%3C/script%3E",
        "/d/test-pods/panel/1?var-ns=hostile&var-pod=%24__all",
        "/explore?query=cpu%7Bns%3D%22hostile%22%7D",
        "/explore?query=%3Cscript%3Ealert(1)%3C/script%3E",
        "/d/test-pods?from=%3Cscript%3Ealert(1)%3C/script%3E",
        "/?q=%22%3E%3Cscript%3Ealert(1)%3C/script%3E",
    ] {
        let (status, headers, page) = site.ask(address).await;
        assert_eq!(status, StatusCode::OK, "{address}");
        assert!(!page.contains("<script>alert") && !page.contains("<b onclick"), "{address}");
        let policy = headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert!(policy.contains("script-src 'self';") && policy.contains("default-src 'none'"), "{policy}");
        // Scripts are ours, or data.
        for (at, _) in page.match_indices("<script") {
            let tag = &page[at..at + page[at..].find('>').unwrap()];
            assert!(tag.contains("src=\"/preview/preview.js\"") || tag.contains("application/json"), "{tag}");
        }
    }
    let page = site.page("/d/test-pods?var-ns=hostile").await;
    let longest = page.split(|c: char| !c.is_alphanumeric()).map(str::len).max().unwrap();
    assert!(longest >= 10_000, "a value to choose is whole");
    assert!(panel(&page, 2).contains("&lt;script&gt;alert(1)&lt;/script&gt;"));
}

#[tokio::test]
async fn a_panel_can_be_looked_at_from_behind() {
    let site = Site::new(2);
    let page = site.page("/d/test-pods/panel/1?var-ns=apps&var-pod=%24__all").await;
    for text in [
        "cpu{ns=&quot;apps&quot;",
        "$__rate_interval",
        "240 s",
        "samples read",
        "web-1",
        "2026-06-01T12:00:00Z",
    ] {
        assert!(page.contains(text), "{text} is not in {page}");
    }
    let page = site.page("/d/test-pods/panel/3").await;
    assert!(part(&page, "class=\"caret\"", "</pre>").contains('^'), "{page}");
    let (status, headers, csv) = site.ask("/d/test-pods/panel/2/data.csv?var-ns=data").await;
    assert_eq!(
        (status, headers[header::CONTENT_TYPE].to_str().unwrap()),
        (StatusCode::OK, "text/csv; charset=utf-8")
    );
    assert!(
        csv.starts_with("Time,__name__,ns,pod,Value\r\n") && csv.contains(",cpu,data,db-0,3\r\n"),
        "{csv}"
    );
    let (_, _, csv) = site.ask("/d/test-pods/panel/6/data.csv").await;
    assert!(csv.contains(",21\r\n"), "a folded panel has data too: {csv}");
}

#[tokio::test]
async fn what_is_not_there_is_told() {
    let site = Site::new(1);
    for address in [
        "/nothing",
        "/d/",
        "/d/nothing",
        "/d/test-pods/panel/99",
        "/d/test-pods/panel/x",
        "/d/x/panel/1/data.csv",
    ] {
        let (status, _, page) = site.ask(address).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{address}");
        assert!(page.contains("There is no such page"), "{page}");
    }
}

#[tokio::test]
async fn explore_draws_any_query_and_points_at_its_errors() {
    let site = Site::new(2);
    let page = site.page("/explore").await;
    assert!(page.contains("1 metrics") && page.contains("href=\"/explore?query=cpu&amp;from="), "{page}");
    let page = site.page("/explore?query=sum+by+(ns)+(cpu)&from=now-15m").await;
    assert!(page.contains("data-type=\"timeseries\"") && page.contains("data-type=\"table\""));
    assert!(panel(&page, 1).contains("data-series=\"2\"") && panel(&page, 2).contains("hostile"));
    let page = site.page("/explore?query=sum(cpu").await;
    let error = part(&page, "class=\"caret\"", "</pre>");
    assert!(error.contains("sum(cpu") && error.contains('^'), "{error}");
    assert_eq!(page.matches("class=\"caret\"").count(), 1, "the same error is told once");
}

#[tokio::test]
async fn a_saved_change_is_told_at_once_and_a_broken_one_keeps_the_last_good_dashboards() {
    let site = Site::new(1);
    let (_, _, body) = site.ask("/api/preview/version").await;
    assert_eq!(body, "{\"version\":\"8\"}");
    assert!(site.page("/d/test-pods").await.contains("<meta name=\"preview-version\" content=\"8\">"));
    let waiting = site.ask("/api/preview/version?since=8");
    let change = async {
        tokio::time::sleep(Duration::from_millis(30)).await;
        site.shelf.replace(Err("error: no <field>\n --> a.libsonnet:3:7".to_owned()));
    };
    let ((_, _, body), ()) = tokio::join!(waiting, change);
    assert_eq!(body, "{\"version\":\"9\"}");
    for address in ["/", "/d/test-pods", "/explore", "/d/nothing"] {
        let (_, _, page) = site.ask(address).await;
        let banner = part(&page, "id=\"banner\"", "</pre>");
        assert!(banner.contains("no &lt;field&gt;") && banner.contains("a.libsonnet:3:7"), "{banner}");
    }
    assert!(site.page("/d/test-pods").await.contains("data-panel=\"1\""));
    site.shelf.replace(Ok(vec![]));
    assert!(!site.page("/").await.contains("id=\"banner\""));
}

#[tokio::test]
async fn pages_wait_for_the_first_dashboards_and_nobody_waits_for_a_closed_shelf() {
    let shelf = Arc::new(Shelf::new(0));
    let site = Site::with(Arc::clone(&shelf), 1);
    let put = async {
        tokio::time::sleep(Duration::from_millis(30)).await;
        shelf.replace(Ok(vec![shelved(&dashboard())]));
    };
    let (page, ()) = tokio::join!(site.page("/d/test-pods"), put);
    assert!(page.contains("data-panel=\"1\""));
    let close = async {
        tokio::time::sleep(Duration::from_millis(30)).await;
        shelf.close();
    };
    let ((_, _, body), ()) = tokio::join!(site.ask("/api/preview/version?since=1"), close);
    assert_eq!(body, "{\"version\":\"1\"}");
}

#[tokio::test]
async fn times_are_the_readers_own() {
    let site = Site::new(1);
    let request =
        Request::get("/d/test-pods").header(header::COOKIE, "a=b; utc-offset=330").body(Body::empty());
    let response = site.router.clone().oneshot(request.unwrap()).await.unwrap();
    let body = to_bytes(response.into_body(), 50 << 20).await.unwrap();
    let page = String::from_utf8(body.to_vec()).unwrap();
    assert!(page.contains("UTC+05:30") && page.contains("17:10"), "noon in UTC is half past five there");
    assert!(site.page("/d/test-pods").await.contains("11:10"));
}

#[tokio::test]
async fn script_and_style_are_files_of_their_own() {
    let site = Site::new(1);
    for (address, kind) in [
        ("/preview/preview.js", "text/javascript; charset=utf-8"),
        ("/preview/preview.css", "text/css; charset=utf-8"),
    ] {
        let (status, headers, body) = site.ask(address).await;
        assert_eq!((status, headers[header::CONTENT_TYPE].to_str().unwrap()), (StatusCode::OK, kind));
        assert!(body.len() > 1_000);
    }
}
