//! Quantities of API objects as the receivers read them. One that does not parse counts as absent: the API server
//! accepts none such.

use k8s_openapi::apimachinery::pkg::api::resource::Quantity as ApiQuantity;
use kubelet_stats::quantity::Quantity;

/// Bytes, pods, whole cores: rounded up.
pub(crate) fn value(quantity: &ApiQuantity) -> Option<i64> {
    parse(quantity).map(Quantity::units)
}

/// Thousandths, rounded up.
pub(crate) fn milli_value(quantity: &ApiQuantity) -> Option<i64> {
    parse(quantity).map(Quantity::millis)
}

/// CPUs, in steps of a millicore.
#[allow(clippy::cast_precision_loss, reason = "below 2^53 millicores no bit is lost")]
pub(crate) fn cpus(quantity: &ApiQuantity) -> Option<f64> {
    milli_value(quantity).map(|milli| milli as f64 / 1000.0)
}

fn parse(quantity: &ApiQuantity) -> Option<Quantity> {
    quantity.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_are_read_as_the_receivers_need_them() {
        for (text, whole, milli, cores) in [
            ("100m", Some(1), Some(100), Some(0.1)),
            ("2", Some(2), Some(2000), Some(2.0)),
            ("64Mi", Some(67_108_864), Some(67_108_864_000), Some(67_108_864.0)),
            ("", None, None, None),
            ("much", None, None, None),
        ] {
            let quantity = ApiQuantity(text.to_owned());
            assert_eq!(
                (value(&quantity), milli_value(&quantity), cpus(&quantity)),
                (whole, milli, cores),
                "{text}"
            );
        }
    }
}
