// SPDX-License-Identifier: Apache-2.0
// Namespaces are made, configured and dropped here.
import * as api from './api.js';
import { ask, menu, plural, size, toast } from './ui.js';

const whole = { type: 'number', min: '0', step: '1' };
const versions = (value) => ({ name: 'versions_max', label: 'Older versions to keep of each file', value: String(value), ...whole });
const rest = (config) => [
  { name: 'days', label: 'Days after which an older version goes', value: String(config.versions_age_max_s / 86400), type: 'number', min: '0', step: 'any', hint: '0: never by its age' },
  { name: 'compression', label: 'Compression (zstd level)', value: String(config.compression), ...whole, max: '19', hint: '0: none; of what is stored from now on' },
  { name: 'quota_bytes', label: 'Quota in bytes', value: String(config.quota_bytes), ...whole, hint: '0: none' },
  { name: 'quota_files', label: 'Quota in files', value: String(config.quota_files), ...whole, hint: '0: none' }];

function configOf({ versions_max, days, compression, quota_bytes, quota_files }) {
  return { versions_max: Number(versions_max), versions_age_max_s: Math.round(Number(days) * 86400), compression: Number(compression),
    quota_bytes: Number(quota_bytes), quota_files: Number(quota_files) };
}

// The name of what was made, or null.
export async function makeNamespace() {
  const made = await ask({ title: 'New namespace', verb: 'Make', fields: [
    { name: 'name', label: 'Name', pattern: '[a-z0-9][a-z0-9._\\-]{0,63}', hint: 'a–z, 0–9, dot, underscore, hyphen' },
    { name: 'kind', label: 'Kind', options: [['tree', 'tree: folders and files'], ['keys', 'keys: any name, as object stores have']], value: 'tree' },
    versions(16)],
  submit: ({ name, kind, versions_max }) => api.createNamespace(name, { kind, versions_max: Number(versions_max) }) });
  return made?.name ?? null;
}

async function configure(name, done) {
  const config = await api.namespace(name);
  const changed = await ask({ title: `Settings of ${name}`, verb: 'Save', text: `Kind ${config.kind}, chunks of ${size(config.chunk_average)} on average: these were chosen when it was made.`,
    fields: [versions(config.versions_max), ...rest(config)], submit: (values) => api.configureNamespace(name, configOf(values)) });
  if (!changed) return;
  toast(`${name} is configured`);
  await done();
}

async function drop(name, done) {
  const space = await api.namespace(name);
  const dropped = await ask({ title: `Drop ${name}`, verb: 'Drop', danger: true,
    text: `${plural(space.file_count, 'file')} (${size(space.logical_bytes)}) and ${plural(space.version_count, 'older version')} go with it. This cannot be undone.`,
    fields: [{ name: 'name', label: `Type ${name} to confirm` }],
    submit: (values) => {
      if (values.name !== name) throw new Error('That is not its name.');
      return api.dropNamespace(name);
    } });
  if (!dropped) return;
  toast(`${name} is dropped`);
  await done();
}

// `changed` and `dropped` are called when that is done.
export function spaceEntries(name, changed, dropped) {
  const tell = (action, done) => () => action(name, done).catch((error) => toast(error.message, true));
  return [{ label: `Settings of ${name}`, icon: 'edit', run: tell(configure, changed) },
    { label: `Drop ${name}`, icon: 'trash', danger: true, run: tell(drop, dropped) }];
}
export function spaceMenu(name, changed, dropped) {
  menu(name, spaceEntries(name, changed, dropped));
}
