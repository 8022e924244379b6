//! ResourceQuotas with what is used of them.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{ResourceQuota, ResourceQuotaStatus};

use super::Dates;
use crate::resources::write;

/// A quota of which `used` is used; what nobody uses is zero.
pub(crate) fn quota(
    manifest: &ResourceQuota,
    uid: &str,
    used: &BTreeMap<String, i64>,
    dates: Dates<'_>,
) -> ResourceQuota {
    let mut quota = manifest.clone();
    dates.admit(&mut quota.metadata, uid);
    let hard = quota.spec.as_ref().and_then(|spec| spec.hard.clone()).unwrap_or_default();
    let of = |name: &String| (name.clone(), write(name, used.get(name).copied().unwrap_or(0)));
    quota.status = Some(ResourceQuotaStatus { used: Some(hard.keys().map(of).collect()), hard: Some(hard) });
    quota
}
