//! The CPU time of another process.

use std::time::Duration;

use crate::Result;

/// Whether [`time_of`] has an answer on this system.
pub(crate) const KNOWN: bool = cfg!(target_os = "linux");

/// User and system time of all threads of a process, ended ones included.
///
/// # Errors
/// When there is no such process.
#[cfg(target_os = "linux")]
pub(crate) fn time_of(process: u32) -> Result<Option<Duration>> {
    // `USER_HZ` is 100 on all that this is likely to run on.
    const TICK: Duration = Duration::from_millis(10);
    let text = std::fs::read_to_string(format!("/proc/{process}/stat"))?;
    // The program's name is in parentheses, and may contain some itself; utime and stime are the 14th and 15th of all
    // fields, the 12th and 13th after it.
    let fields = text.rsplit_once(')').map_or("", |(_, fields)| fields).split_whitespace();
    let ticks = fields.skip(11).take(2).map(str::parse::<u32>).sum::<std::result::Result<u32, _>>()?;
    Ok(Some(TICK * ticks))
}

/// Not known here.
#[cfg(not(target_os = "linux"))]
#[allow(clippy::unnecessary_wraps, reason = "there are errors where it is known")]
pub(crate) fn time_of(_process: u32) -> Result<Option<Duration>> {
    Ok(None)
}
