//! Digits.

use super::Formatted;
use crate::json::javascript_number;

/// JavaScript rounds halves up, also below zero.
fn round(value: f64) -> f64 {
    let rounded = value.round();
    if rounded - value == -0.5 { rounded + 1.0 } else { rounded }
}

/// As many digits after the point as the size of a number deserves: about three that say something.
fn decimals_for(value: f64) -> f64 {
    if value.fract() == 0.0 {
        return 0.0;
    }
    let log10 = (value.abs().ln() / std::f64::consts::LN_10).floor();
    let mut decimals = 1.0 - log10;
    let norm = value / 10_f64.powf(-decimals);
    if norm > 2.25 {
        decimals += 1.0;
    }
    decimals.max(0.0)
}

/// Writes a number with a fixed count of digits after the point.
pub fn to_fixed(value: f64, decimals: Option<f64>) -> String {
    /// More digits than a double has.
    const MOST: f64 = 20.0;
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "∞" } else { "-∞" }.to_owned();
    }
    let decimals = decimals.filter(|decimals| decimals.is_finite()).unwrap_or_else(|| decimals_for(value));
    let decimals = decimals.clamp(0.0, MOST).floor();
    if value == 0.0 {
        return format!("{:.*}", decimals as usize, 0.0);
    }
    let factor = 10_f64.powf(decimals);
    let scaled = value * factor;
    // Beyond this there is nothing to round.
    let rounded = if scaled.is_finite() { round(scaled) / factor } else { value };
    let mut text = javascript_number(rounded);
    if text.contains('e') || decimals == 0.0 {
        return text;
    }
    let written = text.find('.').map_or(0, |point| text.len() - point - 1);
    let missing = (decimals as usize).saturating_sub(written);
    if written == 0 {
        text.push('.');
    }
    text.extend(std::iter::repeat_n('0', missing));
    text
}

/// Divides by a power of `factor` so that the number is short, and appends the name of the power. `base` is the place
/// among `names` that the value counts in.
pub(super) fn scaled(
    value: f64,
    decimals: Option<f64>,
    factor: f64,
    names: &[String],
    base: i32,
) -> Formatted {
    if !value.is_finite() {
        return Formatted::text(to_fixed(value, decimals));
    }
    let last = i32::try_from(names.len()).unwrap_or(i32::MAX) - 1;
    // Zero has no size.
    let power = if value == 0.0 { 0.0 } else { (value.abs().log10() / factor.log10()).floor() };
    let power = (power as i32).clamp(-base, last - base);
    let name = names.get(usize::try_from(base + power).unwrap_or(0)).map_or("", String::as_str);
    Formatted::with_suffix(to_fixed(value / factor.powi(power), decimals), name)
}

/// With commas between thousands, as a browser set to English writes it.
pub(super) fn grouped(value: f64, decimals: Option<f64>) -> String {
    if !value.is_finite() {
        return to_fixed(value, decimals);
    }
    let most = decimals.filter(|decimals| decimals.is_finite()).unwrap_or(3.0).clamp(0.0, 20.0) as usize;
    let text = format!("{:.most$}", value.abs());
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let fraction = fraction.trim_end_matches('0');
    let mut result = String::new();
    for (i, digit) in whole.chars().enumerate() {
        if i > 0 && (whole.len() - i) % 3 == 0 {
            result.push(',');
        }
        result.push(digit);
    }
    if !fraction.is_empty() {
        result.push('.');
        result.push_str(fraction);
    }
    if value < 0.0 && result.chars().any(|c| c.is_ascii_digit() && c != '0') {
        format!("-{result}")
    } else {
        result
    }
}

/// `1.23e+4`
pub(super) fn scientific(value: f64, decimals: Option<f64>) -> String {
    if !value.is_finite() {
        return to_fixed(value, decimals);
    }
    let text = match decimals.filter(|decimals| decimals.is_finite()) {
        Some(decimals) => format!("{value:.*e}", decimals.clamp(0.0, 20.0) as usize),
        None => format!("{value:e}"),
    };
    if text.contains("e-") { text } else { text.replace('e', "e+") }
}
