// SPDX-License-Identifier: Apache-2.0
// One stream of changes for the whole console, over Server-Sent Events; the browser reconnects with Last-Event-ID, so none is
// missed. Listeners are told each change; `onstate` says whether the stream is open.
//
// A browser opens six connections to a server and keeps a page that was left for a minute, stream and all. So the stream is closed while
// nobody sees the page; it goes on where it was.
const TYPES = ['put', 'delete', 'move', 'mkdir', 'metadata'];
const listeners = new Set();
let source = null, resume = null, hiding;

export function listen(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function connect(after, onstate) {
  source?.close();
  let last = after;
  resume = () => connect(last, onstate);
  source = new EventSource(`/v1/changes?after=${after}`);
  source.onopen = () => onstate('open');
  source.onerror = () => {
    onstate('lost');
    // A refusal (503, a proxy's page) ends an EventSource for good.
    if (source.readyState === EventSource.CLOSED) setTimeout(() => source?.readyState === EventSource.CLOSED && resume(), 5000);
  };
  for (const type of TYPES) {
    source.addEventListener(type, (event) => {
      const change = JSON.parse(event.data);
      last = change.sequence;
      for (const listener of listeners) listener(change);
    });
  }
}

function pause() {
  source?.close();
  source = null;
}
function goOn() {
  clearTimeout(hiding);
  if (!source) resume?.();
}
addEventListener('pagehide', pause);
addEventListener('pageshow', goOn);
document.addEventListener('visibilitychange', () => {
  if (document.hidden) hiding = setTimeout(pause, 5000);
  else goOn();
});
