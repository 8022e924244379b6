// PromQL as text, laid out as `promtool promql format` lays it out: on one line up to 100 characters, else broken at
// the outermost brackets. A text that already has a line break is too long, and so is everything around it.
local width = 100;

local broken(text) = std.member(text, '\n');
local indent(text) = '  ' + std.strReplace(text, '\n', '\n  ');

// head(body), on one line or three.
local enclose(head, body) =
  if broken(body) || std.length(head) + std.length(body) + 2 > width
  then head + '(\n' + indent(body) + '\n)'
  else head + '(' + body + ')';

{
  // `metric{matchers}`; matchers are texts such as `state="idle"`. Sorted, as the formatter does it.
  select(metric, matchers):: if matchers == [] then metric else '%s{%s}' % [metric, std.join(',', std.sort(matchers))],

  // `func(arg, …)`
  call(func, args)::
    local line = std.join(', ', args);
    if broken(line) || std.length(func) + std.length(line) + 2 > width
    then func + '(\n' + indent(std.join(',\n', args)) + '\n)'
    else func + '(' + line + ')',

  // `sum by (labels) (body)`; without labels `sum(body)`.
  aggregate(operator, labels, body)::
    enclose(if labels == [] then operator else '%s by (%s) ' % [operator, std.join(', ', labels)], body),
  sum(labels, body):: self.aggregate('sum', labels, body),
  max(labels, body):: self.aggregate('max', labels, body),
  min(labels, body):: self.aggregate('min', labels, body),
  avg(labels, body):: self.aggregate('avg', labels, body),
  count(labels, body):: self.aggregate('count', labels, body),

  // `left op right`
  binary(left, operator, right)::
    if broken(left) || broken(right) || std.length(left) + std.length(operator) + std.length(right) + 2 > width
    then indent(left) + '\n' + operator + '\n' + indent(right)
    else '%s %s %s' % [left, operator, right],

  // A part to the whole. Give the sums of both sides: a sum of ratios is no ratio.
  ratio(part, whole):: self.binary(part, '/', whole),

  // `one or other or …`: all series of the first, and of the others what is not there yet.
  either(list):: std.foldl(function(all, one) self.binary(all, 'or', one), list[1:], list[0]),

  // Without line breaks.
  oneLine(body):: std.join(' ', [std.stripChars(line, ' ') for line in std.split(body, '\n')]),

  // Wherever a sum or a comparison becomes a part of something larger.
  parens(body):: enclose('', body),
}
