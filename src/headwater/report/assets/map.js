'use strict';
// The map: discs of dots in a pale field, on two canvases. Dots, bridges and ties go to an off-screen layer
// that is moved as a whole while panning; what is under the pointer is drawn over it.
window.headwaterMap = map => {
  const TIES_IN_VIEW = 3000, MARGIN = 0.3, REACH = 9, GRID = 400;
  const unpack = (text, Kind) => new Kind(Uint8Array.from(atob(text), c => c.charCodeAt(0)).buffer);
  const dots = unpack(map.dots, Int16Array), field = unpack(map.field, Int16Array);
  const pairs = unpack(map.pairs, Uint16Array), kinds = unpack(map.kinds, Uint8Array);
  const host = document.getElementById('map'), card = document.getElementById('map-card');
  const screen = host.querySelector('canvas'), layer = document.createElement('canvas');
  const options = { willReadFrequently: true };
  const over = screen.getContext('2d', options), under = layer.getContext('2d', options);
  const discOf = new Uint16Array(dots.length / 2);
  map.discs.forEach((disc, i) => discOf.fill(i, disc.start, disc.start + disc.drawn));

  // Dots by place, for finding what is under the pointer.
  const grid = new Map();
  const cell = (x, y) => Math.floor(x / GRID) * 4096 + Math.floor(y / GRID);
  for (let i = 0; i < discOf.length; i++) {
    const at = cell(dots[2 * i], dots[2 * i + 1]);
    if (grid.has(at)) grid.get(at).push(i); else grid.set(at, [i]);
  }

  let colours, paper, width = 1, height = 1, density = 1, fit = 1;
  let scale = 1, left = 0, top = 0;          // screen = world * scale + (left, top), in CSS pixels
  let drawnScale = 0, drawnLeft = 0, drawnTop = 0;
  let chosen = -1, dot = -1, tie = -1, shown = [], waiting = false;

  const readColours = () => {
    const all = [...document.querySelectorAll('.probe i')].map(i => getComputedStyle(i).color);
    colours = { ring: all.slice(0, 8), ink: all[8], pale: all[9], quiet: all[10] };
    paper = getComputedStyle(host.parentElement).backgroundColor;
  };
  const colour = i => map.discs[i].solid ? colours.ring[i % 8] : colours.quiet;
  const soon = () => { if (!waiting) { waiting = true; requestAnimationFrame(frame); } };
  const stale = () => { drawnScale = 0; soon(); };
  const at = d => [dots[2 * d] * scale + left, dots[2 * d + 1] * scale + top];
  const ends = t => { const from = map.discs[chosen].start; return [from + pairs[2 * t], from + pairs[2 * t + 1]]; };

  function points(list, from, to, size) {
    // Small dots are squares: as round as so few pixels can show, and several times faster.
    const half = size / 2, w = layer.width + half, h = layer.height + half, k = scale * density;
    const x0 = drawnLeft * density, y0 = drawnTop * density;
    under.beginPath();
    for (let i = from; i < to; i++) {
      const x = list[2 * i] * k + x0, y = list[2 * i + 1] * k + y0;
      if (x < -half || y < -half || x > w || y > h) continue;
      if (size < 3 * density) under.rect(x - half, y - half, size, size);
      else { under.moveTo(x + half, y); under.arc(x, y, half, 0, 7); }
    }
  }

  function pickTies() {
    // The chosen disc's ties that cross the view; they come firmest first.
    shown = [];
    if (chosen < 0) return;
    const disc = map.discs[chosen];
    const inside = d => { const [x, y] = at(d); return x >= 0 && y >= 0 && x <= width && y <= height; };
    for (let t = disc.tieStart; t < disc.tieStart + disc.ties && shown.length < TIES_IN_VIEW; t++) {
      if (ends(t).some(inside)) shown.push(t);
    }
  }

  function lines(list, style, alpha, dash) {
    const k = scale * density, x0 = drawnLeft * density, y0 = drawnTop * density;
    under.strokeStyle = style; under.globalAlpha = alpha; under.lineWidth = density; under.setLineDash(dash);
    under.beginPath();
    for (const [ax, ay, bx, by] of list) { under.moveTo(ax * k + x0, ay * k + y0); under.lineTo(bx * k + x0, by * k + y0); }
    under.stroke();
    under.globalAlpha = 1; under.setLineDash([]);
  }

  function paintLayer() {
    drawnScale = scale; drawnLeft = left + width * MARGIN; drawnTop = top + height * MARGIN;
    under.clearRect(0, 0, layer.width, layer.height);
    under.fillStyle = colours.pale;
    points(field, 0, field.length / 2, 1.6 * density);
    under.fill();
    const middle = i => [map.discs[i].x, map.discs[i].y], dash = [4 * density, 4 * density];
    lines(map.bridges.map(([a, b]) => [...middle(a), ...middle(b)]), colours.quiet, 1, dash);
    pickTies();
    const world = d => [dots[2 * d], dots[2 * d + 1]];
    if (chosen >= 0) lines(shown.map(t => ends(t).flatMap(world)), colour(chosen), shown.length > 400 ? 0.16 : 0.35, []);
    map.discs.forEach((disc, i) => {
      const size = Math.min(Math.max(disc.gap * scale * 0.74, 1.5), 10) * density;
      points(dots, disc.start, disc.start + disc.drawn, size);
      under.fillStyle = under.strokeStyle = colour(i);
      if (disc.solid) under.fill(); else under.stroke();
    });
  }

  function names() {
    const taken = [];
    over.textAlign = 'center'; over.lineJoin = 'round';
    map.discs.forEach((disc, i) => {
      const r = disc.r * scale, x = disc.x * scale + left, y = disc.y * scale + top + r + 15;
      over.font = `${i === chosen ? 650 : 500} 12.5px system-ui, sans-serif`;
      const half = over.measureText(disc.name).width / 2;
      const clash = taken.some(([x1, y1, h1]) => Math.abs(x - x1) < half + h1 && Math.abs(y - y1) < 15);
      if (i !== chosen && (r < 5 || clash)) return;
      taken.push([x, y, half]);
      over.strokeStyle = paper; over.lineWidth = 4; over.strokeText(disc.name, x, y);
      over.fillStyle = disc.solid ? colours.ink : colours.quiet; over.fillText(disc.name, x, y);
    });
  }

  function frame() {
    waiting = false;
    if (!layer.width || !layer.height) return;
    const began = performance.now(), dx = left + width * MARGIN - drawnLeft, dy = top + height * MARGIN - drawnTop;
    if (scale !== drawnScale || Math.abs(dx) > width * MARGIN || Math.abs(dy) > height * MARGIN) paintLayer();
    over.setTransform(1, 0, 0, 1, 0, 0);
    over.clearRect(0, 0, screen.width, screen.height);
    over.drawImage(layer, (left - drawnLeft) * density, (top - drawnTop) * density);
    over.setTransform(density, 0, 0, density, 0, 0);
    over.lineWidth = 2;
    const ring = (x, y, r) => { over.beginPath(); over.arc(x, y, r, 0, 7); };
    if (chosen >= 0) {
      const disc = map.discs[chosen];
      over.strokeStyle = colour(chosen);
      ring(disc.x * scale + left, disc.y * scale + top, disc.r * scale + 4); over.stroke();
    }
    const marked = tie >= 0 ? ends(tie) : dot >= 0 ? [dot] : [];
    over.strokeStyle = over.fillStyle = colours.ink;
    over.beginPath();
    marked.forEach((d, i) => over[i ? 'lineTo' : 'moveTo'](...at(d)));
    over.stroke();
    for (const d of marked) { ring(...at(d), 5); over.fill(); }
    names();
    performance.measure('map', { start: began });
    if (performance.getEntriesByName('map').length > 2000) performance.clearMeasures('map');
  }

  const make = (tag, text) => { const made = document.createElement(tag); made.textContent = text; return made; };
  function sideBySide(a, b) {
    const one = map.values[a] || [], two = map.values[b] || [], table = document.createElement('table');
    table.insertRow().append(make('th', map.names[a]), make('th', map.names[b]));
    for (let i = 0; i < Math.max(one.length, two.length); i++) table.insertRow().append(make('td', one[i] || ''), make('td', two[i] || ''));
    return one.length + two.length ? [make('span', ` (${map.valuesWord}, side by side)`), table] : [];
  }
  function tell() {
    if (tie >= 0) {
      const [a, b] = ends(tie);
      card.replaceChildren(make('b', `${map.names[a]} — ${map.names[b]}`), make('span', `: ${map.labels[kinds[tie]] || 'tie'}`), ...sideBySide(a, b));
    } else if (dot >= 0) {
      const value = (map.values[dot] || []).join(' · ');
      card.replaceChildren(make('b', map.names[dot]), make('span', ` in ${map.discs[discOf[dot]].name}${value ? `; ${map.valuesWord}: ${value}` : ''}`));
    } else if (chosen >= 0) {
      const disc = map.discs[chosen];
      card.replaceChildren(make('b', disc.name), make('span', `: ${disc.sentence}${disc.ties ? '; point at a tie to see both ends' : ''}`));
    } else card.replaceChildren(make('span', map.hint));
  }

  function choose(i) {
    if (i !== chosen) {
      chosen = i; tie = dot = -1;
      const opens = i >= 0 && map.discs[i].opens, glances = [...document.querySelectorAll('.glance')];
      if (glances.some(g => g.dataset.opens === opens)) for (const g of glances) g.hidden = g.dataset.opens !== opens;
      stale();
    }
    tell();
  }
  function open(i) {
    const target = i >= 0 && map.discs[i].opens && document.getElementById(map.discs[i].opens);
    if (!target) return;
    if (target.closest('details')) target.closest('details').open = true;
    target.scrollIntoView(); target.focus({ preventScroll: true });
  }
  function zoom(by, x = width / 2, y = height / 2) {
    const next = Math.min(Math.max(scale * by, fit * 0.8), fit * 40);
    left = x - (x - left) * next / scale; top = y - (y - top) * next / scale; scale = next;
    soon();
  }
  function all() { scale = fit; left = width / 2; top = height / 2; soon(); }

  function find(x, y, pixels) {
    const wx = (x - left) / scale, wy = (y - top) / scale, reach = pixels / scale;
    let best = reach * reach, found = -1;
    for (let cx = Math.floor((wx - reach) / GRID); cx <= Math.floor((wx + reach) / GRID); cx++) {
      for (let cy = Math.floor((wy - reach) / GRID); cy <= Math.floor((wy + reach) / GRID); cy++) {
        for (const i of grid.get(cx * 4096 + cy) || []) {
          const far = (dots[2 * i] - wx) ** 2 + (dots[2 * i + 1] - wy) ** 2;
          if (far < best) { best = far; found = i; }
        }
      }
    }
    return found;
  }
  function findTie(x, y) {
    let best = 16, found = -1;
    for (const t of shown) {
      const [[ax, ay], [bx, by]] = ends(t).map(at), dx = bx - ax, dy = by - ay;
      const along = Math.min(Math.max(((x - ax) * dx + (y - ay) * dy) / (dx * dx + dy * dy || 1), 0), 1);
      const far = (ax + along * dx - x) ** 2 + (ay + along * dy - y) ** 2;
      if (far < best) { best = far; found = t; }
    }
    return found;
  }
  const discAt = (x, y) => map.discs.findIndex(d => Math.hypot(d.x * scale + left - x, d.y * scale + top - y) <= d.r * scale + 4);

  let held = null, moved = false;
  const tools = { in: () => zoom(1.5), out: () => zoom(1 / 1.5), all };
  const place = event => { const box = screen.getBoundingClientRect(); return [event.clientX - box.left, event.clientY - box.top]; };
  host.addEventListener('pointerdown', event => { held = [...place(event), left, top]; moved = false; });
  host.addEventListener('pointermove', event => {
    const [x, y] = place(event);
    if (held && event.buttons & 1 && event.pointerType === 'mouse') {
      moved ||= Math.hypot(x - held[0], y - held[1]) > 3;
      left = held[2] + x - held[0]; top = held[3] + y - held[1];
      return soon();
    }
    // A dot right under the pointer, else a tie near it, else the nearest dot.
    let nextDot = find(x, y, 3);
    const nextTie = nextDot < 0 ? findTie(x, y) : -1;
    if (nextDot < 0 && nextTie < 0) nextDot = find(x, y, REACH);
    if (nextDot !== dot || nextTie !== tie) { dot = nextDot; tie = nextTie; tell(); soon(); }
  });
  host.addEventListener('pointerleave', () => { dot = tie = -1; tell(); soon(); });
  host.addEventListener('click', event => {
    const button = event.target.closest('button');
    if (button) tools[button.dataset.do](); else if (!moved) choose(discAt(...place(event)));
  });
  host.addEventListener('dblclick', event => { if (event.target === screen) open(discAt(...place(event))); });
  host.addEventListener('wheel', event => {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault(); zoom(Math.exp(-event.deltaY / 200), ...place(event));
  }, { passive: false });

  function toward(dx, dy) {
    // The nearest disc in that direction; being off to the side counts double.
    if (chosen < 0) return choose(0);
    let best = Infinity, found = chosen;
    map.discs.forEach((disc, i) => {
      const x = disc.x - map.discs[chosen].x, y = disc.y - map.discs[chosen].y;
      const ahead = x * dx + y * dy, far = ahead + 2 * (Math.abs(x * dy) + Math.abs(y * dx));
      if (i !== chosen && ahead > 0 && far < best) { best = far; found = i; }
    });
    choose(found);
  }
  function step(by) {
    if (!shown.length) return;
    const next = tie < 0 ? (by > 0 ? 0 : -1) : shown.indexOf(tie) + by;
    tie = shown[(next + shown.length) % shown.length]; dot = -1; tell(); soon();
  }
  const keys = {
    ArrowLeft: () => toward(-1, 0), ArrowRight: () => toward(1, 0), ArrowUp: () => toward(0, -1), ArrowDown: () => toward(0, 1),
    Enter: () => open(chosen), Escape: () => { choose(-1); all(); }, '+': tools.in, '=': tools.in, '-': tools.out,
    ']': () => step(1), '[': () => step(-1),
  };
  host.addEventListener('keydown', event => {
    if (event.target !== host || event.ctrlKey || event.metaKey || event.altKey || !keys[event.key]) return;
    event.preventDefault(); keys[event.key]();
  });

  function measure() {
    const whole = scale === fit;
    width = host.clientWidth; height = host.clientHeight; density = Math.min(window.devicePixelRatio || 1, 2);
    screen.width = width * density; screen.height = height * density;
    layer.width = width * density * (1 + 2 * MARGIN); layer.height = height * density * (1 + 2 * MARGIN);
    fit = Math.min(width / map.width, height / map.height) * 0.98;
    if (whole || scale < fit) all();
    stale();
  }
  readColours();
  measure(); all();
  new ResizeObserver(measure).observe(host);
  window.addEventListener('theme', () => { readColours(); stale(); });
  host.querySelector('.tools').hidden = false;
  choose(map.discs.length ? 0 : -1);
};
