//! How the simulated collector is configured: the fragments of `deploy/collector/`, which the real one reads as well.

use std::fmt;

use receivers::{HostMetricsSettings, K8sClusterSettings, KubeletStatsSettings};
use serde::de::DeserializeOwned;

/// What the collector's receivers send. The default is what they send when nothing is configured.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CollectorSettings {
    /// The receiver of each node's kubelet.
    pub kubelet_stats: KubeletStatsSettings,
    /// The receiver of the API server.
    pub k8s_cluster: K8sClusterSettings,
    /// The receiver of each node's machine.
    pub host_metrics: HostMetricsSettings,
}

/// What is wrong with a fragment, and where. Displays as `FILE:LINE:COLUMN: what is wrong`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CollectorSettingsError {
    /// The file's name as it was given.
    pub file: String,
    /// Line and column, from 1, as far as they are known.
    pub place: Option<(usize, usize)>,
    /// What is wrong.
    pub message: String,
}

impl fmt::Display for CollectorSettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.place {
            Some((line, column)) => write!(f, "{}:{line}:{column}: {}", self.file, self.message),
            None => write!(f, "{}: {}", self.file, self.message),
        }
    }
}

impl std::error::Error for CollectorSettingsError {}

impl CollectorSettings {
    /// The files of a folder of fragments: one for each receiver, each the mapping under the receiver's name in a
    /// collector's configuration.
    pub const FILES: [&str; 3] = ["kubelet_stats.yaml", "k8s_cluster.yaml", "host_metrics.yaml"];

    /// Reads the fragments: name (as people see it) and text of each file, in the order of [`Self::FILES`].
    ///
    /// # Errors
    /// For a key, metric, attribute or value that the receiver does not have, or one that is there twice, with its place;
    /// for a fragment that says nothing, since that looks like a file cut short. The defaults are written `{}`.
    pub fn parse(files: &[(String, String); 3]) -> Result<Self, CollectorSettingsError> {
        let [kubelet_stats, k8s_cluster, host_metrics] = files;
        Ok(Self {
            kubelet_stats: read(kubelet_stats)?,
            k8s_cluster: read(k8s_cluster)?,
            host_metrics: read(host_metrics)?,
        })
    }
}

fn read<T: DeserializeOwned>((file, text): &(String, String)) -> Result<T, CollectorSettingsError> {
    let wrong = |place, message| CollectorSettingsError { file: file.clone(), place, message };
    let settings: Result<Option<T>, _> = serde_yaml::from_str(text);
    match settings {
        Ok(Some(settings)) => Ok(settings),
        Ok(None) => {
            Err(wrong(None, "nothing is in it; a receiver with its defaults is written `{}`".to_owned()))
        }
        Err(error) => {
            let place = error.location().map(|place| (place.line(), place.column()));
            let message = error.to_string();
            // The parser repeats the place in its message.
            let message = match message.rsplit_once(" at line ") {
                Some((what, _)) if place.is_some() => what.to_owned(),
                _ => message,
            };
            Err(wrong(place_of_pattern(text, &message).or(place), message))
        }
    }
}

/// Of a list with a bad pattern the parser knows where the list is, since what the texts are is said behind them. The
/// message quotes the pattern, and that is found as it stands in the file.
fn place_of_pattern(text: &str, message: &str) -> Option<(usize, usize)> {
    let (_, quoted) = message.split_once(": `")?;
    let (pattern, _) = quoted.split_once("` is no regular expression: ")?;
    let numbered = text.lines().zip(1..);
    numbered
        .filter(|(line, _)| !line.trim_start().starts_with('#'))
        .find_map(|(line, number)| Some((number, line[..line.find(pattern)?].chars().count() + 1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOST: &str = "scrapers: {cpu: {}}";

    fn parse(kubelet: &str, cluster: &str, host: &str) -> Result<CollectorSettings, CollectorSettingsError> {
        let file = |name: &str, text: &str| (format!("collector/{name}"), text.to_owned());
        let [a, b, c] = CollectorSettings::FILES;
        CollectorSettings::parse(&[file(a, kubelet), file(b, cluster), file(c, host)])
    }

    #[test]
    fn braces_alone_are_a_receiver_with_its_defaults() {
        let settings = parse("{}", "# nothing\n{}\n", "scrapers: {cpu: {}}").unwrap();
        assert_eq!(settings.kubelet_stats, KubeletStatsSettings::default());
        assert_eq!(settings.k8s_cluster, K8sClusterSettings::default());
    }

    #[test]
    fn a_fragment_without_content_is_not_taken_for_the_defaults() {
        for empty in ["", "# nothing\n", "---\n", "~"] {
            for files in [[empty, "{}", HOST], ["{}", empty, HOST], ["{}", "{}", empty]] {
                let [kubelet, cluster, host] = files;
                let message = parse(kubelet, cluster, host).unwrap_err().to_string();
                let expected = ".yaml: nothing is in it; a receiver with its defaults is written `{}`";
                assert!(message.ends_with(expected), "{message}");
            }
        }
    }

    #[test]
    fn a_bad_pattern_is_found_where_it_stands() {
        for (host, line, column) in [
            (
                "# 'veth(' is none\nscrapers:\n  network:\n    exclude:\n      interfaces:\n        - lo\n        \
                 - 'veth('\n      match_type: regexp\n",
                7,
                12,
            ),
            ("scrapers: {disk: {include: {match_type: regexp, devices: [sda, 'veth(']}}}", 1, 65),
        ] {
            let message = parse("{}", "{}", host).unwrap_err().to_string();
            let place = format!("collector/host_metrics.yaml:{line}:{column}: ");
            assert!(message.starts_with(&place), "{message} is not at {place}");
            assert!(message.contains("`veth(` is no regular expression: unclosed group"), "{message}");
        }
    }

    #[test]
    fn a_mistake_is_named_with_its_place() {
        for (kubelet, cluster, host, expected) in [
            (
                "metric_group: [node]\n",
                "{}",
                HOST,
                "collector/kubelet_stats.yaml:1:1: unknown field `metric_group`",
            ),
            (
                "metrics:\n  k8s.pod.uptme: { enabled: true }\n",
                "{}",
                HOST,
                "collector/kubelet_stats.yaml:2:3: metrics: kubelet_stats has no metric `k8s.pod.uptme`",
            ),
            (
                "{}",
                "node_conditions_to_report: [Ready, Hungry]\n",
                HOST,
                "collector/k8s_cluster.yaml:1:28: node_conditions_to_report: no metric is known for the node \
                 condition `Hungry`",
            ),
            (
                "{}",
                "{}",
                "scrapers: [cpu]\n",
                "collector/host_metrics.yaml:1:11: scrapers: invalid type: sequence",
            ),
            ("{}", "{}", "scrapers: {cpu: {}\n", "collector/host_metrics.yaml:"),
            ("{}", "{}", "{}", "collector/host_metrics.yaml:1:1: missing field `scrapers`"),
            (
                "metrics:\n  k8s.pod.uptime: { enabled: true }\n  k8s.pod.uptime: { enabled: false }\n",
                "{}",
                HOST,
                "collector/kubelet_stats.yaml:3:3: metrics: `k8s.pod.uptime` is there twice",
            ),
        ] {
            let message = parse(kubelet, cluster, host).unwrap_err().to_string();
            assert!(message.starts_with(expected), "{message}\n  is not\n{expected}");
        }
        // The place is said once.
        let message = parse("metric_groups: [nodes]\n", "{}", HOST).unwrap_err().to_string();
        assert_eq!(message.matches("line").count(), 0, "{message}");
    }
}
