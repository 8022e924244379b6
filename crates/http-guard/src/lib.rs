//! Refuses requests that a foreign web page made a browser send to a local server.
//!
//! A server on a developer's machine needs no password from its owner, so any page that the owner opens could
//! use it through the owner's browser. Two headers that a page cannot choose give that away: `Host`, when the
//! page's own name was made to resolve to this machine (DNS rebinding), and `Origin`, which browsers add to
//! requests that change something and to those whose answer a script wants to read. [`guard`] answers 403 to
//! both.
//!
//! A plain cross-site `GET`, as of an image, has neither, but today's browsers mark it (`Sec-Fetch-Site`): it is
//! refused too, unless the owner follows a link. An old browser does not mark it, so what a route changes it must
//! change by another method.
//!
//! [`require_bearer`] is for routes that change something: other programs of this machine, and other users, reach a
//! local server too. They need a token that the server's owner alone can read.

mod bearer;
mod host;

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::http::header::{HOST, HeaderName, ORIGIN};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};

pub use bearer::{BearerToken, InvalidToken, require_bearer};
pub use host::{AllowedHosts, HostName, InvalidHostName};

/// `router`, answering only requests that are addressed to one of `hosts` and, if a web page sent them, to
/// pages of these hosts. To be called last: routes and layers that are added afterwards lie outside.
pub fn guard<S: Clone + Send + Sync + 'static>(router: Router<S>, hosts: AllowedHosts) -> Router<S> {
    let hosts = Arc::new(hosts);
    router.layer(middleware::from_fn(move |request: Request, next: Next| {
        let hosts = Arc::clone(&hosts);
        async move {
            match check(&request, &hosts) {
                Ok(()) => next.run(request).await,
                Err(refusal) => refusal.into_response(),
            }
        }
    }))
}

/// Why a request is refused.
struct Refusal(String);

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (StatusCode::FORBIDDEN, self.0).into_response()
    }
}

fn check(request: &Request, hosts: &AllowedHosts) -> Result<(), Refusal> {
    let host = single(request.headers(), &HOST)?;
    // HTTP/2, and requests in absolute form, name the host in the target.
    let target = request.uri().authority().map(Authority::as_str);
    if host.is_none() && target.is_none() {
        return Err(Refusal("The request names no host (header Host).\n".to_owned()));
    }
    for authority in [host, target].into_iter().flatten() {
        if !hosts.allows(authority) {
            return Err(Refusal(format!(
                "The request is addressed to {}, but this server is reached only as {hosts}.\n",
                shown(authority)
            )));
        }
    }
    if let Some(origin) = single(request.headers(), &ORIGIN)? {
        let authority = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
        if !authority.is_some_and(|authority| hosts.allows(authority)) {
            return Err(Refusal(format!(
                "The request comes from a web page of {} (header Origin), but only pages of {hosts} may send any.\n",
                shown(origin)
            )));
        }
    }
    let fetch = |name| single(request.headers(), &HeaderName::from_static(name));
    if fetch("sec-fetch-site")? == Some("cross-site") && fetch("sec-fetch-mode")? != Some("navigate") {
        return Err(Refusal(
            "The request comes from a page of another site (header Sec-Fetch-Site).\n".to_owned(),
        ));
    }
    Ok(())
}

/// The one value of a header; empty where it is not text, which no host is.
fn single<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a str>, Refusal> {
    let mut values = headers.get_all(name).iter();
    let first = values.next();
    if values.next().is_some() {
        return Err(Refusal(format!("The request has more than one header {name}.\n")));
    }
    Ok(first.map(|value| value.to_str().unwrap_or_default()))
}

/// What a stranger sent, fit to be repeated.
fn shown(text: &str) -> String {
    const MOST: usize = 100;
    let short: String = text.chars().take(MOST).collect();
    format!("{short:?}{}", if short.len() < text.len() { "…" } else { "" })
}

#[cfg(test)]
mod tests {
    use axum::body::{Body, to_bytes};
    use axum::routing::get;
    use tower::ServiceExt;

    use super::*;

    fn server() -> Router {
        let hosts = AllowedHosts::loopback().and("stats-proxy".parse().unwrap());
        guard(Router::new().route("/", get(|| async { "hello" })), hosts)
    }

    /// Status and body of the answer to a request with these headers.
    async fn ask(path: &str, headers: &[(&str, &str)]) -> (StatusCode, String) {
        let mut request = Request::builder().uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = server().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        let status = response.status();
        let body = to_bytes(response.into_body(), 10_000).await.unwrap();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn what_a_foreign_page_embeds_is_refused_and_a_link_is_followed() {
        for (site, mode, status) in [
            ("cross-site", "no-cors", StatusCode::FORBIDDEN),
            ("cross-site", "cors", StatusCode::FORBIDDEN),
            ("cross-site", "navigate", StatusCode::OK),
            ("same-origin", "cors", StatusCode::OK),
            ("none", "navigate", StatusCode::OK),
        ] {
            let headers = [("host", "localhost"), ("sec-fetch-site", site), ("sec-fetch-mode", mode)];
            assert_eq!(ask("/", &headers).await.0, status, "{site} {mode}");
        }
    }

    #[tokio::test]
    async fn own_names_are_answered_with_any_port() {
        for host in [
            "localhost",
            "localhost:9090",
            "LocalHost:1",
            "localhost.",
            "127.0.0.1",
            "127.0.0.1:65535",
            "[::1]",
            "[::1]:10250",
            "stats-proxy:10250",
            "STATS-PROXY",
        ] {
            assert_eq!(ask("/", &[("host", host)]).await, (StatusCode::OK, "hello".to_owned()), "{host}");
        }
    }

    #[tokio::test]
    async fn foreign_and_malformed_hosts_are_refused_on_every_path() {
        for host in [
            "evil.example",
            "evil.example:9090",
            "localhost.evil.example",
            "evillocalhost",
            "127.0.0.1.evil.example",
            "127.0.0.2",
            "0.0.0.0",
            "[::2]",
            "::1",
            "[::1",
            "localhost:",
            "localhost:99999",
            "localhost:9a",
            "a@localhost",
            "localhost/",
            "local host",
            "stats-proxy.evil",
            "",
        ] {
            for path in ["/", "/nowhere"] {
                assert_eq!(ask(path, &[("host", host)]).await.0, StatusCode::FORBIDDEN, "{host}");
            }
        }
    }

    #[tokio::test]
    async fn a_request_without_a_host_or_with_two_is_refused() {
        assert_eq!(
            ask("/", &[]).await,
            (StatusCode::FORBIDDEN, "The request names no host (header Host).\n".to_owned())
        );
        let (status, text) = ask("/", &[("host", "localhost"), ("host", "evil.example")]).await;
        assert_eq!(
            (status, text.as_str()),
            (StatusCode::FORBIDDEN, "The request has more than one header host.\n")
        );
    }

    #[tokio::test]
    async fn the_host_of_the_target_counts_as_much_as_the_header() {
        assert_eq!(ask("http://localhost:1/", &[]).await.0, StatusCode::OK);
        assert_eq!(ask("http://evil.example/", &[("host", "localhost")]).await.0, StatusCode::FORBIDDEN);
        assert_eq!(ask("http://localhost/", &[("host", "evil.example")]).await.0, StatusCode::FORBIDDEN);
    }

    #[tokio::test]
    async fn pages_of_own_names_may_send_requests_and_no_others() {
        for (origin, status) in [
            ("http://localhost:3000", StatusCode::OK),
            ("https://127.0.0.1", StatusCode::OK),
            ("http://[::1]:8080", StatusCode::OK),
            ("http://stats-proxy", StatusCode::OK),
            ("null", StatusCode::FORBIDDEN),
            ("", StatusCode::FORBIDDEN),
            ("http://evil.example", StatusCode::FORBIDDEN),
            ("http://localhost.evil.example", StatusCode::FORBIDDEN),
            ("http://localhost@evil.example", StatusCode::FORBIDDEN),
            ("localhost", StatusCode::FORBIDDEN),
            ("chrome-extension://localhost", StatusCode::FORBIDDEN),
        ] {
            assert_eq!(ask("/", &[("host", "localhost"), ("origin", origin)]).await.0, status, "{origin}");
        }
        let twice =
            [("host", "localhost"), ("origin", "http://localhost"), ("origin", "http://evil.example")];
        assert_eq!(ask("/", &twice).await.0, StatusCode::FORBIDDEN);
    }

    #[tokio::test]
    async fn a_refusal_says_what_was_wrong_and_what_would_be_right() {
        let (_, text) = ask("/", &[("host", "evil.example")]).await;
        assert_eq!(
            text,
            "The request is addressed to \"evil.example\", but this server is reached only as localhost, 127.0.0.1, \
             [::1], stats-proxy.\n"
        );
        let (_, text) = ask("/", &[("host", "localhost"), ("origin", "http://evil.example")]).await;
        assert!(text.contains("a web page of \"http://evil.example\" (header Origin)"), "{text}");
        let (_, text) = ask("/", &[("host", &"x".repeat(5_000))]).await;
        assert!(text.len() < 300, "{text}");
    }
}
