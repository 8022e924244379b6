//! Bounds on what a request may bring.

use axum::extract::Request;
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

/// Bytes of a path, and of a query. A node's name has at most 253, three times as many if all of them are escaped.
const MOST: usize = 1_024;

/// Answers 414 to addresses that no client of ours sends.
pub(crate) async fn refuse_long_addresses(request: Request, next: Next) -> Response {
    let uri = request.uri();
    for (part, length) in [("path", uri.path().len()), ("query", uri.query().map_or(0, str::len))] {
        if length > MOST {
            let message = format!("The {part} has {length} bytes; it may have {MOST}.\n");
            return (StatusCode::URI_TOO_LONG, message).into_response();
        }
    }
    next.run(request).await
}
