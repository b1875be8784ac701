// SPDX-License-Identifier: Apache-2.0
// Uploads: a queue of at most three at a time. Small files are one PUT. Large ones go by tus in parts; what the server has of one is asked
// for again after a lost connection, and after a reload when the same file is chosen again.
import { Problem, call, fileUrl } from './api.js';
import { button, el, lasting, plural, size, toast } from './ui.js';

const SMALL = 8 << 20, PART = 8 << 20, PARALLEL = 3, TRIES = 6;
const queue = [];
let running = 0;

class Upload {
  constructor(ns, path, file) {
    Object.assign(this, { ns, path, file, sent: 0, state: 'waiting', began: 0, done: () => {} });
    this.bar = el('i');
    this.note = el('small', {}, 'Waiting');
    this.track = el('div', { class: 'bar', role: 'progressbar', 'aria-label': `Upload of ${path}`, 'aria-valuemin': '0', 'aria-valuemax': '100' }, this.bar);
    this.stop = button(`Cancel ${path}`, { icon: 'close', kind: 'ghost small', only: true, onclick: () => this.cancel() });
    this.row = el('li', {}, el('b', { title: path }, path.split('/').pop()), this.track, this.note, this.stop);
  }
  get key() { return `tus ${this.ns} ${this.path} ${this.file.size} ${this.file.lastModified}`; }
  get headers() { return { 'x-jzse-mtime': new Date(this.file.lastModified).toISOString() }; }

  show(state, note) {
    if (state) this.state = state;
    const share = this.file.size ? this.sent / this.file.size : this.state === 'done' ? 1 : 0;
    this.bar.style.width = `${Math.min(100, share * 100)}%`;
    this.track.setAttribute('aria-valuenow', Math.round(share * 100));
    this.track.className = `bar ${this.state === 'failed' ? 'bad' : this.state === 'done' ? 'done' : ''}`;
    this.note.textContent = note ?? '';
    this.stop.hidden = this.state === 'done' || this.state === 'failed' || this.state === 'cancelled';
  }
  progress(sent) {
    this.sent = sent;
    const rate = (sent - this.from) / Math.max(0.001, (performance.now() - this.began) / 1000);
    this.show('sending', `${size(sent)} of ${size(this.file.size)} · ${size(rate)}/s · ${lasting((this.file.size - sent) / rate)}`);
  }

  async run() {
    this.began = performance.now();
    this.from = 0;
    try {
      if (this.file.size <= SMALL) await this.put();
      else await this.resume();
      this.sent = this.file.size;
      this.show('done', `${size(this.file.size)} · stored`);
    } catch (error) {
      if (this.state !== 'cancelled') this.show('failed', error.message);
    }
    this.done(this);
  }

  put() { return this.send('PUT', fileUrl(this.ns, this.path), this.file, { ...this.headers, 'Content-Type': this.file.type || 'application/octet-stream' }, 0); }

  async resume() {
    let url = localStorage.getItem(this.key), offset = url ? await this.offset(url) : null;
    if (offset === null) {
      url = await this.create();
      offset = 0;
      localStorage.setItem(this.key, url);
    }
    this.from = offset;
    for (let tries = 0; offset < this.file.size;) {
      try {
        const part = this.file.slice(offset, offset + PART);
        await this.send('PATCH', url, part, { 'Tus-Resumable': '1.0.0', 'Upload-Offset': String(offset), 'Content-Type': 'application/offset+octet-stream' }, offset);
        offset += part.size;
        tries = 0;
      } catch (error) {
        if (this.state === 'cancelled' || (error instanceof Problem && !error.retry && error.status !== 409) || (tries += 1) > TRIES) throw error;
        this.show('waiting', `Interrupted; trying again (${tries} of ${TRIES})`);
        await new Promise((wake) => { setTimeout(wake, 500 * 2 ** tries); });
        // 404: the server has forgotten the upload. Unreachable: what it has is asked again at the next try.
        const had = await this.offset(url).catch(() => undefined);
        if (had === null) throw error;
        if (had !== undefined) offset = had;
      }
    }
    localStorage.removeItem(this.key);
  }
  async create() {
    const pairs = { namespace: this.ns, path: this.path, content_type: this.file.type || 'application/octet-stream', mtime: this.headers['x-jzse-mtime'] };
    const base64 = (text) => btoa(String.fromCharCode(...new TextEncoder().encode(text)));
    const response = await fetch('/v1/uploads', { method: 'POST', headers: { 'Tus-Resumable': '1.0.0', 'Upload-Length': String(this.file.size),
      'Upload-Metadata': Object.entries(pairs).map(([k, v]) => `${k} ${base64(v)}`).join(',') } });
    if (!response.ok) throw new Problem(response.status, await response.json().catch(() => ({})));
    return response.headers.get('Location');
  }
  async offset(url) {
    const response = await fetch(url, { method: 'HEAD', headers: { 'Tus-Resumable': '1.0.0' } });
    return response.ok ? Number(response.headers.get('Upload-Offset')) : null;
  }

  // XMLHttpRequest, because fetch does not tell how much of a body is sent.
  send(method, url, body, headers, before) {
    return new Promise((resolve, reject) => {
      const request = this.request = new XMLHttpRequest();
      request.open(method, url);
      for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
      request.upload.onprogress = (event) => this.progress(before + event.loaded);
      request.onload = () => {
        if (request.status < 300) return resolve();
        let problem = {};
        try { problem = JSON.parse(request.responseText); } catch { /* not from our server */ }
        return reject(new Problem(request.status, problem));
      };
      request.onerror = () => reject(new Error('The connection was lost.'));
      request.onabort = () => reject(new Error('Cancelled.'));
      request.send(body);
    });
  }
  cancel() {
    const url = localStorage.getItem(this.key);
    this.show('cancelled', 'Cancelled');
    this.request?.abort();
    localStorage.removeItem(this.key);
    // 409: the server still ends the part that was cut off. What cannot be deleted now expires there.
    const discard = (tries) => call('DELETE', url, { headers: { 'Tus-Resumable': '1.0.0' } }).catch((error) => {
      if (error.status === 409 && tries > 0) setTimeout(discard, 500, tries - 1);
    });
    if (url) discard(20);
  }
}

const panel = document.getElementById('uploads');
const title = el('h2', {}), rows = el('ul');
panel.append(el('header', {}, title, button('Close', { icon: 'close', kind: 'ghost small', only: true, onclick: close })), rows);
const open = () => queue.filter((u) => u.state === 'waiting' || u.state === 'sending');

function close() {
  if (open().length) return toast('Uploads are under way. Cancel them, or let them finish.', true);
  queue.length = 0;
  rows.replaceChildren();
  panel.hidden = true;
}

function pump() {
  title.textContent = open().length ? `Uploading ${plural(open().length, 'file')}` : 'Uploads finished';
  while (running < PARALLEL) {
    const next = queue.find((u) => u.state === 'waiting' && !u.began);
    if (!next) return;
    running += 1;
    next.done = () => {
      running -= 1;
      pump();
      if (!open().length) {
        const failed = queue.filter((u) => u.state === 'failed').length;
        if (failed) toast(`${plural(failed, 'upload')} failed.`, true);
        else setTimeout(() => { if (!open().length && !panel.matches(':hover, :focus-within')) close(); }, 6000);
      }
    };
    next.run();
  }
}

// `items`: [{file, path}], the path within the namespace.
export function upload(ns, items) {
  if (!items.length) return;
  panel.hidden = false;
  for (const { file, path } of items) {
    const one = new Upload(ns, path, file);
    queue.push(one);
    rows.prepend(one.row);
  }
  pump();
}

window.addEventListener('beforeunload', (event) => { if (open().length) event.preventDefault(); });

// What was dropped, folders with everything in them, as [{file, path}] below `prefix`.
export async function droppedItems(transfer, prefix) {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (!entries.length) return [...transfer.files].map((file) => ({ file, path: prefix + file.name }));
  const items = [];
  const walk = async (entry, path) => {
    if (entry.isFile) {
      items.push({ file: await new Promise((resolve, reject) => { entry.file(resolve, reject); }), path });
      return;
    }
    const reader = entry.createReader();
    for (;;) {  // it gives at most 100 at a time
      const some = await new Promise((resolve, reject) => { reader.readEntries(resolve, reject); });
      if (!some.length) return;
      for (const child of some) await walk(child, `${path}/${child.name}`);
    }
  };
  for (const entry of entries) await walk(entry, prefix + entry.name);
  return items;
}
