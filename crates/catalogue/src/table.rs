//! How the tables of metrics are written.

use crate::{AttributeValues, Entity, MetricDef, MetricKind, Receiver, Switch, ValueType};

/// What a row of a table is about, and what switches such rows on.
#[derive(Clone, Copy)]
pub(crate) struct Subject {
    pub(crate) receiver: Receiver,
    pub(crate) entity: &'static Entity,
    pub(crate) switch: Switch,
}

const fn row(
    name: &'static str,
    kind: MetricKind,
    value: ValueType,
    unit: &'static str,
    of: Subject,
) -> MetricDef {
    match kind {
        MetricKind::Gauge => MetricDef::gauge(of.receiver, name, value, unit, of.entity).by(of.switch),
        MetricKind::Counter => MetricDef::counter(of.receiver, name, value, unit, of.entity).by(of.switch),
        MetricKind::UpDownCounter => {
            MetricDef::up_down_counter(of.receiver, name, value, unit, of.entity).by(of.switch)
        }
    }
}

pub(crate) const fn gauge(
    name: &'static str,
    value: ValueType,
    unit: &'static str,
    of: Subject,
) -> MetricDef {
    row(name, MetricKind::Gauge, value, unit, of)
}

pub(crate) const fn counter(
    name: &'static str,
    value: ValueType,
    unit: &'static str,
    of: Subject,
) -> MetricDef {
    row(name, MetricKind::Counter, value, unit, of)
}

pub(crate) const fn up_down(
    name: &'static str,
    value: ValueType,
    unit: &'static str,
    of: Subject,
) -> MetricDef {
    row(name, MetricKind::UpDownCounter, value, unit, of)
}

pub(crate) const fn values(attribute: &'static str, values: &'static [&'static str]) -> AttributeValues {
    AttributeValues { attribute, values }
}

/// Makes a static of each row, its one line of documentation into its description, and `ALL` of all rows.
macro_rules! metrics {
    ($(#[doc = $description:literal] $name:ident = $row:expr;)*) => {
        $(
            #[doc = $description]
            pub static $name: $crate::MetricDef = $row.described($description.trim_ascii_start());
        )*

        /// All of them, in the order of this file.
        pub static ALL: &[&$crate::MetricDef] = &[$(&$name),*];
    };
}
pub(crate) use metrics;
