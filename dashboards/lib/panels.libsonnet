// The panel types that the dashboards use. A panel is
//
//   panels.timeseries('CPU usage', about('…', 'kubelet_stats'), units.cores, [target.range('…', '{{k8s_pod_name}}')])
//
// and what differs from the usual is added to it:
//
//   panels.timeseries(…) + panels.stacked + panels.wide(8)
//
// Where it stands on the page and its number are the business of dashboard.libsonnet. Hidden fields (`::`) are for it:
//   size   width of 24 columns, height in lines of 30 pixels
//   key    what its number is made from; its row and title, unless another panel has the same
local thresholds = import 'thresholds.libsonnet';

local panel(type, title, description, w, h) = {
  local this = self,
  type: type,
  title: title,
  description: description,
  size:: { w: w, h: h },
  key:: this.title,
};

local withField(unit) = {
  fieldConfig: {
    defaults: { unit: unit } + thresholds.none + (if unit == 'percentunit' then { min: 0 } else {}),
    overrides: [],
  },
};

local lastValue = { calcs: ['lastNotNull'], fields: '', values: false };

{
  // Lines over time.
  timeseries(title, description, unit, targets)::
    panel('timeseries', title, description, 12, 9) + withField(unit) + {
      targets: targets,
      fieldConfig+: {
        defaults+: {
          color: { mode: 'palette-classic' },
          custom: {
            drawStyle: 'line',
            lineWidth: 1,
            fillOpacity: 10,
            showPoints: 'never',
            spanNulls: false,
            stacking: { mode: 'none', group: 'A' },
            thresholdsStyle: { mode: 'off' },
          },
        },
      },
      options: {
        legend: {
          showLegend: true,
          displayMode: 'table',
          placement: 'bottom',
          calcs: ['lastNotNull', 'max'],
          sortBy: 'Last *',
          sortDesc: true,
        },
        tooltip: { mode: 'multi', sort: 'desc' },
      },
    },

  // One large number per series.
  stat(title, description, unit, targets)::
    panel('stat', title, description, 4, 4) + withField(unit) + {
      targets: targets,
      fieldConfig+: { defaults+: { color: { mode: 'thresholds' } } },
      options: {
        reduceOptions: lastValue,
        colorMode: 'value',
        graphMode: 'none',
        justifyMode: 'auto',
        orientation: 'auto',
        textMode: 'auto',
        wideLayout: true,
      },
    },

  // A dial: for shares of something whole.
  gauge(title, description, unit, targets)::
    panel('gauge', title, description, 6, 6) + withField(unit) + {
      targets: targets,
      fieldConfig+: { defaults+: { color: { mode: 'thresholds' } } },
      options: { reduceOptions: lastValue, orientation: 'auto', showThresholdLabels: false, showThresholdMarkers: true },
    },

  // A bar per series: for comparing.
  bargauge(title, description, unit, targets)::
    panel('bargauge', title, description, 8, 6) + withField(unit) + {
      targets: targets,
      // From 0: without it the shortest bar would be empty.
      fieldConfig+: { defaults+: { min: 0, color: { mode: 'thresholds' } } },
      options: {
        reduceOptions: lastValue,
        orientation: 'horizontal',
        displayMode: 'basic',
        valueMode: 'color',
        namePlacement: 'auto',
        showUnfilled: true,
        sizing: 'auto',
      },
    },

  // Markdown.
  text(title, description, markdown)::
    panel('text', title, description, 24, 4) + { options: { mode: 'markdown', content: markdown } },

  // --- Additions ---
  size(w, h):: { size:: { w: w, h: h } },
  // A time series over the whole width: the names have room beside the lines.
  wide(h):: self.size(24, h) + { options+: { legend+: { placement: 'right' } } },
  // For two panels of one title in one row.
  key(text):: { key:: text },
  // Areas on top of each other: only for series that add up to something.
  stacked:: { fieldConfig+: { defaults+: { custom+: { fillOpacity: 40, stacking: { mode: 'normal', group: 'A' } } } } },
  // Names alone: for narrow panels.
  namesOnly:: { options+: { legend+: { displayMode: 'list', calcs: [] } } },
  // The axis ends here. Not for ratios that may be larger than 1.
  upTo(max):: { fieldConfig+: { defaults+: { max: max } } },
  decimals(n):: { fieldConfig+: { defaults+: { decimals: n } } },
  // What stands there when there is no data, where that is no fault.
  noValue(text):: { fieldConfig+: { defaults+: { noValue: text } } },
  // The names above the bars: for long ones.
  namesAbove:: { options+: { namePlacement: 'top' } },
  // The axis begins at 0: for what is counted.
  fromZero:: { fieldConfig+: { defaults+: { min: 0 } } },
  // Anything for all fields: thresholds, mappings.
  field(settings):: { fieldConfig+: { defaults+: settings } },
  // The series' names instead of their values: for texts that are labels.
  showNames:: { options+: { textMode: 'name' }, fieldConfig+: { defaults+: { color: { mode: 'fixed', fixedColor: 'text' } } } },
  // Lines that limit the others (requests, limits, quotas): dashed, unfilled, never stacked.
  limitLines(names):: {
    fieldConfig+: {
      overrides+: [
        {
          matcher: { id: 'byName', options: name },
          properties: [
            { id: 'custom.fillOpacity', value: 0 },
            { id: 'custom.lineWidth', value: 2 },
            { id: 'custom.lineStyle', value: { fill: 'dash', dash: [10, 10] } },
            { id: 'custom.stacking', value: { mode: 'none', group: 'A' } },
          ],
        }
        for name in names
      ],
    },
  },
}
