// The description of a panel: what it means, where it comes from, what to do. In that order, so that people know where
// to look.
//
//   meaning    what is shown, as a sentence
//   receivers  which of the collector's receivers send it
//   act        what to do when it looks bad
//   needs      settings that are off by default
function(meaning, receivers, act='', needs='')
  std.join('\n\n', [
    part
    for part in [
      meaning,
      if act == '' then '' else '**What to do:** ' + act,
      '**Receiver:** %s%s' % [receivers, if needs == '' then '.' else ', with ' + needs + '.'],
    ]
    if part != ''
  ])
