#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The console as a whole in a real browser: changes, health, keyboard, dark mode, phone width, names for assistive technology, contrast,
and what the pages may load.

    pages_test.py JZSED SCREENSHOTS [TEST]...
"""
import signal
import time

import console_case
from console_case import DEADLINE, DESKTOP, PHONE, ConsoleCase, png

PAGES = {'files': '#/files/default/', 'details': '#/files/default/notes/', 'changes': '#/changes', 'health': '#/health'}

# Text whose contrast with what is behind it is below WCAG's AA: [text, ratio].
CONTRAST = '''(() => {
  const rgba = (text) => { const n = text.match(/[\\d.]+/g).map(Number); if (/srgb/.test(text)) for (let i = 0; i < 3; i++) n[i] *= 255; return n.length < 4 ? [...n, 1] : n; };
  const over = (top, under) => top.slice(0, 3).map((v, i) => v * top[3] + under[i] * (1 - top[3]));
  const light = (c) => { const [r, g, b] = c.map((v) => { v /= 255; return v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; }); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const behind = (e) => { if (!e) return [255, 255, 255]; const c = rgba(getComputedStyle(e).backgroundColor); return c[3] === 1 ? c.slice(0, 3) : over(c, behind(e.parentElement)); };
  const found = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const text = walk.currentNode.textContent.trim(), e = walk.currentNode.parentElement;
    if (!text || e.closest('[hidden], .visually-hidden, .skip, noscript, option, script') || !e.getClientRects().length || getComputedStyle(e).visibility === 'hidden') continue;
    const style = getComputedStyle(e), back = behind(e), front = over(rgba(style.color), back);
    const [a, b] = [light(front), light(back)].sort((x, y) => y - x), ratio = (a + 0.05) / (b + 0.05);
    const large = parseFloat(style.fontSize) >= 24 || (parseFloat(style.fontSize) >= 18.66 && style.fontWeight >= 700);
    if (ratio < (large ? 3 : 4.5)) found.push([text.slice(0, 40), ratio.toFixed(2), style.color, back.join()]);
  }
  return found;
})()'''


class Pages(ConsoleCase):
    def fill_store(self):
        for number in range(3):
            self.server.put('notes/plan.md', f'# Plan {number}\n\n- measure\n- mend\n'.encode() * (number + 1))
        self.server.put('photos/harbour.png', png(120, 80), content_type='image/png')
        for name in ('README.txt', 'backup.tar.zst', 'data.csv', 'report.pdf', 'film.mp4'):
            self.server.put(name, name.encode() * 100)
        self.server.call('PUT', '/v1/namespaces/archive', '{}', {'Content-Type': 'application/json'})

    def open_page(self, name):
        self.open(PAGES[name])
        if name == 'details':
            self.wait_row('notes/plan.md')
            self.page.click(self.row('notes/plan.md') + ' a')
            self.wait('document.querySelector(".preview pre")')
        else:
            self.wait('document.querySelector({files: "table.list", changes: ".changes li", health: ".card .value"}[%r])' % name)

    def test_every_page_in_every_size_and_theme(self):
        self.fill_store()
        for kind, (width, height), phone, dark in (('desktop', DESKTOP, False, False), ('desktop-dark', DESKTOP, False, True),
                                                   ('phone', PHONE, True, False), ('phone-dark', PHONE, True, True)):
            self.page.window(width, height, phone, dark)
            for name in PAGES:
                with self.subTest(kind=kind, page=name):
                    self.open_page(name)
                    self.shot(f'{kind}-{name}')
                    self.assertLessEqual(self.run_js('document.documentElement.scrollWidth'), width, 'it scrolls sideways')
                    self.assertEqual(self.run_js('document.documentElement.dataset.theme'), 'dark' if dark else 'light')
                    self.assertEqual(self.run_js(CONTRAST), [])
                    self.names_are_there()
                    if phone:
                        small = self.run_js('''[...document.querySelectorAll("main button, main a.button, nav a, nav button, main input:not([type=checkbox]), main select")]
                            .filter((e) => e.getClientRects().length && !e.closest("th, .crumbs"))
                            .map((e) => [e.ariaLabel ?? e.innerText, e.getBoundingClientRect().height]).filter(([, h]) => h && h < 36)''')
                        self.assertEqual(small, [])

    def names_are_there(self, dialog=False):
        tree = self.page.accessibility()
        for role, name in tree:
            if role in ('button', 'link', 'textbox', 'searchbox', 'combobox', 'checkbox', 'image', 'progressbar', 'dialog', 'navigation', 'table'):
                self.assertTrue(name.strip(), f'a {role} without a name')
        roles = [role for role, _ in tree]
        self.assertEqual(roles.count('dialog' if dialog else 'main'), 1)
        self.assertIn('heading', roles)

    def test_the_contrast_check_finds_what_cannot_be_read(self):
        self.fill_store()
        self.open_page('files')
        self.run_js('document.querySelector(".summary").append(Object.assign(document.createElement("p"), {textContent: "pale"}))')
        self.run_js('document.querySelector(".summary p").style.color = "rgb(220, 220, 215)"')
        self.assertIn('pale', [row[0] for row in self.run_js(CONTRAST)])

    def test_theme_is_chosen_and_kept(self):
        self.open()
        self.run_js('localStorage.removeItem("theme")')
        for expected in ('light', 'dark', 'system'):
            self.page.click('#theme')
            self.assertEqual(self.run_js('document.querySelector("#theme-text").textContent'), f'Theme: {expected}')
            if expected == 'dark':
                self.open()
                self.assertEqual(self.run_js('document.documentElement.dataset.theme'), 'dark')
        self.assertEqual(self.run_js('document.documentElement.dataset.theme'), 'light')

    def test_keyboard_alone(self):
        self.fill_store()
        self.open()
        self.wait_row('notes')
        focused = 'document.activeElement.closest("tr")?.dataset.path'
        self.page.key('Tab')
        self.assertEqual(self.run_js('document.activeElement.className'), 'skip')
        self.page.key('ArrowDown')
        self.assertEqual(self.run_js(focused), 'notes')
        self.page.key('ArrowDown')
        self.assertEqual(self.run_js(focused), 'photos')
        self.page.key('ArrowUp')
        self.page.key('Enter')
        self.wait_row('notes/plan.md')
        self.page.key('ArrowDown')
        self.page.key('Enter')
        self.wait('document.activeElement.matches(".details h2")')
        self.page.key('Escape')
        self.wait('!document.querySelector(".details")')
        self.assertEqual(self.run_js(focused), 'notes/plan.md')  # back where one came from
        self.page.key('r')
        self.wait('document.activeElement.matches("dialog input")')
        self.page.type('notes/renamed.md')
        self.page.key('Enter')
        self.wait_row('notes/renamed.md')
        self.page.key('Backspace')
        self.wait_row('photos')
        self.page.key('/')
        self.page.type('read')
        self.wait('document.querySelectorAll("tbody tr").length === 1')
        self.page.key('Escape')
        self.page.key('ArrowDown')
        self.page.key('Delete')
        self.wait('document.querySelector("dialog")?.innerText.includes("README.txt")')
        self.page.key('Escape')
        self.wait('!document.querySelector("dialog")')
        self.page.key('?')
        self.wait_text('Keyboard', 'dialog')
        self.names_are_there(dialog=True)
        self.page.key('Escape')
        for key, page in (('2', 'changes'), ('3', 'health'), ('1', 'files')):
            self.page.key(key)
            self.wait(f'document.querySelector("#pages [aria-current]").dataset.page === "{page}"')

    def test_changes_live_paused_and_after_a_restart(self):
        self.server.put('before.txt', b'1')
        self.open('#/changes')
        first = 'document.querySelector(".changes li .what")?.innerText'
        self.wait(f'{first}?.includes("before.txt")')
        self.server.put('during.txt', b'22')
        self.wait(f'{first}?.includes("during.txt · 2 B")')
        self.server.call('POST', '/v1/namespaces/default/move', '{"from":"during.txt","to":"moved.txt"}', {'Content-Type': 'application/json'})
        self.wait(f'{first}?.includes("during.txt → moved.txt")')
        self.button('Pause')
        self.server.put('held.txt', b'3')
        self.wait_text('1 more')
        self.assertNotIn('held.txt', self.run_js('document.querySelector(".changes").innerText'))
        self.button('Go on')
        self.wait(f'{first}?.includes("held.txt")')
        self.server.stop(signal.SIGKILL)
        self.wait('document.querySelector("#live").dataset.state === "lost"')
        self.wait_text('The connection is lost', '#toasts')
        self.server.start()
        self.server.put('after.txt', b'4')  # perhaps before the browser is back
        self.wait(f'{first}?.includes("after.txt")')
        self.wait('document.querySelector("#live").dataset.state === "open"')
        text = self.run_js('document.querySelector(".changes").innerText')
        self.assertEqual(text.count('after.txt'), 1)
        self.assertEqual(text.count('held.txt'), 1)
        self.expect_errors('ERR_CONNECTION_REFUSED', 'ERR_INCOMPLETE_CHUNKED_ENCODING', 'ERR_CONNECTION_RESET', 'ERR_EMPTY_RESPONSE')

    def watchers(self):
        return next(int(float(line.split()[1])) for line in self.server.call('GET', '/metrics')[1].decode().splitlines() if line.startswith('jzsed_watchers '))

    def test_a_page_that_was_left_holds_no_connection(self):
        """A browser keeps pages for the way back, and opens six connections to a server: the seventh visit would wait."""
        for _ in range(8):
            self.open('#/changes')
        self.wait_text('Nothing has changed yet')
        self.page.go('about:blank')
        end = time.monotonic() + DEADLINE
        while self.watchers() > 0:
            self.assertLess(time.monotonic(), end, 'a page that nobody sees still waits for changes')
            time.sleep(0.1)
        self.server.put('meanwhile.txt', b'1')
        self.page.call('Page.navigateToHistoryEntry', entryId=self.page.call('Page.getNavigationHistory')['entries'][-2]['id'])
        self.wait('document.querySelector(".changes li .what")?.innerText.includes("meanwhile.txt")')
        self.server.put('after.txt', b'1')
        self.wait('document.querySelector(".changes li .what")?.innerText.includes("after.txt")')

    def test_health_tells_what_the_server_tells(self):
        self.fill_store()
        self.open('#/health')
        stats = self.server.json('/v1/stats')
        self.wait_text('Everything is well', '.state')
        cards = self.run_js('Object.fromEntries([...document.querySelectorAll(".cards .card")].map((c) => [c.querySelector("h2").innerText, c.querySelector(".value").innerText]))')
        self.assertEqual(cards['Files'], str(stats['file_count']))
        self.assertEqual(cards['Older versions'], str(stats['version_count']))
        for number in range(30):
            self.server.put(f'load/{number}', b'x' * 3000)
        self.wait('[...document.querySelectorAll(".plot .curve")].every((c) => c.getAttribute("d").includes("L"))', 'curves')
        self.assertEqual(self.run_js('[...document.querySelectorAll(".chart:not([hidden]) h2")].map((h) => h.innerText)'), ['Requests', 'Changes', 'Written to the journal', 'Sent'])
        self.wait('[...document.querySelectorAll(".plot")].every((p) => /: now .*, highest/.test(p.ariaLabel))', 'charts in words')
        for name in ('Verify', 'Compact'):
            self.button(name)
            self.button('Start', 'dialog')
            self.wait_text(f'{name} succeeded', '.tasks')
        self.assertEqual({(t['kind'], t['state']) for t in self.server.json('/v1/tasks')['tasks']}, {('verify', 'succeeded'), ('compact', 'succeeded')})
        self.shot('health-tasks')

    def test_what_the_pages_may_do(self):
        response, _ = self.server.call('GET', '/')
        policy = dict(part.strip().split(' ', 1) for part in response.getheader('Content-Security-Policy').split(';'))
        self.assertEqual(policy['default-src'], "'none'")
        self.assertEqual(policy['script-src'], "'self'")
        self.assertEqual(policy['style-src'], "'self'")
        self.assertEqual(policy['frame-ancestors'], "'none'")
        self.assertEqual(response.getheader('X-Content-Type-Options'), 'nosniff')
        self.assertIsNotNone(response.getheader('ETag'))
        again, _ = self.server.call('GET', '/', headers={'If-None-Match': response.getheader('ETag')})
        self.assertEqual(again.status, 304)
        self.open()
        blocked = self.run_js('''new Promise((resolve) => {
            document.addEventListener("securitypolicyviolation", (e) => resolve(e.violatedDirective));
            document.body.append(Object.assign(document.createElement("script"), {textContent: "window.ran = true"})); setTimeout(() => resolve("nothing"), 60000); })''')
        self.assertTrue(blocked.startswith('script-src'), blocked)
        self.assertFalse(self.run_js('!!window.ran'))
        self.expect_errors('Content Security Policy')


if __name__ == '__main__':
    console_case.main()
