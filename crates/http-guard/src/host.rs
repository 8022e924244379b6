//! Names by which a server may be addressed.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// The hosts by which a server may be addressed: the loopback ones, and those that were added.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AllowedHosts {
    added: Vec<HostName>,
}

impl AllowedHosts {
    /// Loopback only: `localhost`, `127.0.0.1`, `[::1]`, each with any port.
    pub fn loopback() -> Self {
        Self::default()
    }

    /// Allows one more host, with any port.
    #[must_use]
    pub fn and(mut self, host: HostName) -> Self {
        self.added.push(host);
        self
    }

    /// Whether `authority`, a host with or without a port as in a `Host` header, is one of these.
    pub fn allows(&self, authority: &str) -> bool {
        split_port(authority)
            .and_then(|host| host.parse().ok())
            .is_some_and(|host: HostName| host.is_loopback() || self.added.contains(&host))
    }
}

/// As they stand in a URL.
impl fmt::Display for AllowedHosts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("localhost, 127.0.0.1, [::1]")?;
        self.added.iter().try_for_each(|host| write!(f, ", {host}"))
    }
}

/// The host of `host` or `host:port`, if the port is one.
fn split_port(authority: &str) -> Option<&str> {
    let (host, port) = match authority.rsplit_once(':') {
        // The colons of an IPv6 address stand between brackets.
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        _ => (authority, None),
    };
    let digits = |port: &str| port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok();
    port.is_none_or(digits).then_some(host)
}

/// A DNS name or an IP address, as it stands in a URL: without a port, an IPv6 address in brackets. Case does
/// not matter, nor does the dot at the end of a full name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostName(Host);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Host {
    /// In lower case.
    Name(Box<str>),
    V4(Ipv4Addr),
    V6(Ipv6Addr),
}

impl HostName {
    fn is_loopback(&self) -> bool {
        match &self.0 {
            Host::Name(name) => &**name == "localhost",
            Host::V4(address) => *address == Ipv4Addr::LOCALHOST,
            Host::V6(address) => *address == Ipv6Addr::LOCALHOST,
        }
    }
}

/// A text that is neither a DNS name nor an IP address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is not a host: expected a name like stats-proxy or an address like 10.0.0.1 or [fd00::1], without a port"
)]
pub struct InvalidHostName(String);

impl FromStr for HostName {
    type Err = InvalidHostName;

    fn from_str(text: &str) -> Result<Self, InvalidHostName> {
        let invalid = || InvalidHostName(text.to_owned());
        if let Some(address) = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            return address.parse().map(|address| Self(Host::V6(address))).map_err(|_| invalid());
        }
        if let Ok(address) = text.parse() {
            return Ok(Self(Host::V4(address)));
        }
        let name = text.strip_suffix('.').unwrap_or(text);
        let letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        let label = |label: &str| !label.is_empty() && label.len() < 64 && label.bytes().all(letter);
        if name.len() < 254 && name.split('.').all(label) {
            Ok(Self(Host::Name(name.to_ascii_lowercase().into())))
        } else {
            Err(invalid())
        }
    }
}

impl fmt::Display for HostName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Host::Name(name) => f.write_str(name),
            Host::V4(address) => address.fmt(f),
            Host::V6(address) => write!(f, "[{address}]"),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn hosts_are_compared_by_meaning() {
        let same = [("Stats-Proxy.", "stats-proxy"), ("[FD00:0::1]", "[fd00::1]"), ("10.0.0.1", "10.0.0.1")];
        for (given, shown) in same {
            assert_eq!(given.parse::<HostName>().unwrap().to_string(), shown);
        }
        let hosts = AllowedHosts::loopback().and("[fd00::1]".parse().unwrap());
        assert!(hosts.allows("[fd00:0:0::1]:80") && hosts.allows("[0:0:0:0:0:0:0:1]"));
        assert!(!hosts.allows("[fd00::2]"));
    }

    #[test]
    fn what_is_no_host_is_refused_with_an_example() {
        for text in [
            "",
            ".",
            "a..b",
            "host:80",
            "http://host",
            "*",
            "fd00::1",
            "[fd00::1",
            "ho st",
            "hôst",
            &"a".repeat(64),
        ] {
            let error = text.parse::<HostName>().unwrap_err();
            assert!(error.to_string().contains("expected a name like stats-proxy"), "{text}");
        }
    }

    proptest! {
        #[test]
        fn only_loopback_is_allowed_by_default(authority in "\\PC{0,20}|[a-z0-9.:\\[\\]]{0,20}") {
            let allowed = AllowedHosts::loopback().allows(&authority);
            let host = authority.to_ascii_lowercase();
            let known = ["localhost", "127.0.0.1", "["].iter().any(|known| host.starts_with(known));
            prop_assert!(known || !allowed);
        }
    }
}
