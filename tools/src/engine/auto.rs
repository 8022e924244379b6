//! Which runtime `cargo xtask kwok --runtime auto` takes: the engine's when it answers and has every image already, else the
//! embedded one. It is decided before anything is changed, and never again.

use super::{EngineError, EngineState, PinnedImage, images_present};
use crate::pins::{EnvironmentKind, Pins};

/// What `auto` comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AutoRuntime {
    /// The container engine's.
    Docker,
    /// The one in this process, and why: one line.
    Embedded(String),
}

/// Chooses. It costs a few requests to the engine, which the caller has made.
pub fn choose(engine: &Result<EngineState, EngineError>, pins: &Pins) -> AutoRuntime {
    let state = match engine {
        Ok(state) => state,
        Err(error) => {
            let images = images_present(pins, EnvironmentKind::Kwok, &[]);
            return AutoRuntime::Embedded(format!(
                "embedded, as {}; `--runtime docker` needs one, and would pull {}",
                short(error),
                to_pull(&images)
            ));
        }
    };
    let images = images_present(pins, EnvironmentKind::Kwok, &state.images);
    if state.os_type == "windows" {
        return AutoRuntime::Embedded(
            "embedded, as the container engine runs Windows containers only".to_owned(),
        );
    }
    if images.iter().all(|image| image.present) {
        return AutoRuntime::Docker;
    }
    let missing = images.iter().filter(|image| !image.present).count();
    AutoRuntime::Embedded(format!(
        "embedded, as {missing} of {} images are not there yet; `--runtime docker` would pull {}",
        images.len(),
        to_pull(&images)
    ))
}

/// What is missing, and how much that is as far as it is known: `5 images, 1,240 MB`.
pub fn to_pull(images: &[PinnedImage]) -> String {
    let missing: Vec<&PinnedImage> = images.iter().filter(|image| !image.present).collect();
    let known: u64 = missing.iter().filter_map(|image| image.pin.megabytes).sum();
    let unknown = missing.iter().filter(|image| image.pin.megabytes.is_none()).count();
    let plural = if missing.len() == 1 { "image" } else { "images" };
    let size = match (known, unknown) {
        (_, 0) => format!("{known} MB"),
        (0, _) => "of unknown size".to_owned(),
        (_, _) => format!("more than {known} MB"),
    };
    format!("{} {plural}, {size}", missing.len())
}

fn short(error: &EngineError) -> String {
    match error {
        EngineError::None { .. } => "no container engine runs here".to_owned(),
        other => other.to_string(),
    }
}
