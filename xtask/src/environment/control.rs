//! What changes the running environment, over HTTP: for its owner alone, who can read the token in the state file.

use std::sync::Arc;

use ::embedded::Environment;
use axum::Router;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::header::{ALLOW, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Json, Response};
use axum::routing::post;
use cluster_sim::{Action, ProvocationError, Request};
use http_guard::{BearerToken, require_bearer};
use jiff::{SignedDuration, Timestamp};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tokio::sync::Notify;

use crate::environment::provocations::{cluster_names, open};
use crate::environment::scraping::{NotDone, Tasks};
use crate::environment::{ActiveProvocation, time_of_day};
use crate::ui::Steps;

/// The path of [`Provoke`].
pub(crate) const PROVOKE: &str = "/api/sim";
/// The path of [`Undo`].
pub(crate) const UNDO: &str = "/api/sim/undo";
/// The path of a shutdown. It has no body.
pub(crate) const SHUTDOWN: &str = "/api/shutdown";

/// A change is a few words; more is a mistake.
const LARGEST_BODY: usize = 16 << 10;

const WHERE_THE_TOKEN_IS: &str =
    "The token stands in the state file, which `cargo xtask sim` and `cargo xtask down` read.";

/// Provoke something from now on.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Provoke {
    /// In which cluster; without, in the first one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) cluster: Option<String>,
    /// What.
    #[serde(flatten)]
    pub(crate) action: Action,
    /// To whom, as people write it.
    pub(crate) target: String,
    /// For how long; without, until it is undone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) for_seconds: Option<u32>,
}

/// The answer.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Provoked {
    /// What was understood, with its number.
    pub(crate) provocation: ActiveProvocation,
    /// The first scrape that shows it.
    pub(crate) visible_at: Timestamp,
    /// How many clusters there are to choose from.
    pub(crate) clusters: usize,
}

/// End what was provoked: one provocation, or all.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Undo {
    /// In which cluster; without, in the first one, or in every one when all is undone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) cluster: Option<String>,
    /// Which provocation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) id: Option<u32>,
    /// All of them.
    #[serde(default)]
    pub(crate) all: bool,
}

/// The answer.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Undone {
    /// What was undone.
    pub(crate) provocations: Vec<ActiveProvocation>,
    /// The first scrape without it.
    pub(crate) visible_at: Timestamp,
}

/// The answer to a shutdown.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Ending {
    /// The process that ends.
    pub(crate) pid: u32,
}

/// What the routes act on.
pub(crate) struct Control {
    /// The way to the simulations.
    pub(crate) tasks: Tasks,
    /// The time between two scrapes.
    pub(crate) interval: SignedDuration,
    /// Told when the environment shall end.
    pub(crate) shutdown: Arc<Notify>,
}

/// The routes that change the environment. Every one asks for the token.
pub(crate) fn control_router(control: Control, token: BearerToken) -> Router {
    let router = Router::new()
        .route(PROVOKE, post(provoke))
        .route(UNDO, post(undo))
        .route(SHUTDOWN, post(shut_down))
        .method_not_allowed_fallback(async || {
            let text = "This changes the environment: it takes a POST, and nothing else.\n";
            (StatusCode::METHOD_NOT_ALLOWED, [(ALLOW, "POST")], text)
        })
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .with_state(Arc::new(control));
    require_bearer(router, token, WHERE_THE_TOKEN_IS)
}

async fn provoke(
    State(control): State<Arc<Control>>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<Provoked>, Refusal> {
    let interval = control.interval;
    let wish: Provoke = read(&headers, &body?)?;
    let provoked = control
        .tasks
        .run(move |environment, now| wish.grant(environment, interval, now))
        .await
        .map_err(not_done)??;
    say(&format!("provoked {}", provoked.provocation.line()));
    Ok(Json(provoked))
}

async fn undo(
    State(control): State<Arc<Control>>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<Undone>, Refusal> {
    let interval = control.interval;
    let wish: Undo = read(&headers, &body?)?;
    let undone = control
        .tasks
        .run(move |environment, now| wish.grant(environment, interval, now))
        .await
        .map_err(not_done)??;
    for provocation in &undone.provocations {
        say(&format!("undone {}", provocation.line()));
    }
    Ok(Json(undone))
}

async fn shut_down(State(control): State<Arc<Control>>) -> Response {
    control.shutdown.notify_one();
    (StatusCode::ACCEPTED, Json(Ending { pid: std::process::id() })).into_response()
}

/// A line on the environment's terminal, or in its log.
fn say(what: &str) {
    Steps::new().note(format!("{} {what}", time_of_day(Timestamp::now())));
}

impl Provoke {
    fn grant(
        self,
        environment: &mut Environment,
        interval: SignedDuration,
        now: Timestamp,
    ) -> Result<Provoked, Refusal> {
        let moment = Moment::of(environment.next_scrape(), interval, now);
        let until = self.for_seconds.map(|seconds| moment.until(&self.action, seconds)).transpose()?;
        let (cluster, clusters) = choose(environment, self.cluster)?;
        let request = Request { action: self.action, target: self.target, since: moment.begins, until };
        let simulation = environment.simulation_mut(&cluster).ok_or_else(|| no_cluster(&cluster, &[]))?;
        let provocation =
            simulation.provoke(&request).map_err(|error| Refusal::of(&error, &cluster, clusters))?;
        let visible_at = moment.visible(&provocation.action);
        Ok(Provoked { provocation: ActiveProvocation { cluster, provocation }, visible_at, clusters })
    }
}

impl Undo {
    fn grant(
        self,
        environment: &mut Environment,
        interval: SignedDuration,
        now: Timestamp,
    ) -> Result<Undone, Refusal> {
        let moment = Moment::of(environment.next_scrape(), interval, now);
        let at = moment.begins;
        let clusters = cluster_names(environment).len();
        let wanted: Vec<(String, u32)> = match (self.id, self.all) {
            (Some(id), false) => vec![(choose(environment, self.cluster)?.0, id)],
            (None, false) | (Some(_), true) => {
                let text = r#"say which one as {"id": 1}, or {"all": true}"#;
                return Err(Refusal(StatusCode::BAD_REQUEST, text.to_owned()));
            }
            (None, true) => {
                let only = self.cluster.map(|cluster| choose(environment, Some(cluster))).transpose()?;
                let here = |cluster: &str| only.as_ref().is_none_or(|(only, _)| only == cluster);
                let open = open(environment, at).into_iter().filter(|active| here(&active.cluster));
                open.map(|active| (active.cluster, active.provocation.id)).collect()
            }
        };
        let (mut provocations, mut visible_at) = (Vec::new(), moment.next_scrape);
        for (cluster, id) in wanted {
            let simulation = environment.simulation_mut(&cluster).ok_or_else(|| no_cluster(&cluster, &[]))?;
            let provocation =
                simulation.undo(id, at).map_err(|error| Refusal::of(&error, &cluster, clusters))?;
            visible_at = visible_at.max(moment.visible(&provocation.action));
            provocations.push(ActiveProvocation { cluster, provocation });
        }
        Ok(Undone { provocations, visible_at })
    }
}

/// When a change begins that is made now, and which scrape shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Moment {
    begins: Timestamp,
    next_scrape: Timestamp,
    interval: SignedDuration,
}

impl Moment {
    /// In the second that runs, but after the latest scrape: what that has seen stays as it was.
    fn of(next_scrape: Timestamp, interval: SignedDuration, now: Timestamp) -> Self {
        let this_second = Timestamp::from_second(now.as_second()).unwrap_or(now);
        let after_latest = next_scrape.saturating_sub(interval).and_then(|latest| latest.checked_add(SECOND));
        let begins = this_second.max(after_latest.unwrap_or(next_scrape)).min(next_scrape);
        Self { begins, next_scrape, interval }
    }

    /// When a provocation ends that lasts this long. One that no scrape sees is refused.
    fn until(self, action: &Action, seconds: u32) -> Result<Timestamp, Refusal> {
        let until = self
            .begins
            .checked_add(SignedDuration::from_secs(i64::from(seconds)))
            .map_err(|error| Refusal(StatusCode::UNPROCESSABLE_ENTITY, error.to_string()))?;
        let visible = self.visible(action);
        if until > visible {
            return Ok(until);
        }
        let text = format!(
            "it would be over before a scrape sees it: the first that could is at {}; it has to last longer, for at \
             least {} s (--for)",
            time_of_day(visible),
            visible.duration_since(self.begins).as_secs() + 1,
        );
        Err(Refusal(StatusCode::UNPROCESSABLE_ENTITY, text))
    }

    /// The first scrape that shows `action`. Usage is measured over a while: at its very beginning there is none.
    fn visible(self, action: &Action) -> Timestamp {
        let is_usage = matches!(action, Action::Spike { .. } | Action::Oom);
        if is_usage && self.begins == self.next_scrape {
            self.next_scrape.saturating_add(self.interval).unwrap_or(self.next_scrape)
        } else {
            self.next_scrape
        }
    }
}

const SECOND: SignedDuration = SignedDuration::from_secs(1);

/// The cluster of this name, or the first one; and how many there are.
fn choose(environment: &Environment, wanted: Option<String>) -> Result<(String, usize), Refusal> {
    let names = cluster_names(environment);
    match wanted {
        None => Ok((names.first().cloned().unwrap_or_default(), names.len())),
        Some(wanted) if names.contains(&wanted) => Ok((wanted, names.len())),
        Some(wanted) => Err(no_cluster(&wanted, &names)),
    }
}

fn no_cluster(wanted: &str, names: &[String]) -> Refusal {
    Refusal(StatusCode::NOT_FOUND, format!("there is no cluster {wanted:?}; there is {}", names.join(", ")))
}

/// Why a change is refused. The environment is as it was.
#[derive(Debug)]
struct Refusal(StatusCode, String);

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.0, format!("{}\n", self.1)).into_response()
    }
}

impl Refusal {
    /// What a simulation refuses. Numbers count in each cluster: where there are several, it says in which one.
    fn of(error: &ProvocationError, cluster: &str, clusters: usize) -> Self {
        let status = match error {
            ProvocationError::NoTarget { .. } | ProvocationError::NoSuchId { .. } => StatusCode::NOT_FOUND,
            ProvocationError::Already { .. }
            | ProvocationError::RollingOut { .. }
            | ProvocationError::Over { .. } => StatusCode::CONFLICT,
            _ => StatusCode::UNPROCESSABLE_ENTITY,
        };
        let place = match error {
            _ if clusters == 1 => String::new(),
            ProvocationError::Already { other } => format!(" (sim undo {} --cluster {cluster})", other.id),
            _ => format!(" (in {cluster}; --cluster chooses another one)"),
        };
        Self(status, format!("{error}{place}"))
    }
}

impl From<BytesRejection> for Refusal {
    fn from(rejection: BytesRejection) -> Self {
        let most = LARGEST_BODY >> 10;
        Self(rejection.status(), format!("the body cannot be read, or has more than {most} KiB"))
    }
}

fn not_done(why: NotDone) -> Refusal {
    let text = match why {
        NotDone::Busy => "too many changes wait for the next scrape: try again in a moment",
        NotDone::Ended => "the environment is ending",
    };
    Refusal(StatusCode::SERVICE_UNAVAILABLE, text.to_owned())
}

/// Reads a body. What a web page can send without asking, a form or plain text, is none.
/// Nor is one with a field that means nothing: who sent it meant something.
fn read<T: DeserializeOwned + Serialize>(headers: &HeaderMap, body: &[u8]) -> Result<T, Refusal> {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    if !kind.eq_ignore_ascii_case("application/json") {
        let text = "the body has to be JSON (header Content-Type: application/json)";
        return Err(Refusal(StatusCode::UNSUPPORTED_MEDIA_TYPE, text.to_owned()));
    }
    let unreadable = |error: &dyn std::fmt::Display| {
        Refusal(StatusCode::BAD_REQUEST, format!("the body cannot be read: {error}"))
    };
    let wish: T = serde_json::from_slice(body).map_err(|error| unreadable(&error))?;
    // Which fields an action has is known to it alone, and what is read flat cannot deny unknown ones.
    let given: Map<String, Value> = serde_json::from_slice(body).map_err(|error| unreadable(&error))?;
    let understood = serde_json::to_value(&wish).map_err(|error| unreadable(&error))?;
    match given.iter().find(|(field, value)| !value.is_null() && understood.get(field.as_str()).is_none()) {
        Some((field, _)) => Err(unreadable(&format!("there is no field {field:?} here"))),
        None => Ok(wish),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_read_as_json_and_as_nothing_else() {
        let body = br#"{"action":"scale","replicas":3,"target":"cart"}"#;
        let ask = |kind: Option<&str>, body: &[u8]| {
            let mut headers = HeaderMap::new();
            if let Some(kind) = kind {
                headers.insert(CONTENT_TYPE, kind.parse().unwrap());
            }
            read::<Provoke>(&headers, body)
                .map(|wish| (wish.target, wish.action))
                .map_err(|refusal| refusal.0)
        };
        let scale = Ok(("cart".to_owned(), Action::Scale { replicas: 3 }));
        for kind in ["application/json", "Application/JSON; charset=utf-8"] {
            assert_eq!(ask(Some(kind), body), scale);
        }
        for kind in
            [None, Some("text/plain"), Some("application/x-www-form-urlencoded"), Some("application/jsonp")]
        {
            assert_eq!(ask(kind, body), Err(StatusCode::UNSUPPORTED_MEDIA_TYPE), "{kind:?}");
        }
        for body in [
            "",
            "[]",
            "{",
            r#"{"action":"explode","target":"x"}"#,
            r#"{"action":"scale","target":"x"}"#,
            r#"{"action":"crash","target":"x","replicas":3}"#,
            r#"{"action":"crash","target":"x","For_seconds":3}"#,
        ] {
            assert_eq!(
                ask(Some("application/json"), body.as_bytes()),
                Err(StatusCode::BAD_REQUEST),
                "{body}"
            );
        }
    }

    #[test]
    fn a_change_begins_after_the_latest_scrape_and_is_seen_by_the_next_one_that_can() {
        let spike = Action::Spike { cpu: None, memory: None };
        let noon = |second: f64| -> Timestamp {
            let noon: Timestamp = "2026-11-23T12:00:00Z".parse().unwrap();
            noon + SignedDuration::from_secs_f64(second)
        };
        for (next, interval, now, begins, crash_seen, spike_seen) in [
            (15.0, 15, 0.2, 1.0, 15.0, 15.0),
            (15.0, 15, 7.9, 7.0, 15.0, 15.0),
            (15.0, 15, 14.99, 14.0, 15.0, 15.0),
            (1.0, 1, 0.5, 1.0, 1.0, 2.0),
            (2.0, 2, 0.5, 1.0, 2.0, 2.0),
        ] {
            let moment = Moment::of(noon(next), SignedDuration::from_secs(interval), noon(now));
            assert_eq!(moment.begins, noon(begins), "{now}");
            assert_eq!(moment.visible(&Action::Crash), noon(crash_seen), "{now}");
            assert_eq!(moment.visible(&spike), noon(spike_seen), "{now}");
        }
    }

    #[test]
    fn what_would_be_over_before_it_is_seen_is_refused_with_the_least_that_is_not() {
        let noon: Timestamp = "2026-11-23T12:00:00Z".parse().unwrap();
        let (next, interval) = (noon + SignedDuration::from_secs(15), SignedDuration::from_secs(15));
        let moment = Moment::of(next, interval, noon + SignedDuration::from_secs(3));
        assert_eq!(moment.until(&Action::Crash, 13).unwrap(), next + SignedDuration::from_secs(1));
        for seconds in [1, 2, 12] {
            let Refusal(status, text) = moment.until(&Action::Crash, seconds).unwrap_err();
            assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
            assert!(text.contains("12:00:15 UTC") && text.contains("at least 13 s"), "{text}");
        }
    }

    #[test]
    fn a_wish_survives_the_way_over_http() {
        let wish = Provoke {
            cluster: None,
            action: Action::Spike { cpu: Some("x4".parse().unwrap()), memory: None },
            target: "shop/cart".to_owned(),
            for_seconds: Some(600),
        };
        let text = serde_json::to_string(&wish).unwrap();
        assert_eq!(text, r#"{"action":"spike","cpu":"x4","target":"shop/cart","for_seconds":600}"#);
        let read: Provoke = serde_json::from_str(&text).unwrap();
        assert_eq!((read.action, read.for_seconds), (wish.action, wish.for_seconds));
    }
}
