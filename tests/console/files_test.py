#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The console's page of files in a real browser: browse, upload, preview, versions, rename, delete, live.

    files_test.py JZSED SCREENSHOTS [TEST]...
"""
import json

import console_case
from console_case import ConsoleCase, png


class Browse(ConsoleCase):
    def test_folders(self):
        for path in ('a.txt', 'docs/one.md', 'docs/deep/two.md', 'photos/x.png'):
            self.server.put(path, b'hello\n')
        self.open()
        self.wait_row('a.txt')
        self.assertEqual(self.names(), ['docs', 'photos', 'a.txt'])  # folders first
        self.wait_text('2 folders · 1 file, 6 B')
        self.page.click(self.row('docs') + ' a')
        self.wait_row('docs/one.md')
        self.assertEqual(self.names(), ['deep', 'one.md'])
        self.page.click(self.row('docs/deep') + ' td.size')  # the row is as good as its link
        self.wait_row('docs/deep/two.md')
        self.assertEqual(self.run_js('[...document.querySelectorAll(".crumbs a")].map((a) => a.textContent)'), ['default', 'docs', 'deep'])
        self.assertIn('docs/deep', self.run_js('document.title'))
        self.page.click('.crumbs li:nth-child(2) a')
        self.wait_row('docs/one.md')
        self.run_js('history.back()')
        self.wait_row('docs/deep/two.md')
        self.open('#/files/default/photos/')  # an address of its own
        self.wait_row('photos/x.png')

    def test_many_come_in_pages_and_can_be_filtered_and_ordered(self):
        operations = [{'op': 'put', 'namespace': 'default', 'path': f'n{i:04}', 'text': 'x' * (i % 7)} for i in range(620)]
        response, data = self.server.call('POST', '/v1/batch', json.dumps({'operations': operations}), {'Content-Type': 'application/json'})
        self.assertEqual(response.status, 200, data)
        self.open()
        self.wait_row('n0499')
        self.assertEqual(len(self.names()), 500)
        self.button('Show more')
        self.wait_row('n0619')
        self.assertEqual(len(self.names()), 620)
        self.page.click('.find input')
        self.page.type('N061')
        self.wait('document.querySelectorAll("tbody tr").length === 10')
        self.page.click('th.size button')
        sizes = self.run_js('[...document.querySelectorAll("tbody .size")].map((c) => parseInt(c.textContent))')
        self.assertEqual(sizes, sorted(sizes))
        self.page.click('th.size button')
        self.assertEqual(self.run_js('[...document.querySelectorAll("tbody .size")].map((c) => parseInt(c.textContent))'), sorted(sizes, reverse=True))
        self.assertEqual(self.run_js('document.querySelector("th.size").ariaSort'), 'descending')

    def test_names_are_text_whatever_they_look_like(self):
        names = ['<img src=x onerror=alert(1)>.txt', 'a b%20c?#&+.txt', '今天.txt', "quote'\"s.txt", '&lt;b&gt;', '..hidden', 'x;y=1']
        for name in names:
            self.server.put(name, f'content of {name}'.encode())
        self.server.call('PUT', '/v1/namespaces/odd', '{"kind":"keys"}', {'Content-Type': 'application/json'})
        self.server.call('PUT', '/v1/namespaces/odd/files/a%2F..%2Fb', 'dots', {'Content-Type': 'text/plain'})
        self.open()
        self.wait_row(names[0])
        self.assertEqual(sorted(self.names()), sorted(names))
        for name in names:
            self.page.click(self.row(name) + ' a')
            self.wait_text(f'content of {name}', '.details .preview')
        self.assertEqual(self.run_js('document.querySelectorAll("img[src=x]").length'), 0)
        self.open('#/files/odd/a/../')
        self.wait_row('a/../b')
        self.page.click(self.row('a/../b') + ' a')
        self.wait_text('dots', '.details .preview')

    def test_namespaces(self):
        self.open()
        self.wait_text('Nothing here yet')
        self.button('New namespace')
        self.fill('name', 'Bad Name')
        self.button('Make', 'dialog')
        self.assertTrue(self.run_js('!!document.querySelector("dialog :invalid")'))
        self.fill('name', 'web-1')
        self.fill('versions_max', '3')
        self.button('Make', 'dialog')
        self.wait('location.hash === "#/files/web-1/"')
        self.wait_text('web-1', '#namespaces [aria-current]')
        self.assertEqual(self.server.json('/v1/namespaces/web-1')['versions_max'], 3)
        self.shot('namespace-made')

    def test_a_namespace_is_configured(self):
        self.server.call('PUT', '/v1/namespaces/web-1', '{"versions_max":3}', {'Content-Type': 'application/json'})
        self.open('#/files/web-1/')
        self.button('More about namespace web-1')
        self.button('Settings of web-1', 'dialog')
        self.wait_text('Settings of web-1', 'dialog h2')
        self.assertEqual(self.run_js('document.querySelector("dialog [name=versions_max]").value'), '3')
        self.fill('days', '1.5')
        self.fill('compression', '25')
        self.button('Save', 'dialog')
        self.assertTrue(self.run_js('!!document.querySelector("dialog :invalid")'))
        self.fill('compression', '3')
        self.fill('quota_files', '100')
        self.shot('namespace-settings')
        self.button('Save', 'dialog')
        self.wait_text('web-1 is configured')
        self.assertFalse(self.run_js('!!document.querySelector("dialog")'))
        config = self.server.json('/v1/namespaces/web-1')
        self.assertEqual([config[key] for key in ('versions_max', 'versions_age_max_s', 'compression', 'quota_bytes', 'quota_files')], [3, 129600, 3, 0, 100])

    def test_a_namespace_is_dropped_by_its_name(self):
        self.server.call('PUT', '/v1/namespaces/web-1', '{}', {'Content-Type': 'application/json'})
        self.server.put('a.txt', b'x' * 5000, ns='web-1')
        self.open('#/files/web-1/')
        self.wait_row('a.txt')
        self.button('More about namespace web-1')
        self.button('Drop web-1', 'dialog')
        self.wait_text('1 file (4.9 KiB)', 'dialog')
        self.fill('name', 'web-2')
        self.button('Drop', 'dialog')
        self.wait_text('That is not its name.', 'dialog')
        self.shot('namespace-drop')
        self.assertEqual(self.server.get('a.txt', 'web-1'), b'x' * 5000)
        self.fill('name', 'web-1')
        self.button('Drop', 'dialog')
        self.wait_text('web-1 is dropped')
        self.wait('!document.querySelector("#namespaces").innerText.includes("web-1")')
        self.wait('document.querySelector(".space-switch").value === "default"')  # what was shown is gone, so another is
        self.assertEqual([space['name'] for space in self.server.json('/v1/namespaces')['namespaces']], ['default'])


class Content(ConsoleCase):
    def choose(self, path):
        self.wait_row(path)
        self.page.click(self.row(path) + ' a')
        self.wait(f'document.querySelector(".details h2")?.textContent === {json.dumps(path.split("/")[-1])}')

    def test_previews(self):
        self.server.put('plain.txt', 'grüß dich\n'.encode(), content_type='text/plain')
        self.server.put('long.log', b'0123456789abcdef' * 10000)
        self.server.put('picture.png', png(60, 40), content_type='image/png')
        self.server.put('broken.png', b'no picture')
        self.server.put('noise.bin', bytes(range(256)) * 10)
        self.server.put('empty', b'')
        self.server.put('page.html', b'<script>document.title = "taken over"; alert(1)</script>', content_type='text/html')
        self.server.put('drawing.svg', b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><script>alert(1)</script></svg>', content_type='image/svg+xml')
        self.open()
        self.choose('plain.txt')
        self.wait_text('grüß dich', '.preview pre')
        self.choose('long.log')
        self.wait('document.querySelector(".preview pre")?.textContent.endsWith("\\n…")')
        self.assertLess(self.run_js('document.querySelector(".preview pre").textContent.length'), 70000)
        self.choose('picture.png')
        self.assertEqual(self.wait('(() => { const i = document.querySelector(".preview img"); return i?.complete && [i.naturalWidth, i.naturalHeight]; })()'), [60, 40])
        self.shot('files-picture')
        for path, words in (('broken.png', 'cannot show this picture'), ('noise.bin', 'this is not text'), ('empty', 'The file is empty')):
            self.choose(path)
            self.wait_text(words, '.preview')
        self.choose('page.html')
        self.wait_text('<script>', '.preview pre')
        self.choose('drawing.svg')
        self.wait('document.querySelector(".preview img")?.complete')
        self.assertNotIn('taken over', self.run_js('document.title'))
        # Opened by itself, stored HTML still cannot act for the console.
        self.page.go(self.url + 'v1/namespaces/default/files/page.html')
        self.assertNotEqual(self.run_js('document.title'), 'taken over')
        self.expect_errors('Blocked script execution', 'Content Security Policy')

    def test_versions_restore_and_forget(self):
        for text in ('first', 'second', 'third'):
            self.server.put('notes/plan.md', text.encode())
        self.open('#/files/default/notes/')
        self.choose('notes/plan.md')
        self.wait_text('Versions (3)'.upper(), '.details')
        self.wait_text('third', '.preview pre')
        self.shot('files-versions')
        versions = [v['sequence'] for v in self.server.json('/v1/namespaces/default/versions/notes/plan.md')['versions']]
        self.button(f'Restore version {versions[2]}')
        self.wait_text('first', '.preview pre')
        self.assertEqual(self.server.get('notes/plan.md'), b'first')
        self.wait_text('Versions (4)'.upper(), '.details')
        self.button(f'Forget version {versions[1]}')
        self.button('Forget', 'dialog')
        self.wait_text('Versions (3)'.upper(), '.details')
        left = [v['sequence'] for v in self.server.json('/v1/namespaces/default/versions/notes/plan.md')['versions']]
        self.assertNotIn(versions[1], left)

    def test_delete_and_undelete(self):
        self.server.put('keep.txt', b'stays')
        self.server.put('gone.txt', b'comes back')
        self.open()
        self.choose('gone.txt')
        self.button('Delete', '.details')
        self.button('Delete', 'dialog')
        self.wait_row('gone.txt', False)
        self.assertIsNone(self.server.get('gone.txt'))
        self.page.click('.summary input')
        self.choose('gone.txt')
        self.wait_text('This file was deleted', '.details')
        sequence = self.server.json('/v1/namespaces/default/versions/gone.txt')['versions'][1]['sequence']
        self.button(f'Restore version {sequence}')
        self.wait_text('comes back', '.preview pre')
        self.assertEqual(self.server.get('gone.txt'), b'comes back')

    def test_folders_are_made_renamed_and_deleted(self):
        self.server.put('old/a.txt', b'a')
        self.server.put('taken', b't')
        self.open()
        self.wait_row('old')
        self.button('New folder')
        self.fill('name', 'taken')
        self.button('Make', 'dialog')
        self.wait_text('taken', 'dialog [role=alert]')  # the server's words, in the window that stays
        self.expect_errors('409 (Conflict)')
        self.fill('name', 'empty')
        self.button('Make', 'dialog')
        self.wait_row('empty')
        self.button('More about old')
        self.button('Rename or move', 'dialog')
        self.fill('to', 'new/place')
        self.button('Move', 'dialog')
        self.wait_row('new')
        self.wait_row('old', False)
        self.assertEqual(self.server.get('new/place/a.txt'), b'a')
        self.button('More about new')
        self.button('Delete', 'dialog.sheet')
        self.button('Delete', 'dialog')
        self.wait_row('new', False)
        self.assertIsNone(self.server.get('new/place/a.txt'))

    def test_what_others_change_shows_up(self):
        self.server.put('here/a.txt', b'a')
        self.open('#/files/default/here/')
        self.wait_row('here/a.txt')
        self.server.put('here/b.txt', b'b')
        self.wait_row('here/b.txt')
        self.choose('here/b.txt')
        self.server.put('here/b.txt', b'changed')
        self.wait_text('changed', '.preview pre')
        self.server.call('DELETE', '/v1/namespaces/default/files/here/a.txt')
        self.wait_row('here/a.txt', False)


class Uploads(ConsoleCase):
    def test_picked_and_dropped(self):
        picked, picked_hash = self.file('picked.bin', 70_000)
        dropped, dropped_hash = self.file('dropped file.bin', 3_000_000)
        empty, _ = self.file('empty.txt', 0)
        self.open('#/files/default/in/')
        self.wait_text('Nothing here yet')
        self.page.choose_files('.picker', [picked])
        self.wait_row('in/picked.bin')
        self.assertEqual(self.stored_hash('in/picked.bin'), picked_hash)
        self.page.drop('.files .body', [dropped, empty])
        self.wait_row('in/dropped file.bin')
        self.wait_row('in/empty.txt')
        self.assertEqual(self.stored_hash('in/dropped file.bin'), dropped_hash)
        self.assertEqual(self.server.get('in/empty.txt'), b'')
        self.wait_text('Uploads finished', '#uploads')
        self.assertFalse(self.run_js('document.querySelector(".files .page").classList.contains("dropping")'))

    def test_large_files_resume_after_the_connection_was_lost(self):
        path, digest = self.file('large.bin', 26 << 20)
        self.open()
        self.page.slow(4 << 20)
        self.page.choose_files('.picker', [path])
        self.wait('(() => { const p = document.querySelector("#uploads [role=progressbar]")?.ariaValueNow; return p > 35 && p < 95; })()', 'progress')
        self.shot('files-uploading')
        self.page.offline(True)
        self.wait_text('Interrupted', '#uploads')
        self.page.offline(False)
        self.wait_text('stored', '#uploads')
        self.assertEqual(self.stored_hash('large.bin'), digest)
        # 409: it did not know how much had arrived, was told, and asked.
        self.expect_errors('ERR_INTERNET_DISCONNECTED', '409 (Conflict)')
        posts = [url for url in self.page.requests if url.endswith('/v1/uploads')]
        self.assertEqual(len(posts), 1, 'it was begun anew instead of continued')

    def test_large_files_resume_after_a_reload(self):
        path, digest = self.file('large.bin', 26 << 20)
        self.open()
        self.page.slow(4 << 20)
        self.page.choose_files('.picker', [path])
        self.wait('document.querySelector("#uploads [role=progressbar]")?.ariaValueNow > 40', 'progress')
        self.run_js('window.addEventListener("beforeunload", (e) => e.stopImmediatePropagation(), true)')
        self.page.slow(-1)
        self.open()
        self.page.choose_files('.picker', [path])
        self.wait_text('stored', '#uploads')
        self.assertEqual(self.stored_hash('large.bin'), digest)
        self.assertEqual(len([url for url in self.page.requests if url.endswith('/v1/uploads')]), 1)
        self.expect_errors('beforeunload', '409 (Conflict)')

    def test_cancelled_uploads_leave_nothing(self):
        path, _ = self.file('large.bin', 26 << 20)
        self.open()
        self.page.slow(6 << 20)
        self.page.choose_files('.picker', [path])
        self.wait('document.querySelector("#uploads [role=progressbar]")?.ariaValueNow > 5', 'progress')
        self.button('Cancel large.bin')
        self.wait_text('Cancelled', '#uploads')
        self.page.slow(-1)
        self.button('Close', '#uploads')
        self.wait('document.querySelector("#uploads").hidden')
        self.assertIsNone(self.server.get('large.bin'))
        self.assertEqual(self.run_js('Object.keys(localStorage).filter((k) => k.startsWith("tus")).length'), 0)
        url = next(url for url in self.page.requests if '/v1/uploads/' in url)
        self.wait(f'fetch("{url}", {{method: "HEAD", headers: {{"Tus-Resumable": "1.0.0"}}}}).then((r) => r.status === 404)', 'the server forgets it')
        self.expect_errors('409 (Conflict)', '404 (Not Found)')

    def test_what_is_refused_says_why(self):
        path, _ = self.file('folder', 100)
        self.server.put('folder/inside', b'x')
        self.open()
        self.wait_row('folder')
        self.page.choose_files('.picker', [path])
        self.wait('document.querySelector("#uploads .bar.bad")')
        self.assertIn('folder', self.run_js('document.querySelector("#uploads li small").textContent'))
        self.expect_errors('409 (Conflict)')


if __name__ == '__main__':
    console_case.main()
