//! The program without the clients of container engines lets the one that has them do it.

use std::process::ExitCode;

use super::{Answered, Asked, LogRequest};
use crate::commands::Format;
use crate::context::Context;
use crate::environment::{RealEnvironment, Record};
use crate::handover::hand_over;

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
