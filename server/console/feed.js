// SPDX-License-Identifier: Apache-2.0
// One stream of changes for the whole console, over Server-Sent Events; the browser reconnects with Last-Event-ID, so none is
// missed. Listeners are told each change; `onstate` says whether the stream is open.
const TYPES = ['put', 'delete', 'move', 'mkdir', 'metadata'];
const listeners = new Set();
let source = null;

export function listen(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function connect(after, onstate) {
  source?.close();
  let last = after;
  source = new EventSource(`/v1/changes?after=${after}`);
  source.onopen = () => onstate('open');
  source.onerror = () => {
    onstate('lost');
    // A refusal (503, a proxy's page) ends an EventSource for good.
    if (source.readyState === EventSource.CLOSED) setTimeout(() => connect(last, onstate), 5000);
  };
  for (const type of TYPES) {
    source.addEventListener(type, (event) => {
      const change = JSON.parse(event.data);
      last = change.sequence;
      for (const listener of listeners) listener(change);
    });
  }
}
