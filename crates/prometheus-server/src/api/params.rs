//! The parameters of a request, from its query string and its form.

use std::time::Duration;

use axum::body::to_bytes;
use axum::extract::{FromRequest, Request};
use axum::http::{Method, header};
use labels::{Matcher, Quoted, RegexBudget};
use promql::Interrupt;

use super::error::ApiError;
use super::state::ApiState;
use crate::time::{RequestTime, parse_duration, parse_time};
use crate::{QueryFailure, QueryService};

/// The parameters of a request. Those of a form come before those of the query string, as in Go.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Params {
    pairs: Vec<(String, String)>,
}

impl Params {
    /// The first value of a parameter; empty where it is missing, which the API never tells apart.
    pub(super) fn get(&self, name: &str) -> &str {
        self.all(name).next().unwrap_or("")
    }

    /// All values of a parameter.
    pub(super) fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.pairs.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// A time that may be missing.
    pub(super) fn optional_time(&self, name: &str) -> Result<Option<RequestTime>, ApiError> {
        match self.get(name) {
            "" => Ok(None),
            text => parse_time(text).map(Some).map_err(|reason| {
                ApiError::parameter(name, format_args!("invalid time value for '{name}': {reason}"))
            }),
        }
    }

    /// A time that must be there.
    pub(super) fn time(&self, name: &str) -> Result<RequestTime, ApiError> {
        parse_time(self.get(name)).map_err(|reason| ApiError::parameter(name, reason))
    }

    /// A duration that must be there, in milliseconds.
    pub(super) fn duration(&self, name: &str) -> Result<i64, ApiError> {
        parse_duration(self.get(name)).map_err(|reason| ApiError::parameter(name, reason))
    }

    /// `timeout`: how long the client is ready to wait. A negative one is over at once.
    pub(super) fn timeout(&self) -> Result<Option<Duration>, ApiError> {
        if self.get("timeout").is_empty() {
            return Ok(None);
        }
        let milliseconds = self.duration("timeout")?;
        Ok(Some(Duration::from_millis(u64::try_from(milliseconds).unwrap_or(0))))
    }

    /// `limit`: `None` for no limit, which is also what 0 means.
    pub(super) fn limit(&self) -> Result<Option<usize>, ApiError> {
        let text = self.get("limit");
        if text.is_empty() {
            return Ok(None);
        }
        let limit = parse_integer(text).map_err(|reason| ApiError::parameter("limit", reason))?;
        match usize::try_from(limit) {
            Ok(limit) => Ok((limit > 0).then_some(limit)),
            Err(_) => Err(ApiError::parameter("limit", "limit must be non-negative")),
        }
    }

    /// `match[]`: the series selectors, as texts.
    pub(super) fn selectors(&self) -> Selectors {
        Selectors(self.all("match[]").map(str::to_owned).collect())
    }
}

/// Series selectors that have not been read yet: regular expressions take their time, so that this is not done where
/// requests are received.
#[derive(Clone, Debug)]
pub(super) struct Selectors(Vec<String>);

impl Selectors {
    /// Whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Reads them. `wrap` makes an error of Prometheus' message, which its end points do differently.
    pub(super) fn read(
        &self,
        service: &QueryService,
        interrupt: Interrupt<'_>,
        wrap: impl Fn(String) -> ApiError,
    ) -> Result<Vec<Vec<Matcher>>, ApiError> {
        const EMPTY: &str = "match[] must contain at least one non-empty matcher";
        let regexes = RegexBudget::default();
        self.0
            .iter()
            .map(|text| {
                let matchers =
                    service.selector_until(text, interrupt, &regexes).map_err(|failure| match failure {
                        QueryFailure::Parse { .. } => {
                            let text = failure.to_string();
                            let empty = text.contains("at least one non-empty matcher");
                            wrap(if empty { EMPTY.to_owned() } else { text })
                        }
                        QueryFailure::Query(error) => error.into(),
                    })?;
                if matchers.iter().all(Matcher::matches_empty) {
                    return Err(wrap(EMPTY.to_owned()));
                }
                Ok(matchers)
            })
            .collect()
    }
}

/// An integer as Go's `strconv.Atoi` reads it, with its messages.
pub(super) fn parse_integer(text: &str) -> Result<i64, String> {
    use std::num::IntErrorKind::{NegOverflow, PosOverflow};
    text.parse::<i64>().map_err(|error| {
        let reason = match error.kind() {
            PosOverflow | NegOverflow => "value out of range",
            _ => "invalid syntax",
        };
        format!("strconv.Atoi: parsing {}: {reason}", Quoted(text))
    })
}

impl FromRequest<ApiState> for Params {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &ApiState) -> Result<Self, ApiError> {
        let (parts, body) = request.into_parts();
        let is_form = parts
            .headers
            .get(header::CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.split(';').next())
            .is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/x-www-form-urlencoded"));
        let mut pairs = Vec::new();
        if is_form && parts.method == Method::POST {
            let limit = state.options().max_body_bytes;
            let form = to_bytes(body, limit).await.map_err(|error| {
                ApiError::bad_data(format!(
                    "error parsing form values: {error} (at most {limit} bytes are read)"
                ))
            })?;
            pairs.extend(decode(&form));
        }
        pairs.extend(decode(parts.uri.query().unwrap_or("").as_bytes()));
        Ok(Self { pairs })
    }
}

fn decode(text: &[u8]) -> impl Iterator<Item = (String, String)> {
    form_urlencoded::parse(text).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn params(text: &str) -> Params {
        Params { pairs: decode(text.as_bytes()).collect() }
    }

    #[test]
    fn limits_are_counts_and_zero_means_none() {
        for (text, expected) in [
            ("", Ok(None)),
            ("limit=0", Ok(None)),
            ("limit=7", Ok(Some(7))),
            ("limit=-1", Err("limit must be non-negative")),
            ("limit=x", Err("strconv.Atoi: parsing \"x\": invalid syntax")),
            ("limit=1.5", Err("strconv.Atoi: parsing \"1.5\": invalid syntax")),
            (
                "limit=99999999999999999999",
                Err("strconv.Atoi: parsing \"99999999999999999999\": value out of range"),
            ),
        ] {
            let expected = expected.map_err(|reason| ApiError::parameter("limit", reason));
            assert_eq!(params(text).limit(), expected, "{text}");
        }
    }

    #[test]
    fn values_are_decoded_and_the_first_one_counts() {
        let params = params("query=1%2B1&match%5B%5D=a&match[]=b&query=2&x=a+b");
        assert_eq!(params.get("query"), "1+1");
        assert_eq!(params.all("match[]").collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(params.get("x"), "a b");
        assert_eq!(params.get("y"), "");
    }
}
