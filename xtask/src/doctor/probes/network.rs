//! The registries and download pages, and what time it is there.

use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use ureq::http::Uri;

use tools::pins::{EnvironmentKind, Pins};

/// Shorter than the probe's deadline, so that it can still say what did not answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Whether a host can be reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reach {
    /// How it was tried.
    pub(crate) way: Way,
    /// What is in the way.
    pub(crate) outcome: Result<(), String>,
}

/// How a host is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// Straight.
    Direct,
    /// Through this proxy.
    Proxy(String),
}

/// The hosts that images and tools come from: of one environment, or of all.
pub(super) fn hosts(pins: &Pins, kind: Option<EnvironmentKind>) -> Vec<String> {
    let needed = |kinds: &[EnvironmentKind]| kind.is_none_or(|kind| kinds.contains(&kind));
    let images = pins.images.values().filter(|pin| needed(&pin.environments));
    let images = images.map(|pin| pin.image.registry_host().to_owned());
    let tools = pins.files().into_iter().filter_map(|file| {
        let of = |kind: EnvironmentKind| kind.tools().iter().any(|tool| file.place[1] == tool.program());
        let wanted = kind.map_or(file.place[0] == "tools", of);
        wanted.then(|| Some(file.url.parse::<Uri>().ok()?.host()?.to_owned())).flatten()
    });
    images.chain(tools).collect::<BTreeSet<_>>().into_iter().collect()
}

/// Opens a connection to where TLS would be spoken. TLS itself is not in every build.
pub(super) fn reach(host: &str) -> Reach {
    match proxy_for(&format!("https://{host}/")) {
        Some((proxy, port)) => {
            let outcome = through(&proxy, port, host);
            Reach { way: Way::Proxy(format!("{proxy}:{port}")), outcome }
        }
        None => {
            let (name, port) =
                host.rsplit_once(':').map_or((host, 443), |(name, port)| (name, port.parse().unwrap_or(443)));
            Reach { way: Way::Direct, outcome: connect(name, port).map(|_| ()) }
        }
    }
}

/// The proxy that the environment names for an address.
fn proxy_for(url: &str) -> Option<(String, u16)> {
    let proxy = ureq::Proxy::try_from_env()?;
    let uri = url.parse().ok()?;
    (!proxy.is_no_proxy(&uri)).then(|| (proxy.host().to_owned(), proxy.port()))
}

fn connect(host: &str, port: u16) -> Result<TcpStream, String> {
    let addresses =
        (host, port).to_socket_addrs().map_err(|error| format!("its name is not known: {error}"))?;
    let mut last = "its name has no address".to_owned();
    let started = Instant::now();
    for address in addresses {
        let left = PATIENCE.saturating_sub(started.elapsed());
        if left.is_zero() {
            break;
        }
        match TcpStream::connect_timeout(&address, left) {
            Ok(stream) => return Ok(stream),
            Err(error) => last = error.to_string(),
        }
    }
    Err(last)
}

/// Asks a proxy for a way to a host.
fn through(proxy: &str, port: u16, host: &str) -> Result<(), String> {
    let mut stream = connect(proxy, port).map_err(|error| format!("the proxy does not answer: {error}"))?;
    let broken = |error: std::io::Error| format!("the proxy broke off: {error}");
    stream.set_read_timeout(Some(PATIENCE)).map_err(broken)?;
    let target = if host.contains(':') { host.to_owned() } else { format!("{host}:443") };
    write!(stream, "CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n").map_err(broken)?;
    let mut answer = [0; 64];
    let read = stream.read(&mut answer).map_err(broken)?;
    let answer = String::from_utf8_lossy(&answer[..read]);
    match answer.split_whitespace().nth(1) {
        Some("200") => Ok(()),
        Some("407") => {
            Err("the proxy wants a user and a password: HTTPS_PROXY=http://USER:PASSWORD@HOST:PORT"
                .to_owned())
        }
        Some(status) => Err(format!("the proxy answered {status}")),
        None => Err("the proxy answered nothing".to_owned()),
    }
}

/// How much the clocks of the first host that tells the time are ahead of this machine's. Without TLS, as the time is no secret; a
/// redirection tells it just as well.
pub(super) fn clock(hosts: &[String]) -> Result<SignedDuration, String> {
    let mut last = "there is nobody to ask".to_owned();
    let started = Instant::now();
    for host in hosts {
        let left = PATIENCE.saturating_sub(started.elapsed());
        if left.is_zero() {
            break;
        }
        match ask_time(&format!("http://{host}/"), left) {
            Ok(ahead) => return Ok(ahead),
            Err(error) => last = error,
        }
    }
    Err(last)
}

fn ask_time(url: &str, patience: Duration) -> Result<SignedDuration, String> {
    let agent = ureq::Agent::config_builder()
        .timeout_global(Some(patience))
        .http_status_as_error(false)
        .max_redirects(0)
        .build()
        .new_agent();
    let asked = Timestamp::now();
    let answer = agent.head(url).call().map_err(|error| error.to_string())?;
    let answered = Timestamp::now();
    let date = answer.headers().get("date").and_then(|date| date.to_str().ok()).ok_or("it tells no time")?;
    let time = jiff::fmt::rfc2822::parse(date).map_err(|error| error.to_string())?.timestamp();
    // Told in whole seconds, cut off.
    let latest = time.checked_add(SignedDuration::from_secs(1)).map_err(|error| error.to_string())?;
    Ok(if latest < asked {
        latest.duration_since(asked)
    } else if time > answered {
        time.duration_since(answered)
    } else {
        SignedDuration::ZERO
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use tools::pins::pins_path;
    use tools::server::{Server, respond};

    #[test]
    fn the_hosts_are_those_that_an_environment_needs() {
        let root = std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
        let pins = Pins::read(&pins_path(root)).unwrap();
        assert_eq!(
            hosts(&pins, Some(EnvironmentKind::Kwok)),
            ["github.com", "registry-1.docker.io", "registry.k8s.io"]
        );
        let dev = hosts(&pins, Some(EnvironmentKind::Dev));
        assert!(dev.contains(&"get.helm.sh".to_owned()) && dev.contains(&"ghcr.io".to_owned()), "{dev:?}");
        let all = hosts(&pins, None);
        assert!(dev.iter().all(|host| all.contains(host)), "{all:?}");
    }

    #[test]
    fn a_host_is_reached_or_it_is_said_what_is_in_the_way() {
        let server = Server::start(|_, _| {});
        let host = server.url.trim_start_matches("http://");
        let (name, port) = host.split_once(':').unwrap();
        assert!(connect(name, port.parse().unwrap()).is_ok());
        assert!(connect("127.0.0.1", 1).is_err());
        assert!(connect("no-such-host.invalid", 443).unwrap_err().contains("name is not known"));
    }

    #[test]
    fn a_proxy_is_asked_for_the_way_and_its_refusal_is_told() {
        for (status, told) in
            [("200 Connection established", None), ("407 X", Some("USER:PASSWORD")), ("403 X", Some("403"))]
        {
            let server = Server::start(move |_, stream| respond(stream, status, &[], b""));
            let (name, port) = server.url.trim_start_matches("http://").split_once(':').unwrap();
            let outcome = through(name, port.parse().unwrap(), "registry.k8s.io");
            assert_eq!(server.requests()[0].line, "CONNECT registry.k8s.io:443 HTTP/1.1");
            match told {
                None => assert_eq!(outcome, Ok(())),
                Some(told) => assert!(outcome.as_ref().unwrap_err().contains(told), "{outcome:?}"),
            }
        }
        assert!(through("127.0.0.1", 1, "registry.k8s.io").unwrap_err().contains("does not answer"));
    }

    #[test]
    fn the_time_is_that_of_the_first_host_that_tells_it() {
        let date = |offset: i64| {
            let time = Timestamp::now() + SignedDuration::from_secs(offset);
            jiff::fmt::rfc2822::to_string(&time.to_zoned(jiff::tz::TimeZone::UTC)).unwrap()
        };
        for (offset, least, most) in [(0, 0, 0), (3600, 3590, 3601), (-3600, -3601, -3590)] {
            let date = date(offset);
            let server = Server::start(move |_, stream| {
                respond(stream, "301 Moved", &[("Date", &date), ("Location", "https://x/")], b"");
            });
            let ahead = ask_time(&server.url, PATIENCE).unwrap().as_secs();
            assert!((least..=most).contains(&ahead), "{offset}: {ahead}");
        }
        let mute = Server::start(|_, stream| respond(stream, "200 OK", &[], b""));
        assert_eq!(ask_time(&mute.url, PATIENCE).unwrap_err(), "it tells no time");
        assert!(clock(&[]).is_err());
    }
}
