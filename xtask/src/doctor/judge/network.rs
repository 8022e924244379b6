//! Registries and clocks.

use std::collections::BTreeSet;

use jiff::SignedDuration;
use ureq::http::Uri;

use super::{Line, Question, engine::images, hung};
use crate::doctor::deadline::Observed;
use crate::doctor::probes::{NamedProxy, Observations, Way};
use tools::{Missing, Obtainable, Origin, Os, Unfit};

/// Samples that are further off end up outside of the windows that Prometheus and dashboards look at.
const MOST_SKEW: SignedDuration = SignedDuration::from_secs(5);

/// A network's time comes in seconds, and takes its time.
const MOST_NETWORK_SKEW: SignedDuration = SignedDuration::from_secs(10);

/// One line for all hosts: those that cannot be reached, first the ones that something is to come from.
pub(super) fn reach(question: &Question<'_>, seen: &Observations) -> Line {
    const NAME: &str = "registries";
    let needed = needed(question, seen);
    if seen.reach.is_empty() {
        return Line::info(NAME, "not asked, as --offline forbids it");
    }
    let mut bad = Vec::new();
    let mut proxy = None;
    for (host, observed) in &seen.reach {
        match observed {
            Observed::Seen(reach) => {
                if let Way::Proxy(through) = &reach.way {
                    proxy = Some(through.clone());
                }
                if let Err(why) = &reach.outcome {
                    bad.push((host, why.clone()));
                }
            }
            Observed::TimedOut(deadline) => bad.push((host, hung(*deadline))),
            Observed::Broke => bad.push((host, "could not be asked".to_owned())),
        }
    }
    if bad.is_empty() {
        let hosts: Vec<&str> = seen.reach.iter().map(|(host, _)| host.as_str()).collect();
        let through = proxy
            .map(|NamedProxy { variable, host, port, .. }| format!(" through {host}:{port} ({variable})"))
            .unwrap_or_default();
        return Line::ok(NAME, format!("{} can be reached{through}", hosts.join(", ")))
            .required_if(!needed.is_empty());
    }
    let why = &bad[0].1;
    let hosts: Vec<&str> = bad.iter().map(|(host, _)| host.as_str()).collect();
    let through = proxy.as_ref().map(|proxy| format!("{proxy} ")).unwrap_or_default();
    let summary = format!("{} cannot be reached: {through}{why}", hosts.join(", "));
    let (export, unset) = match question.os {
        Os::Windows => ("set", "set HTTPS_PROXY="),
        Os::Linux | Os::Darwin => ("export", "unset HTTPS_PROXY"),
    };
    let fix = match proxy {
        Some(NamedProxy { variable, .. }) => {
            let unset = unset.replace("HTTPS_PROXY", variable);
            format!("{export} {variable}=http://HOST:PORT, of a proxy that works; or {unset}")
        }
        None => format!(
            "{export} HTTPS_PROXY=http://HOST:PORT, if there is a proxy; and for the engine, in its settings"
        ),
    };
    let required = hosts.iter().any(|host| needed.contains(*host));
    Line::lacking(NAME, summary, fix).required_if(required)
}

/// The hosts that something has to come from: images that are not there, tools that are not installed.
fn needed(question: &Question<'_>, seen: &Observations) -> BTreeSet<String> {
    let Some(kind) = question.asked.kind else { return BTreeSet::new() };
    let images = images(question, seen);
    let registries = images
        .iter()
        .filter(|image| !image.present && question.asked.may_pull())
        .map(|image| image.pin.image.registry_host().to_owned());
    let tools = seen.tools.iter().filter(|(name, _)| kind.tools().contains(name) && !question.asked.offline);
    let pages = tools.filter_map(|(_, tool)| match tool {
        // One that is there and fails is to be mended first.
        Observed::Seen(Err(Missing { unfit: Some(Unfit::Mute { origin: Origin::Path, .. }), .. })) => None,
        Observed::Seen(Err(Missing { download: Obtainable::Yes { url }, .. })) => {
            Some(url.parse::<Uri>().ok()?.host()?.to_owned())
        }
        _ => None,
    });
    registries.chain(pages).collect()
}

/// The engine's clock against this machine's, and this machine's against the world's.
pub(super) fn clock(question: &Question<'_>, seen: &Observations) -> Line {
    const NAME: &str = "clock";
    let off = |ahead: SignedDuration, most: SignedDuration| ahead.unsigned_abs() > most.unsigned_abs();
    let engine = match &seen.engine {
        Observed::Seen(view) => view.ahead,
        _ => None,
    };
    if let Some(ahead) = engine.filter(|ahead| off(*ahead, MOST_SKEW)) {
        let summary = format!("the engine's clock is {} this machine's", skew(ahead));
        let fix = match question.os {
            // Of a virtual machine that slept.
            Os::Darwin => "colima restart, or restart Docker Desktop",
            Os::Windows => "wsl --shutdown, then start the engine again",
            Os::Linux => "sudo timedatectl set-ntp true, on the machine of the engine",
        };
        return Line::lacking(NAME, summary, fix).required_if(question.on_engine());
    }
    let network = match &seen.clock {
        Observed::Seen(network) => network.clone(),
        Observed::TimedOut(deadline) => Err(hung(*deadline)),
        Observed::Broke => Err("could not be looked at".to_owned()),
    };
    let of_engine = if engine.is_some() { "the engine's agrees; " } else { "" };
    match network {
        Ok(ahead) if off(ahead, MOST_NETWORK_SKEW) => {
            let fix = match question.os {
                Os::Linux => "sudo timedatectl set-ntp true",
                Os::Darwin => "sudo sntp -sS time.apple.com",
                Os::Windows => "w32tm /resync",
            };
            // Everything on one machine still agrees with itself.
            Line::lacking(NAME, format!("the network's clocks are {} this machine's", skew(ahead)), fix)
                .required_if(false)
        }
        Ok(_) => Line::ok(NAME, format!("{of_engine}the network's agree")),
        Err(why) if engine.is_some() => {
            Line::ok(NAME, format!("the engine's agrees; the network's could not be asked ({why})"))
        }
        Err(why) => Line::info(NAME, format!("there is none to compare with ({why})")),
    }
}

fn skew(ahead: SignedDuration) -> String {
    let way = if ahead.is_negative() { "behind" } else { "ahead of" };
    format!("{} s {way}", ahead.unsigned_abs().as_secs())
}
