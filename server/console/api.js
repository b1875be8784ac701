// SPDX-License-Identifier: Apache-2.0
// The routes of /openapi.json that the console uses.

// A name as part of a URL. Browsers resolve dot segments even when they are escaped, so in a name that has some the slashes
// are escaped, too.
export function escapeName(name) {
  const parts = name.split('/').map(encodeURIComponent);
  return parts.join(parts.some((part) => part === '.' || part === '..') ? '%2F' : '/');
}
export function fileUrl(ns, path, version) {
  return `/v1/namespaces/${ns}/files/${escapeName(path)}${version ? `?version=${version}` : ''}`;
}

export class Problem extends Error {
  constructor(status, body) {
    super(body.detail || body.title || `The server answered ${status}.`);
    Object.assign(this, { status, code: body.code, retry: body.retry, requestId: body.request_id });
  }
}

export async function call(method, url, { json, headers = {}, signal } = {}) {
  const options = { method, signal, headers: { Accept: 'application/json', ...headers } };
  if (json !== undefined) Object.assign(options, { body: JSON.stringify(json), headers: { ...options.headers, 'Content-Type': 'application/json' } });
  let response;
  try {
    response = await fetch(url, options);
  } catch (error) {
    if (error.name === 'AbortError') throw error;
    throw new Error('The server cannot be reached.');
  }
  if (!response.ok) throw new Problem(response.status, await response.json().catch(() => ({})));
  const type = response.headers.get('Content-Type') ?? '';
  return response.status !== 204 && type.includes('json') ? response.json() : null;
}
const query = (values) => new URLSearchParams(Object.entries(values).filter(([, v]) => v !== undefined && v !== null && v !== '')).toString();

export const stats = () => call('GET', '/v1/stats');
export const namespaces = async () => (await call('GET', '/v1/namespaces')).namespaces;
export const createNamespace = (ns, config) => call('PUT', `/v1/namespaces/${ns}`, { json: config });
export const namespace = (ns) => call('GET', `/v1/namespaces/${ns}`);
export const configureNamespace = (ns, config) => call('PATCH', `/v1/namespaces/${ns}`, { json: config });
export const dropNamespace = (ns) => call('DELETE', `/v1/namespaces/${ns}`);
export const list = (ns, prefix, { cursor, deleted, signal } = {}) =>
  call('GET', `/v1/namespaces/${ns}/files?${query({ prefix, delimiter: '/', limit: 500, cursor, deleted: deleted || undefined })}`, { signal });
export const metadata = (ns, path) => call('GET', `/v1/namespaces/${ns}/metadata/${escapeName(path)}`);
export const versions = async (ns, path) => (await call('GET', `/v1/namespaces/${ns}/versions/${escapeName(path)}`)).versions;
export const restore = (ns, path, version) => call('POST', `/v1/namespaces/${ns}/restore`, { json: { path, version } });
export const forget = (ns, path, version) => call('DELETE', `/v1/namespaces/${ns}/versions/${escapeName(path)}?version=${version}`);
export const remove = (ns, path, recursive) => call('DELETE', `${fileUrl(ns, path)}${recursive ? '?recursive=true' : ''}`);
export const move = (ns, from, to) => call('POST', `/v1/namespaces/${ns}/move`, { json: { from, to, replace: false } });
export const mkdir = (ns, path) => call('PUT', `/v1/namespaces/${ns}/directories/${escapeName(path)}`);
export const changes = (after, limit) => call('GET', `/v1/changes?${query({ after, limit })}`);
export const tasks = async () => (await call('GET', '/v1/tasks')).tasks;
export const start = (kind) => call('POST', `/v1/${kind}`, { json: {} });
export const cancel = (id) => call('DELETE', `/v1/tasks/${encodeURIComponent(id)}`);
export async function ready() {
  try {
    await call('GET', '/readyz');
    return { ready: true };
  } catch (error) {
    return { ready: false, why: error.message };
  }
}
