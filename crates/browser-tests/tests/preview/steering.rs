//! Variables, time, links, menus.

use anyhow::{Context as _, ensure};

use crate::person::Person;

/// A plot of several series.
const PLOT: &str = "[data-type=\"timeseries\"] .canvas[data-from]";

/// What the plots look like.
const PICTURE: &str = "[...document.querySelectorAll('.canvas svg')].map((svg) => svg.innerHTML).join()";

/// The values of the parameter `name` in the address.
async fn parameter(person: &Person, name: &str) -> anyhow::Result<String> {
    person.read(&format!("new URLSearchParams(location.search).get('{name}') ?? ''")).await
}

pub(crate) async fn another_namespace(person: &Person) -> anyhow::Result<Vec<String>> {
    let select = "#controls select[name=\"var-namespace\"]";
    person.open("/d/k8s-otel-namespace-pods").await?;
    let others = format!(
        "[...document.querySelector('{select}').options].filter((o) => !o.selected).map((o) => o.value)"
    );
    let other = person.list(&others).await?.first().context("there is one namespace only")?.clone();
    let before = person.read(PICTURE).await?;
    person.choose(select, &other).await?;
    person
        .until("the address says it", &format!("location.search.includes('var-namespace={other}')"))
        .await?;
    person.settled().await?;
    let after = person.read(PICTURE).await?;
    ensure!(before != after, "the panels are as they were");
    ensure!(!parameter(person, "var-cluster").await?.is_empty(), "the address has lost the cluster");
    // Another dashboard that is opened by this address shows the same.
    person.open(&person.address().await?).await?;
    ensure!(
        person.read(&format!("document.querySelector('{select}').value")).await? == other,
        "it is lost when opened again"
    );
    person.list("probe.undrawn()").await
}

pub(crate) async fn several_namespaces(person: &Person) -> anyhow::Result<Vec<String>> {
    let list = "[data-variable=\"namespace\"] details";
    person.open("/d/k8s-otel-health").await?;
    let before = person.read("document.querySelector('main').textContent").await?;
    person.click(&format!("{list} > summary")).await?;
    for number in [2, 3] {
        person.click(&format!("{list} label:nth-of-type({number})")).await?;
    }
    person.picture_if_wanted("several").await;
    // It is taken over when the list is closed.
    person.click("header.top h1").await?;
    let chosen = "new URLSearchParams(location.search).getAll('var-namespace')";
    person.until("two are in the address", &format!("{chosen}.length === 2")).await?;
    person.settled().await?;
    let shown = person.read(&format!("document.querySelector('{list} > summary').textContent")).await?;
    ensure!(shown == person.list(chosen).await?.join(" + "), "the list says {shown}");
    ensure!(
        person.read("document.querySelector('main').textContent").await? != before,
        "the panels are as they were"
    );
    Ok(Vec::new())
}

pub(crate) async fn zoom_and_back(person: &Person) -> anyhow::Result<Vec<String>> {
    person.open("/d/k8s-otel-cluster?from=now-1h&to=now").await?;
    let before = person.read(PICTURE).await?;
    person.drag(PLOT, 0.25, 0.75).await?;
    person
        .until("the range is in the address", "/[?&]from=\\d{13}&to=\\d{13}/.test(location.search)")
        .await?;
    person.settled().await?;
    let width = person
        .see("(({from, to}) => (to - from) / 60000)(document.getElementById('controls').dataset)")
        .await?;
    let minutes = width.as_f64().context("no range is shown")?;
    ensure!((29.0..31.0).contains(&minutes), "the half of an hour has {minutes} minutes");
    ensure!(person.read(PICTURE).await? != before, "the picture is as it was");
    person.back().await?;
    person.until("the address is the old one", "location.search.includes('from=now-1h')").await?;
    person.settled().await?;
    person
        .until(
            "the hour is shown again",
            "document.querySelector('.picker.when summary').textContent === 'Last 1 hour'",
        )
        .await?;
    Ok(Vec::new())
}

pub(crate) async fn hover(person: &Person) -> anyhow::Result<Vec<String>> {
    person.open("/d/k8s-otel-namespace-pods?from=now-1h&to=now").await?;
    person.point_at(PLOT, (0.5, 0.5)).await?;
    let values = "[...document.querySelectorAll('#tooltip li')].map((line) => line.textContent)";
    person.until("a tooltip is there", "document.querySelectorAll('#tooltip li').length").await?;
    person.picture_if_wanted("values").await;
    let shown = person.list(values).await?;
    ensure!(
        shown.iter().all(|line| line.chars().any(|c| c.is_ascii_digit())),
        "there is a line without a value: {shown:?}"
    );
    let instant = person.read("document.querySelector('#tooltip p').textContent").await?;
    ensure!(instant.starts_with("2026-06-01 11:30"), "the middle of the hour is called {instant}");
    let plots = "document.querySelectorAll('.canvas[data-from]').length";
    let marked = "document.querySelectorAll('.canvas[data-from] .crosshair').length";
    ensure!(
        person.see(&format!("{plots} > 2 && {plots} === {marked}")).await? == true,
        "not every plot shows the instant"
    );
    // Elsewhere are other values.
    person.point_at(PLOT, (0.9, 0.5)).await?;
    person
        .until(
            "the instant is another one",
            &format!("!document.querySelector('#tooltip p').textContent.startsWith('{instant}')"),
        )
        .await?;
    person.point_at("header.top h1", (0.5, 0.5)).await?;
    person
        .until("it is gone", "!document.getElementById('tooltip') && !document.querySelector('.crosshair')")
        .await?;
    Ok(Vec::new())
}

pub(crate) async fn drill_down(person: &Person) -> anyhow::Result<Vec<String>> {
    person.open("/d/k8s-otel-cluster?var-cluster=kwok&from=now-30m&to=now").await?;
    let namespace = person
        .read("document.querySelector('.table a[href*=\"/d/k8s-otel-namespace-pods\"]').textContent")
        .await?;
    person.click(".table a[href*=\"/d/k8s-otel-namespace-pods\"]").await?;
    person.until("the namespace is shown", "location.pathname === '/d/k8s-otel-namespace-pods'").await?;
    person.settled().await?;
    let at = [
        parameter(person, "var-cluster").await?,
        parameter(person, "var-namespace").await?,
        parameter(person, "from").await?,
    ];
    ensure!(
        at == ["kwok".to_owned(), namespace.clone(), "now-30m".to_owned()],
        "on the way were lost: {at:?}"
    );
    let pod =
        person.read("document.querySelector('.table a[href*=\"/d/k8s-otel-pod\"]').textContent").await?;
    person.click(".table a[href*=\"/d/k8s-otel-pod\"]").await?;
    person.until("the pod is shown", "location.pathname === '/d/k8s-otel-pod'").await?;
    person.settled().await?;
    let chosen = person.list(
        "['namespace', 'pod'].map((name) => document.querySelector(`select[name=\"var-${name}\"]`).value)",
    );
    ensure!(chosen.await? == [namespace, pod], "another pod is shown");
    person.list("probe.undrawn()").await
}

pub(crate) async fn rows_and_menu(person: &Person) -> anyhow::Result<Vec<String>> {
    person.open("/d/k8s-otel-namespace-pods").await?;
    let row = "details.row[data-row]";
    let seen = format!("document.querySelector('{row}').open");
    let was = person.see(&seen).await?;
    person.click(&format!("{row} > summary")).await?;
    person.until("the row is folded", &format!("{seen} !== {was}")).await?;
    let address = person.address().await?;
    ensure!(address.contains("rows="), "the address does not say it: {address}");
    person.open(&address).await?;
    ensure!(person.see(&seen).await? != was, "it is forgotten when opened again");
    person.click(&format!("{row} > summary")).await?;
    person.until("the row is open", &format!("{seen} === {was}")).await?;
    person.settled().await?;

    let menu = "[data-menu]:has([data-link=\"inspect\"])";
    person.click(&format!("{menu} > summary")).await?;
    person.until("the menu is open", &format!("document.querySelector('{menu}').open")).await?;
    person.picture_if_wanted("menu").await;
    person.click(&format!("{menu} [data-link=\"inspect\"]")).await?;
    person
        .until(
            "query and data are shown",
            "document.querySelector('.promql') && document.querySelector('.data td')",
        )
        .await?;
    let query = person.read("document.querySelector('.promql').textContent").await?;
    ensure!(query.contains("k8s_"), "the query is {query}");
    person.click("[data-link=\"explore\"]").await?;
    person
        .until("Explore has the query", "document.querySelector('#explore textarea')?.value.includes('k8s_')")
        .await?;
    person.settled().await?;
    Ok(Vec::new())
}

pub(crate) async fn table(person: &Person) -> anyhow::Result<Vec<String>> {
    let panel = "[data-panel]:has(nav.pages)";
    let first = format!("document.querySelector('{panel} td').textContent");
    let rows = format!("document.querySelector('{panel} nav.pages').firstChild.textContent");
    person.open("/d/k8s-otel-telemetry").await?;
    let names = [person.read(&first).await?];
    ensure!(person.read(&rows).await?.starts_with("Rows 1 to 50 of "), "the first fifty are not shown");
    person.click(&format!("{panel} [data-action=\"next-page\"]")).await?;
    person.until("the next rows are shown", &format!("{rows}.startsWith('Rows 51 to 100 of ')")).await?;
    ensure!(!names.contains(&person.read(&first).await?), "the rows are the same");
    person.click(&format!("{panel} th:first-child")).await?;
    person
        .until(
            "it is sorted by name, downwards",
            &format!("{rows}.startsWith('Rows 1 to') && {first}.startsWith('system_')"),
        )
        .await?;
    person.click(&format!("{panel} th:first-child")).await?;
    person.until("and upwards", &format!("{first}.startsWith('container_')")).await?;
    person.settled().await?;
    Ok(Vec::new())
}

pub(crate) async fn explore(person: &Person) -> anyhow::Result<Vec<String>> {
    person.open("/explore").await?;
    let text = "#explore textarea[name=query]";
    person.type_into(text, "sum by (k8s_namespace_name) (k8s_pod_phase)").await?;
    person.click("#controls button.main").await?;
    person.until("graph and table are drawn", "document.querySelector('[data-type=\"timeseries\"] path') && document.querySelector('.table td')").await?;
    person.settled().await?;
    ensure!(parameter(person, "query").await?.starts_with("sum by"), "the query is not in the address");
    person.type_into(text, "sum(k8s_pod_phase").await?;
    person.click("#controls button.main").await?;
    let error = person.until("the mistake is told", "document.querySelector('.caret')?.textContent").await?;
    let error = error.as_str().unwrap_or_default().to_owned();
    ensure!(error.contains("sum(k8s_pod_phase") && error.contains('^'), "there is no mark: {error}");
    person.settled().await?;
    Ok(Vec::new())
}
