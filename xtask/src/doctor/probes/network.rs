//! The registries and download pages, and what time it is there.

use std::collections::BTreeSet;
use std::fmt;
use std::io::{Read as _, Write as _};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use ureq::http::Uri;

use crate::doctor::asked::Asked;
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
    Proxy(NamedProxy),
}

/// A proxy, and who named it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NamedProxy {
    /// The variable of the environment.
    pub(crate) variable: &'static str,
    /// `http`, if nothing else was said.
    pub(crate) scheme: String,
    /// Its host.
    pub(crate) host: String,
    /// Its port.
    pub(crate) port: u16,
}

/// Without the user and the password that may stand in the variable.
impl fmt::Display for NamedProxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { variable, scheme, host, port } = self;
        write!(f, "the proxy that {variable} names, {scheme}://{host}:{port},")
    }
}

/// The hosts that images and tools may come from: of one environment, or of all.
pub(super) fn hosts(pins: &Pins, asked: &Asked) -> Vec<String> {
    let kind = asked.kind;
    let needed =
        |kinds: &[EnvironmentKind]| asked.may_pull() && kind.is_none_or(|kind| kinds.contains(&kind));
    let images = pins.images.values().filter(|pin| needed(&pin.environments));
    let images = images.map(|pin| pin.image.registry_host().to_owned());
    let tools = pins.files().into_iter().filter_map(|file| {
        let of = |kind: EnvironmentKind| kind.tools().iter().any(|tool| file.place[1] == tool.program());
        let wanted = kind.map_or(file.place[0] == "tools", of);
        (wanted && !asked.offline).then(|| Some(file.url.parse::<Uri>().ok()?.host()?.to_owned())).flatten()
    });
    images.chain(tools).collect::<BTreeSet<_>>().into_iter().collect()
}

/// Opens a connection to where TLS would be spoken. TLS itself is not in every build.
pub(super) fn reach(host: &str) -> Reach {
    match proxy_for(&format!("https://{host}/")) {
        Some(proxy) => {
            let outcome = through(&proxy, host);
            Reach { way: Way::Proxy(proxy), outcome }
        }
        None => {
            let (name, port) =
                host.rsplit_once(':').map_or((host, 443), |(name, port)| (name, port.parse().unwrap_or(443)));
            let outcome = connect(name, port).map(drop).map_err(|failure| match failure {
                NoConnection::Unknown(why) => format!("its name is not known: {why}"),
                NoConnection::Silent(why) => why,
            });
            Reach { way: Way::Direct, outcome }
        }
    }
}

/// The variables that name proxies, in the order in which they are taken here.
const VARIABLES: [&str; 6] =
    ["ALL_PROXY", "all_proxy", "HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"];

/// The proxy that the environment names for an address.
fn proxy_for(url: &str) -> Option<NamedProxy> {
    let uri = url.parse().ok()?;
    // Who is to be reached without one is known to this one alone.
    let excepted = ureq::Proxy::try_from_env()?.is_no_proxy(&uri);
    (!excepted).then(|| named_proxy(|variable| std::env::var(variable).ok())).flatten()
}

/// The first of the variables that names one. As for curl, a host is enough: `proxy`, `proxy:3128`.
fn named_proxy(value: impl Fn(&str) -> Option<String>) -> Option<NamedProxy> {
    VARIABLES.into_iter().find_map(|variable| {
        let proxy = ureq::Proxy::new(&value(variable)?).ok()?;
        Some(NamedProxy {
            variable,
            scheme: proxy.uri().scheme_str().unwrap_or("http").to_owned(),
            host: proxy.host().to_owned(),
            port: proxy.port(),
        })
    })
}

/// Why there is no connection.
#[derive(Debug, PartialEq, Eq)]
enum NoConnection {
    /// Nobody knows the name.
    Unknown(String),
    /// Nobody answers at its addresses.
    Silent(String),
}

fn connect(host: &str, port: u16) -> Result<TcpStream, NoConnection> {
    let addresses =
        (host, port).to_socket_addrs().map_err(|error| NoConnection::Unknown(error.to_string()))?;
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
    Err(NoConnection::Silent(last))
}

/// Asks a proxy for a way to a host. What is wrong is said as it stands behind the proxy.
fn through(proxy: &NamedProxy, host: &str) -> Result<(), String> {
    let mut stream = connect(&proxy.host, proxy.port).map_err(|failure| match failure {
        NoConnection::Unknown(why) => format!("cannot be found: {why}"),
        NoConnection::Silent(why) => format!("does not answer: {why}"),
    })?;
    let broken = |error: std::io::Error| format!("broke off: {error}");
    stream.set_read_timeout(Some(PATIENCE)).map_err(broken)?;
    let target = if host.contains(':') { host.to_owned() } else { format!("{host}:443") };
    write!(stream, "CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n").map_err(broken)?;
    let mut answer = [0; 64];
    let read = stream.read(&mut answer).map_err(broken)?;
    let answer = String::from_utf8_lossy(&answer[..read]);
    match answer.split_whitespace().nth(1) {
        Some("200") => Ok(()),
        Some("407") => {
            Err(format!("wants a user and a password: {}=http://USER:PASSWORD@HOST:PORT", proxy.variable))
        }
        Some(status) => Err(format!("answered {status}")),
        None => Err("answered nothing".to_owned()),
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
        let of = |kind, offline| hosts(&pins, &Asked { kind, offline, ..Asked::default() });
        let (kwok, dev) = (Some(EnvironmentKind::Kwok), Some(EnvironmentKind::Dev));
        assert_eq!(of(kwok, false), ["github.com", "registry-1.docker.io", "registry.k8s.io"]);
        let all_of_dev = of(dev, false);
        let has = |hosts: &[String], host: &str| hosts.iter().any(|known| known == host);
        assert!(has(&all_of_dev, "get.helm.sh") && has(&all_of_dev, "ghcr.io"), "{all_of_dev:?}");
        let all = of(None, false);
        assert!(all_of_dev.iter().all(|host| all.contains(host)), "{all:?}");
        // The nodes of dev pull their images all the same.
        assert_eq!(of(kwok, true), [""; 0]);
        assert!(!has(&of(dev, true), "get.helm.sh") && has(&of(dev, true), "ghcr.io"), "{:?}", of(dev, true));
    }

    #[test]
    fn a_host_is_reached_or_it_is_said_what_is_in_the_way() {
        let server = Server::start(|_, _| {});
        let host = server.url.trim_start_matches("http://");
        let (name, port) = host.split_once(':').unwrap();
        assert!(connect(name, port.parse().unwrap()).is_ok());
        assert!(connect("127.0.0.1", 1).is_err());
        assert!(matches!(connect("no-such-host.invalid", 443), Err(NoConnection::Unknown(_))));
    }

    #[test]
    fn a_proxy_is_asked_for_the_way_and_its_refusal_is_told() {
        for (status, told) in
            [("200 Connection established", None), ("407 X", Some("USER:PASSWORD")), ("403 X", Some("403"))]
        {
            let server = Server::start(move |_, stream| respond(stream, status, &[], b""));
            let proxy = named_proxy(|name| (name == "HTTPS_PROXY").then(|| server.url.clone())).unwrap();
            let outcome = through(&proxy, "registry.k8s.io");
            assert_eq!(server.requests()[0].line, "CONNECT registry.k8s.io:443 HTTP/1.1");
            match told {
                None => assert_eq!(outcome, Ok(())),
                Some(told) => assert!(outcome.as_ref().unwrap_err().contains(told), "{outcome:?}"),
            }
        }
        let nowhere = named_proxy(|_| Some("127.0.0.1:1".to_owned())).unwrap();
        assert!(through(&nowhere, "registry.k8s.io").unwrap_err().starts_with("does not answer: "));
        let unknown = named_proxy(|_| Some("no-such-host.invalid".to_owned())).unwrap();
        assert!(through(&unknown, "registry.k8s.io").unwrap_err().starts_with("cannot be found: "));
    }

    #[test]
    fn a_proxy_may_be_a_mere_host_and_is_shown_with_its_variable_and_without_its_password() {
        for (variable, value, shown) in [
            ("HTTPS_PROXY", "nonsense", "HTTPS_PROXY names, http://nonsense:80,"),
            ("https_proxy", "proxy.example:3128", "https_proxy names, http://proxy.example:3128,"),
            (
                "ALL_PROXY",
                "http://me:geheim@proxy.example:8080",
                "ALL_PROXY names, http://proxy.example:8080,",
            ),
        ] {
            let proxy = named_proxy(|name| (name == variable).then(|| value.to_owned())).unwrap();
            assert_eq!(proxy.to_string(), format!("the proxy that {shown}"));
        }
        assert_eq!(named_proxy(|_| None), None);
        assert_eq!(named_proxy(|_| Some(String::new())), None);
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
