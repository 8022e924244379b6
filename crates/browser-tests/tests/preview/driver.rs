//! chromedriver, which drives chromium.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};

use anyhow::Context as _;
use fantoccini::wd::WebDriverCompatibleCommand;
use fantoccini::{Client, ClientBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use url::{ParseError, Url};

/// The running program; ended when this is dropped.
pub(crate) struct Driver {
    process: Child,
    port: u16,
    browser: PathBuf,
    /// Where both put their files.
    folder: PathBuf,
    /// Where it writes: would end it when closed.
    _output: BufReader<ChildStdout>,
}

impl Driver {
    /// Starts it on a free port, or says what is missing.
    pub(crate) fn start() -> Result<Self, String> {
        let browser =
            ["chromium", "chromium-browser", "google-chrome"].iter().find_map(|name| which::which(name).ok());
        let browser = browser.ok_or("there is no chromium")?;
        let program =
            which::which("chromedriver").map_err(|_| "there is no chromedriver (Debian: chromium-driver)")?;
        let folder = std::env::temp_dir().join(format!("browser-tests-driver-{}", std::process::id()));
        std::fs::create_dir_all(&folder)
            .map_err(|error| format!("{} is not to be made: {error}", folder.display()))?;
        let started = Command::new(program)
            .env("TMPDIR", &folder)
            // Times are in the reader's zone.
            .env("TZ", "UTC")
            .arg("--port=0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn();
        let mut process = started.map_err(|error| format!("chromedriver does not start: {error}"))?;
        let mut output = BufReader::new(process.stdout.take().unwrap());
        let port = port(&mut output);
        let mut driver = Self { process, port: 0, browser, folder, _output: output };
        driver.port = port.ok_or("chromedriver does not say its port")?;
        Ok(driver)
    }

    /// A new browser, without a window.
    pub(crate) async fn session(&self) -> anyhow::Result<Client> {
        let mut arguments = vec![
            "--headless=new",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-dev-shm-usage",
            "--disable-gpu",
            "--disable-quic",
            "--disable-sync",
            "--hide-scrollbars",
            // Whatever a page asks of others gets no answer.
            "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
            "--no-first-run",
            "--window-size=1280,900",
        ];
        if is_root() {
            arguments.push("--no-sandbox");
        }
        let capabilities = json!({
            "browserName": "chrome",
            "unhandledPromptBehavior": "ignore",
            "goog:chromeOptions": {"binary": self.browser, "args": arguments},
            "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"},
        });
        let Value::Object(capabilities) = capabilities else { unreachable!("it is an object") };
        let address = format!("http://127.0.0.1:{}", self.port);
        let mut builder = ClientBuilder::new(HttpConnector::new());
        builder.capabilities(capabilities).connect(&address).await.context("chromium does not start")
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// `… was started successfully on port 12345.`
fn port(output: &mut impl BufRead) -> Option<u16> {
    let mut lines = output.lines().map_while(Result::ok);
    lines.find_map(|line| line.rsplit_once("successfully on port ")?.1.trim_end_matches('.').parse().ok())
}

/// Chromium has no sandbox for root.
fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output();
    id.is_ok_and(|answer| answer.stdout.trim_ascii() == b"0")
}

/// A command that only chromedriver knows.
#[derive(Debug)]
pub(crate) struct Own {
    /// Below the session.
    pub(crate) path: &'static str,
    /// What is sent.
    pub(crate) body: Value,
}

impl WebDriverCompatibleCommand for Own {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, ParseError> {
        base.join(&format!("session/{}/{}", session.unwrap_or_default(), self.path))
    }

    fn method_and_body(&self, _: &Url) -> (axum::http::Method, Option<String>) {
        (axum::http::Method::POST, Some(self.body.to_string()))
    }
}
