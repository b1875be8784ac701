// SPDX-License-Identifier: Apache-2.0
// The page of changes: the newest first, live.
import * as api from './api.js';
import { listen } from './feed.js';
import { filesHash } from './files.js';
import { button, count, el, icon, size, timeNode } from './ui.js';

const SHOWN = 500, BEFORE = 100;
const WORDS = { put: 'stored', delete: 'deleted', move: 'moved', mkdir: 'folder', metadata: 'described' };

function row(change, fresh) {
  const folder = filesHash(change.namespace, change.path.replace(/[^/]*$/, ''));
  const isFile = change.type !== 'delete' && change.entry.kind === 'file';
  return el('li', { class: fresh ? 'fresh' : undefined },
    el('span', {}, el('span', { class: `tag ${change.type}` }, WORDS[change.type] ?? change.type)),
    el('span', { class: 'what' }, el('span', { class: 'quiet' }, `${change.namespace}: `), change.old_path ? [change.old_path, ' → '] : null, el('a', { href: folder }, change.path),
      isFile ? el('span', { class: 'quiet' }, ` · ${size(change.entry.size)}`) : null),
    el('span', { class: 'sequence', title: 'Sequence' }, count(change.sequence)), timeNode(change.entry.changed));
}

export class ChangesPage {
  constructor(root) {
    Object.assign(this, { paused: false, held: [], first: 0 });
    this.list = el('ol', { class: 'changes', 'aria-label': 'Changes, newest first' });
    this.status = el('span', { class: 'quiet number', role: 'status' });
    this.pause = button('Pause', { icon: 'pause', onclick: () => this.toggle() });
    this.body = el('div', { class: 'body' }, el('p', { class: 'quiet' }, 'Reading …'));
    root.replaceChildren(el('div', { class: 'page' }, el('header', { class: 'head' }, el('h1', { class: 'grow' }, 'Changes'), this.status, this.pause), this.body));
    this.unlisten = listen((change) => this.add(change));
    this.timer = setInterval(() => this.retime(), 15000);
  }
  destroy() {
    this.unlisten();
    clearInterval(this.timer);
  }
  async load() {
    try {
      const { sequence } = await api.stats();
      const { changes } = await api.changes(Math.max(0, sequence - BEFORE), BEFORE);
      for (const change of changes) if (change.sequence > (this.newest ?? 0)) this.show(change, false);
    } catch (error) {
      this.body.replaceChildren(el('div', { class: 'empty' }, icon('warn'), el('h2', {}, 'The changes cannot be read'), el('p', {}, error.message)));
      return;
    }
    if (!this.list.children.length) this.body.replaceChildren(el('div', { class: 'empty' }, icon('pulse'), el('h2', {}, 'Nothing has changed yet'), el('p', {}, 'What is stored, moved or deleted shows up here as it happens.')));
  }
  add(change) {
    if (!this.paused) return this.show(change, true);
    this.held.push(change);
    this.status.textContent = `${count(this.held.length)} more`;
  }
  show(change, fresh) {
    if (!this.list.isConnected) this.body.replaceChildren(this.list);
    this.newest = Math.max(this.newest ?? 0, change.sequence);
    this.list.prepend(row(change, fresh));
    while (this.list.children.length > SHOWN) this.list.lastChild.remove();
    this.status.textContent = `sequence ${count(this.newest)}`;
  }
  toggle() {
    this.paused = !this.paused;
    this.pause.replaceChildren(icon(this.paused ? 'play' : 'pause'), el('span', { class: 'label' }, this.paused ? 'Go on' : 'Pause'));
    if (!this.paused) for (const change of this.held.splice(0)) this.show(change, true);
  }
  retime() {
    for (const node of this.list.querySelectorAll('time')) node.textContent = timeNode(node.dateTime).textContent;
  }
  key() { return false; }
}
