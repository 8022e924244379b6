//! Colours: names, the classic palette, thresholds and continuous schemes.

use crate::model::{Color, FieldOptions, ThresholdMode, Thresholds};

/// Dark or light.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Theme {
    /// Light text on dark ground.
    #[default]
    Dark,
    /// Dark text on light ground.
    Light,
}

/// What Grafana takes where it has no colour.
const FALLBACK: &str = "#808080";

/// From super light to dark, for each hue of the dark theme. The light theme is one step darker.
const HUES: [(&str, [&str; 6]); 6] = [
    ("red", ["#FFA6B0", "#FF7383", "#F2495C", "#E02F44", "#C4162A", "#AD0317"]),
    ("orange", ["#FFCB7D", "#FFB357", "#FF9830", "#FF780A", "#FA6400", "#E55400"]),
    ("yellow", ["#FFF899", "#FFEE52", "#FADE2A", "#F2CC0C", "#E0B400", "#CC9D00"]),
    ("green", ["#C8F2C2", "#96D98D", "#73BF69", "#56A64B", "#37872D", "#19730E"]),
    ("blue", ["#C0D8FF", "#8AB8FF", "#5794F2", "#3274D9", "#1F60C4", "#1250B0"]),
    ("purple", ["#DEB6F2", "#CA95E5", "#B877D9", "#A352CC", "#8F3BB8", "#7C2EA3"]),
];
const SHADES: [&str; 5] = ["super-light-", "light-", "", "semi-dark-", "dark-"];

/// The colours of series in their order.
const CLASSIC: [&str; 64] = [
    "green",
    "yellow",
    "blue",
    "orange",
    "red",
    "purple",
    "dark-green",
    "dark-yellow",
    "dark-blue",
    "dark-orange",
    "dark-red",
    "dark-purple",
    "super-light-green",
    "super-light-yellow",
    "super-light-blue",
    "super-light-orange",
    "super-light-red",
    "super-light-purple",
    "#447EBC",
    "#C15C17",
    "#890F02",
    "#0A437C",
    "#6D1F62",
    "#584477",
    "#B7DBAB",
    "#F4D598",
    "#70DBED",
    "#F9BA8F",
    "#F29191",
    "#82B5D8",
    "#E5A8E2",
    "#AEA2E0",
    "#629E51",
    "#E5AC0E",
    "#64B0C8",
    "#E0752D",
    "#BF1B00",
    "#0A50A1",
    "#962D82",
    "#614D93",
    "#9AC48A",
    "#F2C96D",
    "#65C5DB",
    "#F9934E",
    "#EA6460",
    "#5195CE",
    "#D683CE",
    "#806EB7",
    "#3F6833",
    "#967302",
    "#2F575E",
    "#99440A",
    "#58140C",
    "#052B51",
    "#511749",
    "#3F2B5B",
    "#E0F9D7",
    "#FCEACA",
    "#CFFAFF",
    "#F9E2D2",
    "#FCE2DE",
    "#BADFF4",
    "#F9D9F9",
    "#DEDAF7",
];

/// The code of a colour that a dashboard names. What is no name is taken for a code, if it is one.
pub fn by_name(name: &str, theme: Theme) -> String {
    for (hue, colors) in &HUES {
        let Some(shade) =
            name.strip_suffix(hue).and_then(|shade| SHADES.iter().position(|known| *known == shade))
        else {
            continue;
        };
        return colors[shade + usize::from(theme == Theme::Light)].to_owned();
    }
    match (name, theme) {
        ("transparent", Theme::Dark) => "rgba(0, 0, 0, 0)",
        ("transparent", Theme::Light) => "rgba(255, 255, 255, 0)",
        ("text", Theme::Dark) => "#ccccdc",
        ("text", Theme::Light) => "#24292e",
        ("panel-bg", Theme::Dark) => "#181b1f",
        ("panel-bg", Theme::Light) | ("white", _) => "#ffffff",
        ("black", _) => "#000000",
        ("gray" | "grey", _) => FALLBACK,
        (code, _) if is_code(code) => code,
        // A colour is written into a style: nothing else may get there.
        _ => FALLBACK,
    }
    .to_owned()
}

/// `#abc`, `#aabbcc`, `rgb(…)`, `rgba(…)`, `hsl(…)` or a plain word such as `teal`.
fn is_code(text: &str) -> bool {
    if let Some(digits) = text.strip_prefix('#') {
        return matches!(digits.len(), 3 | 4 | 6 | 8) && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    }
    let function = ["rgb(", "rgba(", "hsl(", "hsla("].iter().find_map(|start| text.strip_prefix(start));
    if let Some(arguments) = function.and_then(|rest| rest.strip_suffix(')')) {
        return arguments.len() <= 64
            && arguments.bytes().all(|byte| byte.is_ascii_digit() || b" .,%/-".contains(&byte));
    }
    !text.is_empty() && text.len() <= 24 && text.bytes().all(|byte| byte.is_ascii_alphabetic())
}

/// The colour of the series with this number in its panel.
pub fn classic(index: usize, theme: Theme) -> String {
    by_name(CLASSIC[index % CLASSIC.len()], theme)
}

/// The colour of a value by thresholds. `percent` is where it stands between min and max, from 0 to 1.
pub fn by_thresholds(thresholds: &Thresholds, value: f64, percent: f64, theme: Theme) -> String {
    let compared = match thresholds.mode {
        ThresholdMode::Absolute => value,
        ThresholdMode::Percentage => percent * 100.0,
    };
    let mut active = thresholds.steps.first();
    for step in &thresholds.steps {
        if compared >= step.value.unwrap_or(f64::NEG_INFINITY) {
            active = Some(step);
        }
    }
    active.map_or_else(|| FALLBACK.to_owned(), |step| by_name(&step.color, theme))
}

/// The corners of a continuous scheme.
fn scheme(mode: &str) -> Option<&'static [&'static str]> {
    Some(match mode {
        "continuous-GrYlRd" => &["green", "yellow", "red"],
        "continuous-RdYlGr" => &["red", "yellow", "green"],
        "continuous-BlYlRd" => &["dark-blue", "super-light-yellow", "dark-red"],
        "continuous-YlRd" => &["super-light-yellow", "dark-red"],
        "continuous-BlPu" => &["blue", "purple"],
        "continuous-YlBl" => &["super-light-yellow", "dark-blue"],
        "continuous-blues" => &["panel-bg", "dark-blue"],
        "continuous-reds" => &["panel-bg", "dark-red"],
        "continuous-greens" => &["panel-bg", "dark-green"],
        "continuous-purples" => &["panel-bg", "dark-purple"],
        _ => return None,
    })
}

/// The colour at a place from 0 to 1 in a continuous scheme; nothing for a mode that is none.
pub fn continuous(mode: &str, percent: f64, theme: Theme) -> Option<String> {
    let corners: Vec<[f64; 3]> = scheme(mode)?.iter().map(|name| channels(&by_name(name, theme))).collect();
    let percent = if percent.is_finite() { percent.clamp(0.0, 1.0) } else { 0.0 };
    let mut code = "#".to_owned();
    for channel in 0..3 {
        let values: Vec<f64> = corners.iter().map(|corner| corner[channel]).collect();
        let value = spline(&values, percent).round().clamp(0.0, 255.0) as u8;
        code.push_str(&format!("{value:02x}"));
    }
    Some(code)
}

/// A uniform cubic B-spline that begins and ends in the first and last value.
fn spline(values: &[f64], t: f64) -> f64 {
    let segments = values.len() - 1;
    let i = ((t * segments as f64).floor() as usize).min(segments - 1);
    let (v1, v2) = (values[i], values[i + 1]);
    let v0 = if i > 0 { values[i - 1] } else { 2.0 * v1 - v2 };
    let v3 = if i + 2 < values.len() { values[i + 2] } else { 2.0 * v2 - v1 };
    let t1 = (t - i as f64 / segments as f64) * segments as f64;
    let (t2, t3) = (t1 * t1, t1 * t1 * t1);
    ((1.0 - 3.0 * t1 + 3.0 * t2 - t3) * v0
        + (4.0 - 6.0 * t2 + 3.0 * t3) * v1
        + (1.0 + 3.0 * t1 + 3.0 * t2 - 3.0 * t3) * v2
        + t3 * v3)
        / 6.0
}

/// Of a code with six digits.
fn channels(code: &str) -> [f64; 3] {
    let part = |from: usize| {
        let digits = code.get(from..from + 2).unwrap_or("00");
        f64::from(u8::from_str_radix(digits, 16).unwrap_or(0))
    };
    [part(1), part(3), part(5)]
}

/// What the colour of a value depends on beside its options.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scale {
    /// The lower end.
    pub min: f64,
    /// The upper end.
    pub max: f64,
    /// The number of the series in its panel.
    pub series: usize,
    /// Dark or light.
    pub theme: Theme,
}

impl Scale {
    /// With the ends of the options; where they have none, with those of the unit (percentages) and else with the
    /// smallest and largest of `values`: all numbers of the panel.
    pub fn new(
        options: &FieldOptions,
        values: impl IntoIterator<Item = f64>,
        series: usize,
        theme: Theme,
    ) -> Self {
        let (mut smallest, mut largest) = (f64::INFINITY, f64::NEG_INFINITY);
        for value in values.into_iter().filter(|value| value.is_finite()) {
            smallest = smallest.min(value);
            largest = largest.max(value);
        }
        let (low, high) = match options.unit.as_deref() {
            Some("percent") => (0.0, 100.0),
            Some("percentunit") => (0.0, 1.0),
            _ if smallest <= largest => (smallest, largest),
            _ => (0.0, 100.0),
        };
        Self { min: options.min.unwrap_or(low), max: options.max.unwrap_or(high), series, theme }
    }

    /// Where a value stands between min and max: 0 to 1, and beyond for values outside.
    pub fn percent(&self, value: f64) -> f64 {
        let percent = (value - self.min) / (self.max - self.min);
        if percent.is_finite() { percent } else { 0.0 }
    }

    /// The colour of a value. `default_mode` is the panel type's own: `palette-classic` for time series, `thresholds`
    /// for the others.
    pub fn color(&self, options: &FieldOptions, default_mode: &str, value: f64) -> String {
        let color = options.color.as_ref();
        let mode = color.map_or(default_mode, |color| color.mode.as_str());
        let percent = self.percent(value);
        match mode {
            "fixed" | "shades" => {
                let fixed = color.and_then(|color| color.fixed.as_deref());
                fixed.map_or_else(|| FALLBACK.to_owned(), |name| by_name(name, self.theme))
            }
            "palette-classic" | "palette-classic-by-name" => classic(self.series, self.theme),
            mode if mode.starts_with("continuous-") => {
                continuous(mode, percent, self.theme).unwrap_or_else(|| FALLBACK.to_owned())
            }
            _ => options.thresholds.as_ref().map_or_else(
                || by_name("green", self.theme),
                |thresholds| by_thresholds(thresholds, value, percent, self.theme),
            ),
        }
    }
}

/// The mode of a panel type without colour options.
pub fn default_mode(panel_type: &str) -> &'static str {
    if panel_type == "timeseries" { "palette-classic" } else { "thresholds" }
}

/// Whether a colour is chosen by the value and not by the series.
pub fn is_by_value(color: Option<&Color>, default_mode: &str) -> bool {
    let mode = color.map_or(default_mode, |color| color.mode.as_str());
    mode == "thresholds" || mode.starts_with("continuous-")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::ThresholdStep;

    fn thresholds(mode: ThresholdMode, steps: &[(Option<f64>, &str)]) -> Thresholds {
        let steps =
            steps.iter().map(|(value, color)| ThresholdStep { value: *value, color: (*color).to_owned() });
        Thresholds { mode, steps: steps.collect() }
    }

    #[test]
    fn names_have_grafanas_codes_in_both_themes() {
        let table = [
            ("green", "#73BF69", "#56A64B"),
            ("dark-red", "#C4162A", "#AD0317"),
            ("super-light-blue", "#C0D8FF", "#8AB8FF"),
            ("semi-dark-orange", "#FF780A", "#FA6400"),
            ("#1F60C4", "#1F60C4", "#1F60C4"),
            ("rgba(50, 172, 45, 0.97)", "rgba(50, 172, 45, 0.97)", "rgba(50, 172, 45, 0.97)"),
            ("teal", "teal", "teal"),
            ("red;} body{display:none", FALLBACK, FALLBACK),
            ("url(https://example.org)", FALLBACK, FALLBACK),
            ("", FALLBACK, FALLBACK),
        ];
        for (name, dark, light) in table {
            assert_eq!(by_name(name, Theme::Dark), dark, "{name}");
            assert_eq!(by_name(name, Theme::Light), light, "{name}");
        }
        assert_eq!(classic(0, Theme::Dark), "#73BF69");
        assert_eq!(classic(18, Theme::Dark), "#447EBC");
        assert_eq!(classic(64, Theme::Dark), classic(0, Theme::Dark));
    }

    #[test]
    fn thresholds_hold_from_their_value_on() {
        let absolute = thresholds(
            ThresholdMode::Absolute,
            &[(None, "green"), (Some(80.0), "yellow"), (Some(90.0), "red")],
        );
        for (value, color) in [
            (-1.0, "green"),
            (79.9, "green"),
            (80.0, "yellow"),
            (95.0, "red"),
            (f64::NEG_INFINITY, "green"),
            (f64::NAN, "green"),
        ] {
            assert_eq!(
                by_thresholds(&absolute, value, 0.0, Theme::Dark),
                by_name(color, Theme::Dark),
                "{value}"
            );
        }
        let percentage = thresholds(ThresholdMode::Percentage, &[(None, "green"), (Some(50.0), "red")]);
        assert_eq!(by_thresholds(&percentage, 1.0, 0.5, Theme::Dark), by_name("red", Theme::Dark));
        assert_eq!(by_thresholds(&percentage, 1e9, 0.4, Theme::Dark), by_name("green", Theme::Dark));
        assert_eq!(by_thresholds(&Thresholds::default(), 1.0, 0.0, Theme::Dark), FALLBACK);
    }

    #[test]
    fn continuous_schemes_begin_and_end_in_their_colours() {
        let at = |percent| continuous("continuous-GrYlRd", percent, Theme::Dark).unwrap();
        assert_eq!(at(0.0), "#73bf69");
        assert_eq!(at(1.0), "#f2495c");
        assert_eq!(at(-1.0), at(0.0));
        assert_eq!(at(f64::NAN), at(0.0));
        assert_ne!(at(0.5), at(0.0));
        assert_eq!(continuous("thresholds", 0.5, Theme::Dark), None);
    }

    #[test]
    fn the_mode_decides() {
        let scale = Scale { min: 0.0, max: 100.0, series: 1, theme: Theme::Dark };
        let with = |mode: &str| FieldOptions {
            color: Some(Color { mode: mode.to_owned(), fixed: Some("blue".to_owned()), series_by: None }),
            thresholds: Some(thresholds(ThresholdMode::Absolute, &[(None, "green"), (Some(50.0), "red")])),
            ..FieldOptions::default()
        };
        assert_eq!(scale.color(&with("fixed"), "thresholds", 60.0), by_name("blue", Theme::Dark));
        assert_eq!(scale.color(&with("thresholds"), "palette-classic", 60.0), by_name("red", Theme::Dark));
        assert_eq!(scale.color(&with("palette-classic"), "thresholds", 60.0), by_name("yellow", Theme::Dark));
        assert_eq!(scale.color(&with("continuous-GrYlRd"), "thresholds", 100.0), "#f2495c");
        assert_eq!(
            scale.color(&FieldOptions::default(), default_mode("timeseries"), 60.0),
            by_name("yellow", Theme::Dark)
        );
        assert_eq!(
            scale.color(&FieldOptions::default(), default_mode("stat"), 60.0),
            by_name("green", Theme::Dark)
        );
        assert!(is_by_value(None, "thresholds") && !is_by_value(None, "palette-classic"));
    }

    #[test]
    fn the_ends_come_from_the_options_then_from_the_unit_then_from_the_values() {
        let with = |unit: Option<&str>, min, max| FieldOptions {
            unit: unit.map(str::to_owned),
            min,
            max,
            ..FieldOptions::default()
        };
        let table: [(FieldOptions, &[f64], f64, f64); 5] = [
            (with(None, None, None), &[3.0, f64::NAN, 7.0], 3.0, 7.0),
            (with(None, Some(0.0), None), &[3.0, 7.0], 0.0, 7.0),
            (with(Some("percentunit"), None, None), &[0.3], 0.0, 1.0),
            (with(Some("percent"), None, Some(50.0)), &[3.0], 0.0, 50.0),
            (with(None, None, None), &[], 0.0, 100.0),
        ];
        for (options, values, min, max) in table {
            let scale = Scale::new(&options, values.iter().copied(), 0, Theme::Dark);
            assert_eq!((scale.min, scale.max), (min, max), "{options:?}");
        }
    }

    proptest! {
        #[test]
        fn every_place_of_every_scheme_is_a_colour(percent in any::<f64>(), name in ".{0,30}") {
            for mode in ["continuous-GrYlRd", "continuous-blues", "continuous-YlBl"] {
                prop_assert!(is_code(&continuous(mode, percent, Theme::Light).unwrap()));
            }
            let code = by_name(&name, Theme::Dark);
            let harmless = !code.contains([';', '{', '}', '<', '"', '\'', ':']);
            prop_assert!(harmless, "{}", code);
        }
    }
}
