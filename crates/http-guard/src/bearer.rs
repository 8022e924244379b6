//! What changes the server asks for a token that only the server's owner can read.

use std::fmt;
use std::hint::black_box;
use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};

/// A secret that a client sends as `Authorization: Bearer TOKEN`. It is never shown, not even in debug output.
#[derive(Clone)]
pub struct BearerToken(Arc<str>);

impl BearerToken {
    /// The token with this text.
    ///
    /// # Errors
    /// When the text could not stand in a header, or when it is so short that it could be guessed.
    pub fn new(text: &str) -> Result<Self, InvalidToken> {
        let sendable = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte));
        if sendable && text.len() >= SHORTEST { Ok(Self(text.into())) } else { Err(InvalidToken) }
    }

    /// Whether `given` is this token. The time it takes says nothing about where the two differ.
    fn is(&self, given: &str) -> bool {
        let (own, given) = (self.0.as_bytes(), given.as_bytes());
        let differences = own.iter().zip(given).fold(0, |found, (a, b)| black_box(found | (a ^ b)));
        own.len() == given.len() && differences == 0
    }
}

impl fmt::Debug for BearerToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BearerToken(…)")
    }
}

/// Sixteen random bytes in base64.
const SHORTEST: usize = 22;

/// A text that is no token. It is not repeated: it may have been meant to be secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a token has at least {SHORTEST} characters: letters, digits, and any of - . _ ~ + / =")]
pub struct InvalidToken;

/// `router`, whose routes answer only requests that carry `token`. `where_it_is` tells those who have none where to
/// find it. To be called before [`crate::guard`], so that foreign pages are refused without a word about tokens.
pub fn require_bearer<S: Clone + Send + Sync + 'static>(
    router: Router<S>,
    token: BearerToken,
    where_it_is: &str,
) -> Router<S> {
    let where_it_is: Arc<str> = where_it_is.into();
    router.route_layer(middleware::from_fn(move |request: Request, next: Next| {
        let (token, where_it_is) = (token.clone(), Arc::clone(&where_it_is));
        async move {
            match check(request.headers(), &token) {
                Ok(()) => next.run(request).await,
                Err(reason) => refusal(reason, &where_it_is),
            }
        }
    }))
}

fn check(headers: &HeaderMap, token: &BearerToken) -> Result<(), &'static str> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return Err("This needs one header \"Authorization: Bearer TOKEN\".");
    };
    // The scheme's case does not matter, the token's does.
    let given = value.to_str().ok().and_then(|value| value.split_once(' '));
    match given.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer")) {
        None => Err("The header Authorization is not of the form \"Bearer TOKEN\"."),
        Some((_, given)) if token.is(given.trim_matches(' ')) => Ok(()),
        Some(_) => Err("The token is not the one of this server."),
    }
}

fn refusal(reason: &str, where_it_is: &str) -> Response {
    let text = format!("{reason} {where_it_is}\n");
    (StatusCode::UNAUTHORIZED, [(WWW_AUTHENTICATE, "Bearer")], text).into_response()
}

#[cfg(test)]
mod tests {
    use axum::body::{Body, to_bytes};
    use axum::routing::{get, post};
    use proptest::prelude::*;
    use tower::ServiceExt;

    use super::*;

    const TOKEN: &str = "0123456789abcdefABCDEF-._~";

    fn token() -> BearerToken {
        BearerToken::new(TOKEN).unwrap()
    }

    /// Status, challenge and body of the answer to a `POST` with these headers.
    async fn ask(path: &str, authorization: &[&str]) -> (StatusCode, Option<String>, String) {
        let changing = Router::new().route("/change", post(|| async { "changed" }));
        let server = Router::new().route("/read", get(|| async { "read" })).merge(require_bearer(
            changing,
            token(),
            "It stands in the owner's file.",
        ));
        let method = if path == "/read" { "GET" } else { "POST" };
        let mut request = Request::builder().method(method).uri(path);
        for value in authorization {
            request = request.header(AUTHORIZATION, *value);
        }
        let response = server.oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        let challenge =
            response.headers().get(WWW_AUTHENTICATE).map(|value| value.to_str().unwrap().to_owned());
        let status = response.status();
        let body = to_bytes(response.into_body(), 10_000).await.unwrap();
        (status, challenge, String::from_utf8(body.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn the_token_opens_what_it_guards_and_is_not_asked_for_elsewhere() {
        for value in [format!("Bearer {TOKEN}"), format!("bearer {TOKEN}"), format!("BEARER   {TOKEN} ")] {
            assert_eq!(ask("/change", &[&value]).await.2, "changed", "{value:?}");
        }
        assert_eq!(ask("/read", &[]).await.2, "read");
        assert_eq!(ask("/nowhere", &[]).await.0, StatusCode::NOT_FOUND);
    }

    #[tokio::test]
    async fn without_the_token_nothing_is_changed_and_the_answer_says_why() {
        let right = format!("Bearer {TOKEN}");
        let cases: &[(&[&str], &str)] = &[
            (&[], "needs one header"),
            (&[&right, &right], "needs one header"),
            (&[TOKEN], "not of the form"),
            (&["Basic abc"], "not of the form"),
            (&["Bearer"], "not of the form"),
            (&["Bearer "], "not the one"),
            (&["Bearer 0123456789abcdefABCDEF-._"], "not the one"),
            (&["Bearer 0123456789abcdefABCDEF-._~~"], "not the one"),
            (&["Bearer 0123456789ABCDEFabcdef-._~"], "not the one"),
        ];
        for (authorization, reason) in cases {
            let (status, challenge, text) = ask("/change", authorization).await;
            assert_eq!(status, StatusCode::UNAUTHORIZED, "{authorization:?}");
            assert_eq!(challenge.as_deref(), Some("Bearer"), "{authorization:?}");
            assert!(text.contains(reason) && text.contains("owner's file"), "{authorization:?}: {text}");
            assert!(!text.contains(TOKEN), "{text}");
        }
    }

    #[test]
    fn a_token_is_long_and_fits_into_a_header_and_is_not_shown() {
        for text in [
            "",
            "short",
            "with a space in between it",
            "with\nnewline0123456789012",
            "ümläut-0123456789-0123456789",
        ] {
            assert_eq!(BearerToken::new(text).unwrap_err(), InvalidToken, "{text}");
        }
        assert!(!format!("{:?}", token()).contains("0123"));
    }

    proptest! {
        #[test]
        fn only_the_same_text_is_the_token(given in "[0-9a-f]{22,26}", own in "[0-9a-f]{22,26}") {
            let token = BearerToken::new(&own).unwrap();
            prop_assert!(token.is(&own));
            prop_assert_eq!(token.is(&given), own == given);
        }
    }
}
