//! Names that are made of a stem and a number: what has one in a file would be a second object of that name.
//!
//! How large the numbers get depends on the size that the fleet is asked for, and on who scales what later. So every
//! number counts, at any size.

use std::collections::BTreeMap;

use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::core::v1::PersistentVolume;

use super::object::Object;
use super::path::Path;
use super::{Document, ManifestError, annotation};
use crate::annotations;

/// How the number is written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Digits {
    /// `0`, `1`, …, `10`, …
    Plain,
    /// `0000`, `0001`, …, `10000`, …
    Four,
    /// Minutes since 1970: `29380000`
    Minutes,
}

impl Digits {
    fn fit(self, text: &str) -> bool {
        let canonical = text == "0" || !text.starts_with('0');
        let all = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        all && match self {
            Digits::Plain => canonical,
            Digits::Four => text.len() == 4 || text.len() > 4 && canonical,
            Digits::Minutes => text.len() == 8 && canonical,
        }
    }
}

/// Objects that are numbered.
struct Family<'a> {
    digits: Digits,
    /// Whose they are.
    source: &'a Document<'a>,
    /// What they are to it.
    what: &'static str,
    /// Whether there are none unless nothing else in the files grows with the fleet.
    is_rare: bool,
}

/// What a name must be unique among, and its stem: kind, namespace, name without number.
type Stem<'a> = (&'a str, Option<&'a str>, String);

/// No name of a file is one that something else gets with a number, and no two things number the same names.
pub(super) fn check(documents: &[Document<'_>]) -> Result<(), ManifestError> {
    let mut families = BTreeMap::<Stem<'_>, Vec<Family<'_>>>::new();
    for document in documents {
        for (stem, family) in families_of(document, documents) {
            let known = families.entry(stem).or_default();
            if let Some(first) = known.iter().find(|first| !first.is_rare && !family.is_rare) {
                let message = format!(
                    "its {} and the {} of {} ({}) would have the same names",
                    family.what,
                    first.what,
                    first.source.object.describe(),
                    first.source.place()
                );
                return Err(document.error(Path::keys("metadata.name"), message));
            }
            known.push(family);
        }
    }
    for document in documents {
        let metadata = document.object.metadata();
        let Some((stem, number)) = metadata.name.as_deref().and_then(|name| name.rsplit_once('-')) else {
            continue;
        };
        let key = (document.object.kind(), metadata.namespace.as_deref(), stem.to_owned());
        if let Some(family) =
            families.get(&key).and_then(|known| known.iter().find(|family| family.digits.fit(number)))
        {
            let message = format!(
                "one of the {} of {} ({}) may have this name",
                family.what,
                family.source.object.describe(),
                family.source.place()
            );
            return Err(document.error(Path::keys("metadata.name"), message));
        }
    }
    Ok(())
}

/// What is numbered because of a document.
fn families_of<'a>(document: &'a Document<'a>, documents: &[Document<'_>]) -> Vec<(Stem<'a>, Family<'a>)> {
    let metadata = document.object.metadata();
    let name = metadata.name.clone().unwrap_or_default();
    let namespace = metadata.namespace.as_deref();
    let family = |digits, what| Family { digits, source: document, what, is_rare: false };
    match &document.object {
        Object::Pod(_) if annotation(metadata, annotations::REPLICAS).is_some() => {
            vec![(("Pod", namespace, name), family(Digits::Four, "pods"))]
        }
        Object::Pod(_) => {
            let copies = Family { is_rare: true, ..family(Digits::Four, "copies") };
            vec![(("Pod", namespace, name), copies)]
        }
        Object::StatefulSet(set) => {
            let of_claims =
                |stem| (("PersistentVolumeClaim", namespace, stem), family(Digits::Plain, "claims"));
            let pods = (("Pod", namespace, name), family(Digits::Plain, "pods"));
            claim_stems(set).map(of_claims).chain([pods]).collect()
        }
        Object::CronJob(_) => vec![(("Job", namespace, name), family(Digits::Minutes, "runs"))],
        Object::PersistentVolume(volume) => {
            let is_template = documents.iter().any(|other| match &other.object {
                Object::StatefulSet(set) => is_template_for(volume, set),
                _ => false,
            });
            let volumes = is_template.then(|| family(Digits::Plain, "volumes"));
            volumes.map(|volumes| (("PersistentVolume", None, name), volumes)).into_iter().collect()
        }
        _ => Vec::new(),
    }
}

/// What the claims of a StatefulSet are called before their number.
fn claim_stems(set: &StatefulSet) -> impl Iterator<Item = String> + '_ {
    let templates = set.spec.iter().flat_map(|spec| spec.volume_claim_templates.iter().flatten());
    templates.filter_map(|template| {
        Some(format!("{}-{}", template.metadata.name.as_deref()?, set.metadata.name.as_deref()?))
    })
}

/// Whether a volume stands for one volume for each pod of the StatefulSet: its claim is called like the set's without
/// number.
pub(crate) fn is_template_for(volume: &PersistentVolume, set: &StatefulSet) -> bool {
    let claim = volume.spec.as_ref().and_then(|spec| spec.claim_ref.as_ref());
    claim.is_some_and(|claim| {
        claim.namespace == set.metadata.namespace
            && claim_stems(set).any(|stem| claim.name.as_ref() == Some(&stem))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_written_as_it_is_numbered_is_a_number() {
        for (text, plain, four) in [
            ("0", true, false),
            ("7", true, false),
            ("07", false, false),
            ("0007", false, true),
            ("1234", true, true),
            ("12345", true, true),
            ("01234", false, false),
            ("", false, false),
            ("1a", false, false),
            ("+1", false, false),
        ] {
            assert_eq!((Digits::Plain.fit(text), Digits::Four.fit(text)), (plain, four), "{text}");
            assert!(!Digits::Minutes.fit(text), "{text}");
        }
        assert!(Digits::Minutes.fit("29380000") && !Digits::Minutes.fit("09380000"));
    }
}
