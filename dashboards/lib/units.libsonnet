// Units by Grafana's ids. A quantity has one unit everywhere.
{
  cores: 'suffix:cores',
  bytes: 'bytes',  // powers of 1024, as Kubernetes counts memory
  bitsPerSecond: 'bps',  // the query has to multiply bytes by 8
  bytesPerSecond: 'binBps',
  packetsPerSecond: 'pps',
  operationsPerSecond: 'iops',
  errorsPerSecond: 'suffix:errors/s',
  ratio: 'percentunit',  // 0 to 1
  count: 'short',
  seconds: 's',
  duration: 'dtdurations',
}
