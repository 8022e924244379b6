//! The program without the clients of container engines lets the one that has them do it.

use std::process::ExitCode;

use super::{Answered, Asked, LogRequest};
use tools::pins::EnvironmentKind;

use crate::commands::Format;
use crate::commands::doctor::need_an_engine;
use crate::context::Context;
use crate::environment::{RealEnvironment, Record};
use crate::handover::{hand_over, is_built};

/// Brings an environment up. Where no engine answers, the program that can is not built for it: that takes minutes.
pub(in crate::commands) fn start(context: &Context, kind: EnvironmentKind) -> anyhow::Result<ExitCode> {
    if !is_built() {
        need_an_engine(context, kind)?;
    }
    hand_over(context)
}

/// Takes environments down.
pub(in crate::commands) fn down(context: &Context, _: &[Record]) -> anyhow::Result<ExitCode> {
    hand_over(context)
}

/// Prints what there is of each.
pub(in crate::commands) fn status(
    context: &Context,
    _: &[RealEnvironment],
    _: Format,
) -> anyhow::Result<ExitCode> {
    hand_over(context)
}

/// Prints what its parts say.
pub(in crate::commands) fn logs(
    context: &Context,
    _: &RealEnvironment,
    _: &LogRequest<'_>,
) -> anyhow::Result<ExitCode> {
    hand_over(context)
}

/// Does what is asked to its cluster.
pub(in crate::commands) fn sim(
    context: &Context,
    _: &RealEnvironment,
    _: &Asked,
) -> anyhow::Result<Answered> {
    hand_over(context).map(Answered::Elsewhere)
}
