//! Images: whether they are there, and getting them.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Context as _;
use bollard::models::CreateImageInfo;
use bollard::query_parameters::{
    CreateImageOptionsBuilder, ImportImageOptionsBuilder, RemoveImageOptionsBuilder,
};
use futures_util::StreamExt as _;

use super::Engine;
use super::errors::{Fault, failed, told};
use crate::plan::Progress;

/// How long nothing may be heard of a pull that goes on.
const PULL_PATIENCE: Duration = Duration::from_secs(300);

/// What an engine may take beyond its usual time to take in an archive.
const IMPORT_PATIENCE: Duration = Duration::from_secs(600);

impl Engine {
    /// Whether an image is there: `name:tag`, or `name:tag@sha256:…`.
    ///
    /// # Errors
    /// When the engine does not answer.
    pub async fn has_image(&self, image: &str) -> anyhow::Result<bool> {
        match self.docker().await?.inspect_image(image).await {
            Ok(_) => Ok(true),
            Err(error) if Fault::of(&error) == Fault::NoImage => Ok(false),
            Err(error) => Err(failed(&format!("look at the image {image}"), &error)),
        }
    }

    /// A label of an image, if it is there and has it.
    ///
    /// # Errors
    /// When the engine does not answer.
    pub async fn image_label(&self, image: &str, label: &str) -> anyhow::Result<Option<String>> {
        match self.docker().await?.inspect_image(image).await {
            Ok(inspected) => Ok(inspected.config.and_then(|config| config.labels?.remove(label))),
            Err(error) if Fault::of(&error) == Fault::NoImage => Ok(None),
            Err(error) => Err(failed(&format!("look at the image {image}"), &error)),
        }
    }

    /// Gets an image from its registry.
    ///
    /// # Errors
    /// When the registry does not have it, cannot be reached or gives no more, or there is no space for it.
    pub async fn pull(&self, image: &str, progress: &Progress<'_>) -> anyhow::Result<()> {
        let docker = self.patient(PULL_PATIENCE).await?;
        let options = CreateImageOptionsBuilder::default().from_image(&with_tag(image)).build();
        let mut told = docker.create_image(Some(options), None, None);
        let (mut layers, mut shown) = (Layers::default(), String::new());
        loop {
            let next = tokio::time::timeout(PULL_PATIENCE, told.next()).await.with_context(|| {
                format!(
                    "nothing was heard of the pull of {image} for {} s: try again",
                    PULL_PATIENCE.as_secs()
                )
            })?;
            let Some(event) = next else { return Ok(()) };
            layers.hear(&event.map_err(|error| not_pulled(image, &error))?);
            let text = layers.words();
            if text != shown {
                progress.show(&text);
                shown = text;
            }
        }
    }

    /// Takes in an archive of images, as `docker load` does.
    ///
    /// # Errors
    /// When it is none, or there is no space for it.
    pub async fn import(&self, archive: Vec<u8>) -> anyhow::Result<()> {
        let docker = self.patient(IMPORT_PATIENCE).await?;
        let options = ImportImageOptionsBuilder::default().quiet(true).build();
        let mut told = docker.import_image(options, bollard::body_full(archive.into()), None);
        while let Some(event) = told.next().await {
            event.map_err(|error| failed("bring an image into the engine", &error))?;
        }
        Ok(())
    }

    /// The identifier of an image, if it is there.
    pub(crate) async fn image_id(&self, image: &str) -> anyhow::Result<Option<String>> {
        match self.docker().await?.inspect_image(image).await {
            Ok(inspected) => Ok(inspected.id),
            Err(error) if Fault::of(&error) == Fault::NoImage => Ok(None),
            Err(error) => Err(failed(&format!("look at the image {image}"), &error)),
        }
    }

    /// Removes an image by its identifier, unless a container or a name needs it.
    pub(crate) async fn remove_image_if_unused(&self, id: &str) -> anyhow::Result<bool> {
        let options = RemoveImageOptionsBuilder::default().force(false).build();
        match self.docker().await?.remove_image(id, Some(options), None).await {
            Ok(_) => Ok(true),
            Err(error) => match Fault::of(&error) {
                Fault::NoImage | Fault::InUse => Ok(false),
                _ => Err(failed(&format!("remove the image {id}"), &error)),
            },
        }
    }
}

/// Without tag and digest, an engine would get all tags.
fn with_tag(image: &str) -> String {
    let last = image.rsplit('/').next().unwrap_or(image);
    if last.contains([':', '@']) { image.to_owned() } else { format!("{image}:latest") }
}

/// Why an image was not pulled.
fn not_pulled(image: &str, error: &bollard::errors::Error) -> anyhow::Error {
    let registry = match image.split_once('/') {
        Some((first, _)) if first.contains(['.', ':']) || first == "localhost" => first,
        _ => "Docker Hub",
    };
    let line = match Fault::of(error) {
        Fault::RateLimited => format!(
            "{registry} gives no more images to this address for a while, of which {image} is one: wait, or `docker login`, \
             which raises the limit"
        ),
        Fault::NoSuchTag => format!("{registry} does not have {image}: the tag or digest does not exist"),
        Fault::Denied => {
            format!(
                "{registry} does not show {image} to this user: the name is wrong, or it needs `docker login`"
            )
        }
        Fault::NoPlatform => format!("{image} is not made for the processor of this engine's machine"),
        Fault::NotTrusted => format!(
            "the engine does not trust the certificate of {registry}, from which it would get {image}: a proxy that replaces \
             certificates needs its own in the engine's trust store"
        ),
        Fault::NoRegistry => format!(
            "the engine cannot reach {registry} to get {image}: is there a network, and does the engine know the proxy? What \
             is there already is enough for `--runtime embedded`"
        ),
        Fault::CutOff => format!("the connection to {registry} broke off while it gave {image}: try again"),
        _ => return failed(&format!("pull {image}"), error),
    };
    told(line, error)
}

/// How far a pull is: the layers of an image, by what is told of each.
#[derive(Default)]
struct Layers(BTreeMap<String, Layer>);

#[derive(Clone, Copy, Default)]
struct Layer {
    bytes: u64,
    of: u64,
    done: bool,
}

impl Layers {
    fn hear(&mut self, event: &CreateImageInfo) {
        let (Some(id), Some(status)) = (&event.id, event.status.as_deref()) else { return };
        // The first line says `Pulling from` with the tag as its identifier.
        if status.starts_with("Pulling from") {
            return;
        }
        let layer = self.0.entry(id.clone()).or_default();
        match status {
            "Downloading" => {
                let number =
                    |value: Option<i64>| value.and_then(|value| u64::try_from(value).ok()).unwrap_or(0);
                if let Some(detail) = &event.progress_detail {
                    layer.bytes = number(detail.current);
                    layer.of = number(detail.total).max(layer.bytes);
                }
            }
            "Download complete" | "Extracting" => layer.bytes = layer.of,
            "Pull complete" | "Already exists" => {
                layer.bytes = layer.of;
                layer.done = true;
            }
            _ => {}
        }
    }

    fn words(&self) -> String {
        if self.0.is_empty() {
            return "asking the registry".to_owned();
        }
        let (mut bytes, mut of, mut done) = (0, 0, 0);
        for layer in self.0.values() {
            bytes += layer.bytes;
            of += layer.of;
            done += usize::from(layer.done);
        }
        let megabytes = |bytes: u64| bytes / 1_000_000;
        format!("{} of {} MB, {done} of {} layers", megabytes(bytes), megabytes(of), self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use bollard::models::ProgressDetail;

    use super::*;

    fn event(id: &str, status: &str, progress: Option<(i64, i64)>) -> CreateImageInfo {
        CreateImageInfo {
            id: Some(id.to_owned()),
            status: Some(status.to_owned()),
            progress_detail: progress
                .map(|(current, total)| ProgressDetail { current: Some(current), total: Some(total) }),
            ..CreateImageInfo::default()
        }
    }

    #[test]
    fn the_bytes_of_a_pull_are_summed_over_its_layers() {
        let mut layers = Layers::default();
        let mut heard = Vec::new();
        for event in [
            event("0.31.0", "Pulling from grafana/otel-lgtm", None),
            event("a", "Already exists", None),
            event("b", "Pulling fs layer", None),
            event("c", "Pulling fs layer", None),
            event("b", "Downloading", Some((10_000_000, 90_000_000))),
            event("c", "Downloading", Some((5_000_000, 10_000_000))),
            event("c", "Download complete", None),
            event("c", "Extracting", Some((1, 10_000_000))),
            event("c", "Pull complete", None),
            // Some registries do not say how much there is.
            event("b", "Downloading", Some((95_000_000, -1))),
            event("b", "Pull complete", None),
        ] {
            layers.hear(&event);
            heard.push(layers.words());
        }
        heard.dedup();
        assert_eq!(
            heard,
            [
                "asking the registry",
                "0 of 0 MB, 1 of 1 layers",
                "0 of 0 MB, 1 of 2 layers",
                "0 of 0 MB, 1 of 3 layers",
                "10 of 90 MB, 1 of 3 layers",
                "15 of 100 MB, 1 of 3 layers",
                "20 of 100 MB, 1 of 3 layers",
                "20 of 100 MB, 2 of 3 layers",
                "105 of 105 MB, 2 of 3 layers",
                "105 of 105 MB, 3 of 3 layers",
            ]
        );
    }

    #[test]
    fn an_image_without_a_tag_is_not_all_of_its_tags() {
        for (image, asked) in [
            ("alpine", "alpine:latest"),
            ("localhost:5000/alpine", "localhost:5000/alpine:latest"),
            ("alpine:3", "alpine:3"),
            ("alpine:3@sha256:ab", "alpine:3@sha256:ab"),
            ("alpine@sha256:ab", "alpine@sha256:ab"),
        ] {
            assert_eq!(with_tag(image), asked);
        }
    }

    #[test]
    fn what_a_registry_does_not_give_is_told_with_what_helps() {
        let error = |message: &str| {
            let error = bollard::errors::Error::DockerStreamError { error: message.to_owned() };
            not_pulled("grafana/otel-lgtm:0.31.0", &error).to_string()
        };
        for (message, told) in [
            ("toomanyrequests: You have reached your pull rate limit", "Docker Hub gives no more images"),
            ("manifest unknown", "Docker Hub does not have grafana/otel-lgtm:0.31.0"),
            ("pull access denied for grafana/x", "needs `docker login`"),
            ("no matching manifest for linux/riscv64", "not made for the processor"),
            ("x509: certificate signed by unknown authority", "does not trust the certificate of Docker Hub"),
            ("dial tcp: lookup registry-1.docker.io: no such host", "cannot reach Docker Hub"),
            ("unexpected EOF", "broke off while it gave"),
            (
                "write /x: no space left on device",
                "failed to pull grafana/otel-lgtm:0.31.0: there is no space left",
            ),
            ("something else", "failed to pull grafana/otel-lgtm:0.31.0"),
        ] {
            let line = error(message);
            assert!(line.contains(told) && !line.contains('\n'), "{line}");
        }
        let elsewhere = bollard::errors::Error::DockerStreamError { error: "manifest unknown".to_owned() };
        let line = not_pulled("registry.k8s.io/etcd:1", &elsewhere).to_string();
        assert!(line.starts_with("registry.k8s.io does not have"), "{line}");
    }
}
