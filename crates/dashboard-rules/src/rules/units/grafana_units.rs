//! What the units of Grafana measure.

use promql::analysis::units::Unit;

/// What a panel's unit says about its values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Shown {
    /// They have this unit.
    As(Unit),
    /// They are plain numbers: no unit, or one that only says how digits are written.
    Plain,
    /// Anything: the unit is one that nothing is known of.
    Anything,
}

const KIB: f64 = 1024.0;
const KILO: f64 = 1000.0;

/// Grafana's ids, with what one of each is.
const UNITS: &[(&str, Unit)] = &[
    ("percentunit", Unit::ONE),
    ("percent", Unit::PERCENT),
    ("bytes", Unit::BYTE),
    ("kbytes", times(Unit::BYTE, KIB)),
    ("mbytes", times(Unit::BYTE, KIB * KIB)),
    ("gbytes", times(Unit::BYTE, KIB * KIB * KIB)),
    ("tbytes", times(Unit::BYTE, KIB * KIB * KIB * KIB)),
    ("decbytes", Unit::BYTE),
    ("deckbytes", times(Unit::BYTE, KILO)),
    ("decmbytes", times(Unit::BYTE, KILO * KILO)),
    ("decgbytes", times(Unit::BYTE, KILO * KILO * KILO)),
    ("dectbytes", times(Unit::BYTE, KILO * KILO * KILO * KILO)),
    ("bits", Unit::BIT),
    ("decbits", Unit::BIT),
    ("Bps", PER_SECOND_BYTE),
    ("binBps", PER_SECOND_BYTE),
    ("KBs", times(PER_SECOND_BYTE, KILO)),
    ("MBs", times(PER_SECOND_BYTE, KILO * KILO)),
    ("GBs", times(PER_SECOND_BYTE, KILO * KILO * KILO)),
    ("KiBs", times(PER_SECOND_BYTE, KIB)),
    ("MiBs", times(PER_SECOND_BYTE, KIB * KIB)),
    ("GiBs", times(PER_SECOND_BYTE, KIB * KIB * KIB)),
    ("bps", PER_SECOND_BIT),
    ("binbps", PER_SECOND_BIT),
    ("Kbits", times(PER_SECOND_BIT, KILO)),
    ("Mbits", times(PER_SECOND_BIT, KILO * KILO)),
    ("Gbits", times(PER_SECOND_BIT, KILO * KILO * KILO)),
    ("Kibits", times(PER_SECOND_BIT, KIB)),
    ("Mibits", times(PER_SECOND_BIT, KIB * KIB)),
    ("Gibits", times(PER_SECOND_BIT, KIB * KIB * KIB)),
    ("pps", PER_SECOND),
    ("cps", PER_SECOND),
    ("ops", PER_SECOND),
    ("reqps", PER_SECOND),
    ("rps", PER_SECOND),
    ("wps", PER_SECOND),
    ("iops", PER_SECOND),
    ("eps", PER_SECOND),
    ("mps", PER_SECOND),
    ("recps", PER_SECOND),
    ("rowsps", PER_SECOND),
    ("hertz", PER_SECOND),
    ("cpm", PER_MINUTE),
    ("opm", PER_MINUTE),
    ("reqpm", PER_MINUTE),
    ("rpm", PER_MINUTE),
    ("wpm", PER_MINUTE),
    ("ns", times(Unit::SECOND, 1e-9)),
    ("µs", times(Unit::SECOND, 1e-6)),
    ("ms", times(Unit::SECOND, 1e-3)),
    ("s", Unit::SECOND),
    ("m", times(Unit::SECOND, 60.0)),
    ("h", times(Unit::SECOND, 3600.0)),
    ("d", times(Unit::SECOND, 86_400.0)),
    ("dtdurations", Unit::SECOND),
    ("dtdurationms", times(Unit::SECOND, 1e-3)),
    ("dthms", Unit::SECOND),
    ("dtdhms", Unit::SECOND),
];

const PER_SECOND: Unit = Unit { second: -1, ..Unit::ONE };
const PER_MINUTE: Unit = times(PER_SECOND, 1.0 / 60.0);
const PER_SECOND_BYTE: Unit = Unit { second: -1, ..Unit::BYTE };
const PER_SECOND_BIT: Unit = Unit { second: -1, ..Unit::BIT };

const fn times(unit: Unit, scale: f64) -> Unit {
    Unit { scale: unit.scale * scale, ..unit }
}

/// What values in this unit are; `None` for a panel that names none.
pub(super) fn shown(unit: Option<&str>) -> Shown {
    let id = unit.unwrap_or_default().trim();
    if matches!(id, "" | "none" | "short" | "locale" | "sishort" | "sci") {
        return Shown::Plain;
    }
    if let Some((_, unit)) = UNITS.iter().find(|(name, _)| *name == id) {
        return Shown::As(*unit);
    }
    let Some(suffix) = id.strip_prefix("suffix:") else { return Shown::Anything };
    match suffix.trim() {
        "core" | "cores" | "CPU" | "CPUs" | "cpu" | "cpus" | "vCPU" | "vCPUs" => Shown::As(Unit::CORE),
        "m" | "mCPU" | "mcores" | "millicores" => Shown::As(Unit::MILLICORE),
        rate if rate.ends_with("/s") && !rate.contains(['B', 'b']) => Shown::As(PER_SECOND),
        _ => Shown::Anything,
    }
}

/// The one unit of Grafana that such values are usually shown in.
pub(super) fn usual(unit: Unit) -> Option<&'static str> {
    let is = |other: Unit| {
        unit.same_dimension(other) && promql::analysis::units::same_scale(unit.scale, other.scale)
    };
    if unit.loose {
        return None;
    }
    // Of others that are counted per second nobody knows what they are called.
    if is(PER_SECOND) {
        return match unit.of? {
            "packets" => Some("pps"),
            "operations" => Some("iops"),
            _ => None,
        };
    }
    [
        (Unit::BYTE, "bytes"),
        (Unit::BIT, "bits"),
        (PER_SECOND_BYTE, "binBps"),
        (PER_SECOND_BIT, "bps"),
        (Unit::SECOND, "s"),
        (Unit::CORE, "suffix:cores"),
    ]
    .into_iter()
    .find(|(known, _)| is(*known))
    .map(|(_, id)| id)
    .or_else(|| {
        if !unit.is_number() {
            None
        } else if unit.thing > 0 {
            Some("short")
        } else if is(Unit::ONE) {
            Some("percentunit")
        } else {
            is(Unit::PERCENT).then_some("percent")
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_id_is_one_that_grafana_knows() {
        for (id, _) in UNITS {
            assert!(grafana::units::is_known(id), "{id}");
        }
    }

    #[test]
    fn the_usual_unit_of_a_unit_shows_it() {
        for unit in [
            Unit::BYTE,
            Unit::BIT,
            PER_SECOND_BYTE,
            PER_SECOND_BIT,
            Unit::SECOND,
            Unit::CORE,
            Unit::ONE,
            Unit::PERCENT,
        ] {
            let id = usual(unit).unwrap();
            assert_eq!(shown(Some(id)), Shown::As(unit), "{id}");
        }
        assert_eq!(usual(Unit::THING), Some("short"));
        assert_eq!(usual(PER_SECOND), None);
    }

    #[test]
    fn units_say_what_their_values_are() {
        for (id, expected) in [
            (None, Shown::Plain),
            (Some("short"), Shown::Plain),
            (Some("suffix:cores"), Shown::As(Unit::CORE)),
            (Some("suffix: cores"), Shown::As(Unit::CORE)),
            (Some("suffix:errors/s"), Shown::As(PER_SECOND)),
            (Some("suffix:MB/s"), Shown::Anything),
            (Some("furlongs"), Shown::Anything),
            (Some("dateTimeAsIso"), Shown::Anything),
            (Some("bool_yes_no"), Shown::Anything),
        ] {
            assert_eq!(shown(id), expected, "{id:?}");
        }
    }
}
