//! What is kept of a volume: its kind, and what its size depends on.

use k8s_openapi::api::core::v1::{
    ConfigMapVolumeSource, DownwardAPIVolumeSource, EmptyDirVolumeSource, HostPathVolumeSource,
    PersistentVolumeClaimVolumeSource, ProjectedVolumeSource, SecretVolumeSource, Volume,
};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;

/// A volume of a pod.
#[derive(Debug, PartialEq)]
pub(crate) struct KeptVolume {
    name: Box<str>,
    source: Source,
}

// A quantity is text.
impl Eq for KeptVolume {}

/// The kinds that nearly all volumes are of take a few bytes.
#[derive(Debug, PartialEq)]
enum Source {
    ConfigMap,
    DownwardApi,
    HostPath,
    Projected,
    Secret,
    EmptyDir { medium: Option<Box<str>>, limit: Option<Box<str>> },
    Claim(Box<str>),
    Other(Box<Volume>),
}

impl KeptVolume {
    pub(crate) fn of(volume: &Volume) -> Self {
        Self { name: volume.name.as_str().into(), source: Source::of(volume) }
    }

    pub(crate) fn volume(&self) -> Volume {
        let mut volume = Volume::default();
        match &self.source {
            Source::ConfigMap => volume.config_map = Some(ConfigMapVolumeSource::default()),
            Source::DownwardApi => volume.downward_api = Some(DownwardAPIVolumeSource::default()),
            Source::HostPath => volume.host_path = Some(HostPathVolumeSource::default()),
            Source::Projected => volume.projected = Some(ProjectedVolumeSource::default()),
            Source::Secret => volume.secret = Some(SecretVolumeSource::default()),
            Source::EmptyDir { medium, limit } => {
                volume.empty_dir = Some(EmptyDirVolumeSource {
                    medium: medium.as_deref().map(str::to_owned),
                    size_limit: limit.as_deref().map(|limit| Quantity(limit.to_owned())),
                });
            }
            Source::Claim(name) => {
                volume.persistent_volume_claim =
                    Some(PersistentVolumeClaimVolumeSource { claim_name: name.to_string(), read_only: None });
            }
            Source::Other(other) => volume = Volume::clone(other),
        }
        volume.name = self.name.to_string();
        volume
    }
}

impl Source {
    fn of(volume: &Volume) -> Self {
        // An API server accepts one source for a volume.
        if let Some(claim) = &volume.persistent_volume_claim {
            Self::Claim(claim.claim_name.as_str().into())
        } else if let Some(dir) = &volume.empty_dir {
            Self::EmptyDir {
                medium: dir.medium.as_deref().map(Into::into),
                limit: dir.size_limit.as_ref().map(|limit| limit.0.as_str().into()),
            }
        } else if volume.projected.is_some() {
            Self::Projected
        } else if volume.config_map.is_some() {
            Self::ConfigMap
        } else if volume.secret.is_some() {
            Self::Secret
        } else if volume.downward_api.is_some() {
            Self::DownwardApi
        } else if volume.host_path.is_some() {
            Self::HostPath
        } else {
            Self::Other(Box::new(Volume { name: String::new(), ..volume.clone() }))
        }
    }
}
