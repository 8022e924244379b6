//! Colours as they are written into styles, for one theme or for both.

use crate::color::{Theme, by_name};
use crate::model::Thresholds;

use super::Appearance;

impl Appearance {
    /// Writes the colour that a function gives for each theme.
    pub(super) fn paint(self, color: impl Fn(Theme) -> String) -> String {
        match self {
            Self::Fixed(theme) => color(theme),
            Self::Auto => {
                let (light, dark) = (color(Theme::Light), color(Theme::Dark));
                if light == dark { light } else { format!("light-dark({light}, {dark})") }
            }
        }
    }

    /// A colour by its name.
    pub(super) fn named(self, name: &str) -> String {
        self.paint(|theme| by_name(name, theme))
    }

    /// Black or white, whichever is read better on a colour.
    pub(super) fn on(self, ground: impl Fn(Theme) -> String) -> String {
        self.paint(|theme| if luminance(&ground(theme)) > 0.4 { "#16191d" } else { "#ffffff" }.to_owned())
    }
}

/// The bounds of thresholds as values: each with the colour that begins there. The first is minus infinity.
pub(super) fn bounds(thresholds: &Thresholds, min: f64, max: f64) -> Vec<(f64, &str)> {
    let percentage = thresholds.mode == crate::model::ThresholdMode::Percentage;
    let place = |value: Option<f64>| match value {
        None => f64::NEG_INFINITY,
        Some(value) if percentage => min + (max - min) * value / 100.0,
        Some(value) => value,
    };
    thresholds.steps.iter().map(|step| (place(step.value), step.color.as_str())).collect()
}

/// How bright a code of six digits is, from 0 to 1; other codes count as dark.
fn luminance(code: &str) -> f64 {
    let channel = |from: usize| {
        let digits = code.get(from..from + 2).unwrap_or("00");
        let value = f64::from(u8::from_str_radix(digits, 16).unwrap_or(0)) / 255.0;
        if value <= 0.040_45 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
    };
    0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_theme_gives_a_code_and_both_give_a_choice() {
        assert_eq!(Appearance::Fixed(Theme::Dark).named("green"), "#73BF69");
        assert_eq!(Appearance::Auto.named("green"), "light-dark(#56A64B, #73BF69)");
        assert_eq!(Appearance::Auto.named("#123456"), "#123456");
    }

    #[test]
    fn writing_stands_out_from_its_ground() {
        let on = |code: &str| Appearance::Auto.on(|_| code.to_owned());
        assert_eq!((on("#FADE2A"), on("#1F60C4")), ("#16191d".to_owned(), "#ffffff".to_owned()));
        assert_eq!(on("teal"), "#ffffff");
    }
}
