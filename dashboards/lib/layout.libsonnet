// Where panels stand on Grafana's grid of 24 columns: from left to right, and on the next line when the width is used
// up. Nobody counts positions by hand, so a new panel moves the others and nothing else.
local columns = 24;

// A line's panels: [[panel, …], …], broken where the width would exceed 24.
local lines(panels) =
  local step(state, panel) =
    assert panel.size.w >= 1 && panel.size.w <= columns :
           'panel "%s" is %d columns wide; the page has %d' % [panel.title, panel.size.w, columns];
    if state.used + panel.size.w > columns
    then { done: state.done + [state.line], line: [panel], used: panel.size.w }
    else state { line+: [panel], used+: panel.size.w };
  local end = std.foldl(step, panels, { done: [], line: [], used: 0 });
  end.done + (if end.line == [] then [] else [end.line]);

local lineHeight(line) = std.foldl(std.max, [panel.size.h for panel in line], 0);

// A line's panels with their places, from its top downwards.
local placeLine(line, y) =
  local widthOf(panels) = std.foldl(function(sum, panel) sum + panel.size.w, panels, 0);
  [
    line[i] + { gridPos: { x: widthOf(line[:i]), y: y, w: line[i].size.w, h: line[i].size.h } }
    for i in std.range(0, std.length(line) - 1)
  ];

local placeLines(panels, y) =
  local step(state, line) = { placed: state.placed + placeLine(line, state.y), y: state.y + lineHeight(line) };
  std.foldl(step, lines(panels), { placed: [], y: y });

{
  // rows: [{ title, panels, collapsed }, …] → Grafana's list of panels: each row's headline, then its panels; those of a
  // collapsed row inside it.
  place(rows)::
    local step(state, row) =
      local inside = placeLines(row.panels, state.y + 1);
      local headline = row.headline + { gridPos: { x: 0, y: state.y, w: columns, h: 1 } };
      if row.collapsed
      then { placed: state.placed + [headline + { collapsed: true, panels: inside.placed }], y: state.y + 1 }
      else { placed: state.placed + [headline + { collapsed: false, panels: [] }] + inside.placed, y: inside.y };
    std.foldl(step, rows, { placed: [], y: 0 }).placed,
}
