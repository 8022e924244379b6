//! The machine that an engine runs on.

use super::Engine;
use super::errors::failed;

impl Engine {
    /// The host name of the engine's machine, which need not be this one.
    ///
    /// # Errors
    /// When the engine does not answer.
    pub async fn machine(&self) -> anyhow::Result<String> {
        let info = self
            .docker()
            .await?
            .info()
            .await
            .map_err(|error| failed("ask what machine it runs on", &error))?;
        Ok(info.name.unwrap_or_else(|| "engine".to_owned()))
    }
}
