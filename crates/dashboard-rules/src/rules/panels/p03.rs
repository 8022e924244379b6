//! P03: where panels stand.

use grafana::model::{GridPos, Panel, PanelKind};

use crate::finding::Findings;
use crate::fix::{Change, Edit, Fix};
use crate::pointer::Pointer;
use crate::rule::{Check, Example, Fixable, Needs, Rule, Severity};
use crate::subject::{Dashboard, Subject, panel_name};

pub(super) const RULE: Rule = Rule {
    id: "P03",
    severity: Severity::Error,
    title: "every panel has its place on the grid",
    why: "Grafana moves panels that overlap or stick out, so the page looks other than it was written, and other again after \
          the next change.",
    needs: Needs::Static,
    fix: Fixable::Yes("the panels are laid out again in their order"),
    bad: Example::Stat(r#"{ "gridPos": { "x": 4, "y": 3, "w": 8, "h": 8 } }"#),
    good: Example::Stat(r#"{ "gridPos": { "x": 8, "y": 1, "w": 8, "h": 8 } }"#),
    check: Check::Dashboard(check),
};

const COLUMNS: i64 = 24;

fn check(dashboard: &Dashboard, _: &Subject, findings: &mut Findings<'_>) {
    // The places of these are made up, not read.
    if dashboard.value.get("rows").is_some() {
        return;
    }
    check_list(dashboard, &dashboard.model.panels, findings);
    for (_, row) in
        dashboard.panels().filter(|(_, panel)| panel.kind == PanelKind::Row && !panel.panels.is_empty())
    {
        check_list(dashboard, &row.panels, findings);
    }
}

/// Judges panels that share a grid; those folded under a row have one of their own.
fn check_list(dashboard: &Dashboard, panels: &[Panel], findings: &mut Findings<'_>) {
    let mut flaws: Vec<(&Panel, String)> = Vec::new();
    for panel in panels {
        if let Some(flaw) = flaw(dashboard, panel) {
            flaws.push((panel, flaw));
        }
    }
    // Below which line each column is free, and who is above.
    let mut columns: [(i64, Option<&Panel>); COLUMNS as usize] = [(i64::MIN, None); COLUMNS as usize];
    let mut ordered: Vec<&Panel> = panels.iter().filter(|panel| panel.grid_pos.is_some()).collect();
    ordered.sort_by_key(|panel| (panel.grid().y, panel.grid().x));
    for panel in ordered {
        let at = panel.grid();
        let range = at.x.clamp(0, COLUMNS) as usize..at.x.saturating_add(at.w).clamp(0, COLUMNS) as usize;
        let mut over = None;
        for column in columns.get_mut(range).unwrap_or_default() {
            if column.0 > at.y {
                over = over.or(column.1);
            }
            *column = (column.0.max(at.y.saturating_add(at.h)), Some(panel));
        }
        if let Some(over) = over {
            let other = panel_name(over).title;
            flaws.push((
                panel,
                format!("the panel overlaps {other:?}, so Grafana moves it elsewhere: give it a free place"),
            ));
        }
    }
    let mut edits = if flaws.is_empty() { Vec::new() } else { reflow(dashboard, panels) };
    for (panel, flaw) in flaws {
        let finding = findings.add(dashboard.place_of_panel(panel).key("gridPos"), flaw);
        // One fix mends them all.
        if !edits.is_empty() {
            finding
                .fix(Fix { label: "lay the panels out again".to_owned(), edits: std::mem::take(&mut edits) });
        }
    }
}

fn flaw(dashboard: &Dashboard, panel: &Panel) -> Option<String> {
    let written = Pointer::from_path(&panel.path).key("gridPos");
    let missing: Vec<&str> = ["x", "y", "w", "h"]
        .into_iter()
        .filter(|side| written.key(side).of(&dashboard.value).is_none())
        .collect();
    let at = panel.grid();
    if missing.len() == 4 {
        return Some("the panel has no gridPos, so it lands somewhere: give it x, y, w and h".to_owned());
    }
    if !missing.is_empty() {
        return Some(format!("gridPos lacks {}: Grafana makes it up", missing.join(" and ")));
    }
    // A row is as wide as the page, whatever stands there.
    if panel.kind == PanelKind::Row {
        return None;
    }
    if at.w < 1 || at.h < 1 {
        return Some(format!(
            "the panel is {} wide and {} high, so nobody sees it: both are at least 1",
            at.w, at.h
        ));
    }
    if at.x < 0 || at.y < 0 || at.x.saturating_add(at.w) > COLUMNS {
        return Some(format!(
            "the panel reaches from column {} to {}, and the grid from 0 to {COLUMNS}: Grafana pushes it back",
            at.x,
            at.x.saturating_add(at.w)
        ));
    }
    None
}

/// Gives every panel a place that it has alone: its own where that is free, else the next one below.
fn reflow(dashboard: &Dashboard, panels: &[Panel]) -> Vec<Edit> {
    let mut ordered: Vec<&Panel> = panels.iter().collect();
    // Panels without a place come behind the others, in their order.
    let key = |panel: &Panel| panel.grid_pos.map_or((i64::MAX, 0), |at| (at.y, at.x));
    ordered.sort_by_key(|panel| key(panel));
    let mut bottoms = [0_i64; COLUMNS as usize];
    let mut edits = Vec::new();
    for panel in ordered {
        let old = panel.grid();
        let w = if panel.kind == PanelKind::Row { COLUMNS } else { old.w.clamp(1, COLUMNS) };
        let x = old.x.clamp(0, COLUMNS - w);
        let h = old.h.clamp(1, 1_000);
        let range = x as usize..(x + w) as usize;
        let free = bottoms[range.clone()].iter().copied().max().unwrap_or(0);
        let wanted = if panel.grid_pos.is_some() { old.y.clamp(0, 1 << 40) } else { 0 };
        let y = free.max(wanted);
        bottoms[range].fill(y + h);
        let new = GridPos { x, y, w, h };
        let pointer = Pointer::from_path(&panel.path).key("gridPos");
        let complete =
            ["x", "y", "w", "h"].iter().all(|side| pointer.key(side).of(&dashboard.value).is_some());
        if new != old || !complete {
            let value = serde_json::json!({ "h": h, "w": w, "x": x, "y": y });
            edits.push(Edit { pointer, change: Change::Set(value) });
        }
    }
    edits
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::subject::Source;
    use crate::{Options, check, fix};

    fn found(dashboard: &serde_json::Value) -> crate::Report {
        let dashboard = Dashboard::new("a.json", dashboard.clone(), Source::Value).unwrap();
        check(&Subject::new(vec![dashboard]), &Options::only_rules(&[&RULE]))
    }

    #[test]
    fn every_kind_of_wrong_place_is_told_and_mended() {
        for (panels, part) in [
            (json!([{ "title": "A" }]), "no gridPos"),
            (json!([{ "gridPos": { "y": 0, "w": 4, "h": 4 } }]), "lacks x"),
            (json!([{ "gridPos": { "x": 20, "y": 0, "w": 8, "h": 4 } }]), "from column 20 to 28"),
            (json!([{ "gridPos": { "x": 0, "y": 0, "w": 8, "h": 0 } }]), "0 high"),
            (
                json!([{ "gridPos": { "x": 0, "y": 0, "w": 8, "h": 4 } }, { "gridPos": { "x": 7, "y": 3, "w": 8, "h": 4 } }]),
                "overlaps",
            ),
            (
                json!([{ "type": "row", "gridPos": { "x": 0, "y": 0, "w": 24, "h": 1 }, "collapsed": true, "panels": [
                    { "gridPos": { "x": 0, "y": 1, "w": 8, "h": 4 } }, { "gridPos": { "x": 0, "y": 1, "w": 8, "h": 4 } },
                ]}]),
                "overlaps",
            ),
            (
                json!([{ "gridPos": { "x": i64::MAX, "y": i64::MIN, "w": i64::MAX, "h": i64::MAX } }]),
                "from column",
            ),
        ] {
            let dashboard = json!({ "title": "A", "panels": panels });
            let report = found(&dashboard);
            assert!(report.broken.is_empty(), "{report:?}");
            assert!(
                report.findings.iter().any(|finding| finding.message.contains(part)),
                "{panels}: {report:#?}"
            );
            let fix = report.findings.iter().find_map(|finding| finding.fix.clone()).unwrap();
            let mended = fix::apply(&dashboard, &fix.edits).unwrap();
            assert_eq!(found(&mended).findings, [], "{mended}");
        }
    }

    #[test]
    fn a_row_is_as_wide_as_the_page_whatever_stands_there() {
        let row =
            |grid: serde_json::Value| json!({ "title": "A", "panels": [{ "type": "row", "gridPos": grid }] });
        for grid in [
            json!({ "x": 0, "y": 0, "w": 0, "h": 1 }),
            json!({ "x": 0, "y": 0, "w": 12, "h": 0 }),
            json!({ "x": 3, "y": 0, "w": 24, "h": 1 }),
        ] {
            assert_eq!(found(&row(grid.clone())).findings, [], "{grid}");
        }
        // Only those without any place are told.
        assert_eq!(found(&row(json!({}))).findings.len(), 1);
    }

    #[test]
    fn panels_under_a_folded_row_share_no_grid_with_those_below_it() {
        let dashboard = json!({ "title": "A", "panels": [
            { "type": "row", "collapsed": true, "gridPos": { "x": 0, "y": 0, "w": 24, "h": 1 },
              "panels": [{ "gridPos": { "x": 0, "y": 1, "w": 8, "h": 4 } }] },
            { "gridPos": { "x": 0, "y": 1, "w": 8, "h": 4 } },
        ]});
        assert_eq!(found(&dashboard).findings, []);
    }
}
