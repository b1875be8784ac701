// SPDX-License-Identifier: Apache-2.0
// The page of health: state, sizes, throughput over the last minutes, upkeep.
import * as api from './api.js';
import { ask, button, count, el, icon, lasted, lasting, plural, size, svg, timeNode, toast } from './ui.js';

const EVERY_MS = 2000, POINTS = 150, POINTS_MIN = 30;  // the window grows from one minute to five

// A rate from a counter. Its history outlives the page, so that coming back shows what was seen.
class Series {
  constructor(title, format, read) { Object.assign(this, { title, format, read, points: [], last: null }); }
  take(sample, ms) {
    const value = this.read(sample);
    if (value === undefined) return;
    // A counter that falls belongs to a server that was started anew.
    if (this.last && value >= this.last.value && ms > this.last.ms) this.points.push({ ms, rate: ((value - this.last.value) * 1000) / (ms - this.last.ms) });
    this.last = { value, ms };
    if (this.points.length > POINTS) this.points.shift();
  }
}
const perSecond = (n) => `${n >= 100 ? count(Math.round(n)) : n.toFixed(n >= 10 ? 0 : 1)}/s`;
const SERIES = [
  new Series('Requests', perSecond, (s) => s.server?.requests),
  new Series('Changes', perSecond, (s) => s.changes),
  new Series('Written to the journal', (n) => `${size(n)}/s`, (s) => s.journal_bytes),
  new Series('Sent', (n) => `${size(n)}/s`, (s) => s.server?.sent_bytes),
];

// The next of 1, 2, 5, 10, 20 ..., or of the powers of two that sizes are told in: where the top line stands.
function round(rate) {
  if (rate <= 1) return 1;
  const steps = rate >= 1024 ? [1024, 2048, 5120, 10240, 20480, 51200, 102400, 204800, 524288] : [1, 2, 5, 10, 20, 50, 100, 200, 500, 1024];
  const unit = rate >= 1024 ? 1024 ** Math.floor(Math.log(rate) / Math.log(1024) - 1) : 1;
  return unit * (steps.find((step) => step * unit >= rate) ?? 1024 * 1024);
}

class Chart {
  constructor(series) {
    this.series = series;
    this.value = el('output', {});
    this.area = svg('path', { class: 'area' });
    this.curve = svg('path', { class: 'curve' });
    this.at = svg('line', { class: 'at', y1: 0, y2: 100, visibility: 'hidden' });
    this.plot = svg('svg', { class: 'plot', viewBox: '0 0 300 100', preserveAspectRatio: 'none', role: 'img' },
      ...[0, 50, 100].map((y) => svg('line', { class: 'grid', x1: 0, x2: 300, y1: y, y2: y })), this.area, this.curve, this.at);
    this.top = el('span', { class: 'top' });
    this.left = el('span', {});
    this.plot.addEventListener('pointermove', (event) => { this.hover = event.offsetX / this.plot.clientWidth; this.draw(); });
    this.plot.addEventListener('pointerleave', () => { this.hover = undefined; this.draw(); });
    this.node = el('figure', { class: 'card chart' }, el('header', {}, el('h2', {}, series.title), this.value), this.top, this.plot,
      el('div', { class: 'scale' }, this.left, el('span', {}, 'now')));
  }
  draw() {
    const { points, format, title } = this.series;
    this.node.hidden = this.series.last === null;
    const highest = Math.max(...points.map((p) => p.rate), 0), most = round(highest);
    const most_points = Math.max(POINTS_MIN, points.length);
    const x = (i) => 300 - (points.length - 1 - i) * (300 / (most_points - 1)), y = (rate) => 100 - (rate / most) * 100;
    const line = points.map((p, i) => `${i ? 'L' : 'M'}${x(i).toFixed(1)} ${y(p.rate).toFixed(1)}`).join('');
    this.curve.setAttribute('d', line);
    this.area.setAttribute('d', points.length > 1 ? `${line}L300 100L${x(0).toFixed(1)} 100Z` : '');
    const chosen = this.hover === undefined ? points.length - 1 : Math.round(points.length - 1 - (1 - this.hover) * (most_points - 1));
    const point = points[chosen];
    this.value.textContent = point ? format(point.rate) + (this.hover === undefined ? '' : ` at ${new Date(point.ms).toLocaleTimeString()}`) : '';
    this.at.setAttribute('visibility', this.hover !== undefined && point ? 'visible' : 'hidden');
    if (point) for (const end of ['x1', 'x2']) this.at.setAttribute(end, x(chosen));
    this.top.textContent = points.length ? format(most) : 'measuring …';
    this.left.textContent = `${Math.round((most_points * EVERY_MS) / 60000)} min ago`;
    this.plot.setAttribute('aria-label', points.length ? `${title}: now ${format(points.at(-1).rate)}, highest of the last minutes ${format(highest)}` : `${title}: nothing measured yet`);
  }
}

const card = (title, value, note) => el('div', { class: 'card' }, el('h2', {}, title), el('div', { class: 'value' }, value), el('p', { class: 'note' }, note));

export class HealthPage {
  constructor(root) {
    this.charts = SERIES.map((series) => new Chart(series));
    this.state = el('section', { class: 'state', role: 'status' });
    this.cards = el('section', { class: 'cards', 'aria-label': 'Sizes' });
    this.upkeep = el('div', { class: 'tasks' });
    this.facts = el('dl', { class: 'facts' });
    root.replaceChildren(el('div', { class: 'page' }, el('header', { class: 'head' }, el('h1', { class: 'grow' }, 'Health'), el('a', { class: 'button ghost', href: '/metrics' }, 'Prometheus')),
      el('div', { class: 'body' }, this.state, this.cards, el('section', { class: 'charts', 'aria-label': 'Throughput' }, this.charts.map((chart) => chart.node)),
        el('div', { class: 'side-by-side' },
          el('section', { class: 'card' }, el('h2', {}, 'Upkeep'), el('p', { class: 'note' }, 'Verify reads and checks every byte. Compact gives back the space of what is gone.'),
            el('div', { class: 'button-row' }, button('Verify', { icon: 'shield', onclick: () => this.start('verify') }), button('Compact', { icon: 'compress', onclick: () => this.start('compact') })), this.upkeep),
          el('section', { class: 'card' }, el('h2', {}, 'Store'), this.facts)))));
    for (const chart of this.charts) chart.draw();
    this.timer = setInterval(() => { if (!document.hidden) this.load(); }, EVERY_MS);
  }
  destroy() { clearInterval(this.timer); }

  async load() {
    const [stats, ready, tasks] = await Promise.all([api.stats().catch(() => null), api.ready(), api.tasks().catch(() => [])]);
    if (!stats) return this.showState(false, 'The server cannot be reached', 'What is shown is what it was last.');
    const now = Date.now();
    for (const series of SERIES) series.take(stats, now);
    for (const chart of this.charts) chart.draw();
    if (stats.corrupt_records) this.showState(false, `${count(stats.corrupt_records)} damaged records`, 'Nothing damaged is served. Verify tells which files are touched.');
    else if (!ready.ready) this.showState(false, 'Not ready', ready.why);
    else this.showState(true, stats.read_only ? 'Serving, read-only' : 'Everything is well', `Reads and writes are answered. ${count(stats.sequence)} changes so far.`);
    this.showSizes(stats);
    this.showTasks(tasks);
  }
  showState(good, title, text) {
    const key = `${good} ${title} ${text}`;
    if (key === this.told) return;  // a status that is written anew is read out anew
    this.told = key;
    this.state.className = `state ${good ? 'good' : 'bad'}`;
    this.state.replaceChildren(icon(good ? 'shield' : 'warn'), el('div', {}, el('h2', {}, title), el('p', { class: 'quiet' }, text)));
  }
  showSizes(stats) {
    const parts = (bytes) => { const [n, unit] = size(bytes).split(' '); return [n, el('small', {}, ` ${unit}`)]; };
    const saved = stats.logical_bytes + stats.version_bytes - stats.disk_bytes;
    this.cards.replaceChildren(
      card('Files', count(stats.file_count), `in ${plural(stats.namespace_count, 'namespace')}`),
      card('Content', parts(stats.logical_bytes), saved > 0 ? `${size(saved)} saved by sharing` : 'of current files'),
      card('Older versions', count(stats.version_count), size(stats.version_bytes)),
      card('On disk', parts(stats.disk_bytes), plural(stats.segment_count, 'segment')),
      stats.server ? card('Connections', count(stats.server.connections), `up for ${lasted(stats.server.uptime_s)}`) : '');
    const facts = [['Region', stats.region], ['Version', stats.version], ['Store', el('code', {}, stats.store_id)], ['Replica', el('code', {}, stats.replica_id)], ['Syncs since start', count(stats.syncs)],
      ['Freed by compaction', size(stats.compacted_bytes)], ['Replayed at start', count(stats.recovered_changes)], ['Disk access', stats.uses_uring ? 'io_uring' : 'plain']];
    this.facts.replaceChildren(...facts.flatMap(([k, v]) => [el('dt', {}, k), el('dd', {}, v)]));
  }
  showTasks(tasks) {
    this.upkeep.replaceChildren(...tasks.slice(0, 4).map((task) => {
      const running = task.state === 'running', share = task.total ? task.done / task.total : 0;
      const elapsed = (Date.now() - new Date(task.started)) / 1000;
      const fill = el('i');
      fill.style.width = `${(task.state === 'succeeded' ? 1 : share) * 100}%`;
      const report = Object.entries(task.report ?? {}).filter(([k, v]) => v && ['files', 'problems', 'segments', 'repaired'].includes(k)).map(([k, v]) => plural(v, { files: 'file', problems: 'problem', segments: 'segment', repaired: 'repair' }[k])).join(', ');
      return el('div', { class: 'task' },
        el('div', {}, el('span', {}, el('b', {}, task.kind === 'verify' ? 'Verify' : 'Compact'), ` ${task.state}`, running && share ? `, ${Math.round(share * 100)} %` : ''),
          running ? button(`Cancel ${task.kind}`, { icon: 'close', kind: 'ghost small', only: true, onclick: () => api.cancel(task.id).catch((e) => toast(e.message, true)) }) : el('span', { class: 'quiet' }, timeNode(task.ended))),
        el('div', { class: `bar ${task.state === 'failed' ? 'bad' : task.state === 'succeeded' ? 'done' : ''}`, role: 'progressbar', 'aria-label': task.kind, 'aria-valuenow': String(Math.round(share * 100)) }, fill),
        el('span', { class: 'quiet' }, running && share > 0.02 ? lasting(elapsed / share - elapsed) : task.error ?? report, task.problems?.length ? ` · first: ${task.problems[0].path}: ${task.problems[0].problem}` : ''));
    }));
  }
  async start(kind) {
    const done = await ask({ title: kind === 'verify' ? 'Verify the store?' : 'Compact the store?', verb: 'Start', text: 'It runs beside everything else and can be cancelled.', submit: () => api.start(kind) });
    if (done) this.load();
  }
  key() { return false; }
}

