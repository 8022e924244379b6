//! Durations in manifests: `90s`, `45m`, `1h30m`, `7d`.

use super::span::Seconds;

/// Reads a duration of at least a second.
pub(crate) fn parse(text: &str) -> Option<Seconds> {
    let mut rest = text;
    let mut sum: Seconds = 0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).filter(|digits| *digits > 0)?;
        let number: Seconds = rest[..digits].parse().ok()?;
        let unit = match rest.as_bytes()[digits] {
            b's' => 1,
            b'm' => 60,
            b'h' => 60 * 60,
            b'd' => 24 * 60 * 60,
            _ => return None,
        };
        sum = sum.checked_add(number.checked_mul(unit)?)?;
        rest = &rest[digits + 1..];
    }
    // Longer ones would leave the calendar.
    (1..=100 * 365 * 24 * 60 * 60).contains(&sum).then_some(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_or_refused() {
        for (text, seconds) in
            [("90s", 90), ("45m", 2_700), ("1h30m", 5_400), ("7d", 604_800), ("1h1s", 3_601)]
        {
            assert_eq!(parse(text), Some(seconds), "{text}");
        }
        for text in
            ["", "0s", "5", "m", "1x", "-1s", "1.5h", "1h 5m", "99999999999999999999d", "9000000d", "1ä"]
        {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
