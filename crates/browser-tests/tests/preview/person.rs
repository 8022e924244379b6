//! What somebody in front of the browser does and sees.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use fantoccini::actions::{InputSource as _, MOUSE_BUTTON_LEFT, MouseActions, PointerAction};
use fantoccini::{Client, Locator};
use serde_json::{Value, json};

use crate::driver::Own;

/// How long anything may take before it counts as not happening.
const PATIENCE: Duration = Duration::from_secs(30);

/// How often is looked.
const PAUSE: Duration = Duration::from_millis(20);

/// Somebody with a browser.
pub(crate) struct Person {
    client: Client,
    base: String,
}

impl Person {
    /// `base` is the preview's address without a slash at the end.
    pub(crate) fn new(client: Client, base: String) -> Self {
        Self { client, base }
    }

    /// From now on every page is watched from its beginning.
    pub(crate) async fn prepare(&self) -> anyhow::Result<()> {
        let source = include_str!("probe.js");
        self.devtools("Page.addScriptToEvaluateOnNewDocument", json!({"source": source})).await
    }

    /// Opens an address of the preview and waits until it is drawn.
    pub(crate) async fn open(&self, address: &str) -> anyhow::Result<()> {
        self.client
            .goto(&format!("{}{address}", self.base))
            .await
            .with_context(|| format!("cannot open {address}"))?;
        self.settled().await
    }

    /// Waits until nothing of the page is about to be replaced.
    pub(crate) async fn settled(&self) -> anyhow::Result<()> {
        let ready = "document.readyState === 'complete' && !document.body.hasAttribute('aria-busy')";
        self.until("the page is drawn", ready).await.map(|_| ())
    }

    /// The present address, without the place of the server.
    pub(crate) async fn address(&self) -> anyhow::Result<String> {
        let address = self.client.current_url().await?;
        Ok(address.as_str().trim_start_matches(&self.base).to_owned())
    }

    /// The value of an expression in the page.
    pub(crate) async fn see(&self, expression: &str) -> anyhow::Result<Value> {
        let script = format!("return {expression};");
        self.client.execute(&script, Vec::new()).await.with_context(|| format!("cannot see {expression}"))
    }

    /// The same as text; empty when it is none.
    pub(crate) async fn read(&self, expression: &str) -> anyhow::Result<String> {
        Ok(self.see(expression).await?.as_str().unwrap_or_default().to_owned())
    }

    /// The same as a list of texts.
    pub(crate) async fn list(&self, expression: &str) -> anyhow::Result<Vec<String>> {
        serde_json::from_value(self.see(expression).await?)
            .with_context(|| format!("{expression} is no list of texts"))
    }

    /// Waits for an expression to become true, and gives its value.
    pub(crate) async fn until(&self, what: &str, expression: &str) -> anyhow::Result<Value> {
        let began = Instant::now();
        loop {
            // While a page goes and the next one comes, there is none to ask.
            let seen = self.see(expression).await;
            let is_true = |seen: &Value| ![json!(null), json!(false), json!(""), json!(0)].contains(seen);
            match seen {
                Ok(seen) if is_true(&seen) => return Ok(seen),
                seen if began.elapsed() > PATIENCE => {
                    bail!("waited {PATIENCE:?} in vain until {what}; the last seen is {seen:?}")
                }
                _ => {}
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Clicks what a selector finds first.
    pub(crate) async fn click(&self, selector: &str) -> anyhow::Result<()> {
        let click = async { self.client.find(Locator::Css(selector)).await?.click().await };
        click.await.with_context(|| format!("cannot click {selector}"))
    }

    /// Chooses a value in a list.
    pub(crate) async fn choose(&self, selector: &str, value: &str) -> anyhow::Result<()> {
        let choose = async { self.client.find(Locator::Css(selector)).await?.select_by_value(value).await };
        choose.await.with_context(|| format!("cannot choose {value} in {selector}"))
    }

    /// Types into a field, in place of what is there.
    pub(crate) async fn type_into(&self, selector: &str, text: &str) -> anyhow::Result<()> {
        let field = self.client.find(Locator::Css(selector)).await?;
        field.clear().await?;
        field.send_keys(text).await.with_context(|| format!("cannot type into {selector}"))
    }

    /// Goes to the page before.
    pub(crate) async fn back(&self) -> anyhow::Result<()> {
        self.client.back().await.context("there is no way back")
    }

    /// Moves the pointer over an element, to a place as shares of its width and height.
    pub(crate) async fn point_at(&self, selector: &str, place: (f64, f64)) -> anyhow::Result<()> {
        let (x, y) = self.pixels(selector, place).await?;
        let actions = MouseActions::new("mouse".to_owned())
            .then(PointerAction::MoveTo { duration: None, x: x - 2.0, y })
            .then(PointerAction::MoveTo { duration: None, x, y });
        Ok(self.client.perform_actions(actions).await?)
    }

    /// Drags across an element, both ends as shares of its width.
    pub(crate) async fn drag(&self, selector: &str, from: f64, to: f64) -> anyhow::Result<()> {
        let (from, y) = self.pixels(selector, (from, 0.5)).await?;
        let (to, _) = self.pixels(selector, (to, 0.5)).await?;
        let actions = MouseActions::new("mouse".to_owned())
            .then(PointerAction::MoveTo { duration: None, x: from, y })
            .then(PointerAction::Down { button: MOUSE_BUTTON_LEFT })
            .then(PointerAction::MoveTo {
                duration: Some(Duration::from_millis(60)),
                x: f64::midpoint(from, to),
                y,
            })
            .then(PointerAction::MoveTo { duration: Some(Duration::from_millis(60)), x: to, y })
            .then(PointerAction::Up { button: MOUSE_BUTTON_LEFT });
        Ok(self.client.perform_actions(actions).await?)
    }

    /// A place in an element that was scrolled to, in pixels of the window.
    async fn pixels(&self, selector: &str, (x, y): (f64, f64)) -> anyhow::Result<(f64, f64)> {
        let place = self.see(&format!("probe.place({}, {x}, {y})", json!(selector))).await?;
        serde_json::from_value(place).with_context(|| format!("there is no {selector}"))
    }

    /// Shows pages as on a screen that is so wide, in a system that is dark or light.
    pub(crate) async fn screen(&self, width: u32, theme: &str) -> anyhow::Result<()> {
        self.screen_of((width, 900), theme).await
    }

    async fn screen_of(&self, (width, height): (u32, u64), theme: &str) -> anyhow::Result<()> {
        let size = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false});
        self.devtools("Emulation.setDeviceMetricsOverride", size).await?;
        let media = json!({"features": [{"name": "prefers-color-scheme", "value": theme}]});
        self.devtools("Emulation.setEmulatedMedia", media).await
    }

    async fn devtools(&self, command: &str, parameters: Value) -> anyhow::Result<()> {
        let body = json!({"cmd": command, "params": parameters});
        self.client
            .issue_cmd(Own { path: "goog/cdp/execute", body })
            .await
            .with_context(|| format!("{command} failed"))?;
        Ok(())
    }

    /// What the browser complained about since the last time, and requests that were not for the preview.
    pub(crate) async fn complaints(&self) -> anyhow::Result<Vec<String>> {
        let mut found = self.list("probe.errors.splice(0)").await?;
        for entry in self.log("browser").await? {
            found.push(format!("console {}: {}", entry["level"], entry["message"]));
        }
        for entry in self.log("performance").await? {
            let event: Value = serde_json::from_str(entry["message"].as_str().unwrap_or_default())?;
            let event = &event["message"];
            let address = event["params"]["request"]["url"].as_str().unwrap_or_default();
            let ours = [self.base.as_str(), "data:", "about:"].iter().any(|start| address.starts_with(start));
            if event["method"] == "Network.requestWillBeSent" && !ours {
                found.push(format!("a request for {address}"));
            }
        }
        Ok(found)
    }

    async fn log(&self, kind: &str) -> anyhow::Result<Vec<Value>> {
        let entries = self.client.issue_cmd(Own { path: "se/log", body: json!({"type": kind}) }).await?;
        Ok(entries.as_array().cloned().unwrap_or_default())
    }

    /// Saves what is seen under a name made from these words, and gives the place of the file.
    pub(crate) async fn picture(&self, words: &str) -> String {
        let name: String = words.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
        let folder = pictures().unwrap_or_else(std::env::temp_dir);
        let file = folder.join(format!("{}.png", name.trim_matches('-').to_lowercase()));
        let saved = match self.client.screenshot().await {
            Ok(png) => std::fs::write(&file, png).map_err(anyhow::Error::from),
            Err(error) => Err(error.into()),
        };
        saved.map_or_else(|error| format!("no picture: {error}"), |()| file.display().to_string())
    }

    /// The same, where pictures are wanted also of what is well.
    pub(crate) async fn picture_if_wanted(&self, words: &str) {
        if pictures().is_some() {
            self.picture(words).await;
        }
    }

    /// The same of the whole page, on a screen that is as high as it.
    pub(crate) async fn whole_picture(&self, words: &str, width: u32, theme: &str) -> anyhow::Result<()> {
        let height = self.see("document.documentElement.scrollHeight").await?;
        self.screen_of((width, height.as_u64().unwrap_or(900)), theme).await?;
        self.picture(words).await;
        self.screen(width, theme).await
    }
}

/// Where pictures are wanted, also of what is well.
pub(crate) fn pictures() -> Option<PathBuf> {
    std::env::var_os("BROWSER_TESTS_PICTURES").map(PathBuf::from)
}
