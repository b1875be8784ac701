// SPDX-License-Identifier: Apache-2.0
// The details of one file: preview, facts, versions.
import * as api from './api.js';
import { ask, baseName, button, count, el, icon, kindOf, size, timeNode, toast, when } from './ui.js';

const TEXT_MAX = 64 << 10;

async function textPreview(ns, entry) {
  const response = await fetch(api.fileUrl(ns, entry.path, entry.sequence), { headers: { Range: `bytes=0-${TEXT_MAX - 1}` } });
  if (!response.ok && response.status !== 416) throw new Error('The content cannot be read.');
  const bytes = response.status === 416 ? new Uint8Array() : new Uint8Array(await response.arrayBuffer());
  if (bytes.includes(0)) return null;
  let text;
  try {
    // The cut may have split a character; one that is malformed elsewhere means that it is no text.
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream: entry.size > bytes.length });
  } catch {
    return null;
  }
  return el('pre', { tabindex: '0', 'aria-label': `Content of ${baseName(entry.path)}` }, text, entry.size > bytes.length ? '\n…' : '');
}

async function preview(ns, entry) {
  const kind = kindOf(entry), url = api.fileUrl(ns, entry.path, entry.sequence);
  const box = el('figure', { class: `preview${kind === 'image' ? ' checks' : ''}`, 'aria-label': 'Preview' });
  const nothing = (why) => { box.className = 'preview'; box.replaceChildren(el('p', {}, why)); };
  if (entry.size === 0) nothing('The file is empty.');
  else if (kind === 'image') box.append(el('img', { src: url, alt: `Picture ${baseName(entry.path)}`, onerror: () => nothing('The browser cannot show this picture.') }));
  else if (kind === 'media' && /\.(mp3|ogg|opus|wav|flac|m4a)$/i.test(entry.path)) box.append(el('audio', { src: url, controls: true }));
  else if (kind === 'media') box.append(el('video', { src: url, controls: true, preload: 'metadata' }));
  else {
    try {
      const text = await textPreview(ns, entry);
      if (text) box.append(text);
      else nothing('No preview: this is not text.');
    } catch (error) {
      nothing(error.message);
    }
  }
  return box;
}

function versionRow(ns, path, version, newest, changed) {
  const gone = version.kind === 'deleted';
  const what = gone ? 'Deleted' : size(version.size);
  const restore = async () => {
    try {
      await api.restore(ns, path, version.sequence);
      toast(`${baseName(path)} is as it was ${when(version.changed)}`);
      changed();
    } catch (error) { toast(error.message, true); }
  };
  const forget = async () => {
    const sure = await ask({ title: 'Forget this version?', danger: true, verb: 'Forget', text: `The version of ${when(version.changed)} cannot be brought back.`,
      submit: () => api.forget(ns, path, version.sequence) });
    if (sure) changed();
  };
  return el('li', { class: newest ? (gone ? 'tombstone' : 'current') : gone ? 'tombstone' : '' },
    el('span', { 'aria-hidden': 'true', hidden: true }),
    el('div', {}, what, newest && !gone ? [' ', el('span', { class: 'tag' }, 'current')] : null,
      el('small', {}, timeNode(version.changed), ` · ${count(version.sequence)}`)),
    el('div', { class: 'does' },
      gone ? null : el('a', { class: 'button ghost small icon', href: api.fileUrl(ns, version.path ?? path, version.sequence), download: baseName(path), 'aria-label': `Download version ${version.sequence}`, title: 'Download' }, icon('download')),
      gone || newest ? null : button(`Restore version ${version.sequence}`, { icon: 'restore', kind: 'ghost small', only: true, onclick: restore }),
      gone || newest ? null : button(`Forget version ${version.sequence}`, { icon: 'trash', kind: 'ghost small', only: true, onclick: forget })));
}

// The panel of the file `path`; `actions` has close, changed, rename and remove.
export async function details(ns, path, actions) {
  const versions = await api.versions(ns, path);
  const newest = versions[0], deleted = newest.kind === 'deleted';
  const entry = deleted ? { ...newest, path } : await api.metadata(ns, path);
  const facts = [['Size', deleted ? null : `${size(entry.size)} (${count(entry.size)} bytes)`], ['Type', entry.content_type], ['Modified', when(entry.mtime)], ['Stored', when(entry.changed)],
    ['Mode', entry.mode], ['Content hash', entry.etag && el('code', {}, entry.etag.slice(0, 16), '…')], ...Object.entries(entry.metadata ?? {})];
  const close = button('Close details', { icon: 'close', kind: 'ghost', only: true, onclick: actions.close });
  return el('aside', { class: 'details', 'aria-label': `Details of ${baseName(path)}` },
    el('header', {}, el('h2', { tabindex: '-1' }, baseName(path)), close),
    deleted ? null : await preview(ns, entry),
    el('div', { class: 'actions' },
      deleted ? el('p', { class: 'quiet' }, 'This file was deleted. Restore one of its versions to have it back.') : [
        el('a', { class: 'button primary', href: api.fileUrl(ns, path), download: baseName(path) }, icon('download'), 'Download'),
        button('Rename', { icon: 'edit', onclick: () => actions.rename(path) }),
        button('Delete', { icon: 'trash', kind: 'danger', onclick: () => actions.remove(path, false) })]),
    el('section', {}, el('h3', {}, 'Facts'),
      el('dl', { class: 'facts' }, facts.filter(([, v]) => v).map(([k, v]) => [el('dt', {}, k), el('dd', {}, v)]))),
    el('section', {}, el('h3', {}, `Versions (${versions.length})`),
      el('ol', { class: 'versions' }, versions.map((v, i) => versionRow(ns, path, v, i === 0, actions.changed)))));
}
