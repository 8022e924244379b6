//! Whether the server lives, and whether its answers are about the cluster as it is now.

use std::fmt::Write as _;
use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::http::StatusCode;

use crate::cluster::progress::{Kind, Progress, WatchState};

/// `GET /livez`.
pub(super) async fn livez() -> &'static str {
    "ok"
}

/// `GET /readyz`: a line for each check, as an API server answers; `?exclude=NAME` leaves one out.
pub(super) async fn readyz(
    State(progress): State<Arc<Progress>>,
    RawQuery(query): RawQuery,
) -> (StatusCode, String) {
    let excluded = excluded(query.as_deref().unwrap_or_default());
    let (mut text, mut ready) = (String::new(), true);
    for (name, check) in checks(&progress) {
        let (mark, note) = match check {
            _ if excluded.iter().any(|excluded| excluded == name) => ("+", "excluded: ok".to_owned()),
            Ok(note) => ("+", note),
            Err(note) => {
                ready = false;
                ("-", note)
            }
        };
        // Writing to a string does not fail.
        let _ = writeln!(text, "[{mark}]{name} {note}");
    }
    text.push_str(if ready { "readyz check passed\n" } else { "readyz check failed\n" });
    (if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }, text)
}

fn excluded(query: &str) -> Vec<String> {
    let given = form_urlencoded::parse(query.as_bytes()).filter(|(key, _)| key == "exclude");
    given.map(|(_, name)| name.into_owned()).collect()
}

fn checks(progress: &Progress) -> Vec<(&'static str, Result<String, String>)> {
    let states = Kind::ALL.map(|kind| (kind, progress.of(kind)));
    let mut checks = states.each_ref().map(|(kind, state)| (kind.name(), listed(*kind, state))).to_vec();
    let needed = states.iter().filter(|(kind, _)| *kind != Kind::Claims);
    let trouble = needed.filter_map(|(kind, state)| Some((kind, state.trouble.as_ref()?))).next();
    checks.push(match trouble {
        None => ("api", Ok("ok".to_owned())),
        Some((kind, trouble)) => {
            let served = if states.iter().all(|(kind, state)| state.listed || *kind == Kind::Claims) {
                "; the kubelets answer with the objects as they were then"
            } else {
                ""
            };
            let what =
                format!("{kind} cannot be watched since {}: {}{served}", trouble.since, trouble.reason);
            ("api", Err(what))
        }
    });
    checks
}

fn listed(kind: Kind, state: &WatchState) -> Result<String, String> {
    match (&state.trouble, state.listed) {
        (_, true) => Ok("ok".to_owned()),
        // Nothing but sizes of volumes depends on them.
        (Some(trouble), false) if kind == Kind::Claims => {
            Ok(format!("unknown ({}): every claim counts as 10 GiB", trouble.reason))
        }
        (_, false) => Err("not listed yet".to_owned()),
    }
}
