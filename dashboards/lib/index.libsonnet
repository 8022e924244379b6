// Everything that a dashboard's source needs: `local lib = import '../lib/index.libsonnet';`
{
  about: import 'about.libsonnet',
  dashboard: import 'dashboard.libsonnet',
  k8s: import 'k8s.libsonnet',
  links: import 'links.libsonnet',
  mappings: import 'mappings.libsonnet',
  panels: import 'panels.libsonnet',
  promql: import 'promql.libsonnet',
  table: import 'table.libsonnet',
  target: import 'target.libsonnet',
  thresholds: import 'thresholds.libsonnet',
  units: import 'units.libsonnet',
  variables: import 'variables.libsonnet',
}
