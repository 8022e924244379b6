//! Points in time in the patterns that Grafana uses (`YYYY-MM-DD HH:mm:ss`).

use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const DAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

/// The tokens, longer ones before their beginnings.
const TOKENS: [&str; 30] = [
    "YYYY", "YY", "MMMM", "MMM", "MM", "M", "DDDD", "DD", "D", "dddd", "ddd", "HH", "H", "hh", "h", "mm",
    "m", "SSS", "ss", "s", "A", "a", "ZZ", "Z", "X", "x", "Do", "Q", "S", "SS",
];

/// Writes a point in time; text in square brackets stays as it is. Nothing when it is too far away.
pub(crate) fn moment_format(milliseconds: i64, pattern: &str, zone: &TimeZone) -> Option<String> {
    let time = Timestamp::from_millisecond(milliseconds).ok()?.to_zoned(zone.clone());
    let mut text = String::with_capacity(pattern.len());
    let mut rest = pattern;
    while let Some(first) = rest.chars().next() {
        if first == '['
            && let Some(end) = rest.find(']')
        {
            text.push_str(&rest[1..end]);
            rest = &rest[end + 1..];
        } else if first == '\\' {
            let mut characters = rest.chars();
            characters.next();
            text.extend(characters.next());
            rest = characters.as_str();
        } else if let Some(token) =
            TOKENS.iter().filter(|token| rest.starts_with(**token)).max_by_key(|token| token.len())
        {
            text.push_str(&write(token, &time));
            rest = &rest[token.len()..];
        } else {
            text.push(first);
            rest = &rest[first.len_utf8()..];
        }
    }
    Some(text)
}

fn write(token: &str, time: &Zoned) -> String {
    let (month, day) = (time.month(), time.day());
    let month_name = MONTHS[usize::from(month.unsigned_abs().saturating_sub(1)).min(11)];
    let day_name = DAYS[usize::from(time.weekday().to_sunday_zero_offset().unsigned_abs()).min(6)];
    let hour_12 = (time.hour() + 11) % 12 + 1;
    let milliseconds = time.subsec_nanosecond() / 1_000_000;
    match token {
        "YYYY" => format!("{:04}", time.year()),
        "YY" => format!("{:02}", time.year().rem_euclid(100)),
        "MMMM" => month_name.to_owned(),
        "MMM" => month_name[..3].to_owned(),
        "MM" => format!("{month:02}"),
        "M" => month.to_string(),
        "DDDD" => format!("{:03}", time.day_of_year()),
        "DD" => format!("{day:02}"),
        "D" => day.to_string(),
        "Do" => format!("{day}{}", ordinal(day)),
        "dddd" => day_name.to_owned(),
        "ddd" => day_name[..3].to_owned(),
        "HH" => format!("{:02}", time.hour()),
        "H" => time.hour().to_string(),
        "hh" => format!("{hour_12:02}"),
        "h" => hour_12.to_string(),
        "mm" => format!("{:02}", time.minute()),
        "m" => time.minute().to_string(),
        "ss" => format!("{:02}", time.second()),
        "s" => time.second().to_string(),
        "SSS" => format!("{milliseconds:03}"),
        "SS" => format!("{:02}", milliseconds / 10),
        "S" => (milliseconds / 100).to_string(),
        "A" => if time.hour() < 12 { "AM" } else { "PM" }.to_owned(),
        "a" => if time.hour() < 12 { "am" } else { "pm" }.to_owned(),
        "Q" => ((month - 1) / 3 + 1).to_string(),
        "X" => time.timestamp().as_second().to_string(),
        "x" => time.timestamp().as_millisecond().to_string(),
        _ => {
            let minutes = time.offset().seconds() / 60;
            let (sign, minutes) = if minutes < 0 { ('-', -minutes) } else { ('+', minutes) };
            let colon = if token == "Z" { ":" } else { "" };
            format!("{sign}{:02}{colon}{:02}", minutes / 60, minutes % 60)
        }
    }
}

fn ordinal(day: i8) -> &'static str {
    match (day % 10, day) {
        (1, day) if day != 11 => "st",
        (2, day) if day != 12 => "nd",
        (3, day) if day != 13 => "rd",
        _ => "th",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_written_as_moment_writes_them() {
        let time = 1_594_671_549_254; // 2020-07-13T20:19:09.254Z
        let table = [
            ("YYYY-MM-DD HH:mm:ss", "2020-07-13 20:19:09"),
            ("MM/DD/YYYY h:mm:ss a", "07/13/2020 8:19:09 pm"),
            ("YYYY-MM", "2020-07"),
            ("ddd, D MMM YY [at] HH[h]", "Mon, 13 Jul 20 at 20h"),
            ("Do MMMM, dddd, [Q]Q", "13th July, Monday, Q3"),
            ("SSS X ZZ Z", "254 1594671549 +0000 +00:00"),
            ("HH\\hmm", "20h19"),
            ("", ""),
        ];
        for (pattern, text) in table {
            assert_eq!(moment_format(time, pattern, &TimeZone::UTC).unwrap(), text, "{pattern}");
        }
        assert_eq!(moment_format(i64::MAX, "YYYY", &TimeZone::UTC), None);
    }
}
