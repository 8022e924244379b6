//! Which address is answered by which page.

use std::time::Duration;

use axum::Router;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Json, Redirect, Response};
use axum::routing::get;
use maud::Markup;

use crate::Preview;
use crate::address::{self, Address};
use crate::pages::{self, Reader};
use crate::state::NoPage;

/// How long a page waits for the dashboards to be built for the first time.
const FIRST_BUILD: Duration = Duration::from_secs(10);

/// How long a question for changes is held open. Below what proxies and browsers allow.
const LONG_POLL: Duration = Duration::from_secs(25);

/// What pages may do: run our script, style themselves, talk to us. No script of a page itself, and nothing from
/// elsewhere.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; connect-src 'self'; \
                      img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// The pages as a router: whoever serves it on a machine that also browses the web guards it by `Host` and `Origin`.
pub fn router(preview: Preview) -> Router {
    Router::new()
        .route("/", get(list))
        .route("/dashboards", get(|| async { Redirect::permanent("/") }))
        .route("/d/{uid}", get(dashboard))
        .route("/d/{uid}/{slug}", get(dashboard_with_slug))
        .route("/d/{uid}/panel/{id}", get(inspect))
        .route("/d/{uid}/panel/{id}/data.csv", get(data))
        .route("/explore", get(explore))
        .route("/api/preview/version", get(version))
        .route("/preview/preview.js", get(|| async { asset("text/javascript", pages::SCRIPT) }))
        .route("/preview/preview.css", get(|| async { asset("text/css", pages::STYLE) }))
        .fallback(unknown)
        .with_state(preview)
}

async fn unknown(State(preview): State<Preview>) -> Response {
    let text = "There is no such page: nothing is at this address. The list has all dashboards.";
    page(StatusCode::NOT_FOUND, pages::message(&preview.shelf.now(), &preview, "No such page", text))
}

fn asset(kind: &'static str, text: &'static str) -> Response {
    let kind = HeaderValue::from_str(&format!("{kind}; charset=utf-8"));
    let kind = kind.unwrap_or(HeaderValue::from_static("text/plain; charset=utf-8"));
    let headers = [
        (header::CONTENT_TYPE, kind),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        // The next version of the program comes at the same address.
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
    ];
    (headers, text).into_response()
}

/// A page with the headers that all pages have.
fn page(status: StatusCode, markup: Markup) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "same-origin"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    (status, headers, markup.into_string()).into_response()
}

fn reader(headers: &HeaderMap) -> Reader {
    let cookies = headers.get(header::COOKIE).and_then(|cookies| cookies.to_str().ok());
    Reader { utc_offset: cookies.and_then(address::utc_offset) }
}

/// Answers with what `work` gives, or says why it gives nothing.
async fn respond(
    preview: &Preview,
    work: impl FnOnce(&Preview, dashboard_view::Interrupt<'_>) -> Response + Send + 'static,
) -> Response {
    match preview.compute(work).await {
        Ok(response) => response,
        Err(reason) => {
            let (status, text) = match reason {
                NoPage::Busy => (
                    StatusCode::SERVICE_UNAVAILABLE,
                    "Too many pages are being computed at once. Try again in a moment.",
                ),
                NoPage::Failed => (
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "This page could not be computed: that is a bug of the preview.",
                ),
            };
            let shown = preview.shelf.now();
            page(status, pages::message(&shown, preview, "No page", text))
        }
    }
}

async fn list(State(preview): State<Preview>, RawQuery(query): RawQuery) -> Response {
    let shown = preview.shelf.ready(FIRST_BUILD).await;
    let address = Address::read("/", &query.unwrap_or_default());
    page(StatusCode::OK, pages::list(&shown, &preview, &address))
}

async fn dashboard_with_slug(
    state: State<Preview>,
    Path((uid, _)): Path<(String, String)>,
    query: RawQuery,
    headers: HeaderMap,
) -> Response {
    dashboard(state, Path(uid), query, headers).await
}

async fn dashboard(
    State(preview): State<Preview>,
    Path(uid): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let shown = preview.shelf.ready(FIRST_BUILD).await;
    let address = Address::read(&path_of(&uid), &query.unwrap_or_default());
    let reader = reader(&headers);
    respond(&preview, move |preview, interrupt| {
        match pages::dashboard(&shown, preview, &uid, &address, reader, interrupt) {
            Some(markup) => page(StatusCode::OK, markup),
            None => not_found(&shown, preview, &uid),
        }
    })
    .await
}

async fn inspect(
    State(preview): State<Preview>,
    Path((uid, id)): Path<(String, String)>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let shown = preview.shelf.ready(FIRST_BUILD).await;
    let address = Address::read(&path_of(&uid), &query.unwrap_or_default());
    let reader = reader(&headers);
    respond(&preview, move |preview, interrupt| {
        let id = id.parse().unwrap_or(i64::MIN);
        match pages::inspect(&shown, preview, (&uid, id), &address, reader, interrupt) {
            Some(markup) => page(StatusCode::OK, markup),
            None => not_found(&shown, preview, &uid),
        }
    })
    .await
}

async fn data(
    State(preview): State<Preview>,
    Path((uid, id)): Path<(String, String)>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let shown = preview.shelf.ready(FIRST_BUILD).await;
    let address = Address::read(&path_of(&uid), &query.unwrap_or_default());
    let reader = reader(&headers);
    respond(&preview, move |preview, interrupt| {
        let id = id.parse().unwrap_or(i64::MIN);
        match pages::panel_csv(&shown, preview, (&uid, id), &address, reader, interrupt) {
            Some(csv) => {
                let headers = [
                    (header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
                    (header::CONTENT_DISPOSITION, format!("attachment; filename=\"panel-{id}.csv\"")),
                    (header::X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
                ];
                (headers, csv).into_response()
            }
            None => not_found(&shown, preview, &uid),
        }
    })
    .await
}

async fn explore(State(preview): State<Preview>, RawQuery(query): RawQuery, headers: HeaderMap) -> Response {
    let address = Address::read("/explore", &query.unwrap_or_default());
    let reader = reader(&headers);
    let shown = preview.shelf.now();
    respond(&preview, move |preview, interrupt| {
        page(StatusCode::OK, pages::explore(&shown, preview, &address, reader, interrupt))
    })
    .await
}

async fn version(State(preview): State<Preview>, RawQuery(query): RawQuery) -> Response {
    let query = query.unwrap_or_default();
    let since = form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == "since");
    let version = match since.and_then(|(_, number)| number.parse().ok()) {
        Some(since) => preview.shelf.other_than(since, LONG_POLL).await,
        None => preview.shelf.now().version,
    };
    // As text: a script would round large numbers.
    let body = Json(serde_json::json!({"version": version.to_string()}));
    ([(header::CACHE_CONTROL, "no-store")], body).into_response()
}

fn not_found(shown: &crate::shelf::Shown, preview: &Preview, uid: &str) -> Response {
    let text = format!("There is no such page of a dashboard {:?}.", grafana::render::cut(uid, 80));
    page(StatusCode::NOT_FOUND, pages::message(shown, preview, "Not found", &text))
}

/// Where a dashboard is.
pub(crate) fn path_of(uid: &str) -> String {
    let uid: String = form_urlencoded::byte_serialize(uid.as_bytes()).collect();
    format!("/d/{uid}")
}
