//! Which properties the core panel types of Grafana 12 and 13 have, so that a slip of the pen can be noted.
//!
//! Panel types that are missing here may have anything.

/// The properties that an override may set beside `custom.…`.
pub(super) const FIELD_PROPERTIES: &[&str] = &[
    "unit",
    "decimals",
    "min",
    "max",
    "displayName",
    "description",
    "noValue",
    "filterable",
    "color",
    "thresholds",
    "mappings",
    "links",
    "actions",
    "fieldMinMax",
];

const AXIS: [&str; 9] = [
    "axisPlacement",
    "axisLabel",
    "axisWidth",
    "axisSoftMin",
    "axisSoftMax",
    "axisGridShow",
    "axisColorMode",
    "axisBorderShow",
    "axisCenteredZero",
];

const TIME_SERIES: &[&str] = &[
    AXIS[0],
    AXIS[1],
    AXIS[2],
    AXIS[3],
    AXIS[4],
    AXIS[5],
    AXIS[6],
    AXIS[7],
    AXIS[8],
    "drawStyle",
    "lineInterpolation",
    "lineWidth",
    "lineStyle",
    "lineColor",
    "fillOpacity",
    "fillColor",
    "fillBelowTo",
    "gradientMode",
    "barAlignment",
    "barMaxWidth",
    "barWidthFactor",
    "spanNulls",
    "insertNulls",
    "showPoints",
    "showValues",
    "pointSize",
    "pointColor",
    "pointSymbol",
    "stacking",
    "scaleDistribution",
    "hideFrom",
    "thresholdsStyle",
    "transform",
];

const TABLE: &[&str] = &[
    "align",
    "width",
    "minWidth",
    "cellOptions",
    "displayMode",
    "inspect",
    "filterable",
    "hidden",
    "hideFrom",
    "hideHeader",
    "wrapText",
    "wrapHeaderText",
    "footer",
    "tooltip",
];

/// What `fieldConfig.defaults.custom` may have.
pub(super) fn custom(panel_type: &str) -> Option<&'static [&'static str]> {
    match panel_type {
        "timeseries" => Some(TIME_SERIES),
        "table" => Some(TABLE),
        // These have no own field options; what stands there is left over from another type.
        "stat" | "gauge" | "bargauge" | "text" | "row" => Some(&["hideFrom", "neutral"]),
        _ => None,
    }
}

/// What `options` may have.
pub(super) fn options(panel_type: &str) -> Option<&'static [&'static str]> {
    match panel_type {
        "timeseries" => Some(&["legend", "tooltip", "orientation", "timezone", "annotations", "timeCompare"]),
        "stat" => Some(&[
            "reduceOptions",
            "orientation",
            "text",
            "textMode",
            "colorMode",
            "graphMode",
            "justifyMode",
            "wideLayout",
            "showPercentChange",
            "percentChangeColorMode",
        ]),
        "gauge" => Some(&[
            "reduceOptions",
            "orientation",
            "text",
            "showThresholdLabels",
            "showThresholdMarkers",
            "sizing",
            "minVizWidth",
            "minVizHeight",
            "shape",
            "barShape",
            "barWidthFactor",
            "effects",
            "endpointMarker",
            "segmentCount",
            "segmentSpacing",
            "sparkline",
            "textMode",
            "neutral",
        ]),
        "bargauge" => Some(&[
            "reduceOptions",
            "orientation",
            "text",
            "displayMode",
            "valueMode",
            "namePlacement",
            "showUnfilled",
            "sizing",
            "minVizWidth",
            "minVizHeight",
            "maxVizHeight",
            "legend",
        ]),
        "table" => Some(&[
            "showHeader",
            "frameIndex",
            "showTypeIcons",
            "sortBy",
            "footer",
            "cellHeight",
            "enablePagination",
            "frozenColumns",
            "disableKeyboardEvents",
            "maxRowHeight",
        ]),
        "text" => Some(&["mode", "content", "code"]),
        _ => None,
    }
}
