// SPDX-License-Identifier: Apache-2.0
// Which page is shown, what stands in the side bar, and the keys that hold everywhere. Addresses are #/files/NAMESPACE/FOLDER/, #/changes
// and #/health.
import * as api from './api.js';
import { ChangesPage } from './changes.js';
import { connect, listen } from './feed.js';
import { FilesPage, filesHash, namespaceNote } from './files.js';
import { HealthPage } from './health.js';
import { makeNamespace, spaceEntries, spaceMenu } from './spaces.js';
import { button, el, menu, showKeys, toast } from './ui.js';

const main = document.getElementById('main');
let page = null, spaces = [];

function address() {
  const [, name = 'files', ns = '', ...rest] = location.hash.split('/');
  let path = rest.join('/');
  try { path = rest.map(decodeURIComponent).join('/'); } catch { /* half an escape: as it is */ }
  return { name: ['files', 'changes', 'health'].includes(name) ? name : 'files', ns, path };
}

async function show() {
  const { name, ns, path } = address();
  page?.destroy();
  if (name === 'files') {
    const known = spaces.find((space) => space.name === ns) ?? spaces.find((space) => space.name === 'default') ?? spaces[0];
    if (!known) return main.replaceChildren(el('div', { class: 'body' }, el('div', { class: 'empty' }, el('h2', {}, 'There is no namespace'), el('p', {}, 'Make one with the plus beside “Namespaces”.'))));
    const prefix = known.name === ns && path && !path.endsWith('/') ? `${path}/` : known.name === ns ? path : '';
    page = new FilesPage(main, known.name, prefix, spaces);
  } else {
    page = name === 'changes' ? new ChangesPage(main) : new HealthPage(main);
  }
  document.title = `${name === 'files' ? `${page.prefix || page.ns} – ` : name === 'changes' ? 'Changes – ' : 'Health – '}JzSE`;
  for (const link of document.querySelectorAll('#pages a')) {
    if (link.dataset.page === name) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  }
  markSpaces();
  main.scrollTop = 0;
  await page.load();
}

function markSpaces() {
  const list = document.getElementById('namespaces');
  list.replaceChildren(...spaces.map((space) => el('li', {}, el('a', { href: filesHash(space.name), 'aria-current': page instanceof FilesPage && page.ns === space.name ? 'true' : undefined },
    el('b', {}, space.name), el('small', { title: 'Files' }, namespaceNote(space))),
    button(`More about namespace ${space.name}`, { icon: 'dots', kind: 'ghost small', only: true, onclick: () => spaceMenu(space.name, loadSpaces, dropped) }))));
}

async function loadSpaces() {
  spaces = await api.namespaces();
  markSpaces();
}

async function newNamespace() {
  const name = await makeNamespace();
  if (name === null) return;
  await loadSpaces();
  location.hash = filesHash(name);
}

// What is shown may have been in it.
async function dropped() {
  await loadSpaces();
  if (!(page instanceof FilesPage) || spaces.some((space) => space.name === page.ns)) return;
  if (location.hash === '#/files') await show();
  else location.hash = '#/files';
}

const THEMES = ['system', 'light', 'dark'], prefersDark = matchMedia('(prefers-color-scheme: dark)');
function theme() { return THEMES.includes(localStorage.getItem('theme')) ? localStorage.getItem('theme') : 'system'; }
function applyTheme() {
  const dark = theme() === 'dark' || (theme() === 'system' && prefersDark.matches);
  document.documentElement.dataset.theme = dark ? 'dark' : 'light';
  document.getElementById('theme-text').textContent = `Theme: ${theme()}`;
}

function key(event) {
  const typing = event.target.closest?.('input, select, textarea, dialog');
  if (event.key === 'Escape' && event.target.matches?.('.find input')) { event.target.blur(); return; }
  if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
  const pages = { 1: '#/files', 2: '#/changes', 3: '#/health' };
  if (pages[event.key]) location.hash = pages[event.key];
  else if (event.key === '?') showKeys();
  else if (!page?.key(event)) return;
  event.preventDefault();
}

function live(state) {
  const node = document.getElementById('live');
  if (node.dataset.state === state) return;
  const before = node.dataset.state;
  node.dataset.state = state;
  if (state === 'lost') toast('The connection is lost. It is tried again.', true);
  else if (before === 'lost') toast('Connected again');
  document.getElementById('live-text').textContent = state === 'open' ? 'Live' : 'Connection lost';
}

async function start() {
  applyTheme();
  prefersDark.addEventListener('change', applyTheme);
  const nextTheme = () => {
    localStorage.setItem('theme', THEMES[(THEMES.indexOf(theme()) + 1) % THEMES.length]);
    applyTheme();
  };
  document.getElementById('theme').addEventListener('click', nextTheme);
  document.getElementById('more').addEventListener('click', () => menu(document.getElementById('about').textContent, [
    { label: 'New namespace', icon: 'plus', run: newNamespace }, ...(page instanceof FilesPage ? spaceEntries(page.ns, loadSpaces, dropped) : []), { label: document.getElementById('theme-text').textContent, icon: 'moon', run: nextTheme }]));
  document.getElementById('help').addEventListener('click', showKeys);
  document.getElementById('new-namespace').addEventListener('click', newNamespace);
  document.addEventListener('keydown', key);
  window.addEventListener('hashchange', show);
  // A file dropped beside the zone must not replace the page.
  for (const type of ['dragover', 'drop']) window.addEventListener(type, (event) => event.preventDefault());
  const stats = await api.stats();
  document.getElementById('about').textContent = `${stats.region} · jzsed ${stats.version}`;
  await loadSpaces();
  connect(stats.sequence, live);
  let timer;
  listen(() => { clearTimeout(timer); timer = setTimeout(() => loadSpaces().catch(() => {}), 1000); });
  await show();
}

start().catch((error) => {
  live('lost');
  toast(error.message, true);
  main.replaceChildren(el('div', { class: 'body' }, el('div', { class: 'empty' }, el('h2', {}, 'The server does not answer'), el('p', {}, error.message), el('button', { type: 'button', onclick: () => location.reload() }, 'Try again'))));
});
