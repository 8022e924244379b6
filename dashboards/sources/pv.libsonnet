// Persistent Volumes: how full the claims are, and when they will be.
local lib = import '../lib/index.libsonnet';

local about = lib.about, dashboard = lib.dashboard, panels = lib.panels, q = lib.promql, table = lib.table,
      target = lib.target, thresholds = lib.thresholds, units = lib.units;

local volumes = 'the metric group `volume` and `extra_metadata_labels: [k8s.volume.type]`';

// One series per claim, with its namespace beside its name: several namespaces may have claims of one name.
local perClaim(what) = function(config)
  local k8s = lib.k8s(config);
  q.max([config.namespaceLabel, k8s.claimLabel], what(config, k8s, k8s.of.claims));
local claimsInPhase(config, phase) =
  local k8s = lib.k8s(config);
  q.sum([], k8s.gauge(
    'k8s_persistentvolumeclaim_status_phase',
    k8s.identity.claim,
    k8s.of.namespaces + ['k8s_persistentvolumeclaim_status_phase="%s"' % phase],
  ));
local volumesInPhase(config, phase) =
  local k8s = lib.k8s(config);
  q.sum([], k8s.gauge(
    'k8s_persistentvolume_status_phase',
    [config.clusterLabel, 'k8s_persistentvolume_name'],
    k8s.of.clusters + ['k8s_persistentvolume_status_phase="%s"' % phase],
  ));

{
  name: 'pv',

  queries: {
    claimsInPhase:: claimsInPhase,
    volumesInPhase:: volumesInPhase,
    used:: perClaim(function(config, k8s, claims) k8s.claim.used(claims)),
    free:: perClaim(function(config, k8s, claims) k8s.claim.available(claims)),
    capacity:: perClaim(function(config, k8s, claims) k8s.claim.capacity(claims)),
    requested:: perClaim(
      function(config, k8s, claims) k8s.claim.gauge('k8s_persistentvolumeclaim_storage_request_bytes', claims),
    ),
    usedRatio:: perClaim(function(config, k8s, claims) k8s.claim.usedRatio(claims)),
    inodesRatio:: perClaim(function(config, k8s, claims) k8s.claim.inodesRatio(claims)),
    inodesUsed:: perClaim(function(config, k8s, claims) k8s.claim.gauge('k8s_volume_inodes_used_ratio', claims)),
    inodesFree:: perClaim(function(config, k8s, claims) k8s.claim.gauge('k8s_volume_inodes_free_ratio', claims)),
    // What is left, by how fast it shrinks; a claim that does not shrink is not there.
    secondsUntilFull:: perClaim(function(config, k8s, claims)
      local available = q.select('k8s_volume_available_bytes', claims + ['%s!=""' % k8s.claimLabel]);
      local shrinking = q.parens(q.binary(
        q.max(k8s.identity.claim, '-' + q.call('deriv', ['%s[%s]' % [available, config.trendWindow]])), '>', '0'
      ));
      q.ratio(k8s.claim.available(claims), shrinking)),
  },

  variables(config):: local v = lib.variables(config); [v.datasource, v.cluster, v.namespacesOfClaims, v.claim],

  dashboard(config, queries, variables)::
    local k8s = lib.k8s(config);
    local name = '{{%s}}/{{%s}}' % [config.namespaceLabel, k8s.claimLabel];
    local count(title, description, query, colours=thresholds.none) =
      panels.stat(title, description, units.count, [target.instant(query)])
      + panels.decimals(0) + panels.field(colours) + panels.noValue('0');
    local claims(phase, meaning, act, colours=thresholds.none) =
      count(
        'Claims ' + std.asciiLower(phase),
        about(meaning, 'k8s_cluster', act, '`k8s.persistentvolumeclaim.status.phase` switched on'),
        queries.claimsInPhase(config, phase),
        colours,
      );
    local volumesOf(phase, meaning, act, colours=thresholds.none) =
      count(
        'Volumes ' + std.asciiLower(phase),
        about(meaning, 'k8s_cluster', act, '`k8s.persistentvolume.status.phase` switched on'),
        queries.volumesInPhase(config, phase),
        colours,
      );

    local overview = [
      claims('Bound', 'Claims in the selected namespaces that have a volume.', 'Nothing: this is how it should be.'),
      claims(
        'Pending',
        'Claims in the selected namespaces that wait for a volume.',
        'Does the storage class exist, does its provisioner run? Some classes wait for the first pod.',
        thresholds.betterZero,
      ),
      claims(
        'Lost',
        'Claims in the selected namespaces whose volume is gone.',
        'Restore the volume from a backup: its data is not reachable.',
        thresholds.shouldBeZero,
      ),
      volumesOf(
        'Available',
        'Volumes of the cluster that no claim has taken.',
        'They cost money: delete what nobody needs.',
      ),
      volumesOf(
        'Released',
        'Volumes of the cluster whose claim was deleted and that are kept.',
        'Save or delete their data, then the volume.',
        thresholds.betterZero,
      ),
      volumesOf(
        'Failed',
        'Volumes of the cluster that could not be reclaimed.',
        '`kubectl describe pv` says why.',
        thresholds.shouldBeZero,
      ),
      table.new(
        'Claims',
        about(
          'One line per claim; usage is known of those that a running pod has mounted. Full in: what is left, divided by how fast it shrank over the last %s; nothing where it did not shrink.' % config.trendWindow,
          'kubelet_stats (usage) and k8s_cluster (requested)',
          'Grow the claim, or clean up, before it is full: databases do not survive that. A click on the name shows one claim.',
          volumes + ' and `k8s.persistentvolumeclaim.storage.request` switched on',
        ),
        [
          { label: k8s.claimLabel, title: 'Claim', link: lib.links(config).claimOfRow },
          { label: config.namespaceLabel, title: 'Namespace', link: lib.links(config).namespacePods },
        ],
        [
          { title: 'Requested', unit: units.bytes, expr: queries.requested(config) },
          { title: 'Capacity', unit: units.bytes, expr: queries.capacity(config) },
          { title: 'Used', unit: units.bytes, expr: queries.used(config) },
          { title: 'Used of capacity', unit: units.ratio, expr: queries.usedRatio(config), gauge: true } + thresholds.saturation(config),
          { title: 'Inodes used', unit: units.ratio, expr: queries.inodesRatio(config), gauge: true } + thresholds.saturation(config),
          { title: 'Full in', unit: units.seconds, expr: queries.secondsUntilFull(config), decimals: 1 },
        ],
        sortBy='Used of capacity',
      ),
    ];

    local ts(title, description, unit, targets) =
      panels.timeseries(title, description, unit, targets) + panels.size(16, 8) + panels.noValue('No mounted claim');
    local full(title, description, query) =
      panels.bargauge(title, description, units.ratio, [target.instant(query(config), name)])
      + panels.size(8, 8) + panels.namesAbove + panels.upTo(1) + panels.decimals(1)
      + panels.field(thresholds.saturation(config)) + panels.noValue('No mounted claim');

    dashboard.new(
      config,
      $.name,
      'Persistent Volumes',
      'How full the claims are, and when they will be.',
      variables,
      [
        dashboard.row('Claims', overview),
        dashboard.row('Space', [
          ts('Space', about(
            'Used and free bytes of the selected claims. Used is capacity less what is available: what the filesystem keeps for itself counts as used.',
            'kubelet_stats',
            'A line that rises steadily: see Full in, above.',
            volumes,
          ), units.bytes, [
            target.range(queries.used(config), name + ' used'),
            target.range(queries.free(config), name + ' free'),
          ]),
          full(
            'Space used',
            about(
              'Used bytes as a share of the capacity.',
              'kubelet_stats',
              'Above 90 %: grow the claim, or clean up.',
              volumes,
            ),
            queries.usedRatio,
          ),
        ]),
        dashboard.row('Inodes', [
          ts('Inodes', about(
            'Used and free inodes: files and folders that there are, and that there can be. The metrics\' names end in `_ratio` only because their unit is 1.',
            'kubelet_stats',
            'When they run out no file can be made, however much space is free: look for many small files.',
            volumes,
          ), units.count, [
            target.range(queries.inodesUsed(config), name + ' used'),
            target.range(queries.inodesFree(config), name + ' free'),
          ]),
          full(
            'Inodes used',
            about('Used inodes as a share of all.', 'kubelet_stats', 'Above 90 %: look for many small files.', volumes),
            queries.inodesRatio,
          ),
        ]),
      ],
    ),
}
