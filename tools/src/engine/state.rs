//! What an engine says about itself.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{Candidate, Engine, EngineError};
use crate::pins::{EnvironmentKind, ImagePin, Pins};
use crate::{ImageDigest, Version};

/// All that is asked of an engine.
#[derive(Clone, Debug)]
pub struct EngineState {
    /// Where it is.
    pub candidate: Candidate,
    /// Whose: `Docker Engine`, `Podman Engine`.
    pub product: String,
    /// Its version, if it can be compared.
    pub version: Option<Version>,
    /// Its version in its own words.
    pub version_text: String,
    /// The machine that it runs on: `Debian GNU/Linux 12`.
    pub operating_system: String,
    /// `linux`, or `windows`.
    pub os_type: String,
    /// The memory of that machine.
    pub memory: Option<u64>,
    /// `1` or `2`.
    pub cgroup_version: Option<String>,
    /// Where its images are, on its machine.
    pub folder: Option<String>,
    /// Its clock.
    pub time: Option<jiff::Timestamp>,
    /// Whether it runs without root's rights.
    pub rootless: bool,
    /// Its images: names with tags, and names with digests.
    pub images: Vec<Image>,
    /// Its containers, running or not.
    pub containers: Vec<Container>,
    /// Its networks.
    pub networks: Vec<Network>,
}

/// An image that an engine has.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Image {
    #[serde(default)]
    repo_tags: Option<Vec<String>>,
    #[serde(default)]
    repo_digests: Option<Vec<String>>,
}

/// A container that an engine has.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Container {
    #[serde(default)]
    names: Option<Vec<String>>,
    #[serde(default)]
    labels: Option<BTreeMap<String, String>>,
    #[serde(default)]
    state: String,
    #[serde(default)]
    ports: Option<Vec<PublishedPort>>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct PublishedPort {
    #[serde(default)]
    public_port: Option<u16>,
}

/// A network that an engine has.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Network {
    /// Its name.
    pub name: String,
    #[serde(default)]
    labels: Option<BTreeMap<String, String>>,
}

impl Network {
    /// One of its labels.
    pub fn label(&self, name: &str) -> Option<&str> {
        self.labels.as_ref()?.get(name).map(String::as_str)
    }
}

impl Container {
    /// Its first name, without the slash that the API puts before it.
    pub fn name(&self) -> &str {
        let first = self.names.as_ref().and_then(|names| names.first());
        first.map_or("a container without a name", |name| name.trim_start_matches('/'))
    }

    /// One of its labels.
    pub fn label(&self, name: &str) -> Option<&str> {
        self.labels.as_ref()?.get(name).map(String::as_str)
    }

    /// Whether it runs.
    pub fn runs(&self) -> bool {
        self.state == "running"
    }

    /// Whether a port of its host leads to it.
    pub fn publishes(&self, port: u16) -> bool {
        let mut ports = self.ports.iter().flatten();
        ports.any(|published| published.public_port == Some(port))
    }
}

impl Engine {
    /// Asks everything.
    pub async fn state(&self) -> Result<EngineState, EngineError> {
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct VersionAnswer {
            version: String,
            #[serde(default)]
            platform: Option<Named>,
            #[serde(default)]
            components: Option<Vec<Named>>,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Named {
            name: String,
        }
        #[derive(Deserialize, Default)]
        #[serde(rename_all = "PascalCase", default)]
        struct Info {
            #[serde(rename = "OSType")]
            os_type: Option<String>,
            operating_system: Option<String>,
            mem_total: Option<u64>,
            cgroup_version: Option<String>,
            docker_root_dir: Option<String>,
            system_time: Option<String>,
            security_options: Option<Vec<String>>,
        }
        let broken = |error: super::ClientError| EngineError::NoAnswer {
            address: self.candidate.address.to_string(),
            named_by: self.candidate.named_by.clone(),
            reason: error.to_string(),
        };
        let version: VersionAnswer = self.client.get("/version").await.map_err(broken)?;
        let info: Info = self.client.get("/info").await.map_err(broken)?;
        let images: Vec<Image> = self.client.get("/images/json").await.map_err(broken)?;
        let containers: Vec<Container> =
            self.client.get("/containers/json?all=true").await.map_err(broken)?;
        let networks: Vec<Network> = self.client.get("/networks").await.map_err(broken)?;
        let podman = version.components.iter().flatten().any(|part| part.name.contains("Podman"));
        let named = version.platform.map(|platform| platform.name).filter(|name| !name.is_empty());
        Ok(EngineState {
            candidate: self.candidate.clone(),
            product: if podman { "Podman".to_owned() } else { named.unwrap_or_else(|| "Docker".to_owned()) },
            version: Version::find(&version.version),
            version_text: version.version,
            operating_system: info.operating_system.unwrap_or_default(),
            os_type: info.os_type.unwrap_or_default(),
            memory: info.mem_total.filter(|bytes| *bytes > 0),
            cgroup_version: info.cgroup_version,
            folder: info.docker_root_dir,
            time: info.system_time.and_then(|time| time.parse().ok()),
            rootless: info.security_options.iter().flatten().any(|option| option.contains("rootless")),
            images,
            containers,
            networks,
        })
    }
}

/// A pinned image, and whether an engine has it.
#[derive(Clone, Debug, PartialEq)]
pub struct PinnedImage {
    /// Its name in the pins.
    pub name: String,
    /// Its pin.
    pub pin: ImagePin,
    /// Whether it is there.
    pub present: bool,
}

/// The images that an environment needs, each with whether it is among these.
pub fn images_present(pins: &Pins, kind: EnvironmentKind, images: &[Image]) -> Vec<PinnedImage> {
    let needed = pins.images_for(kind);
    needed
        .map(|(name, pin)| PinnedImage {
            name: name.to_owned(),
            pin: pin.clone(),
            present: is_present(pin, images),
        })
        .collect()
}

/// By its digest where that is known, or by its tag where it is not, or where the engine knows no digests: an image that was
/// loaded from a file has none.
fn is_present(pin: &ImagePin, images: &[Image]) -> bool {
    images.iter().any(|image| {
        let tagged = image.repo_tags.iter().flatten().any(|tag| tag.parse() == Ok(pin.image.clone()));
        let mut digests = image
            .repo_digests
            .iter()
            .flatten()
            .filter_map(|name| {
                let (name, digest) = name.split_once('@')?;
                pin.image.is_named(name).then(|| digest.parse::<ImageDigest>().ok())?
            })
            .peekable();
        match pin.digest {
            Some(pinned) if digests.peek().is_some() => digests.any(|digest| digest == pinned),
            _ => tagged,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pin(digest: Option<char>) -> ImagePin {
        ImagePin {
            image: "grafana/otel-lgtm:0.31.0".parse().unwrap(),
            digest: digest.map(|c| format!("sha256:{}", c.to_string().repeat(64)).parse().unwrap()),
            megabytes: None,
            environments: vec![EnvironmentKind::Kwok],
            optional: false,
        }
    }

    fn image(tags: &[&str], digest: Option<(&str, char)>) -> Image {
        Image {
            repo_tags: Some(tags.iter().map(|&tag| tag.to_owned()).collect()),
            repo_digests: digest.map(|(name, c)| vec![format!("{name}@sha256:{}", c.to_string().repeat(64))]),
        }
    }

    #[test]
    fn an_image_is_there_by_its_digest_or_where_none_is_known_by_its_tag() {
        let tag = "grafana/otel-lgtm:0.31.0";
        for (what, pin, image, present) in [
            ("tag only", pin(None), image(&[tag], None), true),
            ("podman's name", pin(None), image(&["docker.io/grafana/otel-lgtm:0.31.0"], None), true),
            ("other tag", pin(None), image(&["grafana/otel-lgtm:0.30.0"], None), false),
            ("other name", pin(None), image(&["me/otel-lgtm:0.31.0"], None), false),
            ("digest without tag", pin(Some('a')), image(&[], Some(("grafana/otel-lgtm", 'a'))), true),
            ("tag of another image", pin(Some('a')), image(&[tag], Some(("grafana/otel-lgtm", 'b'))), false),
            ("loaded from a file", pin(Some('a')), image(&[tag], None), true),
            ("mirror's digest", pin(Some('a')), image(&[], Some(("mirror.example/lgtm", 'a'))), false),
            ("nothing", pin(None), Image::default(), false),
        ] {
            assert_eq!(is_present(&pin, &[Image::default(), image]), present, "{what}");
        }
    }
}
