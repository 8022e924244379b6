//! Pages on screens of several widths.

use std::time::Duration;

use anyhow::ensure;

use crate::person::{Person, pictures};
use crate::site::Site;

pub(crate) async fn every_width(person: &Person, site: &Site) -> anyhow::Result<Vec<String>> {
    let mut flaws = Vec::new();
    for uid in site.shipped() {
        for (width, theme) in [(1_280, "dark"), (1_280, "light"), (1_920, "light"), (400, "dark")] {
            person.screen(width, theme).await?;
            if (width, theme) == (1_280, "dark") {
                person.open(&format!("/d/{uid}")).await?;
            }
            if pictures().is_some() {
                person.whole_picture(&format!("{uid}-{width}-{theme}"), width, theme).await?;
            }
            let mut layout = person.list("probe.layout()").await?;
            // On a phone one scrolls.
            if width > 400 {
                layout.extend(person.list("probe.hiddenColumns()").await?);
            }
            flaws.extend(layout.into_iter().map(|flaw| format!("{uid} at {width}: {flaw}")));
        }
    }
    for address in ["/", "/explore?query=k8s_pod_phase", "/d/k8s-otel-cluster/panel/15206839"] {
        for width in [1_280, 400] {
            person.screen(width, "light").await?;
            person.open(address).await?;
            if pictures().is_some() {
                person.whole_picture(&format!("{address}-{width}"), width, "light").await?;
            }
            let layout = person.list("probe.layout()").await?;
            flaws.extend(layout.into_iter().map(|flaw| format!("{address} at {width}: {flaw}")));
        }
    }
    Ok(flaws)
}

pub(crate) async fn theme(person: &Person) -> anyhow::Result<Vec<String>> {
    let ground = "getComputedStyle(document.body).backgroundColor";
    person.screen(1_280, "light").await?;
    person.open("/d/k8s-otel-cluster").await?;
    let light = person.read(ground).await?;
    person.screen(1_280, "dark").await?;
    let dark = person.read(ground).await?;
    ensure!(light != dark, "the system's choice changes nothing: {light}");
    person.click("[data-action=\"theme\"]").await?;
    ensure!(person.read(ground).await? == light, "the button changes nothing");
    person.open("/explore").await?;
    ensure!(person.read(ground).await? == light, "the next page has forgotten it");
    person.click("[data-action=\"theme\"]").await?;
    ensure!(person.read(ground).await? == dark, "there is no way back");
    // Afterwards the system decides again.
    person.see("localStorage.clear()").await?;
    Ok(Vec::new())
}

/// Breaks a page in several ways, each of which has to be found.
pub(crate) async fn checks_see(person: &Person) -> anyhow::Result<Vec<String>> {
    let mut missed = Vec::new();
    person.screen(1_280, "dark").await?;
    person.open("/d/k8s-otel-cluster").await?;
    for (style, flaw) in [
        (".panel h3 { position: relative; top: 60px; }", "overlap"),
        (".legend { margin-top: -40px; }", "overlap"),
        (".x i { left: 50% !important; }", "overlap"),
        (".stat .value { font-size: 400px !important; text-overflow: clip !important; }", "is cut by"),
        (".legend .name { line-height: 30px; height: 8px; }", "is cut by"),
        (".panel { width: 110%; }", "larger than its place"),
        ("body { width: 1400px; }", "scrolls sideways"),
    ] {
        let add = "document.head.appendChild(Object.assign(document.createElement('style'), {id: 'broken'}))";
        let style = serde_json::json!(style);
        person.see(&format!("{add}.textContent = {style}")).await?;
        let found = person.list("probe.layout()").await?;
        if !found.iter().any(|found| found.contains(flaw)) {
            missed.push(format!("{style} is not seen: {found:?}"));
        }
        person.see("document.getElementById('broken').remove()").await?;
    }
    for (selector, flaw) in [(".stat .value", "nothing is drawn"), (".canvas path", "nothing is drawn")] {
        person.open("/d/k8s-otel-cluster").await?;
        person
            .see(&format!("document.querySelectorAll('{selector}').forEach((part) => part.remove())"))
            .await?;
        if !person.list("probe.undrawn()").await?.iter().any(|found| found.contains(flaw)) {
            missed.push(format!("a missing {selector} is not seen"));
        }
    }
    person.see("console.error('made wrong')").await?;
    person.see("void setTimeout(() => { throw new Error('thrown'); })").await?;
    // Nothing may be loaded from elsewhere.
    person
        .see("void document.body.append(Object.assign(new Image(), {src: 'http://elsewhere.invalid/'}))")
        .await?;
    tokio::time::sleep(Duration::from_millis(100)).await;
    let complaints = person.complaints().await?.join("\n");
    for flaw in ["made wrong", "thrown", "elsewhere.invalid"] {
        if !complaints.contains(flaw) {
            missed.push(format!("{flaw} is not heard: {complaints}"));
        }
    }
    Ok(missed)
}
