//! Units as products of powers of a few base units.

use std::fmt;

/// What a number counts: a scale times powers of base units.
///
/// The scale is that of the unit: a number of bits has the unit 0.125 bytes, a percentage the unit 0.01.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Unit {
    /// What one of it is, in base units.
    pub scale: f64,
    /// Bytes.
    pub byte: i8,
    /// Seconds.
    pub second: i8,
    /// CPUs that are busy all the time.
    pub core: i8,
    /// Things that are counted.
    pub thing: i8,
    /// Which things; `None` where it does not matter or is not known.
    pub of: Option<&'static str>,
    /// Whether a share of one core, or a number without unit, is as likely as what the powers say.
    pub loose: bool,
}

impl Unit {
    /// A number without unit: a ratio.
    pub const ONE: Self = Self { scale: 1.0, byte: 0, second: 0, core: 0, thing: 0, of: None, loose: false };
    /// Hundredths.
    pub const PERCENT: Self = Self { scale: 0.01, ..Self::ONE };
    /// Bytes.
    pub const BYTE: Self = Self { byte: 1, ..Self::ONE };
    /// Bits.
    pub const BIT: Self = Self { scale: 0.125, ..Self::BYTE };
    /// Seconds.
    pub const SECOND: Self = Self { second: 1, ..Self::ONE };
    /// CPUs.
    pub const CORE: Self = Self { core: 1, ..Self::ONE };
    /// Thousandths of a CPU.
    pub const MILLICORE: Self = Self { scale: 0.001, ..Self::CORE };
    /// Seconds that a CPU was busy.
    pub const CORE_SECOND: Self = Self { core: 1, second: 1, ..Self::ONE };
    /// A number of things.
    pub const THING: Self = Self { thing: 1, ..Self::ONE };

    /// A number of these things.
    pub const fn things(of: &'static str) -> Self {
        Self { of: Some(of), ..Self::THING }
    }

    /// The same in a unit of another size.
    #[must_use]
    pub fn scaled(self, scale: f64) -> Self {
        Self { scale: self.scale * scale, ..self }
    }

    /// The same, less certain.
    #[must_use]
    pub fn loosely(self) -> Self {
        Self { loose: true, ..self }
    }

    /// Per second.
    #[must_use]
    pub fn per_second(self) -> Self {
        self.over(Self::SECOND)
    }

    /// The unit of a product.
    #[must_use]
    pub fn times(self, other: Self) -> Self {
        self.combined(other, 1, self.scale * other.scale)
    }

    /// The unit of a quotient.
    #[must_use]
    pub fn over(self, other: Self) -> Self {
        self.combined(other, -1, self.scale / other.scale)
    }

    fn combined(self, other: Self, sign: i8, scale: f64) -> Self {
        let sum = |a: i8, b: i8| a.saturating_add(b.saturating_mul(sign));
        let thing = sum(self.thing, other.thing);
        let core = sum(self.core, other.core);
        // Pods by nodes is no share of anything.
        let other_things = thing == 0 && self.thing != 0 && (self.of.is_none() || self.of != other.of);
        let second = sum(self.second, other.second);
        // Neither are seconds that have passed per second, of whatever it was that took them.
        let time_by_time = second == 0 && self.second != 0 && core == 0 && self.byte == 0 && other.byte == 0;
        Self {
            scale,
            byte: sum(self.byte, other.byte),
            second,
            core,
            thing,
            of: if thing == 0 { None } else { self.of.or(other.of) },
            loose: other_things || time_by_time || (core != 0 && (self.loose || other.loose)),
        }
    }

    /// The unit of a power; `None` where it has none that can be written down.
    pub fn power(self, exponent: f64) -> Option<Self> {
        let half = |power: i8| -> Option<i8> {
            let exact = f64::from(power) * exponent;
            (exact.fract() == 0.0 && exact.abs() <= 100.0).then_some(exact as i8)
        };
        Some(Self {
            scale: self.scale.powf(exponent),
            byte: half(self.byte)?,
            second: half(self.second)?,
            core: half(self.core)?,
            thing: half(self.thing)?,
            ..self
        })
    }

    /// Whether it measures the same thing, in units of any size. How many things is as good as how many: only what they
    /// are counted against matters.
    pub fn same_dimension(self, other: Self) -> bool {
        self.byte == other.byte && self.second == other.second && self.core == other.core
    }

    /// Whether it has no unit at all: a ratio, or a number of things.
    pub fn is_number(self) -> bool {
        self.byte == 0 && self.second == 0 && self.core == 0
    }

    /// Whether it is certainly a share of something: the units of a quotient have cancelled out.
    pub fn is_ratio(self) -> bool {
        self.is_number() && self.thing == 0 && !self.loose
    }

    /// How many of `other` one of it is.
    pub fn in_units_of(self, other: Self) -> f64 {
        self.scale / other.scale
    }
}

/// Whether a factor is one between units of the same dimension that people use, and not a share or a margin.
pub fn is_conversion(factor: f64) -> bool {
    const KNOWN: [f64; 21] = [
        8.0,
        100.0,
        1e3,
        1e6,
        1e9,
        1e12,
        1024.0,
        1_048_576.0,
        1_073_741_824.0,
        1_099_511_627_776.0,
        60.0,
        3600.0,
        86_400.0,
        8e3,
        8e6,
        8e9,
        8192.0,
        8_388_608.0,
        1e5,
        24.0 * 7.0 * 3600.0,
        125.0,
    ];
    let close = |a: f64, b: f64| (a / b - 1.0).abs() < 1e-9;
    KNOWN.iter().any(|&known| close(factor, known) || close(factor, 1.0 / known))
}

/// Whether two sizes of a unit are the same.
pub fn same_scale(a: f64, b: f64) -> bool {
    (a / b - 1.0).abs() < 1e-9
}

impl fmt::Display for Unit {
    /// In words, as a sentence needs it: `bytes per second`, `cores`, `a ratio`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scaled = |unit: Self| same_scale(self.scale, unit.scale);
        let mut over: Vec<&str> = Vec::new();
        let mut under: Vec<&str> = Vec::new();
        let mut scale = self.scale;
        let mut put = |power: i8, word: &'static str| {
            let list = if power > 0 { &mut over } else { &mut under };
            list.extend(std::iter::repeat_n(word, usize::from(power.unsigned_abs())));
        };
        if self.byte == 1 && scaled(Self::BIT) {
            scale = 1.0;
            put(1, "bits");
        } else {
            put(self.byte, "bytes");
        }
        if self.core == 1 && scaled(Self::MILLICORE) {
            scale = 1.0;
            put(1, "millicores");
        } else {
            put(self.core, "cores");
        }
        if self.is_number() && scaled(Self::PERCENT) && self.thing == 0 {
            scale = 1.0;
            put(1, "percent");
        }
        // A count is named only where nothing else is.
        if self.byte == 0 && self.core == 0 && self.thing > 0 {
            put(self.thing, "things");
        }
        put(self.second, "seconds");
        let under: Vec<&str> = under.into_iter().map(|word| word.strip_suffix('s').unwrap_or(word)).collect();
        let mut text = match (over.is_empty(), under.is_empty()) {
            (true, true) => "a number without unit".to_owned(),
            (true, false) => format!("a number per {}", under.join(" and ")),
            (false, true) => over.join(" times "),
            (false, false) => format!("{} per {}", over.join(" times "), under.join(" and ")),
        };
        if text == "things" {
            "a count".clone_into(&mut text);
        } else if text == "things per second" {
            "a count per second".clone_into(&mut text);
        }
        f.write_str(&text)?;
        if same_scale(scale, 1.0) { Ok(()) } else { write!(f, " (in units of {scale})") }
    }
}
