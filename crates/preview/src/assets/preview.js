// What a form cannot do: values under the pointer, zoom, sorting, and showing a saved source at once.
// Pages come from the server as they are; this script only replaces their parts and listens. No page depends on it.
(() => {
  'use strict';

  const MAX_TOOLTIP = 20;

  const root = document.documentElement;
  const one = (selector, within = document) => within.querySelector(selector);
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const meta = (name, within = document) => one(`meta[name="${name}"]`, within)?.content ?? '';
  const pause = (ms) => new Promise((done) => setTimeout(done, ms));
  const element = (name, properties = {}, ...children) => {
    const made = Object.assign(document.createElement(name), properties);
    made.append(...children);
    return made;
  };

  // --- Theme ---

  const stored = (() => {
    // A browser may forbid it.
    try { return window.localStorage; } catch { return null; }
  })();

  const setTheme = (theme) => {
    root.classList.remove('theme-dark', 'theme-light');
    if (theme === 'dark' || theme === 'light') root.classList.add(`theme-${theme}`);
  };
  setTheme(new URLSearchParams(location.search).get('theme') ?? stored?.getItem('theme'));

  const toggleTheme = () => {
    const dark = root.classList.contains('theme-dark')
      || (!root.classList.contains('theme-light') && matchMedia('(prefers-color-scheme: dark)').matches);
    const theme = dark ? 'light' : 'dark';
    stored?.setItem('theme', theme);
    setTheme(theme);
    const here = new URL(location.href);
    if (here.searchParams.has('theme')) {
      here.searchParams.set('theme', theme);
      history.replaceState(null, '', here);
    }
  };

  // --- Replacing the page in place ---

  let running = null;

  // Shows an address of this page. 'push' makes an entry in the history, 'replace' none.
  const show = async (address, how = 'replace') => {
    running?.abort();
    const own = running = new AbortController();
    document.body.setAttribute('aria-busy', 'true');
    try {
      const answer = await fetch(address, { signal: own.signal, headers: { accept: 'text/html' } });
      const text = await answer.text();
      if (own !== running) return false;
      const next = new DOMParser().parseFromString(text, 'text/html');
      const canonical = meta('address', next) || address;
      const theme = new URLSearchParams(location.search).get('theme');
      const target = new URL(canonical, location.href);
      if (theme && !target.searchParams.has('theme')) target.searchParams.set('theme', theme);
      replace(next);
      if (how === 'push' && target.href !== location.href) history.pushState(null, '', target);
      else history.replaceState(null, '', target);
      offline(false);
      return true;
    } catch (error) {
      if (error.name === 'AbortError') return false;
      offline(true);
      return false;
    } finally {
      if (own === running) {
        running = null;
        document.body.removeAttribute('aria-busy');
      }
    }
  };

  const refresh = () => show(location.href);

  const offline = (is) => {
    const known = document.getElementById('offline');
    if (!is) known?.remove();
    else if (!known) {
      document.body.prepend(element('p', { id: 'offline', role: 'alert', textContent: 'The preview does not answer. It is asked again.' }));
    }
  };

  const replace = (next) => {
    document.title = next.title;
    for (const name of ['preview-version', 'utc-offset', 'address']) {
      const tag = one(`meta[name="${name}"]`);
      if (tag) tag.content = meta(name, next);
    }
    const kept = keep();
    const main = one('main');
    const nextMain = one('main', next);
    if (main && nextMain) main.replaceWith(document.adoptNode(nextMain));
    const header = one('header.top');
    const nextHeader = one('header.top', next);
    if (header && nextHeader) {
      if (one('details.picker[open]', header) || typing(header)) {
        // Somebody is choosing: only what is wrong is brought up to date.
        const place = document.getElementById('banner-place');
        const nextPlace = nextHeader.querySelector('#banner-place');
        if (place && nextPlace) place.replaceWith(document.adoptNode(nextPlace));
      } else {
        header.replaceWith(document.adoptNode(nextHeader));
      }
    }
    restore(kept);
    arrive();
  };

  const typing = (within) => {
    const active = document.activeElement;
    return active && within.contains(active) && active.matches('input:not([type=checkbox]), textarea');
  };

  // What the reader did and the server does not know: scrolling, focus, series that are hidden.
  const scrollers = '.table, .legend, .stats, .text, .bars, .gauges';
  const keep = () => ({
    scrolled: all('[data-panel]').flatMap((panel, number) =>
      all(scrollers, panel).map((box, place) => [panel.dataset.panel, number, place, box.scrollTop, box.scrollLeft])
        .filter(([, , , top, left]) => top || left)),
    focus: document.activeElement?.getAttribute('name'),
    alone: all('[data-panel][data-alone]').map((panel) => [panel.dataset.panel, panel.dataset.alone]),
  });
  const restore = ({ scrolled, focus, alone }) => {
    const panels = all('[data-panel]');
    for (const [id, number, place, top, left] of scrolled) {
      const panel = panels[number]?.dataset.panel === id ? panels[number] : null;
      const box = panel && all(scrollers, panel)[place];
      if (box) Object.assign(box, { scrollTop: top, scrollLeft: left });
    }
    for (const [id, name] of alone) {
      for (const panel of panels.filter((panel) => panel.dataset.panel === id)) showAlone(panel, name);
    }
    if (focus && document.activeElement === document.body) one(`#controls [name="${CSS.escape(focus)}"]`)?.focus();
  };

  // --- Variables and time ---

  const controls = () => document.getElementById('controls');

  // The address that the form stands for, with what is in the present one besides.
  const address = (changes = {}) => {
    const form = controls();
    const url = new URL(form?.getAttribute('action') ?? location.pathname, location.href);
    const carried = ['theme', 'rows'].map((name) => [name, new URLSearchParams(location.search).get(name)]);
    for (const [name, value] of carried) if (value) url.searchParams.set(name, value);
    for (const [name, value] of form ? new FormData(form) : []) {
      if (name in changes || value === '') continue;
      url.searchParams.append(name, value);
    }
    for (const [name, value] of Object.entries(changes)) if (value !== null) url.searchParams.set(name, value);
    return url;
  };

  const choose = (name) => show(address({ changed: name.replace(/^var-/, '') }), 'push');
  const setRange = (from, to) => show(address({ from: String(from), to: String(to) }), 'push');

  const move = (how) => {
    const { from, to } = controls()?.dataset ?? {};
    if (!from) return;
    const [start, end] = [Number(from), Number(to)];
    const half = Math.max(1, Math.round((end - start) / 2));
    if (how === 'back') setRange(start - half, end - half);
    else if (how === 'forward') setRange(start + half, end + half);
    else setRange(start - half, end + half);
  };

  document.addEventListener('submit', (event) => {
    if (event.target !== controls()) return;
    event.preventDefault();
    for (const open of all('details.picker[open]', event.target)) open.open = false;
    document.activeElement?.blur();
    show(address(), 'push');
  });

  document.addEventListener('change', (event) => {
    const { target } = event;
    if (!controls()?.contains(target) || !target.name) return;
    if (target.type === 'checkbox') {
      const list = all('input[type=checkbox]', target.closest('.options'));
      const everything = list.find((box) => box.value === '$__all');
      if (target.checked && everything) {
        if (target === everything) list.filter((box) => box !== everything).forEach((box) => { box.checked = false; });
        else everything.checked = false;
      }
      if (!list.some((box) => box.checked)) (everything ?? target).checked = true;
      target.closest('details').dataset.changed = target.name;
    } else if (target.name.startsWith('var-')) {
      choose(target.name);
    } else if (target.name === 'refresh') {
      history.replaceState(null, '', address());
      setTimer();
    }
  });

  // A list with several values is taken over when it is closed.
  document.addEventListener('toggle', (event) => {
    const details = event.target;
    if (!details.matches?.('details.picker')) return;
    if (details.open) {
      one('input.filter', details)?.focus();
    } else if (details.dataset.changed) {
      const name = details.dataset.changed;
      delete details.dataset.changed;
      choose(name);
    }
  }, true);

  // --- Clicks ---

  const actions = {
    back: () => move('back'),
    forward: () => move('forward'),
    out: () => move('out'),
    refresh,
    theme: toggleTheme,
    apply: null,
    'previous-page': (button) => turnPage(button, -1),
    'next-page': (button) => turnPage(button, 1),
  };

  document.addEventListener('click', (event) => {
    const { target } = event;
    for (const open of all('details.picker[open], details.menu[open]')) {
      if (!open.contains(target)) open.open = false;
    }
    const plain = !event.ctrlKey && !event.metaKey && !event.shiftKey && event.button === 0;
    const button = target.closest('[data-action]');
    if (button && actions[button.dataset.action]) {
      event.preventDefault();
      actions[button.dataset.action](button);
      return;
    }
    const quick = target.closest('a[data-range]');
    if (quick && plain) {
      event.preventDefault();
      quick.closest('details').open = false;
      setRange(quick.dataset.range, 'now');
      return;
    }
    const row = target.closest('details.row > summary');
    if (row) {
      toggleRow(row.parentElement);
      return;
    }
    const head = target.closest('.panel .table th');
    if (head) {
      sort(head);
      return;
    }
    const series = target.closest('.legend [data-series]');
    if (series && !target.closest('a')) {
      const panel = series.closest('[data-panel]');
      showAlone(panel, panel.dataset.alone === series.dataset.series ? null : series.dataset.series);
    }
  });

  document.addEventListener('keydown', (event) => {
    if (event.key === 'Escape') {
      for (const open of all('details.picker[open], details.menu[open]')) open.open = false;
      leave();
    }
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey) && event.target.matches('textarea[name=query]')) {
      controls()?.requestSubmit();
    }
  });

  document.addEventListener('input', (event) => {
    if (event.target.matches('input.filter')) {
      const words = event.target.value.toLowerCase();
      for (const item of all('label, a', event.target.parentElement)) {
        item.hidden = !item.textContent.toLowerCase().includes(words);
      }
    }
  });

  // A row that the server left empty is asked for; one that is here is only remembered.
  const toggleRow = (row) => {
    const id = row.dataset.row;
    if (!id) return;
    const here = new URL(location.href);
    const rows = new Set((here.searchParams.get('rows') ?? '').split(',').filter(Boolean));
    if (!rows.delete(id)) rows.add(id);
    if (rows.size) here.searchParams.set('rows', [...rows].join(','));
    else here.searchParams.delete('rows');
    const opens = !row.open;
    if (opens && !one('.grid', row)) show(here, 'replace');
    else history.replaceState(null, '', here);
  };

  const sort = (head) => {
    const id = head.closest('[data-panel]')?.dataset.panel;
    if (!id) return;
    const down = head.getAttribute('aria-sort') !== 'descending';
    const here = new URL(location.href);
    here.searchParams.set(`sort-${id}`, `${head.title}:${down ? 'desc' : 'asc'}`);
    here.searchParams.delete(`page-${id}`);
    show(here, 'replace');
  };

  const turnPage = (button, by) => {
    const pages = button.closest('nav.pages');
    const id = button.closest('[data-panel]')?.dataset.panel;
    if (!id) return;
    const here = new URL(location.href);
    here.searchParams.set(`page-${id}`, String(Number(pages.dataset.page) + by));
    show(here, 'replace');
  };

  const showAlone = (panel, number) => {
    if (number === null) delete panel.dataset.alone;
    else panel.dataset.alone = number;
    for (const part of all('[data-series]', panel)) {
      part.classList.toggle('off', number !== null && part.dataset.series !== number);
    }
  };

  // --- Values under the pointer ---

  const values = new WeakMap();
  const valuesOf = (canvas) => {
    const script = one('script.hover', canvas.closest('[data-panel]') ?? document);
    if (!script) return null;
    if (!values.has(script)) values.set(script, JSON.parse(script.textContent));
    return values.get(script);
  };

  // The number of the time that is nearest.
  const nearest = (times, ms) => {
    let [low, high] = [0, times.length - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (times[middle] < ms) low = middle + 1;
      else high = middle;
    }
    return low > 0 && ms - times[low - 1] < times[low] - ms ? low - 1 : low;
  };

  const share = (canvas, ms) => (ms - Number(canvas.dataset.from)) / (Number(canvas.dataset.to) - Number(canvas.dataset.from));

  const instantAt = (canvas, event) => {
    const box = canvas.getBoundingClientRect();
    const across = Math.min(1, Math.max(0, (event.clientX - box.left) / box.width));
    return Number(canvas.dataset.from) + across * (Number(canvas.dataset.to) - Number(canvas.dataset.from));
  };

  const leave = () => {
    for (const mark of all('.crosshair, .dot')) mark.remove();
    document.getElementById('tooltip')?.remove();
  };

  const crosshair = (canvas, ms) => {
    const across = share(canvas, ms);
    let line = one('.crosshair', canvas);
    if (!(across >= 0 && across <= 1)) {
      line?.remove();
      return;
    }
    if (!line) {
      line = element('div', { className: 'crosshair' });
      canvas.append(line);
    }
    line.style.left = `${across * 100}%`;
  };

  const hover = (canvas, event) => {
    const data = valuesOf(canvas);
    if (!data || !data.times.length) return;
    const at = nearest(data.times, instantAt(canvas, event));
    const ms = data.times[at];
    for (const other of all('.canvas[data-from]')) crosshair(other, ms);
    for (const dot of all('.dot')) dot.remove();
    const [min, max] = [Number(canvas.dataset.min), Number(canvas.dataset.max)];
    const alone = canvas.closest('[data-panel]')?.dataset.alone;
    const numbers = all('.legend [data-series]', canvas.closest('[data-panel]')).map((entry) => entry.dataset.series);
    let found = data.series
      .map((series, number) => ({ ...series, number, value: series.values[at], text: series.texts[at], top: (series.tops ?? series.values)[at] }))
      .filter((series) => series.value !== null && series.value !== undefined)
      .filter((series) => alone === undefined || !numbers.length || String(series.number) === alone);
    const box = canvas.getBoundingClientRect();
    const height = (series) => (1 - (series.top - min) / (max - min || 1)) * box.height;
    const distance = (series) => Math.abs(height(series) - (event.clientY - box.top));
    const closest = found.reduce((best, series) => (!best || distance(series) < distance(best) ? series : best), null);
    if (data.mode === 'none') found = [];
    else if (data.mode === 'single') found = closest ? [closest] : [];
    else if (data.sort === 'asc') found.sort((a, b) => a.value - b.value);
    else if (data.sort === 'desc') found.sort((a, b) => b.value - a.value);
    for (const series of found.slice(0, MAX_TOOLTIP)) {
      const up = height(series);
      if (!(up >= 0 && up <= box.height)) continue;
      const dot = element('i', { className: 'dot' });
      Object.assign(dot.style, { left: `${share(canvas, ms) * 100}%`, top: `${up}px`, background: series.color });
      canvas.append(dot);
    }
    tooltip(event, ms, found, closest);
  };

  const tooltip = (event, ms, found, closest) => {
    let box = document.getElementById('tooltip');
    if (!box) {
      box = element('div', { id: 'tooltip' });
      document.body.append(box);
    }
    const lines = found.slice(0, MAX_TOOLTIP).map((series) => {
      const swatch = element('i', { className: 'swatch' });
      swatch.style.background = series.color;
      const line = element('li', {}, swatch, element('bdi', { className: 'name', textContent: series.name }), element('b', { textContent: series.text }));
      if (found.length > 1 && series === closest) line.className = 'closest';
      return line;
    });
    if (found.length > MAX_TOOLTIP) lines.push(element('li', { className: 'more', textContent: `and ${found.length - MAX_TOOLTIP} more` }));
    box.replaceChildren(element('p', { textContent: timeText(ms) }), element('ul', {}, ...lines));
    // Beside the pointer, and inside of what is seen.
    const { width, height } = box.getBoundingClientRect();
    const right = event.clientX + 16 + width < root.clientWidth;
    box.style.left = `${Math.max(4, right ? event.clientX + 16 : event.clientX - width - 16)}px`;
    box.style.top = `${Math.max(4, Math.min(event.clientY + 16, window.innerHeight - height - 4))}px`;
  };

  const timeText = (ms) => {
    const at = new Date(ms);
    const two = (number) => String(number).padStart(2, '0');
    return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
  };

  // --- Zoom by drag ---

  let drag = null;

  document.addEventListener('pointerdown', (event) => {
    const canvas = event.target.closest?.('.canvas[data-from]');
    if (!canvas || event.button !== 0 || event.pointerType === 'touch') return;
    event.preventDefault();
    drag = { canvas, x: event.clientX, from: instantAt(canvas, event), mark: null };
    try { canvas.setPointerCapture(event.pointerId); } catch { /* A pointer that is gone already. */ }
  });

  document.addEventListener('pointermove', (event) => {
    const canvas = drag?.canvas ?? event.target.closest?.('.canvas[data-from]');
    if (!canvas) {
      leave();
      return;
    }
    if (drag) {
      const ends = [drag.from, instantAt(canvas, event)].map((ms) => share(canvas, ms)).sort((a, b) => a - b);
      if (!drag.mark) {
        drag.mark = element('div', { className: 'selection' });
        canvas.append(drag.mark);
      }
      Object.assign(drag.mark.style, { left: `${ends[0] * 100}%`, width: `${(ends[1] - ends[0]) * 100}%` });
    }
    hover(canvas, event);
  });

  document.addEventListener('pointerup', (event) => {
    if (!drag) return;
    const { canvas, x, from, mark } = drag;
    drag = null;
    mark?.remove();
    if (Math.abs(event.clientX - x) < 6) return;
    const ends = [from, instantAt(canvas, event)].map(Math.round).sort((a, b) => a - b);
    // Shorter than this nothing is stored.
    if (ends[1] - ends[0] >= 1000) {
      leave();
      if (controls()) setRange(ends[0], ends[1]);
    }
  });

  document.addEventListener('pointercancel', () => {
    drag?.mark?.remove();
    drag = null;
  });

  document.addEventListener('dblclick', (event) => {
    if (event.target.closest('.canvas[data-from]')) move('out');
  });

  root.addEventListener('pointerleave', leave);

  // --- Refresh, and what others change ---

  let timer = null;

  const setTimer = () => {
    clearInterval(timer);
    const every = /^(\d+)(s|m|h)$/.exec(one('#controls select[name=refresh]')?.value ?? '');
    if (!every) return;
    const ms = Number(every[1]) * { s: 1000, m: 60000, h: 3600000 }[every[2]];
    timer = setInterval(() => {
      if (!document.hidden && !running && !drag) refresh();
    }, Math.max(1000, ms));
  };

  // The pages of a table: the server says which one it is.
  const arrive = () => {
    for (const pages of all('nav.pages[data-page]')) {
      if (one('button', pages)) continue;
      const [page, last] = [Number(pages.dataset.page), Number(pages.dataset.pages)];
      const button = (action, text, label, disabled) => {
        const made = element('button', { type: 'button', textContent: text, title: label, disabled });
        made.dataset.action = action;
        made.setAttribute('aria-label', label);
        return made;
      };
      pages.append(
        button('previous-page', '‹', 'Previous page', page <= 1),
        button('next-page', '›', 'Next page', page >= last),
      );
    }
    setTimer();
  };

  window.addEventListener('popstate', refresh);

  const visible = () => new Promise((done) => {
    if (!document.hidden) {
      done();
      return;
    }
    const look = () => {
      if (document.hidden) return;
      document.removeEventListener('visibilitychange', look);
      done();
    };
    document.addEventListener('visibilitychange', look);
  });

  const watch = async () => {
    for (;;) {
      // A page that nobody sees holds no connection.
      await visible();
      try {
        const answer = await fetch(`/api/preview/version?since=${encodeURIComponent(meta('preview-version'))}`);
        const { version } = await answer.json();
        offline(false);
        if (version !== meta('preview-version') && !await refresh()) await pause(500);
        // A server that is about to end answers at once.
        else if (version === meta('preview-version')) await pause(200);
      } catch {
        offline(true);
        await pause(1000);
      }
    }
  };

  document.addEventListener('DOMContentLoaded', () => {
    const offset = String(-new Date().getTimezoneOffset());
    document.cookie = `utc-offset=${offset};path=/;max-age=31536000;SameSite=Strict`;
    // The first page of all was drawn before the server could know.
    if (one('meta[name="utc-offset"]') && meta('utc-offset') !== offset && (meta('utc-offset') || offset !== '0')
      && document.cookie.includes('utc-offset=')) refresh();
    arrive();
    watch();
  });
})();
