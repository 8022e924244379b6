//! Schedules of CronJobs: `*/15 * * * *`, in UTC.

use jiff::civil::Date;

use super::span::Seconds;

const DAY: Seconds = 24 * 60 * 60;
/// 2016-01-01: runs are counted from here, long before any fleet's epoch.
const ORIGIN_DAY: i64 = 16_801;
/// 2036-01-01: the days up to here are looked up, later ones are counted one by one.
const TABLE_END: i64 = 24_106;

/// When a CronJob runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Schedule {
    /// The minutes of a day, in order; at least one.
    minutes: Vec<i64>,
    days: Days,
}

/// The days on which there are runs.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Days {
    Every,
    Some {
        rule: DayRule,
        /// Those from [`ORIGIN_DAY`] to [`TABLE_END`], in order.
        table: Vec<i64>,
    },
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct DayRule {
    /// Bit n: on day n of a month, in month n.
    days: u64,
    months: u64,
    /// Sunday is 0.
    weekdays: u64,
    /// Whether day of month, and day of week, were anything but `*`.
    by_day: bool,
    by_weekday: bool,
}

/// The values that a field may have, and names for some.
struct Field {
    name: &'static str,
    least: u32,
    most: u32,
    names: &'static [&'static str],
}

const MINUTE: Field = Field { name: "minute", least: 0, most: 59, names: &[] };
const HOUR: Field = Field { name: "hour", least: 0, most: 23, names: &[] };
const DAY_OF_MONTH: Field = Field { name: "day of month", least: 1, most: 31, names: &[] };
const MONTH: Field = Field {
    name: "month",
    least: 1,
    most: 12,
    names: &["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"],
};
const WEEKDAY: Field = Field {
    name: "day of week",
    least: 0,
    most: 7,
    names: &["sun", "mon", "tue", "wed", "thu", "fri", "sat"],
};

impl Schedule {
    /// Reads the five fields, or one of `@hourly`, `@daily` and so on; an error says what is wrong.
    pub(crate) fn parse(text: &str) -> Result<Schedule, String> {
        let text = match text {
            "@yearly" | "@annually" => "0 0 1 1 *",
            "@monthly" => "0 0 1 * *",
            "@weekly" => "0 0 * * 0",
            "@daily" | "@midnight" => "0 0 * * *",
            "@hourly" => "0 * * * *",
            text => text,
        };
        let fields: Vec<&str> = text.split_ascii_whitespace().collect();
        let [minute, hour, day, month, weekday] = fields[..] else {
            return Err(format!(
                "`{text}` has not the five fields minute, hour, day of month, month, day of week"
            ));
        };
        let weekdays = WEEKDAY.parse(weekday)?;
        let (minutes, hours) = (MINUTE.parse(minute)?, HOUR.parse(hour)?);
        let at = |minute_of_day: &i64| {
            hours >> (minute_of_day / 60) & 1 == 1 && minutes >> (minute_of_day % 60) & 1 == 1
        };
        let rule = DayRule {
            days: DAY_OF_MONTH.parse(day)?,
            months: MONTH.parse(month)?,
            // Both 0 and 7 are Sunday.
            weekdays: (weekdays | weekdays >> 7) & 0x7f,
            by_day: !day.starts_with('*'),
            by_weekday: !weekday.starts_with('*'),
        };
        let days = if rule.is_every_day() {
            Days::Every
        } else {
            let table: Vec<i64> = (ORIGIN_DAY..TABLE_END).filter(|day| rule.holds(*day)).collect();
            // Twenty years have a 29th of February.
            if table.is_empty() {
                return Err(format!("`{text}` never comes"));
            }
            Days::Some { rule, table }
        };
        Ok(Schedule { minutes: (0..24 * 60).filter(at).collect(), days })
    }

    /// How many runs there were before `at`, since long ago.
    pub(crate) fn count(&self, at: Seconds) -> i64 {
        let (day, minute) = (at.div_euclid(DAY), at.rem_euclid(DAY).div_euclid(60));
        let today = if day >= ORIGIN_DAY && self.days.contain(day) {
            // A run begins with its minute.
            self.minutes.partition_point(|run| *run <= minute) as i64
        } else {
            0
        };
        self.days.before(day) * self.daily() + today
    }

    /// When the `number`-th run begins, counted as by [`Schedule::count`], from zero.
    pub(crate) fn moment(&self, number: i64) -> Seconds {
        let (full_days, of_day) = (number.div_euclid(self.daily()), number.rem_euclid(self.daily()));
        let minute = self.minutes.get(of_day as usize).copied().unwrap_or_default();
        self.days.nth(full_days) * DAY + minute * 60
    }

    /// Runs on a day that has any.
    fn daily(&self) -> i64 {
        self.minutes.len().max(1) as i64
    }
}

impl Days {
    fn contain(&self, day: i64) -> bool {
        match self {
            Days::Every => true,
            Days::Some { rule, .. } => rule.holds(day),
        }
    }

    /// How many of them are before `day`.
    fn before(&self, day: i64) -> i64 {
        match self {
            Days::Every => (day - ORIGIN_DAY).max(0),
            Days::Some { rule, table } => {
                let later = (TABLE_END..day).filter(|day| rule.holds(*day)).count();
                (table.partition_point(|run| *run < day) + later) as i64
            }
        }
    }

    /// The `number`-th of them, from zero.
    fn nth(&self, number: i64) -> i64 {
        let number = usize::try_from(number).unwrap_or_default();
        match self {
            Days::Every => ORIGIN_DAY + number as i64,
            Days::Some { rule, table } => table.get(number).copied().unwrap_or_else(|| {
                let mut later = (TABLE_END..).filter(|day| rule.holds(*day));
                later.nth(number - table.len()).unwrap_or(TABLE_END)
            }),
        }
    }
}

impl DayRule {
    fn is_every_day(&self) -> bool {
        let all = |bits: u64, field: &Field| (field.least..=field.most).all(|value| bits >> value & 1 == 1);
        let every_month = all(self.months, &MONTH);
        every_month && all(self.days, &DAY_OF_MONTH) && self.weekdays == 0x7f
    }

    fn holds(&self, day: i64) -> bool {
        let date = Date::new(1970, 1, 1).and_then(|date| date.checked_add(jiff::Span::new().days(day)));
        let Ok(date) = date else { return false };
        let in_month = self.months >> date.month() & 1 == 1;
        let on_day = self.days >> date.day() & 1 == 1;
        let on_weekday = self.weekdays >> date.weekday().to_sunday_zero_offset() & 1 == 1;
        // Either of both, when both are given: cron's old rule.
        in_month && if self.by_day && self.by_weekday { on_day || on_weekday } else { on_day && on_weekday }
    }
}

impl Field {
    /// A list of `*`, `n`, `a-b`, each perhaps with `/step`, as bits.
    fn parse(&self, text: &str) -> Result<u64, String> {
        let wrong =
            || format!("`{text}` is no {}: {} to {}, *, a-b, a,b or */n", self.name, self.least, self.most);
        let mut bits = 0_u64;
        for part in text.split(',') {
            let (range, step) = match part.split_once('/') {
                Some((range, step)) => {
                    (range, step.parse::<u32>().ok().filter(|step| *step > 0).ok_or_else(wrong)?)
                }
                None => (part, 1),
            };
            let (first, last) = match range.split_once('-') {
                _ if range == "*" || range == "?" => (self.least, self.most),
                Some((first, last)) => {
                    (self.value(first).ok_or_else(wrong)?, self.value(last).ok_or_else(wrong)?)
                }
                None => {
                    let value = self.value(range).ok_or_else(wrong)?;
                    (value, if part.contains('/') { self.most } else { value })
                }
            };
            if first > last {
                return Err(wrong());
            }
            for value in (first..=last).step_by(step as usize) {
                bits |= 1 << value;
            }
        }
        Ok(bits)
    }

    fn value(&self, text: &str) -> Option<u32> {
        if let Some(position) = self.names.iter().position(|name| name.eq_ignore_ascii_case(text)) {
            return Some(self.least + position as u32);
        }
        text.parse().ok().filter(|value| (self.least..=self.most).contains(value))
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> Seconds {
        text.parse::<Timestamp>().unwrap().as_second()
    }

    #[test]
    fn the_latest_run_is_where_the_schedule_says() {
        let now = at("2026-11-23T10:07:30Z"); // a Monday
        for (schedule, latest, next) in [
            ("* * * * *", "2026-11-23T10:07:00Z", "2026-11-23T10:08:00Z"),
            ("*/15 * * * *", "2026-11-23T10:00:00Z", "2026-11-23T10:15:00Z"),
            ("7 * * * *", "2026-11-23T10:07:00Z", "2026-11-23T11:07:00Z"),
            ("30 2 * * *", "2026-11-23T02:30:00Z", "2026-11-24T02:30:00Z"),
            ("0 22-23 * * *", "2026-11-22T23:00:00Z", "2026-11-23T22:00:00Z"),
            ("0 3 * * 0", "2026-11-22T03:00:00Z", "2026-11-29T03:00:00Z"),
            ("0 3 * * 7", "2026-11-22T03:00:00Z", "2026-11-29T03:00:00Z"),
            ("0 3 * * mon-fri", "2026-11-23T03:00:00Z", "2026-11-24T03:00:00Z"),
            ("0 0 1 * *", "2026-11-01T00:00:00Z", "2026-12-01T00:00:00Z"),
            ("0 0 1,20 * tue", "2026-11-20T00:00:00Z", "2026-11-24T00:00:00Z"),
            ("@hourly", "2026-11-23T10:00:00Z", "2026-11-23T11:00:00Z"),
            ("5/20 * * * *", "2026-11-23T10:05:00Z", "2026-11-23T10:25:00Z"),
            ("0 0 29 2 *", "2024-02-29T00:00:00Z", "2028-02-29T00:00:00Z"),
        ] {
            let parsed = Schedule::parse(schedule).unwrap();
            let number = parsed.count(now) - 1;
            assert_eq!(
                (parsed.moment(number), parsed.moment(number + 1)),
                (at(latest), at(next)),
                "{schedule}"
            );
        }
    }

    #[test]
    fn what_is_no_schedule_is_refused() {
        for text in [
            "",
            "* * * *",
            "60 * * * *",
            "* 24 * * *",
            "* * 0 * *",
            "* * * 13 *",
            "* * * * 8",
            "*/0 * * * *",
            "5-1 * * * *",
            "a * * * *",
            "0 0 31 2 *",
            "@often",
        ] {
            assert!(Schedule::parse(text).is_err(), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn counting_and_moments_agree(minute in 0_u32..60, hours in 1_u32..24, number in 1_i64..50_000) {
            let schedule = Schedule::parse(&format!("{minute},{} */{hours} * * *", (minute + 17) % 60)).unwrap();
            let moment = schedule.moment(number);
            prop_assert_eq!(schedule.count(moment), number + 1);
            prop_assert_eq!(schedule.count(moment - 1), number);
        }

        #[test]
        fn counting_and_moments_agree_for_single_days_too(weekday in 0_u32..7, number in 1_i64..1_500) {
            // Up to 2044: beyond the table.
            let schedule = Schedule::parse(&format!("0 3 * * {weekday}")).unwrap();
            let moment = schedule.moment(number);
            prop_assert_eq!(schedule.count(moment), number + 1);
            prop_assert_eq!(schedule.count(moment - 1), number);
        }

        #[test]
        fn any_text_is_read_or_refused(text in "[0-9*/,a-z -]{0,20}") {
            let _ = Schedule::parse(&text);
        }
    }
}
