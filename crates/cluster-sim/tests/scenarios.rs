//! Files that say what is to be provoked when.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

mod common;

use cluster_sim::provocation::Moment;
use cluster_sim::{Action, Scenario};
use common::{after, simulation};
use jiff::{SignedDuration, Timestamp};

const GOOD: &str = "\
# a bad day
- {at: 5m, action: node-down, target: general-0003, for: 10m}
- at: -30m
  action: scale
  target: shop/catalogue
  replicas: 12
- {at: 2026-03-03T10:00:00Z, action: spike, target: deployment/shop/cart, cpu: x4, memory: 512Mi, for: 1m30s}
- {at: 0s, action: fill-volume, target: search-0, to: 98}
- {at: +1h, action: rollout, target: notifier}
";

#[test]
fn a_scenario_is_read_and_its_times_are_relative_to_the_start_or_absolute() {
    let scenario = Scenario::parse("day.yaml", GOOD).unwrap();
    let start: Timestamp = "2026-03-03T12:00:00Z".parse().unwrap();
    let requests = scenario.requests(start).unwrap();
    let texts: Vec<String> = requests
        .iter()
        .map(|(place, request)| {
            let until = request.until.map(|until| format!(" to {until}")).unwrap_or_default();
            format!("{place} {} {} {}{until}", request.action.name(), request.target, request.since)
        })
        .collect();
    assert_eq!(
        texts,
        [
            "day.yaml:7:3 spike deployment/shop/cart 2026-03-03T10:00:00Z to 2026-03-03T10:01:30Z",
            "day.yaml:3:3 scale shop/catalogue 2026-03-03T11:30:00Z",
            "day.yaml:8:3 fill-volume search-0 2026-03-03T12:00:00Z",
            "day.yaml:2:3 node-down general-0003 2026-03-03T12:05:00Z to 2026-03-03T12:15:00Z",
            "day.yaml:9:3 rollout notifier 2026-03-03T13:00:00Z",
        ]
    );
    assert_eq!(requests[1].1.action, Action::Scale { replicas: 12 });
    assert_eq!(scenario.steps[0].at, Moment::Relative(SignedDuration::from_mins(5)));
}

#[test]
fn what_a_scenario_asks_for_can_be_provoked() {
    let mut simulation = simulation(50, 200, 1);
    let start = after(&simulation, 24 * 90);
    let scenario = Scenario::parse("day.yaml", GOOD).unwrap();
    for (place, request) in scenario.requests(start).unwrap() {
        simulation.provoke(&request).unwrap_or_else(|error| panic!("{place}: {error}"));
    }
    assert_eq!(simulation.provocations().count(), 5);
}

#[test]
fn nothing_is_a_scenario_too() {
    for text in ["", "# nothing yet\n", "[]", "---\n"] {
        assert_eq!(Scenario::parse("empty.yaml", text).unwrap(), Scenario::default());
    }
}

#[test]
fn every_error_names_its_line_and_field() {
    #[rustfmt::skip]
    let cases: &[(&str, &str, &str)] = &[
        ("hello", "1:1", "a scenario is a list of steps"),
        ("{at: 5m}", "1:1", "a scenario is a list of steps"),
        ("- hello\n", "1:3", "[0]: a step is a mapping, such as `{at: 5m,"),
        ("- {at: 5m, action: rollout, target: a}\n---\n- {at: 5m}\n", "3:1", "a scenario is one document"),
        ("- {at: 5m, action: rollout, target: a\n", "2:1", "did not find expected ',' or '}'"),
        ("- {at: 5m, at: 6m, action: rollout, target: a}\n", "1:12", "the key `at` comes twice"),
        ("- {at: 5m, action: explode, target: a}\n", "1:12", "[0].action: unknown variant `explode`, expected one of `node-down`, `crash`, `oom`, `spike`, `fill-volume`, `scale`, `rollout`"),
        ("- {at: 5m, target: a}\n", "1:3", "[0]: missing field `action`"),
        ("- {at: 5m, action: rollout}\n", "1:3", "[0]: missing field `target`"),
        ("- {action: rollout, target: a}\n", "1:3", "[0]: missing field `at`"),
        ("- {at: 5m, action: scale, target: a}\n", "1:3", "[0]: missing field `replicas`"),
        ("- {at: 5m, action: rollout, target: a, for: 5}\n", "1:40", "[0].for: invalid type: integer `5`, expected a string"),
        ("- {at: 5m, action: rollout, target: a, for: soon}\n", "1:40", "[0].for: `soon` is no duration, such as 90s, 45m or 1h30m"),
        ("- {at: soon, action: rollout, target: a}\n", "1:4", "[0].at: `soon` is neither a duration such as 5m or -1h30m nor a time like 2026-01-31T12:00:00Z"),
        ("- {at: 5m, action: scale, target: a, replicas: -1}\n", "1:38", "[0].replicas: invalid value: integer `-1`, expected"),
        ("- {at: 5m, action: spike, target: a, cpu: lots}\n", "1:38", "[0].cpu: \"lots\" is none of limit, x4, or a quantity"),
        ("- {at: 5m, action: node-down, target: a, lasts: 5m}\n", "1:42", "[0].lasts: unknown field"),
        ("- {at: 5m, action: node-down, target: a, replicas: 5}\n", "1:42", "[0].replicas: unknown field"),
        ("- {at: 5m, action: rollout, target: a}\n-\n", "2:2", "[1]: "),
        ("- {at: 5m, action: rollout, target: }\n", "1:29", "[0].target: invalid type: null, expected a string"),
    ];
    for (text, place, message) in cases {
        let Err(error) = Scenario::parse("day.yaml", text) else { panic!("{text:?} should be refused") };
        let expected = format!("day.yaml:{place}: {message}");
        assert!(error.to_string().starts_with(&expected), "{text:?}\n got {error}\nnot {expected}");
    }
}

#[test]
fn times_out_of_the_calendar_are_refused_with_their_place() {
    let text = "- {at: 9999-12-30T00:00:00Z, action: rollout, target: a, for: 9d}";
    let start = Timestamp::UNIX_EPOCH;
    let error = Scenario::parse("far.yaml", text).unwrap().requests(start).unwrap_err();
    assert_eq!(error.to_string(), "far.yaml:1:3: at: is out of the range of years");
}

proptest::proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in "(?s).{0,200}") {
        let _ = Scenario::parse("any.yaml", &text);
    }

    #[test]
    fn any_damage_is_read_or_refused(at in 0..GOOD.len(), length in 0_usize..40, put in "[a-z0-9:{}\\[\\]\\-,&*!|>'\"%@` \n]{0,6}") {
        let end = (at + length).min(GOOD.len());
        if let Err(error) = Scenario::parse("day.yaml", &format!("{}{put}{}", &GOOD[..at], &GOOD[end..])) {
            proptest::prop_assert!(error.line >= 1 && error.column >= 1);
        }
    }
}
