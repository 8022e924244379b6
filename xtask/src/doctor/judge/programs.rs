//! The toolchain and the tools.

use std::path::Path;

use super::{Line, Question, seen};
use crate::doctor::deadline::Observed;
use crate::doctor::probes::Toolchain;
use tools::pins::ToolName;
use tools::{HTTPS_BUILD, Missing, Obtainable, Origin, Tool, Unfit, Version, install};

/// What the workspace is written for.
const MINIMUM: &str = env!("CARGO_PKG_RUST_VERSION");

pub(super) fn toolchain(_: &Question<'_>, observed: &Observed<Toolchain>) -> Line {
    const NAME: &str = "cargo";
    const FIX: &str = "rustup update stable";
    let toolchain = match seen(NAME, observed, false, FIX) {
        Ok(toolchain) => toolchain,
        Err(line) => return line,
    };
    let (cargo, rustc) = match (&toolchain.cargo, &toolchain.rustc) {
        (Ok(cargo), Ok(rustc)) => (cargo, rustc),
        (Err(why), _) | (_, Err(why)) => return Line::lacking(NAME, why, FIX).required_if(false),
    };
    let summary = format!("cargo {cargo}, rustc {rustc}");
    // The manifest leaves the last number out.
    let minimum: Option<Version> =
        [MINIMUM.to_owned(), format!("{MINIMUM}.0")].iter().find_map(|text| text.parse().ok());
    if minimum.is_some_and(|minimum| *cargo < minimum || *rustc < minimum) {
        // It has built this program, so it is not the one that is run; but it is what the next build takes.
        return Line::lacking(NAME, format!("{summary}: {MINIMUM} or newer is needed"), FIX)
            .required_if(true);
    }
    Line::ok(NAME, summary).required_if(true)
}

pub(super) fn tool(
    question: &Question<'_>,
    name: ToolName,
    observed: &Observed<Result<Tool, Missing>>,
) -> Line {
    let required = question.asked.kind.is_some_and(|kind| kind.tools().contains(&name));
    let by_hand = install(name, question.os);
    let looked = match seen(name.program(), observed, required, &by_hand) {
        Ok(looked) => looked,
        Err(line) => return line,
    };
    let missing = match looked {
        Ok(tool) => {
            let summary = format!("{} from {}: {}", tool.version, tool.origin, tool.path.display());
            return Line::ok(name.program(), summary).required_if(required);
        }
        Err(missing) => missing,
    };
    let unfit = missing.unfit.as_ref().map_or_else(|| "not in PATH".to_owned(), ToString::to_string);
    if let Some(Unfit::Mute { origin: Origin::Path, path, .. }) = &missing.unfit {
        // Another one would perhaps fail of the same, so none is downloaded in its place.
        return Line::lacking(name.program(), unfit, mend(name, path)).required_if(required);
    }
    let version = &question.pins.tool(name).version;
    match &missing.download {
        Obtainable::Yes { .. } if question.asked.offline => {
            let summary = format!("{unfit}; --offline forbids to download {version}");
            let fix = format!("{HTTPS_BUILD} pins fetch {name}, while there is a network");
            Line::lacking(name.program(), summary, fix).required_if(required)
        }
        Obtainable::Yes { .. } if question.https => Line {
            required,
            fix: Some(format!("{HTTPS_BUILD} pins fetch {name}")),
            ..Line::info(name.program(), format!("{unfit}; {version} is downloaded when it is needed"))
        },
        Obtainable::Yes { .. } => {
            let summary = format!("{unfit}; {version} can be downloaded by a build with TLS");
            Line::lacking(name.program(), summary, format!("{HTTPS_BUILD} pins fetch {name}"))
                .required_if(required)
        }
        Obtainable::NoHash => {
            let summary = format!("{unfit}; nobody has pinned the hash of {version} for this machine yet");
            let fix = match question.os {
                tools::Os::Linux => format!("{HTTPS_BUILD} pins update"),
                _ => by_hand,
            };
            Line::lacking(name.program(), summary, fix).required_if(required)
        }
        Obtainable::NotBuilt => {
            let summary = format!("{unfit}; its makers do not build it for this machine");
            Line::lacking(name.program(), summary, "build it from its sources, and put it into PATH")
                .required_if(required)
        }
    }
}

/// What to do about a program that is there and fails.
fn mend(name: ToolName, path: &Path) -> String {
    let arguments: Vec<&str> = name.version_arguments().to_vec();
    let configuration = match name {
        ToolName::Kwokctl => " (its configuration is ~/.kwok/kwok.yaml)",
        ToolName::K3d | ToolName::Helm => "",
    };
    let (path, arguments) = (path.display(), arguments.join(" "));
    format!("mend what `{path} {arguments}` complains about{configuration}, or take it out of PATH")
}
