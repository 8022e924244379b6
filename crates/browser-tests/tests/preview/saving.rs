//! A source is saved while its dashboard is open.

use std::fs;
use std::time::{Duration, Instant};

use anyhow::ensure;

use crate::person::Person;
use crate::site::Site;

/// The goal is a second; a machine that does a lot besides gets more.
const GOAL: Duration = Duration::from_secs(5);

pub(crate) async fn save(person: &Person, site: &Site) -> anyhow::Result<Vec<String>> {
    const OLD: &str = "CPU utilisation (from requests)";
    const NEW: &str = "Seen after saving";
    let file = site.source("sources/namespace-pods.libsonnet");
    let good = fs::read_to_string(&file)?;
    person.open("/d/k8s-otel-namespace-pods").await?;
    let titles = "[...document.querySelectorAll('.panel h3')].map((title) => title.textContent)";
    ensure!(person.list(titles).await?.iter().any(|title| title == OLD), "the panel is not there");
    let shown = |title: &str| format!("{titles}.includes('{title}')");

    let began = Instant::now();
    fs::write(&file, good.replace(OLD, NEW))?;
    person.until("the change is seen", &shown(NEW)).await?;
    let took = began.elapsed();
    println!("         a saved change is seen after {} ms", took.as_millis());
    ensure!(took < GOAL, "the change was seen after {took:?}");

    // A bracket is missing in the line after the one with the name.
    let line = good.lines().position(|line| line.contains("name: 'namespace-pods'")).unwrap() + 2;
    let broken: Vec<&str> =
        good.lines().enumerate().map(|(at, text)| if at + 1 == line { "  )" } else { text }).collect();
    fs::write(&file, broken.join("\n"))?;
    let problem =
        person.until("the mistake is told", "document.getElementById('banner')?.textContent").await?;
    person.picture_if_wanted("banner").await;
    let place = format!("namespace-pods.libsonnet:{line}:");
    ensure!(problem.as_str().is_some_and(|text| text.contains(&place)), "{place} is not in {problem}");
    ensure!(person.list(titles).await?.iter().any(|title| title == NEW), "the last good version is gone");
    let undrawn = person.list("probe.undrawn()").await?;

    fs::write(&file, &good)?;
    let mended = format!("!document.getElementById('banner') && {}", shown(OLD));
    person.until("the mended version is shown", &mended).await?;
    person.settled().await?;
    Ok(undrawn)
}
