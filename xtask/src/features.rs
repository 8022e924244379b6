//! What a Prometheus server has switched off by default, under the names of its own flag.

use clap::ValueEnum;
use promql::{EngineOptions, ParseOptions};
use serde::Serialize;

/// A value of `--enable-feature`, as Prometheus knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Feature {
    /// Functions, aggregations and modifiers that may change: limitk, info, sort_by_label, fill, anchored, …
    PromqlExperimentalFunctions,
    /// Metric names are dropped at the end of a query instead of by each function.
    PromqlDelayedNameRemoval,
}

impl Feature {
    /// What the parser takes with these features.
    pub(crate) fn parse_options(features: &[Self]) -> ParseOptions {
        ParseOptions { experimental: features.contains(&Self::PromqlExperimentalFunctions) }
    }

    /// The same settings with these features.
    pub(crate) fn engine_options(features: &[Self], mut options: EngineOptions) -> EngineOptions {
        options.delayed_name_removal = features.contains(&Self::PromqlDelayedNameRemoval);
        options
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_default_server_has_none_of_them() {
        assert!(!Feature::parse_options(&[]).experimental);
        assert!(!Feature::engine_options(&[], EngineOptions::default()).delayed_name_removal);
        let all = [Feature::PromqlExperimentalFunctions, Feature::PromqlDelayedNameRemoval];
        assert!(Feature::parse_options(&all).experimental);
        assert!(Feature::engine_options(&all, EngineOptions::default()).delayed_name_removal);
    }

    #[test]
    fn they_are_called_as_in_prometheus() {
        let names: Vec<String> = Feature::value_variants()
            .iter()
            .map(|feature| feature.to_possible_value().unwrap().get_name().to_owned())
            .collect();
        assert_eq!(names, ["promql-experimental-functions", "promql-delayed-name-removal"]);
    }
}
