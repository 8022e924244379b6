//! The names of container images.

use std::fmt;
use std::str::FromStr;

use serde::Deserialize;

/// The registry of names that have none.
const DOCKER_HUB: &str = "docker.io";

/// An image by registry, repository and tag. Equal whether it was written in full (`docker.io/library/alpine:3`) or as people do.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct ImageReference {
    registry: String,
    repository: String,
    tag: String,
}

impl ImageReference {
    /// Where it is pulled from: `registry.k8s.io`.
    pub fn registry(&self) -> &str {
        &self.registry
    }

    /// The host that answers for the registry.
    pub fn registry_host(&self) -> &str {
        if self.registry == DOCKER_HUB { "registry-1.docker.io" } else { &self.registry }
    }

    /// Its name in the registry: `library/alpine`.
    pub fn repository(&self) -> &str {
        &self.repository
    }

    /// Its tag.
    pub fn tag(&self) -> &str {
        &self.tag
    }

    /// Without the tag, as people write it.
    pub fn name(&self) -> String {
        if self.registry == DOCKER_HUB {
            self.repository.trim_start_matches("library/").to_owned()
        } else {
            format!("{}/{}", self.registry, self.repository)
        }
    }

    /// Whether a name with a digest, as an engine lists it, is of the same repository.
    pub fn is_named(&self, name: &str) -> bool {
        let (registry, repository) = split(name);
        registry == self.registry && repository == self.repository
    }
}

/// Registry and repository of a name. A first part with a dot or a port, or `localhost`, is a registry.
fn split(name: &str) -> (String, String) {
    match name.split_once('/') {
        Some((first, rest)) if first.contains(['.', ':']) || first == "localhost" => {
            (first.to_owned(), rest.to_owned())
        }
        Some(_) => (DOCKER_HUB.to_owned(), name.to_owned()),
        None => (DOCKER_HUB.to_owned(), format!("library/{name}")),
    }
}

impl FromStr for ImageReference {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let error = || format!("{text:?} is no image with a tag: NAME:TAG");
        let (name, tag) = text.rsplit_once(':').ok_or_else(error)?;
        let fits = |part: &str, more: &str| {
            !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || more.contains(c))
        };
        let (registry, repository) = split(name);
        let ends = repository.starts_with('/') || repository.ends_with('/') || repository.contains("//");
        if fits(tag, "._-") && fits(&repository, "._-/") && !ends && fits(&registry, ".-:") {
            Ok(Self { registry, repository, tag: tag.to_owned() })
        } else {
            Err(error())
        }
    }
}

impl TryFrom<String> for ImageReference {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl fmt::Display for ImageReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.name(), self.tag)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_are_read_as_engines_read_them_and_shown_as_people_write_them() {
        for (text, registry, repository, shown) in [
            ("alpine:3", "docker.io", "library/alpine", "alpine:3"),
            ("docker.io/library/alpine:3", "docker.io", "library/alpine", "alpine:3"),
            ("grafana/otel-lgtm:0.31.0", "docker.io", "grafana/otel-lgtm", "grafana/otel-lgtm:0.31.0"),
            (
                "registry.k8s.io/kwok/kwok:v0.8.0",
                "registry.k8s.io",
                "kwok/kwok",
                "registry.k8s.io/kwok/kwok:v0.8.0",
            ),
            ("localhost:5000/a:1", "localhost:5000", "a", "localhost:5000/a:1"),
        ] {
            let image: ImageReference = text.parse().unwrap();
            assert_eq!((image.registry(), image.repository()), (registry, repository), "{text}");
            assert_eq!(image.to_string(), shown);
        }
        for text in ["", "alpine", "localhost:5000/a", ":1", "a:", "a b:1", "/a:1", "x//y:1", "a@sha256:1/"] {
            assert!(text.parse::<ImageReference>().is_err(), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn an_image_is_read_back_as_it_is_shown(text in "([a-z]{1,4}(\\.io|:5000)?/)?([a-z]{1,4}/)?[a-z-]{1,6}:[a-z0-9.]{1,5}") {
            if let Ok(image) = text.parse::<ImageReference>() {
                prop_assert_eq!(image.to_string().parse::<ImageReference>(), Ok(image));
            }
        }

        #[test]
        fn any_text_is_an_image_or_an_error(text in "[a-z/:.@ -]{0,20}") {
            let _ = text.parse::<ImageReference>();
        }
    }

    #[test]
    fn an_engines_name_of_the_same_repository_is_known_in_both_forms() {
        let image: ImageReference = "grafana/otel-lgtm:0.31.0".parse().unwrap();
        assert!(image.is_named("grafana/otel-lgtm") && image.is_named("docker.io/grafana/otel-lgtm"));
        assert!(!image.is_named("quay.io/grafana/otel-lgtm"));
    }
}
