//! Where panels stand: rows folded or not, panels repeated for the values of a variable, everything moved up as far as
//! it goes, as Grafana's grid does it.

use crate::model::{GridPos, Panel, PanelKind, VariableOption};
use crate::variables::{Chosen, State, Values};

/// Columns of the grid.
pub const COLUMNS: i64 = 24;
/// Copies of a repeated panel side by side, where the panel does not say.
const DEFAULT_PER_ROW: i64 = 4;
/// More copies than this are not drawn.
const MAX_COPIES: usize = 100;

/// A panel at its place.
#[derive(Clone, Debug, PartialEq)]
pub struct Placed<'a> {
    /// The panel, or the row.
    pub panel: &'a Panel,
    /// Its place.
    pub grid: GridPos,
    /// For a copy of a repeated panel or row: the variable and the value that it stands for there. A panel in a copy of
    /// a row that is not repeated itself has the row's.
    pub repeated: Option<(String, VariableOption)>,
    /// For a panel in a copy of a repeated row: the same of the row.
    pub row_repeated: Option<(String, VariableOption)>,
    /// The row that it can be folded under.
    pub row: Option<&'a Panel>,
    /// For rows: whether its panels are folded away.
    pub folded: bool,
}

impl Placed<'_> {
    /// The values as this copy sees them.
    pub fn values(&self, values: &Values) -> Values {
        let mut own = values.clone();
        for repeated in [&self.row_repeated, &self.repeated].into_iter().flatten() {
            stand_for(&mut own, repeated);
        }
        own
    }
}

/// Places the panels of a dashboard. `is_folded` decides for each row; `|row| row.collapsed` is what was saved.
pub fn arrange<'a>(
    panels: &'a [Panel],
    values: &Values,
    is_folded: impl Fn(&Panel) -> bool,
) -> Vec<Placed<'a>> {
    let mut placed = Vec::new();
    let mut top = 0;
    for (row, members) in sections(panels) {
        let folded = row.is_some_and(&is_folded);
        for row_repeated in row.map_or_else(|| vec![None], |row| copies_of_row(row, values)) {
            if let Some(row) = row {
                let grid = GridPos { x: 0, y: top, w: COLUMNS, h: 1 };
                let repeated = row_repeated.clone();
                placed.push(Placed { panel: row, grid, repeated, row_repeated: None, row: None, folded });
                top += 1;
            }
            if folded {
                continue;
            }
            let mut seen = values.clone();
            if let Some(repeated) = &row_repeated {
                stand_for(&mut seen, repeated);
            }
            let mut skyline = [top; COLUMNS as usize];
            for (panel, grid, repeated) in copies(&members, &seen) {
                let grid = move_up(grid, &mut skyline);
                let repeated = repeated.or_else(|| row_repeated.clone());
                let row_repeated = row_repeated.clone();
                placed.push(Placed { panel, grid, repeated, row_repeated, row, folded: false });
            }
            top = skyline.into_iter().max().unwrap_or(top);
        }
    }
    placed
}

/// A variable has the one value of a copy.
fn stand_for(values: &mut Values, (name, option): &(String, VariableOption)) {
    if let Some(state) = values.get(name).cloned() {
        values.insert(State { chosen: Chosen::One(option.clone()), ..state });
    }
}

/// What the copies of a row stand for; one that stands for nothing where it is not repeated.
fn copies_of_row(row: &Panel, values: &Values) -> Vec<Option<(String, VariableOption)>> {
    let Some(name) = &row.repeat else { return vec![None] };
    let options = values.get(name).map(chosen).unwrap_or_default();
    if options.is_empty() {
        return vec![None];
    }
    options.into_iter().map(|option| Some((name.clone(), option))).collect()
}

/// Each row with its panels, wherever the JSON has them; the first section may have no row.
fn sections(panels: &[Panel]) -> Vec<(Option<&Panel>, Vec<&Panel>)> {
    let mut sections: Vec<(Option<&Panel>, Vec<&Panel>)> = vec![(None, Vec::new())];
    for panel in panels {
        if panel.kind == PanelKind::Row {
            sections.push((Some(panel), panel.panels.iter().collect()));
        } else if let Some((_, members)) = sections.last_mut() {
            members.push(panel);
        }
    }
    sections
}

type Copy<'a> = (&'a Panel, GridPos, Option<(String, VariableOption)>);

/// The panels of a section in reading order, repeated ones several times.
fn copies<'a>(members: &[&'a Panel], values: &Values) -> Vec<Copy<'a>> {
    let mut ordered: Vec<(GridPos, &'a Panel)> =
        members.iter().map(|panel| (inside(panel.grid()), *panel)).collect();
    ordered.sort_by_key(|(grid, _)| (grid.y, grid.x));
    let mut copies = Vec::new();
    // How far repeated panels have pushed down what follows.
    let mut pushed = 0;
    for (grid, panel) in ordered {
        let grid = GridPos { y: grid.y.saturating_add(pushed), ..grid };
        let options = panel.repeat.as_deref().and_then(|name| Some((name, chosen(values.get(name)?))));
        let Some((name, options)) = options.filter(|(_, options)| !options.is_empty()) else {
            copies.push((panel, grid, None));
            continue;
        };
        let downwards = panel.repeat_direction.as_deref() == Some("v");
        let count = options.len() as i64;
        let per_row = panel.max_per_row.unwrap_or(DEFAULT_PER_ROW).clamp(1, COLUMNS);
        let width = if downwards { grid.w } else { COLUMNS / count.min(per_row) };
        let side_by_side = if downwards { 1 } else { COLUMNS / width };
        for (i, option) in (0..).zip(options) {
            let (line, column): (i64, i64) = (i / side_by_side, i % side_by_side);
            let x = if downwards { grid.x } else { column * width };
            let copy = GridPos { x, y: grid.y.saturating_add(line * grid.h), w: width, h: grid.h };
            copies.push((panel, copy, Some((name.to_owned(), option))));
        }
        pushed += (count - 1) / side_by_side * grid.h;
    }
    copies
}

/// The values that a repeated panel is drawn for.
fn chosen(state: &State) -> Vec<VariableOption> {
    let mut options = match &state.chosen {
        Chosen::All => state.options.clone(),
        Chosen::One(option) => vec![option.clone()],
        Chosen::Many(options) => options.clone(),
    };
    options.truncate(MAX_COPIES);
    options
}

/// Into the columns, with a size.
fn inside(grid: GridPos) -> GridPos {
    /// Taller than anything that somebody would look at.
    const MAX_LINES: i64 = 10_000;
    let w = grid.w.clamp(1, COLUMNS);
    GridPos {
        x: grid.x.clamp(0, COLUMNS - w),
        y: grid.y.clamp(0, i64::MAX / 4),
        w,
        h: grid.h.clamp(1, MAX_LINES),
    }
}

/// As far up as the panels above allow.
fn move_up(grid: GridPos, skyline: &mut [i64; COLUMNS as usize]) -> GridPos {
    let columns = grid.x as usize..(grid.x + grid.w) as usize;
    let y = skyline[columns.clone()].iter().copied().max().unwrap_or(0);
    skyline[columns].fill(y + grid.h);
    GridPos { y, ..grid }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value as Json, json};

    use super::*;
    use crate::model;

    fn panels(list: &Json) -> Vec<Panel> {
        model::parse(&json!({"title": "t", "panels": list})).unwrap().dashboard.panels
    }

    fn panel(title: &str, x: i64, y: i64, w: i64, h: i64) -> Json {
        json!({"type": "stat", "title": title, "gridPos": {"x": x, "y": y, "w": w, "h": h}})
    }

    fn values(count: usize) -> Values {
        let options: Vec<VariableOption> =
            (0..count).map(|i| VariableOption { text: format!("p{i}"), value: format!("p{i}") }).collect();
        let mut values = Values::default();
        values.insert(State {
            name: "pod".to_owned(),
            multi: true,
            include_all: true,
            all_value: None,
            options,
            chosen: Chosen::All,
        });
        values
    }

    fn places(placed: &[Placed<'_>]) -> Vec<(String, [i64; 4])> {
        let one = |placed: &Placed<'_>| {
            let grid = placed.grid;
            (placed.panel.title.clone(), [grid.x, grid.y, grid.w, grid.h])
        };
        placed.iter().map(one).collect()
    }

    fn expected(list: &[(&str, [i64; 4])]) -> Vec<(String, [i64; 4])> {
        list.iter().map(|(title, grid)| ((*title).to_owned(), *grid)).collect()
    }

    #[test]
    fn a_repeated_row_comes_with_its_panels_once_for_each_value() {
        let row = json!({"type": "row", "title": "row", "repeat": "pod", "collapsed": false, "panels": [], "gridPos": {"x": 0, "y": 0, "w": 24, "h": 1}});
        let list = panels(&json!([row, panel("a", 0, 1, 12, 4)]));
        let values = values(2);
        let placed = arrange(&list, &values, |_| false);
        assert_eq!(
            places(&placed),
            expected(&[
                ("row", [0, 0, 24, 1]),
                ("a", [0, 1, 12, 4]),
                ("row", [0, 5, 24, 1]),
                ("a", [0, 6, 12, 4]),
            ])
        );
        let pods: Vec<String> =
            placed.iter().map(|placed| placed.values(&values).get("pod").unwrap().text()).collect();
        assert_eq!(pods, ["p0", "p0", "p1", "p1"]);
        assert_eq!(arrange(&list, &Values::default(), |_| false).len(), 2);
    }

    #[test]
    fn folded_rows_hide_their_panels_and_the_rest_moves_up() {
        let row = |title: &str, y: i64, inside: Json| json!({"type": "row", "title": title, "collapsed": inside != json!([]), "panels": inside, "gridPos": {"x": 0, "y": y, "w": 24, "h": 1}});
        let list = panels(&json!([
            panel("top", 0, 0, 12, 4),
            row("folded", 4, json!([panel("hidden", 0, 5, 24, 8)])),
            row("open", 5, json!([])),
            panel("a", 0, 20, 12, 4),
            panel("b", 12, 20, 12, 6),
        ]));
        let saved = arrange(&list, &Values::default(), |row| row.collapsed);
        assert_eq!(
            places(&saved),
            expected(&[
                ("top", [0, 0, 12, 4]),
                ("folded", [0, 4, 24, 1]),
                ("open", [0, 5, 24, 1]),
                ("a", [0, 6, 12, 4]),
                ("b", [12, 6, 12, 6])
            ])
        );
        assert_eq!(saved[3].row.unwrap().title, "open");
        let opened = arrange(&list, &Values::default(), |row| row.title == "open");
        assert_eq!(
            places(&opened),
            expected(&[
                ("top", [0, 0, 12, 4]),
                ("folded", [0, 4, 24, 1]),
                ("hidden", [0, 5, 24, 8]),
                ("open", [0, 13, 24, 1])
            ])
        );
    }

    #[test]
    fn a_repeated_panel_is_drawn_for_each_value_and_pushes_the_rest_down() {
        let mut repeated = panel("pod", 0, 0, 24, 5);
        repeated["repeat"] = json!("pod");
        repeated["maxPerRow"] = json!(2);
        let list = panels(&json!([repeated, panel("below", 0, 5, 24, 3)]));
        let placed = arrange(&list, &values(3), |_| false);
        assert_eq!(
            places(&placed),
            expected(&[
                ("pod", [0, 0, 12, 5]),
                ("pod", [12, 0, 12, 5]),
                ("pod", [0, 5, 12, 5]),
                ("below", [0, 10, 24, 3])
            ])
        );
        let own = placed[1].values(&values(3));
        assert_eq!(own.interpolate("$pod", crate::variables::Style::Glob), "p1");
        let mut downwards = panel("pod", 4, 0, 8, 5);
        downwards["repeat"] = json!("pod");
        downwards["repeatDirection"] = json!("v");
        let placed = arrange(&panels(&json!([downwards]))[..], &values(2), |_| false).len();
        assert_eq!(placed, 2);
        let unknown = panels(
            &json!([{"type": "stat", "title": "x", "repeat": "gone", "gridPos": {"x": 0, "y": 0, "w": 4, "h": 4}}]),
        );
        assert_eq!(places(&arrange(&unknown, &values(2), |_| false)), expected(&[("x", [0, 0, 4, 4])]));
    }

    proptest! {
        #[test]
        fn panels_never_overlap_and_never_leave_the_grid(
            list in prop::collection::vec((any::<i16>(), any::<i16>(), any::<i16>(), any::<i16>(), any::<bool>()), 0..20),
            count in 0_usize..9,
        ) {
            let list: Vec<Json> = list.iter().map(|(x, y, w, h, repeat)| {
                let mut panel = panel("p", i64::from(*x), i64::from(*y), i64::from(*w), i64::from(*h));
                if *repeat {
                    panel["repeat"] = json!("pod");
                }
                panel
            }).collect();
            let list = panels(&Json::from(list));
            let placed = arrange(&list, &values(count), |_| false);
            for (i, a) in placed.iter().enumerate() {
                prop_assert!(a.grid.x >= 0 && a.grid.x + a.grid.w <= COLUMNS && a.grid.w > 0 && a.grid.h > 0);
                for b in &placed[i + 1..] {
                    let (a, b) = (a.grid, b.grid);
                    let apart = a.x + a.w <= b.x || b.x + b.w <= a.x || a.y + a.h <= b.y || b.y + b.h <= a.y;
                    prop_assert!(apart, "{:?} {:?}", a, b);
                }
            }
        }
    }
}
