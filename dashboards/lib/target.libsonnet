// Queries of a panel. What is equal for all (data source, shortest step, the letters A, B, … that Grafana calls
// `refId`) is set by dashboard.libsonnet.
{
  // Over the time range: for time series.
  range(expr, legend):: { expr: expr, legendFormat: legend, instant: false, range: true },
  // At the end of the time range: for single numbers.
  instant(expr, legend=''):: { expr: expr, legendFormat: legend, instant: true, range: false },
  // At the end of the time range, with the labels as columns.
  table(expr):: { expr: expr, legendFormat: '', instant: true, range: false, format: 'table' },

  // The letter of the nth query, from 0.
  refId(n)::
    assert n < 26 : 'a panel has at most 26 queries';
    std.char(std.codepoint('A') + n),
}
