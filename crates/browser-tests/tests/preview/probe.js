// What a test asks of a page. It is in every page before anything else, and changes nothing of it.
window.probe = (() => {
  'use strict';
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];

  // What went wrong.
  const errors = [];
  window.addEventListener('error', (event) => errors.push(`error: ${event.message ?? event.target?.src}`), true);
  window.addEventListener('unhandledrejection', (event) => errors.push(`unhandled: ${event.reason}`));
  window.addEventListener('securitypolicyviolation', (event) => errors.push(`policy: ${event.violatedDirective} ${event.blockedURI}`));

  // The place in an element, after it was scrolled to the middle.
  const place = (selector, x, y) => {
    const found = document.querySelector(selector);
    found.scrollIntoView({ block: 'center', behavior: 'instant' });
    const box = found.getBoundingClientRect();
    return [box.left + x * box.width, box.top + y * box.height];
  };

  const title = (panel) => panel.querySelector('h3')?.textContent.slice(0, 60) || `#${panel.dataset.panel}`;

  // Panels that have not come out as they should: with an error, or with nothing to see and no reason of their own.
  const undrawn = () => all('[data-panel]').flatMap((panel) => {
    const error = panel.querySelector('.errors')?.textContent;
    if (error) return [`${title(panel)}: ${error}`];
    const notice = panel.querySelector('.notice');
    if (notice) return notice.textContent.trim() === 'No data' || !notice.textContent.trim() ? [`${title(panel)}: empty without a word`] : [];
    const picture = panel.querySelector('.canvas path, .stat .value, .gauge svg path, .bar .value, .table td, .text');
    return picture ? [] : [`${title(panel)}: nothing is drawn`];
  });

  // --- Layout ---

  const cut = (a, b) => ({
    left: Math.max(a.left, b.left), right: Math.min(a.right, b.right), top: Math.max(a.top, b.top), bottom: Math.min(a.bottom, b.bottom),
  });
  const room = (box) => Math.max(0, box.right - box.left) * Math.max(0, box.bottom - box.top);
  const words = 'h3, .info, .corner, .legend li, .legend th, .legend td, .x i, .y i, .stat .name, .stat .value, .bar .name, .bar .value, .gauge figcaption, .gauge text, .table th, .table td, .notice, .left-out, .menu > summary';

  // Where each text in an element stands, as far as it is seen, and what cuts it off where nobody can scroll to.
  const texts = (element, frame) => {
    const found = [];
    const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
      if (walker.currentNode.data.trim()) found.push(seen(walker.currentNode, frame));
    }
    return found;
  };

  const seen = (node, frame) => {
    const range = document.createRange();
    range.selectNodeContents(node);
    let box = range.getBoundingClientRect();
    let lost = null;
    for (let at = node.parentElement; at; at = at.parentElement) {
      const style = getComputedStyle(at);
      if (style.overflow !== 'visible' || at === frame) {
        const around = at.getBoundingClientRect();
        const inside = cut(box, around);
        const scrolls = /auto|scroll/.test(style.overflow);
        // An ellipsis says that something is left out, at the end of a line or of the last one.
        const clamped = style.webkitLineClamp !== 'none';
        const told = style.textOverflow === 'ellipsis' || clamped;
        const sideways = box.right - around.right > 2 || around.left - box.left > 2;
        const down = box.bottom - around.bottom > 1.5 || around.top - box.top > 1.5;
        // What is partly behind the edge of something that scrolls is there for who scrolls.
        if (scrolls && room(inside) < 0.9 * room(box)) return { box, lost: null, behind: true };
        if (!scrolls && ((sideways && !told) || (down && !clamped))) lost = at;
        box = inside;
      }
      if (at === frame) break;
    }
    return { box, lost, behind: false };
  };

  const layout = () => {
    const flaws = [];
    const page = document.documentElement;
    if (page.scrollWidth > page.clientWidth) {
      const wide = all('body *').filter((element) => element.getBoundingClientRect().right > page.clientWidth + 1);
      flaws.push(`the page scrolls sideways: ${page.scrollWidth} in ${page.clientWidth} pixels, for example ${wide[0]?.tagName}.${wide[0]?.className}`);
    }
    for (const cell of all('.cell')) {
      const panel = cell.querySelector('[data-panel]');
      if (!panel || !panel.getBoundingClientRect().height) continue;
      const frame = cell.getBoundingClientRect();
      const own = panel.getBoundingClientRect();
      if (own.right > frame.right + 1 || own.bottom > frame.bottom + 1) flaws.push(`${title(panel)}: larger than its place`);
      const parts = [];
      for (const element of all(words, cell)) {
        const style = getComputedStyle(element);
        if (style.visibility === 'hidden' || style.display === 'none' || !element.textContent.trim()) continue;
        const name = `${element.tagName.toLowerCase()}.${element.className.baseVal ?? element.className} "${element.textContent.trim().slice(0, 40)}"`;
        for (const { box, lost, behind } of texts(element, panel.contains(element) ? panel : cell)) {
          if (lost) flaws.push(`${title(panel)}: ${name} is cut by .${lost.className}`);
          if (room(box) > 0 && !behind) parts.push({ element, box, name });
        }
      }
      // Texts and what is painted beside them.
      for (const element of all('.bar > .track, .canvas', panel)) {
        const box = cut(element.getBoundingClientRect(), own);
        const name = `.${element.className}`;
        for (const part of parts) {
          const both = cut(part.box, box);
          if (both.right - both.left > 2 && both.bottom - both.top > 3) flaws.push(`${title(panel)}: ${part.name} and ${name} overlap`);
        }
      }
      for (const [number, one] of parts.entries()) {
        for (const other of parts.slice(number + 1)) {
          if (one.element.contains(other.element) || other.element.contains(one.element)) continue;
          const both = cut(one.box, other.box);
          if (both.right - both.left > 2 && both.bottom - both.top > 3) flaws.push(`${title(panel)}: ${one.name} and ${other.name} overlap`);
        }
      }
    }
    return flaws.slice(0, 40);
  };

  // Tables with columns that are seen only by who scrolls sideways.
  const hiddenColumns = () => all('.table').filter((table) => table.scrollWidth > table.clientWidth + 1)
    .map((table) => `${title(table.closest('[data-panel]'))}: columns of ${table.scrollWidth} in ${table.clientWidth} pixels`);

  return { errors, hiddenColumns, layout, place, undrawn };
})();
