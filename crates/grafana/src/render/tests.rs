//! What is drawn, as structure: what must be in the text, and what must never be.

use jiff::tz::TimeZone;
use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::*;
use crate::frame::{Field, FieldType, Value};
use crate::layout::arrange;
use crate::model::{self, Dashboard};

const START: i64 = 1_772_359_200_000;
const MINUTE: i64 = 60_000;

fn dashboard(panels: &Json) -> Dashboard {
    model::parse(&json!({"title": "t", "panels": panels})).unwrap().dashboard
}

/// A series with a point every minute.
fn series(name: &str, values: &[f64]) -> Frame {
    let times = (0..values.len()).map(|i| Value::Number((START + i as i64 * MINUTE) as f64)).collect();
    let values = values.iter().map(|value| Value::Number(*value)).collect();
    let mut field = Field::new("Value", FieldType::Number, values);
    field.display_name = Some(name.to_owned());
    Frame {
        name: None,
        ref_id: "A".to_owned(),
        fields: vec![Field::new("Time", FieldType::Time, times), field],
    }
}

fn draw_with(panel: &Json, frames: &[Frame], errors: &[String], table_page: TablePage) -> String {
    let dashboard = dashboard(&json!([panel]));
    let clock = Clock { now_ms: START, zone: TimeZone::UTC };
    let values = Values::default();
    let context =
        Context { appearance: Appearance::Fixed(Theme::Dark), clock: &clock, values: &values, hover: true };
    let input = PanelInput {
        panel: &dashboard.panels[0],
        frames,
        errors,
        range: TimeRange { from_ms: START, to_ms: START + 10 * MINUTE },
        step_ms: Some(MINUTE),
        table_page,
        size: Size { width: 600, height: 300 },
    };
    super::panel(&input, &context).into_string()
}

fn draw(panel: &Json, frames: &[Frame]) -> String {
    draw_with(panel, frames, &[], TablePage::default())
}

const KINDS: [&str; 5] = ["timeseries", "stat", "gauge", "bargauge", "table"];

#[test]
fn a_panel_without_data_says_so_in_the_dashboards_words() {
    for kind in KINDS {
        let usual = draw(&json!({"type": kind, "title": "x"}), &[]);
        assert!(usual.contains("No data"), "{usual}");
        let own =
            json!({"type": kind, "title": "x", "fieldConfig": {"defaults": {"noValue": "No <b>pods</b>"}}});
        let own = draw(&own, &[series("a", &[])]);
        assert!(own.contains("No &lt;b&gt;pods&lt;/b&gt;") && !own.contains("No data"), "{own}");
    }
}

#[test]
fn an_error_stands_in_its_panel_beside_what_could_be_drawn() {
    let panel = json!({"type": "stat", "title": "x"});
    let errors = vec!["A: unexpected <aggr>".to_owned()];
    let alone = draw_with(&panel, &[], &errors, TablePage::default());
    assert!(alone.contains("A: unexpected &lt;aggr&gt;") && !alone.contains("No data"), "{alone}");
    let beside = draw_with(&panel, &[series("a", &[7.0])], &errors, TablePage::default());
    assert!(beside.contains("A: unexpected") && beside.contains("<bdi>7</bdi>"), "{beside}");
    let many: Vec<String> = (0..9).map(|i| format!("error {i}")).collect();
    assert!(draw_with(&panel, &[], &many, TablePage::default()).contains("4 more"));
}

#[test]
fn a_panel_type_that_is_not_known_is_a_notice() {
    let drawn = draw(&json!({"type": "flame<graph>", "title": "x"}), &[series("a", &[1.0])]);
    assert!(
        drawn.contains("The panel type \"flame&lt;graph&gt;\"") || drawn.contains("flame&lt;graph&gt;"),
        "{drawn}"
    );
}

#[test]
fn hostile_names_stay_text_and_long_ones_are_cut() {
    let hostile = "</script><script>alert(1)</script>\"'><img src=x onerror=alert(1)>";
    let long = "y".repeat(10_000);
    for kind in ["timeseries", "stat", "gauge", "bargauge", "table", "text", "row", "other"] {
        let panel = json!({
            "type": kind, "title": format!("{hostile}{long}"), "description": hostile,
            "links": [{"title": hostile, "url": "javascript:alert(1)"}, {"title": hostile, "url": "/x?\"><script>"}],
            "fieldConfig": {"defaults": {
                "unit": format!("suffix:{hostile}"), "color": {"mode": "fixed", "fixedColor": hostile},
                "links": [{"title": hostile, "url": "javascript:alert(1)"}],
                "custom": {"axisLabel": hostile, "lineStyle": {"fill": hostile, "dash": [hostile]}},
            }},
            "options": {"content": hostile, "legend": {"displayMode": "table", "calcs": [hostile, "max"]}, "textMode": "value_and_name"},
        });
        let frames =
            [series(hostile, &[1.0, 2.0]), series(&long, &[1.0, 2.0]), series("\u{202e}abc", &[3.0])];
        let drawn = draw(&panel, &frames);
        for forbidden in ["<script>", "</script><", "<img", "javascript:"] {
            let harmless = drawn
                .replace("<script type=\"application/json\" class=\"hover\">", "")
                .replace("</script></section>", "");
            assert!(!harmless.contains(forbidden), "{kind}: {forbidden} in {drawn}");
        }
        assert!(!drawn.contains(&"y".repeat(text::MAX_TITLE + 1)), "{kind}");
    }
}

#[test]
fn a_gap_is_where_points_are_missing_or_null() {
    let mut frame = series("a", &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    // The third is no number, and the fifth never came.
    frame.fields[1].values[2] = Value::Number(f64::NAN);
    for field in &mut frame.fields {
        field.values.remove(4);
    }
    // How many parts each path has: of the line, then of the dots that stand alone.
    let parts = |custom: Json| -> Vec<usize> {
        let panel =
            json!({"type": "timeseries", "title": "x", "fieldConfig": {"defaults": {"custom": custom}}});
        let drawn = draw(&panel, std::slice::from_ref(&frame));
        let paths = drawn.split("class=\"line\" d=\"").skip(1);
        paths.map(|path| path.split('"').next().unwrap_or_default().matches('M').count()).collect()
    };
    assert_eq!(parts(json!({})), [1, 2]);
    assert_eq!(parts(json!({"spanNulls": true})), [1]);
    assert_eq!(parts(json!({"spanNulls": 2 * MINUTE})), [1]);
    assert_eq!(parts(json!({"showPoints": "always", "spanNulls": true})), [1, 4]);
}

#[test]
fn stacked_series_stand_on_each_other() {
    let dashboard = dashboard(&json!([{"type": "timeseries", "title": "x",
    "fieldConfig": {"defaults": {"custom": {"stacking": {"mode": "normal"}}}, "overrides": [
        {"matcher": {"id": "byName", "options": "limit"}, "properties": [{"id": "custom.stacking", "value": {"mode": "none"}}]},
    ]}}]));
    let frames = [
        series("a", &[1.0, 2.0]),
        series("limit", &[9.0, 9.0]),
        series("b", &[10.0, f64::NAN]),
        series("c", &[100.0, 200.0]),
        series("below", &[-1.0, -2.0]),
    ];
    let input = PanelInput {
        panel: &dashboard.panels[0],
        frames: &frames,
        errors: &[],
        range: TimeRange { from_ms: START, to_ms: START + MINUTE },
        step_ms: Some(MINUTE),
        table_page: TablePage::default(),
        size: Size { width: 600, height: 300 },
    };
    let tops: Vec<Vec<Option<f64>>> = series::collect(&input)
        .series
        .iter()
        .map(|series| series.points.iter().map(|point| point.top).collect())
        .collect();
    let expected = [
        vec![Some(1.0), Some(2.0)],
        vec![Some(9.0), Some(9.0)],
        vec![Some(11.0), None],
        vec![Some(111.0), Some(202.0)],
        vec![Some(-1.0), Some(-2.0)],
    ];
    assert_eq!(tops, expected);
}

#[test]
fn at_most_a_hundred_series_are_drawn_and_the_rest_is_counted() {
    let frames: Vec<Frame> = (0..130).map(|i| series(&format!("s{i}"), &[1.0, 2.0])).collect();
    for (kind, words) in [
        ("timeseries", "The first 100 series are drawn, 30 more are not."),
        ("stat", "30 more are not drawn."),
        ("gauge", "30 more are not drawn."),
        ("bargauge", "30 more are not drawn."),
    ] {
        let drawn = draw(&json!({"type": kind, "title": "x"}), &frames);
        assert!(drawn.contains(words) && !drawn.contains("s100"), "{kind}");
    }
}

#[test]
fn the_legend_has_the_numbers_that_were_asked_for_in_their_order() {
    let panel = json!({"type": "timeseries", "title": "x", "fieldConfig": {"defaults": {"unit": "bytes"}}, "options": {
        "legend": {"displayMode": "table", "calcs": ["lastNotNull", "mean"], "sortBy": "Last *", "sortDesc": true}}});
    let drawn = draw(&panel, &[series("small", &[1_024.0, 2_048.0]), series("large", &[5_120.0, 4_096.0])]);
    let legend = drawn.split("<tbody>").nth(1).unwrap();
    let place = |text: &str| legend.find(text).unwrap_or_else(|| panic!("{text} in {legend}"));
    assert!(place("large") < place("4 KiB") && place("4.5 KiB") < place("small"));
    assert!(place("small") < place("2 KiB") && place("2 KiB") < place("1.5 KiB"));
}

#[test]
fn axis_labels_say_as_much_as_their_ticks_need() {
    let panel = json!({"type": "timeseries", "title": "x", "fieldConfig": {"defaults": {"unit": "percentunit", "min": 0, "max": 0.05}}});
    let drawn = draw(&panel, &[series("a", &[0.01, 0.02])]);
    for label in [">0%<", ">1%<", ">5%<", ">10:05<"] {
        assert!(drawn.contains(label), "{label} in {drawn}");
    }
}

fn pods(rows: usize) -> Frame {
    let names = (0..rows).map(|i| Value::Text(format!("pod {i}&x=${{cluster}}"))).collect();
    let sizes = (0..rows).map(|i| Value::Number(i as f64)).collect();
    Frame {
        name: None,
        ref_id: "A".to_owned(),
        fields: vec![Field::new("Pod", FieldType::Text, names), Field::new("Size", FieldType::Number, sizes)],
    }
}

#[test]
fn tables_are_sorted_and_paged_and_say_where_they_are() {
    let panel = json!({"type": "table", "title": "x", "options": {"sortBy": [{"displayName": "Size", "desc": true}]}});
    let drawn = draw_with(&panel, &[pods(25)], &[], TablePage { number: 2, size: 10 });
    assert!(
        drawn.contains("Rows 11 to 20 of 25") && drawn.contains("data-page=\"2\" data-pages=\"3\""),
        "{drawn}"
    );
    assert!(drawn.find("pod 14&amp;").unwrap() < drawn.find("pod 5&amp;").unwrap());
    assert!(!drawn.contains("pod 15&amp;") && !drawn.contains("pod 4&amp;"));
    let last = draw_with(&panel, &[pods(25)], &[], TablePage { number: usize::MAX, size: 10 });
    assert!(last.contains("Rows 21 to 25 of 25"), "{last}");
    assert!(!draw(&panel, &[pods(25)]).contains("Rows "));
}

#[test]
fn a_cells_link_carries_what_stands_in_its_row_and_nothing_more() {
    let panel = json!({"type": "table", "title": "x", "fieldConfig": {"overrides": [
        {"matcher": {"id": "byName", "options": "Pod"}, "properties": [
            {"id": "links", "value": [{"title": "This pod", "url": "/d/pod?var-pod=${__data.fields.Pod}&s=${__data.fields[\"Size\"]}"}]}]},
    ]}});
    let drawn = draw(&panel, &[pods(1)]);
    assert!(drawn.contains("href=\"/d/pod?var-pod=pod%200%26x%3D%24%7Bcluster%7D&amp;s=0\""), "{drawn}");
}

#[test]
fn cells_are_mapped_coloured_and_filled() {
    let panel = |cell: &str| {
        json!({"type": "table", "title": "x", "fieldConfig": {"overrides": [
            {"matcher": {"id": "byName", "options": "Size"}, "properties": [
                {"id": "mappings", "value": [{"type": "value", "options": {"1": {"text": "Ready", "color": "green"}}}]},
                {"id": "min", "value": 0}, {"id": "max", "value": 2}, {"id": "custom.cellOptions", "value": {"type": cell}}]},
        ]}})
    };
    let table = [
        ("color-text", "style=\"color:#73BF69\"><bdi>Ready</bdi>"),
        ("color-background", "style=\"background:#73BF69;color:#16191d\"><bdi>Ready</bdi>"),
        ("gauge", "--share:50.00%;background:#73BF69"),
        ("auto", "<td class=\"right\"><bdi>Ready</bdi>"),
    ];
    for (cell, expected) in table {
        let drawn = draw(&panel(cell), &[pods(2)]);
        assert!(drawn.contains(expected), "{cell}: {drawn}");
    }
}

#[test]
fn a_text_mode_chooses_between_name_and_value() {
    let table = [
        ("auto", false, true),
        ("value", false, true),
        ("name", true, false),
        ("value_and_name", true, true),
        ("none", false, false),
    ];
    for (mode, name, value) in table {
        let panel = json!({"type": "stat", "title": "x", "options": {"textMode": mode}});
        // What appears when the pointer rests does not count.
        let drawn = draw(&panel, &[series("version", &[12.5])]).replace("title=\"version: 12.5\"", "");
        assert_eq!((drawn.contains("version"), drawn.contains("12.5")), (name, value), "{mode}: {drawn}");
    }
}

#[test]
fn a_page_holds_every_panel_at_its_place_and_needs_nothing_else() {
    let dashboard = dashboard(&json!([
        {"id": 1, "type": "text", "title": "Top", "gridPos": {"x": 0, "y": 0, "w": 24, "h": 3}, "options": {"content": "hello"}},
        {"id": 2, "type": "row", "title": "Open", "gridPos": {"x": 0, "y": 3, "w": 24, "h": 1}, "panels": []},
        {"id": 3, "type": "text", "title": "In", "gridPos": {"x": 6, "y": 4, "w": 12, "h": 5}, "options": {"content": "in"}},
        {"id": 4, "type": "row", "title": "Shut", "collapsed": true, "gridPos": {"x": 0, "y": 9, "w": 24, "h": 1}, "panels": [
            {"id": 5, "type": "text", "title": "Hidden", "gridPos": {"x": 0, "y": 10, "w": 24, "h": 3}, "options": {"content": "secret"}}]},
    ]));
    let clock = Clock { now_ms: START, zone: TimeZone::UTC };
    let values = Values::default();
    let range = TimeRange { from_ms: START, to_ms: START + 60 * MINUTE };
    let placed = arrange(&dashboard.panels, &values, |row| row.collapsed);
    let draw = |appearance| {
        let context = Context { appearance, clock: &clock, values: &values, hover: false };
        let drawn: Vec<Markup> = placed
            .iter()
            .map(|placed| {
                let size = Size::on_grid(placed.grid, 1_248);
                let table_page = TablePage::default();
                panel(
                    &PanelInput {
                        panel: placed.panel,
                        frames: &[],
                        errors: &[],
                        range,
                        step_ms: None,
                        table_page,
                        size,
                    },
                    &context,
                )
            })
            .collect();
        page(
            &Page {
                dashboard: &dashboard,
                placed: &placed,
                drawn: &drawn,
                range,
                head: None,
                controls: None,
            },
            &context,
        )
        .into_string()
    };
    let auto = draw(Appearance::Auto);
    assert!(auto.contains("--x:1;--y:1;--w:24;--h:3") && auto.contains("--x:7;--y:1;--w:12;--h:5"), "{auto}");
    assert!(auto.contains("<details class=\"row\" open=\"open\" data-row=\"2\">"), "{auto}");
    assert!(auto.contains("<details class=\"row\" data-row=\"4\">") && auto.contains("(1 panel)"), "{auto}");
    assert!(!auto.contains("secret") && auto.contains("2026-03-01 10:00:00 to 11:00:00 (UTC)"), "{auto}");
    let names = auto.replace("http://www.w3.org/2000/svg", "");
    for outside in ["http:", "https:", "src=", "@import", "url("] {
        assert!(!names.contains(outside), "{outside}");
    }
    assert_eq!(auto, draw(Appearance::Auto), "equal input, equal bytes");
    assert!(draw(Appearance::Fixed(Theme::Light)).contains("<html lang=\"en\" class=\"theme-light\">"));
}

#[test]
fn a_page_as_one_picture_is_xml_without_what_xml_cannot_hold() {
    let dashboard = model::parse(&json!({"title": "a\u{1}b & c", "panels": [
        {"id": 1, "type": "row", "title": "Row", "gridPos": {"x": 0, "y": 0, "w": 24, "h": 1}, "panels": []},
        {"id": 2, "type": "text", "title": "Text", "gridPos": {"x": 0, "y": 1, "w": 24, "h": 10}, "options": {"content": "a  \nb\n\n---\n"}},
    ]}))
    .unwrap()
    .dashboard;
    let (clock, values) = (Clock { now_ms: START, zone: TimeZone::UTC }, Values::default());
    let context =
        Context { appearance: Appearance::Fixed(Theme::Dark), clock: &clock, values: &values, hover: false };
    let range = TimeRange { from_ms: START, to_ms: START + MINUTE };
    let placed = arrange(&dashboard.panels, &values, |row| row.collapsed);
    let drawn: Vec<Markup> =
        placed.iter().map(|placed| markdown::text_panel(placed.panel, &context)).collect();
    let page =
        Page { dashboard: &dashboard, placed: &placed, drawn: &drawn, range, head: None, controls: None };
    let svg = page_as_svg(&page, &context, 1_280);
    // The header, a row and ten lines.
    assert!(
        svg.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"1280\" height=\"528\""),
        "{svg}"
    );
    assert!(svg.contains("ab &amp; c") && svg.contains("class=\"theme-dark\""), "{svg}");
    assert!(svg.contains("<br />") && svg.contains("<hr />") && svg.contains(" open=\"open\""), "{svg}");
    assert!(!svg.contains("<meta") && !svg.contains("<!DOCTYPE"), "{svg}");
}

fn any_number() -> impl Strategy<Value = f64> {
    prop_oneof![
        any::<f64>(),
        -10.0..10.0_f64,
        Just(f64::NAN),
        Just(f64::INFINITY),
        Just(f64::NEG_INFINITY),
        Just(0.0)
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn every_panel_draws_every_number(
        values in prop::collection::vec(any_number(), 0..12),
        other in prop::collection::vec(any_number(), 0..12),
        (min, max) in (prop::option::of(any_number()), prop::option::of(any_number())),
        unit in prop_oneof![Just("bytes"), Just("s"), Just("percentunit"), Just("dateTimeAsIso"), Just("short")],
        stacking in prop_oneof![Just("none"), Just("normal"), Just("percent")],
        style in prop_oneof![Just("line"), Just("bars"), Just("points")],
        thresholds in prop_oneof![Just("off"), Just("line+area"), Just("dashed")],
    ) {
        for kind in KINDS {
            let panel = json!({"type": kind, "title": "x", "fieldConfig": {"defaults": {
                "unit": unit, "min": min, "max": max,
                "thresholds": {"mode": "percentage", "steps": [{"color": "green", "value": null}, {"color": "red", "value": 80}]},
                "custom": {"stacking": {"mode": stacking}, "drawStyle": style, "fillOpacity": 20, "lineInterpolation": "stepAfter",
                    "thresholdsStyle": {"mode": thresholds}, "cellOptions": {"type": "gauge"}},
            }}});
            let drawn = draw(&panel, &[series("a", &values), series("b", &other)]);
            // Numbers of the picture itself are numbers.
            for place in drawn.split(" d=\"").skip(1) {
                let path = place.split('"').next().unwrap_or_default();
                prop_assert!(!path.contains("NaN") && !path.contains("inf"), "{}", path);
            }
            prop_assert!(!drawn.contains("--share:NaN") && !drawn.contains("height=\"-"), "{}", drawn);
        }
    }
}

#[test]
fn a_series_with_a_link_leads_there_from_the_legend() {
    let panel = |url: &str| json!({"type": "timeseries", "title": "x", "fieldConfig": {"defaults": {"links": [{"title": "Pod", "url": url}]}}});
    let mut frame = series("web <1>", &[1.0, 2.0]);
    frame.fields[1].labels.insert("pod".to_owned(), "web&1".to_owned());
    let frames = [frame];
    let drawn =
        draw(&panel("/d/pod?var-pod=${__field.labels.pod}&v=${__value.raw}&n=${__series.name}"), &frames);
    assert!(drawn.contains("href=\"/d/pod?var-pod=web%261&amp;v=2&amp;n=web%20%3C1%3E\""), "{drawn}");
    let drawn = draw(&panel("javascript:alert(1)"), &frames);
    assert!(!drawn.contains("javascript") && drawn.contains("web &lt;1&gt;"), "{drawn}");
}

#[test]
fn a_description_is_shown_without_its_marks() {
    let drawn = draw(&json!({"type": "stat", "title": "x", "description": "**Do:** `a` <b>"}), &[]);
    assert!(drawn.contains("title=\"Do: a &lt;b&gt;\""), "{drawn}");
}
