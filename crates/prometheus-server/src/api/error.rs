//! Errors in Prometheus' JSON, with Prometheus' status codes.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use promql::QueryError;

use super::respond;
use crate::QueryFailure;
use crate::json::{self, Escape};

/// An answer that is an error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ApiError {
    kind: ErrorKind,
    message: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ErrorKind {
    BadData,
    Execution,
    Canceled,
    Timeout,
    Internal,
}

impl ErrorKind {
    fn name(self) -> &'static str {
        match self {
            Self::BadData => "bad_data",
            Self::Execution => "execution",
            Self::Canceled => "canceled",
            Self::Timeout => "timeout",
            Self::Internal => "internal",
        }
    }

    fn status(self) -> StatusCode {
        match self {
            Self::BadData => StatusCode::BAD_REQUEST,
            Self::Execution => StatusCode::UNPROCESSABLE_ENTITY,
            // nginx's code for a client that went away, which http has no name for.
            Self::Canceled => StatusCode::from_u16(499).unwrap_or(StatusCode::SERVICE_UNAVAILABLE),
            Self::Timeout => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

impl ApiError {
    /// The request is wrong.
    pub(super) fn bad_data(message: impl Into<String>) -> Self {
        Self { kind: ErrorKind::BadData, message: message.into() }
    }

    /// The request is wrong in this parameter.
    pub(super) fn parameter(name: &str, reason: impl std::fmt::Display) -> Self {
        Self::bad_data(format!("invalid parameter \"{name}\": {reason}"))
    }

    /// The time was up while `doing` something.
    pub(super) fn timeout(doing: &str) -> Self {
        Self { kind: ErrorKind::Timeout, message: format!("query timed out in {doing}") }
    }

    /// A fault of ours.
    pub(super) fn internal(message: impl Into<String>) -> Self {
        Self { kind: ErrorKind::Internal, message: message.into() }
    }
}

impl From<QueryError> for ApiError {
    fn from(error: QueryError) -> Self {
        let kind = match error {
            QueryError::Execution { .. } => ErrorKind::Execution,
            QueryError::Timeout => ErrorKind::Timeout,
            QueryError::Canceled => ErrorKind::Canceled,
            QueryError::Storage(_) => ErrorKind::Internal,
        };
        Self { kind, message: error.to_string() }
    }
}

/// A query that cannot be read is a bad parameter `query`.
impl From<QueryFailure> for ApiError {
    fn from(failure: QueryFailure) -> Self {
        match failure {
            QueryFailure::Parse { .. } => Self::parameter("query", failure),
            QueryFailure::Query(error) => error.into(),
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut body = br#"{"status":"error","errorType":""#.to_vec();
        body.extend_from_slice(self.kind.name().as_bytes());
        body.extend_from_slice(br#"","error":"#);
        json::string(&mut body, &self.message, Escape::Html);
        body.push(b'}');
        respond::json_response(self.kind.status(), body)
    }
}
