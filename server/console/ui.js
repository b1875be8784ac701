// SPDX-License-Identifier: Apache-2.0
// Elements, words and small windows. Text from the store only ever becomes text nodes and attributes, never markup.

// el('a', {href, class, onclick, 'aria-label'}, child, 'text', ...): null, false and undefined children are left out.
export function el(name, attributes = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (key.startsWith('on')) node.addEventListener(key.slice(2), value);
    else if (key in node && typeof value !== 'string') node[key] = value;
    else node.setAttribute(key, value === true ? '' : value);
  }
  node.append(...children.flat(3).filter((c) => c !== null && c !== undefined && c !== false));
  return node;
}

const SVG = 'http://www.w3.org/2000/svg';
export function svg(name, attributes = {}, ...children) {
  const node = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.append(...children);
  return node;
}
export function icon(name) {
  return svg('svg', { 'aria-hidden': 'true' }, svg('use', { href: `/console/icons.svg#${name}` }));
}

export function button(label, { icon: glyph, kind = '', only = false, ...rest } = {}) {
  const attributes = { type: 'button', class: `${kind}${only ? ' icon' : ''}`.trim() || undefined, ...rest };
  if (only) Object.assign(attributes, { 'aria-label': label, title: label });
  return el('button', attributes, glyph && icon(glyph), only ? null : el('span', { class: 'label' }, label));
}

export function size(bytes) {
  if (bytes < 1024) return `${Math.round(bytes)} B`;
  const units = ['KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
  let unit = -1;
  do { bytes /= 1024; unit += 1; } while (bytes >= 1023.5 && unit < units.length - 1);
  return `${bytes >= 100 ? Math.round(bytes) : bytes.toFixed(1)} ${units[unit]}`;
}
export const count = (n) => n.toLocaleString('en');
export const plural = (n, noun) => `${count(n)} ${noun}${n === 1 ? '' : 's'}`;

const CLOCK = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' });
export function when(text) { return text ? CLOCK.format(new Date(text)) : ''; }
export function ago(text) {
  const seconds = (Date.now() - new Date(text)) / 1000;
  const words = new Intl.RelativeTimeFormat(undefined, { numeric: 'auto' });
  for (const [unit, length] of [['day', 86400], ['hour', 3600], ['minute', 60]])
    if (seconds >= length) return unit === 'day' && seconds > 30 * 86400 ? when(text) : words.format(-Math.floor(seconds / length), unit);
  return seconds < 5 ? 'just now' : words.format(-Math.floor(seconds), 'second');
}
export function timeNode(text) {
  return text ? el('time', { datetime: text, title: when(text) }, ago(text)) : '';
}
export function lasting(seconds) {
  if (!Number.isFinite(seconds)) return '';
  if (seconds < 60) return `${Math.ceil(seconds)} s left`;
  return seconds < 3600 ? `${Math.ceil(seconds / 60)} min left` : `${(seconds / 3600).toFixed(1)} h left`;
}

export function lasted(seconds) {
  for (const [unit, length] of [['d', 86400], ['h', 3600], ['min', 60]]) if (seconds >= length) return `${Math.floor(seconds / length)} ${unit}`;
  return `${Math.floor(seconds)} s`;
}

export function baseName(path) { return path.replace(/\/$/, '').split('/').pop(); }
const KINDS = [
  ['image', /\.(png|jpe?g|gif|webp|avif|svg|bmp|ico)$/i],
  ['media', /\.(mp4|webm|mov|mkv|mp3|ogg|opus|wav|flac|m4a)$/i],
  ['archive', /\.(zip|gz|xz|zst|bz2|tar|tgz|7z|rar|jar|deb|rpm)$/i],
  ['text', /\.(txt|md|csv|tsv|json|ya?ml|toml|xml|html?|css|m?js|ts|c|cc|cpp|h|hpp|py|rs|go|java|sh|log|ini|conf|sql|tex|rst|build)$/i],
];
export function kindOf(entry) {
  if (entry.kind === 'prefix' || entry.kind === 'directory') return 'folder';
  if (entry.kind === 'symlink') return 'link';
  return KINDS.find(([, pattern]) => pattern.test(entry.path))?.[0] ?? 'file';
}
export function kindNode(entry) {
  const kind = kindOf(entry);
  return el('span', { class: `kind ${kind}` }, icon(kind));
}

export function toast(text, bad = false) {
  const node = el('p', { class: `toast${bad ? ' bad' : ''}` }, icon(bad ? 'warn' : 'check'), el('span', {}, text));
  document.getElementById('toasts').append(node);
  setTimeout(() => node.remove(), bad ? 8000 : 3500);
}

// A modal form. `fields`: [{name, label, value, hint, type, options, required}]. Gives the values, or null when dismissed.
// `submit(values)` may throw: then the window stays and tells why.
export function ask({ title, text, fields = [], verb = 'OK', danger = false, submit }) {
  return new Promise((resolve) => {
    const problem = el('p', { class: 'danger', role: 'alert', hidden: true });
    const inputs = fields.map((f) => f.options
      ? el('select', { name: f.name }, f.options.map(([value, label]) => el('option', { value, selected: value === f.value }, label)))
      : el('input', { type: f.type ?? 'text', name: f.name, value: f.value ?? '', required: f.required ?? true, pattern: f.pattern, min: f.min, max: f.max, step: f.step, autocomplete: 'off', spellcheck: 'false' }));
    const go = el('button', { type: 'submit', class: danger ? 'danger solid' : 'primary' }, verb);
    const form = el('form', { method: 'dialog' },
      el('h2', { id: 'dialog-title' }, title), text && el('p', { class: 'quiet' }, text),
      fields.map((f, i) => el('label', { class: 'field' }, f.label, inputs[i], f.hint && el('small', {}, f.hint))),
      problem, el('div', { class: 'choices' }, button('Cancel', { onclick: () => dialog.close() }), go));
    const dialog = el('dialog', { 'aria-labelledby': 'dialog-title' }, form);
    let result = null;
    form.addEventListener('submit', async (event) => {
      event.preventDefault();
      const values = Object.fromEntries(inputs.map((input) => [input.name, input.value]));
      go.disabled = true;
      try {
        if (submit) await submit(values);
        result = values;
        dialog.close();
      } catch (error) {
        problem.textContent = error.message;
        problem.hidden = false;
        go.disabled = false;
      }
    });
    dialog.addEventListener('close', () => { dialog.remove(); resolve(result); });
    document.body.append(dialog);
    dialog.showModal();
    inputs[0]?.select?.();
  });
}

// A list of things to do: [{label, icon, run, href, download, danger}].
export function menu(title, entries) {
  const close = (then) => () => { dialog.close(); then?.(); };
  const dialog = el('dialog', { class: 'sheet', 'aria-labelledby': 'sheet-title' }, el('h2', { id: 'sheet-title' }, title),
    el('div', { class: 'entries' }, entries.filter(Boolean).map((e) => e.href
      ? el('a', { class: 'button', href: e.href, download: e.download, onclick: close() }, icon(e.icon), e.label)
      : el('button', { type: 'button', class: e.danger ? 'danger' : undefined, onclick: close(e.run) }, icon(e.icon), e.label)),
    el('button', { type: 'button', onclick: close() }, icon('close'), 'Cancel')));
  dialog.addEventListener('click', (event) => { if (event.target === dialog) dialog.close(); });
  dialog.addEventListener('close', () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}

export function showKeys() {
  const rows = [['↑ ↓', 'Move through the list'], ['Enter', 'Open'], ['Backspace', 'The folder above'], ['/', 'Filter'], ['u', 'Upload files'],
    ['n', 'New folder'], ['r', 'Rename or move'], ['Delete', 'Delete'], ['1 2 3', 'Files, changes, health'], ['Esc', 'Close the details'], ['?', 'This list']];
  const dialog = el('dialog', { 'aria-labelledby': 'keys-title' }, el('form', { method: 'dialog' },
    el('h2', { id: 'keys-title' }, 'Keyboard'),
    el('dl', { class: 'keys' }, rows.map(([keys, what]) => [el('dt', {}, keys.split(' ').map((k, i) => [i ? ' ' : null, el('kbd', {}, k)])), el('dd', {}, what)])),
    el('div', { class: 'choices' }, el('button', { class: 'primary' }, 'Close'))));
  dialog.addEventListener('close', () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}
