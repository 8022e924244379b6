//! Many values into one.

use crate::frame::Value;

/// What people call a reducer, as it stands over columns.
pub fn title(reducer: &str) -> &str {
    match reducer {
        "lastNotNull" => "Last *",
        "last" => "Last",
        "firstNotNull" => "First *",
        "first" => "First",
        "min" => "Min",
        "max" => "Max",
        "mean" => "Mean",
        "median" => "Median",
        "sum" => "Total",
        "count" => "Count",
        "range" => "Range",
        "diff" => "Difference",
        "diffperc" => "Difference percent",
        "delta" => "Delta",
        "stdDev" => "StdDev",
        "variance" => "Variance",
        "distinctCount" => "Distinct Count",
        other => other,
    }
}

/// Whether a reducer is known.
pub fn is_known(reducer: &str) -> bool {
    title(reducer) != reducer
}

/// Makes one value of many. Nothing for an unknown reducer, and for those that need a number where there is none.
pub fn reduce(reducer: &str, values: &[Value]) -> Value {
    let present = || values.iter().filter(|value| !matches!(value, Value::Null));
    let numbers = || {
        values.iter().filter_map(|value| if let Value::Number(number) = value { Some(*number) } else { None })
    };
    let number = |number: Option<f64>| number.map_or(Value::Null, Value::Number);
    let not_nan = |value: &&Value| !matches!(value, Value::Number(number) if number.is_nan());
    match reducer {
        "last" => values.last().cloned().unwrap_or(Value::Null),
        "first" => values.first().cloned().unwrap_or(Value::Null),
        "lastNotNull" => present().rev().find(not_nan).cloned().unwrap_or(Value::Null),
        "firstNotNull" => present().find(not_nan).cloned().unwrap_or(Value::Null),
        "count" => Value::Number(values.len() as f64),
        "distinctCount" => {
            let distinct: std::collections::HashSet<String> = values.iter().map(Value::to_text).collect();
            Value::Number(distinct.len() as f64)
        }
        "sum" => Value::Number(numbers().sum()),
        "min" => number(numbers().filter(|number| !number.is_nan()).reduce(f64::min)),
        "max" => number(numbers().filter(|number| !number.is_nan()).reduce(f64::max)),
        "mean" => number(mean(&numbers().collect::<Vec<_>>())),
        "median" => number(median(numbers().collect())),
        "range" => {
            let extremes =
                |pick: fn(f64, f64) -> f64| numbers().filter(|number| !number.is_nan()).reduce(pick);
            number(extremes(f64::max).zip(extremes(f64::min)).map(|(max, min)| max - min))
        }
        "diff" => number(numbers().next().zip(numbers().next_back()).map(|(first, last)| last - first)),
        "diffperc" => {
            number(numbers().next().zip(numbers().next_back()).map(|(first, last)| (last - first) / first))
        }
        "delta" => number(delta(&numbers().collect::<Vec<_>>())),
        "variance" => number(variance(&numbers().collect::<Vec<_>>())),
        "stdDev" => number(variance(&numbers().collect::<Vec<_>>()).map(f64::sqrt)),
        _ => Value::Null,
    }
}

fn mean(numbers: &[f64]) -> Option<f64> {
    if numbers.is_empty() { None } else { Some(numbers.iter().sum::<f64>() / numbers.len() as f64) }
}

fn median(mut numbers: Vec<f64>) -> Option<f64> {
    numbers.sort_by(f64::total_cmp);
    let middle = numbers.len() / 2;
    let upper = *numbers.get(middle)?;
    Some(if numbers.len() % 2 == 1 { upper } else { (numbers[middle - 1] + upper) / 2.0 })
}

fn variance(numbers: &[f64]) -> Option<f64> {
    let mean = mean(numbers)?;
    let squares: f64 = numbers.iter().map(|number| (number - mean).powi(2)).sum();
    Some(squares / numbers.len() as f64)
}

/// The growth of a counter, which may start anew.
fn delta(numbers: &[f64]) -> Option<f64> {
    numbers.first()?;
    let steps = numbers.windows(2).map(|pair| if pair[1] < pair[0] { pair[1] } else { pair[1] - pair[0] });
    Some(steps.sum())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reducers_give_what_grafana_gives() {
        let values = [
            Value::Number(4.0),
            Value::Null,
            Value::Number(1.0),
            Value::Number(7.0),
            Value::Number(2.0),
            Value::Null,
        ];
        let table = [
            ("last", Value::Null),
            ("lastNotNull", Value::Number(2.0)),
            ("first", Value::Number(4.0)),
            ("min", Value::Number(1.0)),
            ("max", Value::Number(7.0)),
            ("mean", Value::Number(3.5)),
            ("median", Value::Number(3.0)),
            ("sum", Value::Number(14.0)),
            ("count", Value::Number(6.0)),
            ("range", Value::Number(6.0)),
            ("diff", Value::Number(-2.0)),
            ("diffperc", Value::Number(-0.5)),
            ("delta", Value::Number(1.0 + 6.0 + 2.0)),
            ("variance", Value::Number(5.25)),
            ("nonsense", Value::Null),
        ];
        for (reducer, expected) in table {
            assert_eq!(reduce(reducer, &values), expected, "{reducer}");
        }
        assert_eq!(reduce("mean", &[]), Value::Null);
        assert_eq!(reduce("lastNotNull", &[Value::from("a"), Value::Number(f64::NAN)]), Value::from("a"));
    }
}
