//! `cargo xtask pins list`.

use std::process::ExitCode;

use serde_json::json;

use crate::commands::Format;
use crate::ui::{Table, print_result};
use tools::pins::Pins;

/// Show what is pinned, and which hashes are not known yet.
#[derive(clap::Args)]
pub(super) struct List {
    /// How to print it.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

impl List {
    pub(super) fn run(self, pins: &Pins) -> anyhow::Result<ExitCode> {
        print_result(&match self.format {
            Format::Text => text(pins),
            Format::Json => format!("{}\n", serde_json::to_string_pretty(&in_json(pins))?),
        })?;
        Ok(ExitCode::SUCCESS)
    }
}

fn text(pins: &Pins) -> String {
    let mut table = Table::default();
    for column in ["what", "pinned", "known", "for"] {
        table.text_column(column);
    }
    for (name, pin) in &pins.tools {
        let known = pin.downloads.values().filter(|download| download.sha256.is_some()).count();
        table.row(vec![
            name.to_string(),
            format!("{} (from PATH: {} or newer)", pin.version, pin.minimum),
            format!("{known} of {} hashes", pin.downloads.len()),
            String::new(),
        ]);
    }
    for (name, chart) in &pins.charts {
        let known = if chart.sha256.is_some() { "hash" } else { "no hash" };
        table.row(vec![format!("chart {name}"), chart.version.to_string(), known.to_owned(), String::new()]);
    }
    for (name, pin) in &pins.images {
        let kinds: Vec<String> = pin.environments.iter().map(ToString::to_string).collect();
        let optional = if pin.optional { ", on demand" } else { "" };
        table.row(vec![
            format!("image {name}"),
            pin.image.to_string(),
            if pin.digest.is_some() { "digest" } else { "no digest: used by its tag" }.to_owned(),
            format!("{}{optional}", kinds.join(", ")),
        ]);
    }
    table.render()
}

fn in_json(pins: &Pins) -> serde_json::Value {
    let files: Vec<_> = pins
        .files()
        .iter()
        .map(|file| {
            let sha256 = file.sha256.map(|hash| hash.to_string());
            json!({"name": file.name(), "url": file.url, "sha256": sha256})
        })
        .collect();
    let images: Vec<_> = pins
        .images
        .iter()
        .map(|(name, pin)| {
            json!({
                "name": name,
                "image": pin.image.to_string(),
                "pull": pin.to_pull(),
                "digest": pin.digest.map(|digest| digest.to_string()),
                "megabytes": pin.megabytes,
                "for": pin.environments,
                "optional": pin.optional,
            })
        })
        .collect();
    json!({"files": files, "images": images})
}
