//! What a command asks of a running environment, over HTTP.

use std::time::Duration;

use anyhow::{Context as _, bail};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::environment::{EnvironmentStatus, RunningEnvironment};
use crate::ui::Usage;

/// How long a running environment may take to say that it is there.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);

/// How long it may take to change: it finishes a scrape first.
const CHANGE_TIMEOUT: Duration = Duration::from_secs(60);

/// What the environment says about itself, if it answers and is the one that was written down.
pub(crate) fn ask_status(environment: &RunningEnvironment) -> Option<EnvironmentStatus> {
    let url = format!("{}/api/environment", environment.web_url);
    let text = agent(ANSWER_TIMEOUT).get(url).call().ok()?.body_mut().read_to_string().ok()?;
    let status: EnvironmentStatus = serde_json::from_str(&text).ok()?;
    (status.instance == environment.instance && status.pid == environment.pid).then_some(status)
}

/// Asks for a change at `path`, with the token. A refusal becomes an error with the environment's own words.
pub(crate) fn ask_change<T: DeserializeOwned>(
    environment: &RunningEnvironment,
    path: &str,
    change: &impl Serialize,
) -> anyhow::Result<T> {
    let url = format!("{}{path}", environment.web_url);
    let body = serde_json::to_string(change).context("failed to write the request")?;
    let mut answer = agent(CHANGE_TIMEOUT)
        .post(&url)
        .header("Authorization", format!("Bearer {}", environment.token.reveal()))
        .header("Content-Type", "application/json")
        .send(body)
        .with_context(|| format!("failed to ask {url}"))?;
    let text =
        answer.body_mut().read_to_string().with_context(|| format!("failed to read the answer of {url}"))?;
    let (status, text) = (answer.status().as_u16(), text.trim_end());
    match status {
        200..300 => serde_json::from_str(text).with_context(|| format!("{url} answered something else")),
        // It was understood and cannot be.
        400 | 404 | 409 | 422 => Err(Usage(text.to_owned()).into()),
        _ => bail!("{url} refused ({status}): {text}"),
    }
}

/// An HTTP client for our own servers: no redirects, no proxy, bounded time.
pub(crate) fn agent(timeout: Duration) -> ureq::Agent {
    ureq::Agent::config_builder()
        .timeout_global(Some(timeout))
        .http_status_as_error(false)
        .max_redirects(0)
        .proxy(None)
        .build()
        .new_agent()
}
