// SPDX-License-Identifier: Apache-2.0
// The page of files: a folder at a time, with filter, order, drop zone, and the details of the chosen file beside it.
import * as api from './api.js';
import { details } from './details.js';
import { listen } from './feed.js';
import { ask, baseName, button, count, el, icon, kindNode, menu, plural, size, timeNode, toast } from './ui.js';
import { droppedItems, upload } from './uploads.js';

export const filesHash = (ns, path = '') => `#/files/${ns}/${path.split('/').map(encodeURIComponent).join('/')}`;
const isFolder = (entry) => entry.kind === 'prefix' || entry.kind === 'directory';

// An explicit directory with something in it comes as itself and as a prefix.
function merge(entries) {
  const byName = new Map();
  for (const entry of entries) {
    const path = entry.kind === 'prefix' ? entry.path.replace(/\/$/, '') : entry.path;
    const before = byName.get(path);
    if (!before || (before.kind === 'prefix' && entry.kind === 'directory')) byName.set(path, { ...entry, path });
  }
  return [...byName.values()];
}

const ORDERS = {
  name: (a, b) => a.path.localeCompare(b.path, undefined, { numeric: true }),
  size: (a, b) => a.size - b.size,
  when: (a, b) => (a.mtime ?? '').localeCompare(b.mtime ?? ''),
};

export class FilesPage {
  constructor(root, ns, prefix, spaces) {
    Object.assign(this, { ns, prefix, spaces, entries: [], order: 'name', down: false, filter: '', deleted: false, chosen: null, seen: null });
    this.node = el('div', { class: 'files' });
    this.left = el('div', { class: 'page' });
    this.node.append(this.left);
    root.replaceChildren(this.node);
    this.build();
    this.unlisten = listen((change) => this.changed(change));
  }
  destroy() {
    this.unlisten();
    this.loading?.abort();
    clearTimeout(this.timer);
  }

  build() {
    const parts = this.prefix.split('/').filter(Boolean);
    const crumbs = [[this.ns, ''], ...parts.map((part, i) => [part, `${parts.slice(0, i + 1).join('/')}/`])];
    this.find = el('input', { type: 'search', placeholder: 'Filter', 'aria-label': 'Filter this folder', oninput: () => { this.filter = this.find.value.toLowerCase(); this.draw(); } });
    this.picker = el('input', { type: 'file', class: 'picker', multiple: true, tabindex: '-1', 'aria-hidden': 'true', onchange: () => {
      upload(this.ns, [...this.picker.files].map((file) => ({ file, path: this.prefix + file.name })));
      this.picker.value = '';
    } });
    const switcher = el('select', { class: 'space-switch', 'aria-label': 'Namespace', onchange: (event) => { location.hash = filesHash(event.target.value); } },
      this.spaces.map((space) => el('option', { value: space.name, selected: space.name === this.ns }, space.name)));
    this.table = el('div', {});
    this.left.replaceChildren(
      el('h1', { class: 'visually-hidden' }, `Files in ${this.ns}/${this.prefix}`),
      el('header', { class: 'head' },
        switcher,
        el('nav', { class: `grow${parts.length ? '' : ' root'}`, 'aria-label': 'Folder' }, el('ol', { class: 'crumbs' }, crumbs.map(([name, path], i) =>
          el('li', {}, el('a', { href: filesHash(this.ns, path), 'aria-current': i === crumbs.length - 1 ? 'page' : undefined }, name))))),
        el('div', { class: 'tools' }, el('div', { class: 'find' }, icon('search'), this.find),
          button('New folder', { icon: 'folder-plus', onclick: () => this.newFolder(), 'aria-label': 'New folder' }),
          button('Upload', { icon: 'upload', kind: 'primary', onclick: () => this.picker.click(), 'aria-label': 'Upload' }), this.picker)),
      el('div', { class: 'body' }, this.table),
      el('p', { class: 'drop', 'aria-hidden': 'true' }, `Drop to store in ${this.prefix || this.ns}`));
    this.dropZone();
  }

  dropZone() {
    let depth = 0;
    const over = (step) => { depth = Math.max(0, depth + step); this.left.classList.toggle('dropping', depth > 0); };
    const files = (event) => event.dataTransfer?.types.includes('Files');
    this.left.addEventListener('dragenter', (event) => { if (files(event)) { event.preventDefault(); over(1); } });
    this.left.addEventListener('dragleave', (event) => { if (files(event)) over(-1); });
    this.left.addEventListener('dragover', (event) => { if (files(event)) event.preventDefault(); });
    this.left.addEventListener('drop', async (event) => {
      if (!files(event)) return;
      event.preventDefault();
      over(-depth);
      upload(this.ns, await droppedItems(event.dataTransfer, this.prefix));
    });
  }

  async load(more) {
    this.loading?.abort();
    this.loading = new AbortController();
    try {
      const page = await api.list(this.ns, this.prefix, { deleted: this.deleted, cursor: more ? this.cursor : undefined, signal: this.loading.signal });
      this.entries = merge([...(more ? this.entries : []), ...page.entries]).filter((entry) => entry.path !== this.prefix.replace(/\/$/, ''));
      this.cursor = page.next_cursor;
      this.problem = null;
    } catch (error) {
      if (error.name === 'AbortError') return;
      this.problem = error.message;
    }
    this.draw();
  }
  // A change below this folder: read it again, but not for each of a burst.
  changed(change) {
    const touches = (path) => path !== undefined && path.startsWith(this.prefix);
    if (change.namespace !== this.ns || (!touches(change.path) && !touches(change.old_path))) return;
    clearTimeout(this.timer);
    this.timer = setTimeout(async () => {
      await this.load();
      if (this.chosen && (change.path === this.chosen || change.old_path === this.chosen)) this.choose(this.chosen, false);
    }, 250);
  }

  visible() {
    const shown = this.entries.filter((entry) => baseName(entry.path).toLowerCase().includes(this.filter));
    const sign = this.down ? -1 : 1;
    return shown.sort((a, b) => isFolder(b) - isFolder(a) || sign * ORDERS[this.order](a, b) || ORDERS.name(a, b));
  }

  draw() {
    const focused = document.activeElement?.closest?.('tr')?.dataset.path;
    const rows = this.visible(), known = this.seen;
    this.seen = new Set(this.entries.map((entry) => `${entry.path} ${entry.sequence}`));
    const options = el('label', {}, el('input', { type: 'checkbox', checked: this.deleted, onchange: (event) => { this.deleted = event.target.checked; this.seen = null; this.load(); } }), 'Show deleted files');
    if (this.problem || !rows.length) {
      this.table.replaceChildren(this.emptyState(), el('div', { class: 'summary' }, el('span', {}), options));
      return;
    }
    const files = rows.filter((entry) => !isFolder(entry) && entry.kind !== 'deleted');
    const total = files.reduce((sum, entry) => sum + entry.size, 0);
    const heading = (key, label) => el('th', { class: key, scope: 'col', 'aria-sort': this.order === key ? (this.down ? 'descending' : 'ascending') : undefined },
      el('button', { type: 'button', onclick: () => { this.down = this.order === key && !this.down; this.order = key; this.draw(); } }, label, this.order === key ? (this.down ? ' ↓' : ' ↑') : ''));
    const body = el('tbody', {}, rows.map((entry) => this.row(entry, known && !isFolder(entry) && !known.has(`${entry.path} ${entry.sequence}`))));
    this.table.replaceChildren(
      el('table', { class: 'list' }, el('caption', { class: 'visually-hidden' }, `Files in ${this.ns}/${this.prefix}`),
        el('thead', {}, el('tr', {}, heading('name', 'Name'), heading('size', 'Size'), heading('when', 'Modified'), el('th', { class: 'more', scope: 'col' }, el('span', { class: 'visually-hidden' }, 'More')))), body),
      el('div', { class: 'summary' }, el('span', {}, [rows.length - files.length ? plural(rows.length - files.length, 'folder') : null, files.length ? `${plural(files.length, 'file')}, ${size(total)}` : null].filter(Boolean).join(' · '),
        this.cursor ? ' · ' : '', this.cursor ? button('Show more', { kind: 'small', onclick: () => this.load(true) }) : null), options));
    if (focused !== undefined) [...body.rows].find((row) => row.dataset.path === focused)?.querySelector('a').focus();
  }
  row(entry, fresh) {
    const name = baseName(entry.path), folder = isFolder(entry), gone = entry.kind === 'deleted';
    const open = (event) => { if (!folder) { event.preventDefault(); this.choose(entry.path); } };
    const link = el('a', { href: folder ? filesHash(this.ns, `${entry.path}/`) : api.fileUrl(this.ns, entry.path), onclick: open }, kindNode(entry), el('span', {}, name));
    return el('tr', { class: [gone && 'gone', fresh && 'fresh', entry.path === this.chosen && 'chosen'].filter(Boolean).join(' ') || undefined, 'data-path': entry.path,
      onclick: (event) => { if (!event.target.closest('a, button')) link.click(); } },
      el('td', { class: 'name' }, link), el('td', { class: 'size' }, folder ? '' : gone ? 'deleted' : size(entry.size)), el('td', { class: 'when' }, timeNode(entry.mtime ?? entry.changed)),
      el('td', { class: 'more' }, button(`More about ${name}`, { icon: 'dots', kind: 'ghost small', only: true, onclick: () => this.more(entry) })));
  }
  more(entry) {
    const folder = isFolder(entry), gone = entry.kind === 'deleted', name = baseName(entry.path);
    menu(name, [
      folder ? { label: 'Open', icon: 'folder', run: () => { location.hash = filesHash(this.ns, `${entry.path}/`); } } : { label: gone ? 'Versions' : 'Details and versions', icon: 'restore', run: () => this.choose(entry.path) },
      !folder && !gone && { label: 'Download', icon: 'download', href: api.fileUrl(this.ns, entry.path), download: name },
      !gone && { label: 'Rename or move', icon: 'edit', run: () => this.rename(entry.path) },
      !gone && { label: 'Delete', icon: 'trash', danger: true, run: () => this.remove(entry.path, folder) }]);
  }
  emptyState() {
    if (this.problem) return el('div', { class: 'empty' }, icon('warn'), el('h2', {}, 'This folder cannot be shown'), el('p', {}, this.problem), button('Try again', { onclick: () => this.load() }));
    if (this.filter) return el('div', { class: 'empty' }, icon('search'), el('h2', {}, 'Nothing matches'), el('p', {}, `No name here contains “${this.filter}”.`));
    return el('div', { class: 'empty' }, icon('upload'), el('h2', {}, 'Nothing here yet'), el('p', {}, 'Drop files or folders onto this page, or press u.'),
      button('Upload files', { kind: 'primary', onclick: () => this.picker.click() }));
  }

  async choose(path, focus = true) {
    this.chosen = path;
    for (const row of this.table.querySelectorAll('tr[data-path]')) row.classList.toggle('chosen', row.dataset.path === path);
    let panel;
    try {
      panel = await details(this.ns, path, { close: () => this.close(), changed: () => this.choose(path, false), rename: (p) => this.rename(p), remove: (p, folder) => this.remove(p, folder) });
    } catch (error) {
      if (this.chosen === path) this.close();
      if (focus) toast(error.message, true);
      return;
    }
    if (this.chosen !== path) return;  // another was chosen meanwhile
    this.node.querySelector('.details')?.remove();
    this.node.append(panel);
    this.node.classList.add('with-details');
    if (focus) panel.querySelector('h2').focus();
  }
  close() {
    const path = this.chosen;
    this.chosen = null;
    this.node.querySelector('.details')?.remove();
    this.node.classList.remove('with-details');
    const row = [...this.table.querySelectorAll('tr[data-path]')].find((r) => r.dataset.path === path);
    row?.classList.remove('chosen');
    row?.querySelector('a').focus();
  }

  async newFolder() {
    await ask({ title: 'New folder', verb: 'Make', fields: [{ name: 'name', label: 'Name' }], submit: ({ name }) => api.mkdir(this.ns, this.prefix + name) });
    this.load();
  }
  async rename(path) {
    const done = await ask({ title: 'Rename or move', verb: 'Move', fields: [{ name: 'to', label: 'New path', value: path, hint: `In the namespace ${this.ns}. Folders on the way are made.` }],
      submit: ({ to }) => api.move(this.ns, path, to) });
    if (!done || done.to === path) return;
    toast(`Moved to ${done.to}`);
    if (this.chosen === path) this.close();
    this.load();
  }
  async remove(path, folder) {
    const done = await ask({ title: `Delete ${baseName(path)}?`, danger: true, verb: 'Delete', submit: () => api.remove(this.ns, path, folder),
      text: folder ? 'Everything in this folder is deleted with it. Versions are kept as the namespace says.' : 'Its versions are kept as the namespace says: “Show deleted files” brings it back.' });
    if (!done) return;
    toast(`${baseName(path)} is deleted`);
    if (this.chosen === path) this.close();
    this.load();
  }

  // True when the key meant something here.
  key(event) {
    const links = [...this.table.querySelectorAll('tbody .name a')], at = links.indexOf(document.activeElement);
    const entry = at >= 0 ? this.entries.find((e) => e.path === links[at].closest('tr').dataset.path) : this.entries.find((e) => e.path === this.chosen);
    const go = (i) => { links[Math.min(links.length - 1, Math.max(0, i))]?.focus(); };
    const keys = {
      ArrowDown: () => go(at + 1), ArrowUp: () => go(at < 0 ? 0 : at - 1), Home: () => go(0), End: () => go(links.length - 1),
      '/': () => this.find.focus(), u: () => this.picker.click(), n: () => this.newFolder(),
      Backspace: () => { location.hash = filesHash(this.ns, this.prefix.replace(/[^/]*\/$/, '')); },
      Escape: () => this.close(), r: () => entry && this.rename(entry.path), Delete: () => entry && entry.kind !== 'deleted' && this.remove(entry.path, isFolder(entry)),
    };
    if (!keys[event.key] || (event.key === 'Escape' && !this.chosen)) return false;
    keys[event.key]();
    return true;
  }
}

export const namespaceNote = (space) => count(space.file_count);
