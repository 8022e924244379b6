use super::*;
use crate::analysis::labels::metric_name;
use crate::{ParseOptions, parse};

struct Example;

impl Schema for Example {
    fn unit(&self, selector: &VectorSelector) -> Option<Unit> {
        Some(match metric_name(selector)? {
            "bytes" => Unit::BYTE,
            "seconds" => Unit::SECOND,
            "cpu" => Unit::CORE_SECOND,
            "cores" => Unit::CORE,
            "millicores" => Unit::MILLICORE,
            "pods" => Unit::things("pod"),
            "nodes" => Unit::things("node"),
            "ratio" => Unit::ONE,
            "latency_sum" => Unit::SECOND,
            "latency_bucket" | "latency_count" => Unit::THING,
            _ => return None,
        })
    }

    fn bucket_unit(&self, _: &VectorSelector) -> Option<Unit> {
        Some(Unit::SECOND)
    }
}

fn analysed(query: &str) -> (Quantity, Units) {
    let options = ParseOptions { experimental: true };
    let expr = parse(query, options).unwrap_or_else(|error| panic!("{query}: {error}"));
    let units = analyse(&expr, &Example);
    (units.of(&expr), units)
}

fn shown(query: &str) -> String {
    match analysed(query).0 {
        Quantity::Unknown => "?".to_owned(),
        Quantity::Number(value) => value.to_string(),
        Quantity::Of(unit) => unit.to_string() + if unit.loose { " or so" } else { "" },
    }
}

#[test]
fn units_go_through_every_operator_and_function() {
    for (query, expected) in [
        ("bytes", "bytes"),
        ("foreign", "?"),
        ("1", "1"),
        ("-(2 + 3) * 4", "-20"),
        ("8 * bytes", "bits"),
        ("bytes * 8 / 8", "bytes"),
        ("rate(bytes[5m])", "bytes per second"),
        ("sum by (a) (rate(bytes[5m])) * 8", "bits per second"),
        ("rate(cpu[5m])", "cores"),
        ("irate(cpu[5m])", "cores"),
        ("increase(bytes[5m])", "bytes"),
        ("deriv(bytes[5m])", "bytes per second"),
        ("rate(pods[5m])", "a count per second"),
        ("rate(seconds[5m])", "a number without unit or so"),
        ("cores / cores", "a number without unit"),
        ("100 * cores / cores", "percent"),
        ("cores * 1000", "millicores"),
        ("millicores / 1000", "cores"),
        ("millicores / 1000 / cores", "a number without unit"),
        ("pods / pods", "a number without unit"),
        ("pods / nodes", "a number without unit or so"),
        ("bytes / pods", "bytes"),
        ("bytes / 1024 / 1024", "bytes (in units of 1048576)"),
        ("1 - ratio", "a number without unit"),
        ("bytes - bytes", "bytes"),
        ("bytes + 1", "bytes"),
        ("bytes > 100", "bytes"),
        ("100 < bytes", "bytes"),
        ("bytes > bool 100", "?"),
        ("sum(cores > bool 1)", "a count"),
        ("sum(cores > bool 1) / count(cores)", "a number without unit or so"),
        ("avg(cores > bool 1)", "?"),
        ("sum(max by (x) (bytes == bool 1))", "a count"),
        ("count(bytes)", "a count"),
        ("max(bytes)", "bytes"),
        ("topk(3, bytes)", "bytes"),
        ("quantile(0.9, seconds)", "seconds"),
        ("stddev(seconds)", "seconds"),
        ("sqrt(stdvar(seconds))", "seconds"),
        ("bytes ^ 2", "bytes times bytes"),
        ("sqrt(bytes)", "?"),
        ("bytes or bytes", "bytes"),
        ("bytes or vector(0)", "bytes"),
        ("bytes or foreign", "?"),
        ("bytes and foreign", "bytes"),
        ("bytes unless foreign", "bytes"),
        ("bytes * foreign", "?"),
        ("bytes + foreign", "?"),
        ("time() - seconds", "seconds"),
        ("timestamp(bytes)", "seconds"),
        ("time()", "seconds"),
        ("max_over_time(rate(bytes[5m])[1h:])", "bytes per second"),
        ("predict_linear(bytes[1h], 3600)", "bytes"),
        ("clamp_min(bytes, 0)", "bytes"),
        ("changes(bytes[5m])", "a count"),
        ("histogram_quantile(0.9, sum by (le) (rate(latency_bucket[5m])))", "seconds"),
        ("rate(latency_sum[5m]) / rate(latency_count[5m])", "seconds"),
        ("label_replace(bytes, \"a\", \"\", \"\", \"\")", "bytes"),
        ("scalar(bytes)", "bytes"),
        ("ln(bytes)", "?"),
        ("bytes % 2", "bytes"),
        ("bytes atan2 bytes", "?"),
        ("absent(bytes)", "?"),
        ("bytes * 0", "?"),
        ("bytes * -1", "bytes"),
        ("1 / seconds", "a number per second"),
    ] {
        assert_eq!(shown(query), expected, "{query}");
        assert!(analysed(query).1.mismatches().is_empty(), "{query}");
    }
}

#[test]
fn sums_of_different_units_are_told() {
    for (query, part) in [
        ("bytes + seconds", "+"),
        ("bytes - cores", "-"),
        ("sum(bytes) > sum(seconds)", ">"),
        ("bytes + 8 * bytes", "+"),
        ("cores - millicores", "-"),
        ("bytes or cores", "or"),
        ("rate(bytes[5m]) + bytes", "+"),
        ("bytes / 1024 < bytes", "<"),
    ] {
        let (_, units) = analysed(query);
        let found: Vec<&str> = units.mismatches().iter().map(|mismatch| mismatch.op_span.of(query)).collect();
        assert_eq!(found, [part], "{query}");
    }
}

#[test]
fn a_share_of_a_unit_agrees_with_the_unit() {
    for query in [
        "bytes > 0.9 * bytes",
        "bytes * 2 + bytes",
        "pods + nodes",
        "pods > bool nodes",
        "1 - ratio > 0.1 * ratio",
    ] {
        assert!(analysed(query).1.mismatches().is_empty(), "{query}");
    }
}
