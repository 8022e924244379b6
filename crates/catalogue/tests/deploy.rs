//! What Prometheus promotes in the LGTM container is what the catalogue says.

#![allow(clippy::unwrap_used, reason = "a test stops at what it cannot read")]

use std::path::Path;

use serde_yaml::Value;

#[test]
fn prometheus_promotes_exactly_the_attributes_of_the_catalogue() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/lgtm/prometheus.yaml");
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let configuration: Value = serde_yaml::from_str(&text).unwrap();
    let listed: Vec<&str> = configuration["otlp"]["promote_resource_attributes"]
        .as_sequence()
        .unwrap()
        .iter()
        .map(|attribute| attribute.as_str().unwrap())
        .collect();
    assert_eq!(listed, catalogue::prometheus::promoted().collect::<Vec<_>>());
}
