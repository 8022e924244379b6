//! Everything is drawn.

use anyhow::ensure;

use crate::person::Person;
use crate::site::Site;

pub(crate) async fn the_list(person: &Person, site: &Site) -> anyhow::Result<Vec<String>> {
    person.open("/").await?;
    let listed = person.list(
        "[...document.querySelectorAll('#dashboards a[data-dashboard]')].map((a) => a.dataset.dashboard)",
    );
    let listed = listed.await?;
    let shipped = site.shipped();
    ensure!(shipped.len() == 16, "{} dashboards are shipped", shipped.len());
    Ok(shipped
        .into_iter()
        .filter(|uid| !listed.contains(uid))
        .map(|uid| format!("{uid} is not in the list"))
        .collect())
}

pub(crate) async fn every_dashboard(person: &Person, site: &Site) -> anyhow::Result<Vec<String>> {
    let mut flaws = Vec::new();
    for uid in site.shipped() {
        person.open("/").await?;
        person.click(&format!("#dashboards a[data-dashboard=\"{uid}\"]")).await?;
        person.until("the dashboard has come", "document.querySelectorAll('[data-panel]').length").await?;
        person.settled().await?;
        let folded =
            "[...document.querySelectorAll('details.row:not([open])')].map((row) => row.dataset.row)";
        let folded = person.list(folded).await?;
        if !folded.is_empty() {
            person.open(&format!("/d/{uid}?rows={}", folded.join(","))).await?;
        }
        let undrawn = person.list("probe.undrawn()").await?;
        flaws.extend(undrawn.into_iter().map(|flaw| format!("{uid}: {flaw}")));
    }
    Ok(flaws)
}
