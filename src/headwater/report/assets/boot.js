'use strict';
// Unpacks the data block, draws the charts, switches the theme, opens everything for print.
// Text reaches the page through textContent only; no request is ever made.
(async () => {
  const byId = id => document.getElementById(id);
  const packed = Uint8Array.from(atob(JSON.parse(byId('data').textContent)), c => c.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream('deflate'));
  const data = JSON.parse(await new Response(stream).text());

  const theme = byId('theme');
  const system = matchMedia('(prefers-color-scheme: dark)');
  const root = document.documentElement;
  const isDark = () => (root.style.colorScheme || (system.matches ? 'dark' : 'light')) === 'dark';
  const named = () => { theme.textContent = isDark() ? 'Light' : 'Dark'; window.dispatchEvent(new Event('theme')); };
  theme.addEventListener('click', () => { root.style.colorScheme = isDark() ? 'light' : 'dark'; named(); });
  system.addEventListener('change', named);
  theme.hidden = false;
  named();

  if (data.map) window.headwaterMap(data.map);

  const tip = byId('tip');
  function showTip(_handler, event, _item, value) {
    tip.hidden = value === null || value === undefined || value === '';
    if (tip.hidden) return;
    tip.replaceChildren(...Object.entries(Object(value)).map(([name, text]) => {
      const line = document.createElement('div');
      line.textContent = `${name}: ${text}`;
      return line;
    }));
    const box = tip.getBoundingClientRect();
    tip.style.left = `${Math.max(4, Math.min(event.clientX + 14, innerWidth - box.width - 8))}px`;
    tip.style.top = `${Math.max(4, Math.min(event.clientY + 16, innerHeight - box.height - 8))}px`;
  }

  const refuse = () => Promise.reject(new Error('nothing is loaded'));
  const loader = { load: refuse, sanitize: refuse, http: refuse, file: refuse };
  // A height by steps drops half of a fit to the container, which is what is wanted here: no need to warn.
  const logger = { level() { return this; }, error: console.error, warn() {}, info() {}, debug() {} };
  async function draw(chart) {
    const figure = byId(chart.key), plot = figure.querySelector('.plot'), label = plot.getAttribute('aria-label');
    const spec = { ...structuredClone(data.specs[chart.spec]), datasets: chart.records };
    const parsed = vega.parse(vegaLite.compile(spec, { logger }).spec, null, { ast: true });
    const view = new vega.View(parsed, {
      expr: vegaInterpreter.expressionInterpreter, renderer: 'svg', hover: true, tooltip: showTip, loader,
      container: plot, logLevel: vega.Error,
    });
    await view.description(label).runAsync();
    // The whole chart is one image with a sentence; its numbers are in the table.
    plot.setAttribute('role', 'img');
    plot.removeAttribute('aria-roledescription');
    plot.querySelector('svg').setAttribute('aria-hidden', 'true');
    plot.querySelector('form.vega-bindings')?.remove();
    figure.querySelector('details').open = false;
  }
  for (const chart of data.charts) {
    // A chart that can't be drawn leaves its table open.
    try { await draw(chart); } catch (fault) { byId(chart.key).querySelector('.plot').replaceChildren(); console.error(fault); }
    await new Promise(done => setTimeout(done));
  }
  root.dataset.ready = 'yes';

  let opened = [];
  window.addEventListener('beforeprint', () => {
    opened = [...document.querySelectorAll('.fold:not([open])')];
    for (const fold of opened) fold.open = true;
  });
  window.addEventListener('afterprint', () => { for (const fold of opened) fold.open = false; });
})();
