//! Images that were loaded from a file: the engine knows them by their tag and has no digest to compare.

use super::Engine;
use super::errors::{Fault, failed};

impl Engine {
    /// Whether an image of this name and tag is there that came from no registry.
    ///
    /// # Errors
    /// When the engine does not answer.
    pub async fn was_loaded(&self, image: &str) -> anyhow::Result<bool> {
        match self.docker().await?.inspect_image(image).await {
            Ok(inspected) => Ok(inspected.repo_digests.unwrap_or_default().is_empty()),
            Err(error) if Fault::of(&error) == Fault::NoImage => Ok(false),
            Err(error) => Err(failed(&format!("look at the image {image}"), &error)),
        }
    }
}
