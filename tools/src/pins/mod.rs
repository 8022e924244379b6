//! `deploy/pins.yaml`: the versions, addresses and hashes of everything that is not built from this repository.

mod edit;
mod image;

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use crate::{ImageDigest, Platform, Sha256Sum, Version};

pub use edit::set_value;
pub use image::ImageReference;

/// Where the pins are, in the workspace.
pub const PINS_FILE: &str = "deploy/pins.yaml";

/// A program of others that we run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum ToolName {
    /// KWOK's, which makes the simulated cluster.
    Kwokctl,
    /// Runs k3s in containers.
    K3d,
    /// Installs charts.
    Helm,
}

impl ToolName {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Kwokctl, Self::K3d, Self::Helm];

    /// The name of its program.
    pub fn program(self) -> &'static str {
        match self {
            Self::Kwokctl => "kwokctl",
            Self::K3d => "k3d",
            Self::Helm => "helm",
        }
    }

    /// The arguments with which it says its version, without asking a cluster or the network.
    pub fn version_arguments(self) -> &'static [&'static str] {
        match self {
            Self::Kwokctl => &["--version"],
            Self::K3d => &["version"],
            Self::Helm => &["version", "--short"],
        }
    }
}

impl fmt::Display for ToolName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.program())
    }
}

/// An environment that runs on a container engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum EnvironmentKind {
    /// `cargo xtask kwok --runtime docker`.
    Kwok,
    /// `cargo xtask dev`.
    Dev,
}

impl EnvironmentKind {
    /// The tools that it runs.
    pub fn tools(self) -> &'static [ToolName] {
        match self {
            Self::Kwok => &[ToolName::Kwokctl],
            Self::Dev => &[ToolName::K3d, ToolName::Helm],
        }
    }
}

impl fmt::Display for EnvironmentKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Kwok => "kwok",
            Self::Dev => "dev",
        })
    }
}

/// All pins.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pins {
    /// Programs.
    pub tools: BTreeMap<ToolName, ToolPin>,
    /// Helm charts.
    pub charts: BTreeMap<String, ChartPin>,
    /// Container images.
    pub images: BTreeMap<String, ImagePin>,
}

/// A program.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ToolPin {
    /// What is downloaded.
    pub version: Version,
    /// What is taken from PATH.
    pub minimum: Version,
    /// Where it is, for those platforms that it is built for.
    pub downloads: BTreeMap<Platform, Download>,
}

/// A file to download.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Download {
    /// Its address, perhaps with `{version}`.
    url: String,
    /// Its hash, once somebody has looked.
    pub sha256: Option<Sha256Sum>,
    /// The program in it, if it is an archive.
    pub member: Option<String>,
}

/// A Helm chart.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChartPin {
    /// Its version.
    pub version: Version,
    /// What Helm calls the repository it comes from.
    pub repository: String,
    /// The address of the packed chart, perhaps with `{version}`.
    url: String,
    /// Its hash.
    pub sha256: Option<Sha256Sum>,
}

/// A container image.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImagePin {
    /// Its name and tag.
    pub image: ImageReference,
    /// What it is, whatever its tag comes to mean.
    pub digest: Option<ImageDigest>,
    /// How much is pulled.
    pub megabytes: Option<u64>,
    /// Who needs it.
    #[serde(rename = "for")]
    pub environments: Vec<EnvironmentKind>,
    /// Whether it is only for those who ask for it.
    #[serde(default)]
    pub optional: bool,
}

/// A file to download, with all that is to be known about it.
#[derive(Clone, Debug, PartialEq)]
pub struct PinnedFile {
    /// Where it stands in the pins: `tools.helm.downloads.linux-amd64`.
    pub place: Vec<String>,
    /// Its address.
    pub url: String,
    /// Its hash.
    pub sha256: Option<Sha256Sum>,
}

impl PinnedFile {
    /// What people call it: `helm linux-amd64`.
    pub fn name(&self) -> String {
        let words =
            self.place.iter().filter(|word| !matches!(word.as_str(), "tools" | "charts" | "downloads"));
        words.map(String::as_str).collect::<Vec<_>>().join(" ")
    }
}

impl Download {
    fn url(&self, version: &Version) -> String {
        self.url.replace("{version}", &version.to_string())
    }
}

impl ChartPin {
    /// Where the packed chart is.
    pub fn url(&self) -> String {
        self.url.replace("{version}", &self.version.to_string())
    }
}

impl ImagePin {
    /// How an engine is told to pull or run it.
    pub fn to_pull(&self) -> String {
        match &self.digest {
            Some(digest) => format!("{}@{digest}", self.image.name()),
            None => self.image.to_string(),
        }
    }
}

/// Pins that cannot be read: the file's place and what is wrong there.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct BadPins(String);

impl Pins {
    /// Reads the pins of the workspace.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let text =
            std::fs::read_to_string(path).with_context(|| format!("failed to read {}", path.display()))?;
        Self::parse(&text, &path.display().to_string()).map_err(|message| BadPins(message).into())
    }

    /// Reads pins; an error begins with its place in `file`.
    pub fn parse(text: &str, file: &str) -> Result<Self, String> {
        let pins: Self = serde_yaml::from_str(text).map_err(|error| match error.location() {
            Some(place) => format!("{file}:{}:{}: {error}", place.line(), place.column()),
            None => format!("{file}: {error}"),
        })?;
        let flawed = |what: String| Err(format!("{file}: {what}"));
        for tool in ToolName::ALL {
            let Some(pin) = pins.tools.get(&tool) else {
                return flawed(format!("tools.{tool} is missing"));
            };
            if pin.minimum > pin.version {
                let (minimum, version) = (&pin.minimum, &pin.version);
                return flawed(format!("tools.{tool}: minimum {minimum} is newer than version {version}"));
            }
        }
        for file in pins.files() {
            let (place, url) = (file.place.join("."), &file.url);
            if url.parse::<ureq::http::Uri>().is_err()
                || !["http://", "https://"].iter().any(|s| url.starts_with(s))
            {
                return flawed(format!("{place}.url: {url:?} is no http or https address"));
            }
        }
        Ok(pins)
    }

    /// A program.
    pub fn tool(&self, name: ToolName) -> &ToolPin {
        // `parse` has seen to it that all are there.
        &self.tools[&name]
    }

    /// The file of a program for a platform, if it is built for that.
    pub fn tool_file(&self, name: ToolName, platform: Platform) -> Option<(PinnedFile, Option<&str>)> {
        let pin = self.tool(name);
        let download = pin.downloads.get(&platform)?;
        let place = ["tools", name.program(), "downloads", &platform.to_string()].map(str::to_owned).to_vec();
        let file = PinnedFile { place, url: download.url(&pin.version), sha256: download.sha256 };
        Some((file, download.member.as_deref()))
    }

    /// Every file: programs, then charts.
    pub fn files(&self) -> Vec<PinnedFile> {
        let tools = self.tools.iter().flat_map(|(&name, pin)| {
            pin.downloads.keys().filter_map(move |&platform| Some(self.tool_file(name, platform)?.0))
        });
        let charts = self.charts.iter().map(|(name, chart)| PinnedFile {
            place: vec!["charts".to_owned(), name.clone()],
            url: chart.url(),
            sha256: chart.sha256,
        });
        tools.chain(charts).collect()
    }

    /// The images that an environment cannot do without, by name.
    pub fn images_for(&self, environment: EnvironmentKind) -> impl Iterator<Item = (&str, &ImagePin)> {
        self.images
            .iter()
            .filter(move |(_, pin)| !pin.optional && pin.environments.contains(&environment))
            .map(|(name, pin)| (name.as_str(), pin))
    }
}

/// The file with the pins in a workspace.
pub fn pins_path(workspace: &Path) -> PathBuf {
    workspace.join(PINS_FILE)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shipped() -> (String, Pins) {
        let path = pins_path(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/..")));
        let text = std::fs::read_to_string(path).unwrap();
        let pins = Pins::parse(&text, PINS_FILE).unwrap();
        (text, pins)
    }

    #[test]
    fn the_shipped_pins_are_read_and_their_addresses_have_their_versions() {
        let (_, pins) = shipped();
        for file in pins.files() {
            assert!(file.url.starts_with("https://") && !file.url.contains('{'), "{file:?}");
        }
        let linux = "linux-amd64".parse().unwrap();
        let (helm, member) = pins.tool_file(ToolName::Helm, linux).unwrap();
        assert_eq!(helm.name(), "helm linux-amd64");
        assert_eq!(
            (helm.place.join("."), member),
            ("tools.helm.downloads.linux-amd64".into(), Some("linux-amd64/helm"))
        );
        assert!(helm.url.contains(&pins.tool(ToolName::Helm).version.to_string()), "{}", helm.url);
    }

    #[test]
    fn every_tool_is_there_for_every_platform_that_its_makers_build_for() {
        let (_, pins) = shipped();
        for tool in ToolName::ALL {
            for platform in ["linux-amd64", "linux-arm64", "darwin-amd64", "darwin-arm64", "windows-amd64"] {
                assert!(pins.tool_file(tool, platform.parse().unwrap()).is_some(), "{tool} {platform}");
            }
        }
    }

    #[test]
    fn the_archives_name_the_program_in_them_and_other_files_do_not() {
        let (_, pins) = shipped();
        for (tool, pin) in &pins.tools {
            for (platform, download) in &pin.downloads {
                let archive = [".tar.gz", ".zip"].iter().any(|ending| download.url.ends_with(ending));
                assert_eq!(archive, download.member.is_some(), "{tool} {platform}");
            }
        }
    }

    #[test]
    fn each_environment_has_its_images_and_the_optional_ones_are_not_among_them() {
        let (_, pins) = shipped();
        let names = |kind| pins.images_for(kind).map(|(name, _)| name).collect::<Vec<_>>();
        assert_eq!(
            names(EnvironmentKind::Kwok),
            [
                "collector",
                "etcd",
                "kube-apiserver",
                "kube-controller-manager",
                "kube-scheduler",
                "kwok",
                "lgtm"
            ]
        );
        assert_eq!(names(EnvironmentKind::Dev), ["collector", "k3d-tools", "k3s", "lgtm"]);
        assert!(pins.images["beyla"].optional);
    }

    #[test]
    fn the_collector_is_the_one_that_the_receivers_follow() {
        let (_, pins) = shipped();
        let image = pins.images["collector"].image.to_string();
        assert!(image.ends_with(":0.161.0"), "{image}: the catalogue's tables are of v0.161");
    }

    #[test]
    fn an_image_is_pulled_by_its_digest_where_that_is_known() {
        let (_, pins) = shipped();
        let image = &pins.images["etcd"];
        let pulled = image.to_pull();
        assert!(pulled.starts_with("registry.k8s.io/etcd@sha256:f65c"), "{pulled}");
        let by_tag = ImagePin { digest: None, ..image.clone() }.to_pull();
        assert_eq!(by_tag, "registry.k8s.io/etcd:3.6.10-0");
    }

    #[test]
    fn what_is_wrong_with_the_pins_is_told_with_its_place() {
        let (text, _) = shipped();
        for (from, to, told) in [
            ("    version: 0.8.0", "    version: newest", r#""newest" is no version"#),
            (
                "    minimum: 0.8.0",
                "    minimum: 0.9.0",
                "tools.kwokctl: minimum 0.9.0 is newer than version 0.8.0",
            ),
            ("      linux-amd64:", "      linux-mips:", "is no platform"),
            ("        sha256: d57", "        sha256: x57", "is no sha256"),
            ("        sha256: d57", "        sha265: d57", "unknown field `sha265`"),
            ("    digest: sha256:f65", "    digest: f65", "is no digest"),
            (
                "    image: registry.k8s.io/etcd:3.6.10-0",
                "    image: registry.k8s.io/etcd",
                "no image with a tag",
            ),
            ("    for: [kwok]", "    for: [prod]", "unknown variant `prod`"),
            ("        url: https://get", "        url: ftp://get", "tools.helm.downloads.linux-amd64.url"),
            ("  k3d:", "  k4d:", "unknown variant `k4d`"),
            ("tools:", "tools: [", "deploy/pins.yaml:"),
        ] {
            assert!(text.contains(from), "{from}");
            let error = Pins::parse(&text.replacen(from, to, 1), PINS_FILE).unwrap_err();
            assert!(error.starts_with("deploy/pins.yaml:"), "{error}");
            assert!(error.contains(told), "{to}: {error}");
            // The rest is wrong as a whole.
            if !told.starts_with("tools.") {
                let place: Vec<&str> = error.splitn(4, ':').collect();
                assert!(place[1].parse::<usize>().is_ok() && place[2].parse::<usize>().is_ok(), "{error}");
            }
        }
        assert!(Pins::parse("", PINS_FILE).is_err());
    }
}
