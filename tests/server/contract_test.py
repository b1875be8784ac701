#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""openapi.json against the program: the same routes, every operation called, every answer valid by its schema.

    contract_test.py JZSED ROUTES        ROUTES: the program of routes.cc"""
import base64
import json
import shutil
import subprocess
import sys
import unittest
import urllib.parse

import jsonschema

import server_case
from server_case import Server, file_path, wait_until

TUS = {'Tus-Resumable': '1.0.0'}
PARTS = {**TUS, 'Content-Type': 'application/offset+octet-stream'}


class Contract(unittest.TestCase):
    """Each call names its operation; at the end every operation of the document must have been called."""

    @classmethod
    def setUpClass(cls):
        cls.server = Server()
        cls.server.start()
        cls.document = cls.server.get('/openapi.json').json
        cls.operations = {}
        for path, methods in cls.document['paths'].items():
            for method, operation in methods.items():
                cls.operations[operation['operationId']] = (method.upper(), path, operation)
        cls.called = {}

    @classmethod
    def tearDownClass(cls):
        cls.server.__exit__()

    def resolve(self, node):
        while '$ref' in node:
            target = self.document
            for part in node['$ref'].lstrip('#/').split('/'):
                target = target[part]
            node = target
        return node

    def validate(self, value, schema, what):
        whole = {**schema, 'components': self.document['components'], '$schema': 'https://json-schema.org/draft/2020-12/schema'}
        errors = list(jsonschema.Draft202012Validator(whole).iter_errors(value))
        self.assertEqual(errors, [], f'{what}: {value}')

    def call(self, name, status, variables=(), query=None, body=None, headers=None):
        """Calls the operation and holds request and answer to the document."""
        method, path, operation = self.operations[name]
        for variable in variables:
            start, end = path.index('{'), path.index('}')
            path = path[:start] + urllib.parse.quote(variable) + path[end + 1:]
        if query:
            path += '?' + urllib.parse.urlencode(query)
        headers = dict(headers or {})
        known = {self.resolve(p)['name'].lower() for p in operation.get('parameters', []) if self.resolve(p)['in'] == 'query'}
        self.assertLessEqual(set(query or {}), known, name)
        if isinstance(body, (dict, list)):
            self.validate(body, operation['requestBody']['content']['application/json']['schema'], name + ' request')
            headers['Content-Type'] = 'application/json'
            body = json.dumps(body)
        answer = self.server.request(method, path, body, headers)
        self.assertEqual(answer.status, status, f'{name}: {answer}')
        self.check(name, operation, method, answer)
        self.called.setdefault(name, set()).add(status)
        return answer

    def check(self, name, operation, method, answer):
        response = self.resolve(operation['responses'].get(str(answer.status)) or operation['responses']['default'])
        self.assertIn('x-request-id', answer.headers)
        for header, about in response.get('headers', {}).items():
            if header not in answer.headers:
                self.assertIn(header, ('x-jzse-mode', 'Location', 'ETag'), f'{name} lacks {header}')  # where there is one
                continue
            schema, value = self.resolve(about)['schema'], answer.headers[header]
            self.validate(int(value) if schema.get('type') == 'integer' else value, schema, f'{name} {header}')
        content = response.get('content')
        if content is None or method == 'HEAD':
            self.assertEqual(answer.body, b'', name)
            return
        kind = answer.headers['Content-Type'].split(';')[0]
        media = content.get(kind) or content.get('*/*')
        self.assertIsNotNone(media, f'{name} answers {kind}')
        if kind.endswith('json') and media['schema']:
            self.validate(answer.json, media['schema'], name)

    def test_document(self):
        self.assertEqual(self.document['openapi'], '3.1.0')
        jsonschema.Draft202012Validator.check_schema({'components': self.document['components']})
        printed = subprocess.run([sys.argv_routes], capture_output=True, text=True, check=True).stdout
        routes = sorted(tuple(line.split(' ')) for line in printed.splitlines())
        documented = sorted((method, path, name) for name, (method, path, _) in self.operations.items())
        self.assertEqual(routes, documented)
        for name, (_, path, operation) in self.operations.items():
            variables = {self.resolve(p)['name'] for p in operation.get('parameters', []) if self.resolve(p)['in'] == 'path'}
            self.assertEqual(variables, set(part[:part.index('}')] for part in path.split('{')[1:]), name)

    def test_operations(self):
        """In one order, since later calls need what earlier ones made."""
        self.health()
        self.namespaces()
        self.files()
        self.moves()
        self.versions()
        self.batches()
        self.uploads()
        self.changes()
        self.upkeep()
        self.assertEqual(sorted(self.called), sorted(self.operations))

    def health(self):
        for name in ('livez', 'readyz', 'openapi', 'console'):
            self.call(name, 200)
        self.call('consoleAsset', 200, ['index.html'])
        self.call('consoleAsset', 404, ['none'])

    def namespaces(self):
        self.call('createNamespace', 201, ['one'], body={'kind': 'keys', 'versions_max': 3, 'compression': 1})
        self.call('createNamespace', 201, ['two'])
        self.call('createNamespace', 409, ['one'])
        self.call('createNamespace', 400, ['Bad'])
        self.assertEqual(self.call('configureNamespace', 200, ['two'], body={'quota_files': 1}).json['quota_files'], 1)
        self.call('configureNamespace', 400, ['two'], body={'kind': 'keys'})
        self.call('configureNamespace', 404, ['none'], body={})
        self.assertEqual(self.call('getNamespace', 200, ['one']).json['versions_max'], 3)
        self.call('getNamespace', 404, ['none'])
        names = [n['name'] for n in self.call('listNamespaces', 200).json['namespaces']]
        self.assertEqual(names, ['default', 'one', 'two'])
        self.call('putFile', 201, ['two', 'a'], body=b'x')
        self.call('putFile', 507, ['two', 'b'], body=b'x')
        self.call('dropNamespace', 204, ['two'])
        self.call('dropNamespace', 404, ['two'])

    def files(self):
        self.call('putFile', 201, ['default', 'd/a'], body=b'0123456789', headers={'x-jzse-mode': '644'})
        self.call('putFile', 200, ['default', 'd/a'], body=b'0123456789')
        self.call('putFile', 412, ['default', 'd/a'], body=b'x', headers={'If-None-Match': '*'})
        self.call('putFile', 409, ['default', 'd'], body=b'x')
        self.call('putFile', 404, ['none', 'a'], body=b'x')
        self.call('getFile', 200, ['default', 'd/a'])
        self.call('getFile', 206, ['default', 'd/a'], headers={'Range': 'bytes=0-1'})
        self.call('getFile', 416, ['default', 'd/a'], headers={'Range': 'bytes=99-'})
        self.call('getFile', 304, ['default', 'd/a'], headers={'If-None-Match': '*'})
        self.call('getFile', 404, ['default', 'none'])
        self.call('headFile', 200, ['default', 'd/a'])
        self.call('headFile', 404, ['default', 'none'])
        self.call('makeDirectory', 201, ['default', 'empty'], body={'mode': '700', 'metadata': {'a': 'b'}})
        self.call('makeDirectory', 409, ['default', 'empty'])
        self.call('getMetadata', 200, ['default', 'empty'])
        self.call('getMetadata', 200, ['default', 'd'])
        self.call('getMetadata', 404, ['default', 'none'])
        self.call('setMetadata', 200, ['default', 'd/a'], body={'content_type': 'text/plain', 'mtime': '2020-01-01T00:00:00Z'})
        self.call('setMetadata', 412, ['default', 'd/a'], body={}, headers={'If-Match': '"x"'})
        self.pages()
        self.call('deleteFile', 409, ['default', 'd'])
        self.call('deleteFile', 204, ['default', 'd'], query={'recursive': 'true'})
        self.call('deleteFile', 404, ['default', 'd/a'])
        deleted = self.call('listFiles', 200, ['default'], query={'deleted': 'true', 'prefix': 'd/a'}).json['entries']
        self.assertEqual([e['kind'] for e in deleted], ['deleted'])

    def pages(self):
        paths = sorted(f'list/{x}/{y}' for x in 'abc' for y in range(3)) + ['list/z']
        for path in paths:
            self.call('putFile', 201, ['default', path], body=b'x')
        for query, wanted in [({}, paths), ({'delimiter': '/'}, ['list/a/', 'list/b/', 'list/c/', 'list/z']), ({'start_after': 'list/b/0'}, paths[4:])]:
            for limit in (1, 2, 3, 100):
                seen, cursor = [], None
                while True:
                    asked = {'prefix': 'list/', 'limit': limit, **query}
                    if cursor:
                        asked = {**asked, 'cursor': cursor}
                    page = self.call('listFiles', 200, ['default'], query=asked).json
                    self.assertLessEqual(len(page['entries']), limit)
                    seen += [entry['path'] for entry in page['entries']]
                    cursor = page.get('next_cursor')
                    if not cursor:
                        break
                self.assertEqual(seen, wanted, f'{query} {limit}')
        self.call('listFiles', 400, ['default'], query={'cursor': '!'})
        self.call('listFiles', 404, ['none'])

    def moves(self):
        self.call('putFile', 201, ['default', 'm/a'], body=b'a')
        self.call('copyFile', 200, ['default'], body={'from': 'm/a', 'to': 'm/b'})
        self.call('copyFile', 409, ['default'], body={'from': 'm/a', 'to': 'm/b', 'replace': False})
        self.call('copyFile', 200, ['default'], body={'from': 'm/a', 'to': 'x', 'to_namespace': 'one'})
        self.call('copyFile', 412, ['default'], body={'from': 'm/a', 'to': 'm/c', 'if_match': 'x'})
        self.call('copyFile', 404, ['default'], body={'from': 'm/none', 'to': 'm/c'})
        self.assertEqual(self.call('moveFile', 200, ['default'], body={'from': 'm/a', 'to': 'm/c'}).json['path'], 'm/c')
        self.call('moveFile', 200, ['default'], body={'from': 'm', 'to': 'moved'})
        self.call('moveFile', 404, ['default'], body={'from': 'm', 'to': 'moved'})
        self.assertEqual(self.server.get(file_path('moved/c')).body, b'a')
        self.assertEqual(self.server.get(file_path('x', 'one')).body, b'a')

    def versions(self):
        for i in range(5):
            self.call('putFile', 200 if i else 201, ['default', 'v'], body=str(i).encode())
        listed = self.call('listVersions', 200, ['default', 'v']).json['versions']
        self.assertEqual(len(listed), 5)
        page = self.call('listVersions', 200, ['default', 'v'], query={'limit': 2}).json
        rest = self.call('listVersions', 200, ['default', 'v'], query={'cursor': page['next_cursor']}).json
        self.assertEqual(page['versions'] + rest['versions'], listed)
        oldest = listed[-1]['sequence']
        self.assertEqual(self.call('getFile', 200, ['default', 'v'], query={'version': oldest}).body, b'0')
        self.call('restoreVersion', 200, ['default'], body={'path': 'v', 'version': oldest})
        self.assertEqual(self.call('getFile', 200, ['default', 'v']).body, b'0')
        self.call('restoreVersion', 404, ['default'], body={'path': 'v', 'version': 1 << 40})
        self.call('deleteVersion', 204, ['default', 'v'], query={'version': listed[1]['sequence']})
        self.call('deleteVersion', 404, ['default', 'v'], query={'version': listed[1]['sequence']})
        self.call('deleteVersion', 400, ['default', 'v'])
        self.call('listVersions', 404, ['default', 'none'])

    def batches(self):
        ops = [{'op': 'put', 'namespace': 'default', 'path': 'b/a', 'text': 'ä', 'content_type': 't', 'metadata': {'k': 'v'}},
               {'op': 'put', 'namespace': 'default', 'path': 'b/b', 'base64': 'AAEC', 'mode': '600'},
               {'op': 'copy', 'namespace': 'default', 'from': 'b/b', 'to': 'b/c'},
               {'op': 'move', 'namespace': 'default', 'from': 'b/a', 'to': 'b/d', 'replace': False},
               {'op': 'mkdir', 'namespace': 'default', 'path': 'b/e'},
               {'op': 'delete', 'namespace': 'default', 'path': 'b/b'}]
        self.assertEqual(self.call('batch', 200, body={'operations': ops}).json, {'committed': 6})
        listing = self.call('listFiles', 200, ['default'], query={'prefix': 'b/'}).json['entries']
        self.assertEqual([e['path'] for e in listing], ['b/c', 'b/d', 'b/e'])
        before = self.call('stats', 200).json['sequence']
        fine = {'op': 'put', 'namespace': 'default', 'path': 'never', 'text': 'x'}
        for bad, status in [({'op': 'delete', 'namespace': 'default', 'path': 'b/none'}, 404),
                            ({'op': 'put', 'namespace': 'default', 'path': 'b/c', 'text': '', 'if_none_match': '*'}, 412),
                            ({'op': 'put', 'namespace': 'none', 'path': 'a', 'text': ''}, 404)]:
            self.call('batch', status, body={'operations': [fine, bad]})
        for bad in ({'op': 'put', 'namespace': 'default', 'path': 'x'}, {'op': 'fly'}, {'op': 'mkdir', 'namespace': 'default', 'path': 'x', 'y': 1},
                    {'op': 'put', 'namespace': 'default', 'path': 'x', 'base64': '*'}, 7):
            answer = self.server.send_json('POST', '/v1/batch', {'operations': [fine, bad]})
            self.assertEqual((answer.status, answer.json['operation']), (400, 1), bad)
        self.call('getFile', 404, ['default', 'never'])
        self.assertEqual(self.call('stats', 200).json['sequence'], before)

    def uploads(self):
        self.call('uploadOptions', 204)
        meta = {'Upload-Metadata': 'path ' + base64.b64encode(b'up/loaded').decode()}
        made = self.call('createUpload', 201, headers={**TUS, **meta, 'Upload-Length': '6'})
        upload = made.headers['Location'].rsplit('/', 1)[1]
        self.call('createUpload', 400, headers={**TUS, 'Upload-Length': '6'})
        self.call('createUpload', 412, headers={**meta, 'Upload-Length': '6'})
        self.call('patchUpload', 204, [upload], body=b'abc', headers={**PARTS, 'Upload-Offset': '0'})
        self.call('patchUpload', 409, [upload], body=b'abc', headers={**PARTS, 'Upload-Offset': '0'})
        self.call('patchUpload', 415, [upload], body=b'abc', headers={**TUS, 'Upload-Offset': '3'})
        self.call('patchUpload', 460, [upload], body=b'def', headers={**PARTS, 'Upload-Offset': '3', 'Upload-Checksum': 'sha256 ' + 'A' * 43 + '='})
        self.assertEqual(self.call('headUpload', 200, [upload], headers=TUS).headers['Upload-Offset'], '3')
        self.call('headUpload', 404, ['none'], headers=TUS)
        self.call('patchUpload', 404, ['none'], body=b'abc', headers={**PARTS, 'Upload-Offset': '0'})
        self.call('deleteUpload', 204, [upload], headers=TUS)
        self.call('deleteUpload', 404, [upload], headers=TUS)

    def changes(self):
        page = self.call('changes', 200, query={'limit': 3}).json
        self.assertEqual(len(page['changes']), 3)
        self.call('changes', 200, query={'after': page['next'], 'namespace': 'default', 'prefix': 'm', 'wait': 0})
        self.call('changes', 200, query={'after': 'now'})
        self.call('changes', 400, query={'after': 'then'})

    def upkeep(self):
        for name, body in (('verify', {'repair': False}), ('compact', {'full': True})):
            task = self.call(name, 202, body=body).json['id']
            wait_until(lambda t=task: self.call('getTask', 200, [t]).json['state'] != 'running')
            self.assertEqual(self.call('getTask', 200, [task]).json['state'], 'succeeded')
            self.call('cancelTask', 202, [task])
        slow = self.call('verify', 202, body={'rate': 1000}).json['id']
        self.call('verify', 409, body={})
        self.call('cancelTask', 202, [slow])
        wait_until(lambda: self.call('getTask', 200, [slow]).json['state'] == 'cancelled')
        self.call('getTask', 404, ['none'])
        self.assertEqual(len(self.call('listTasks', 200).json['tasks']), 3)
        text = self.call('metrics', 200).body
        self.assertIn(b'jzsed_requests_total{operation="verify",status="4xx"} 1', text)
        if shutil.which('promtool'):
            lint = subprocess.run(['promtool', 'check', 'metrics'], input=text, capture_output=True)
            self.assertEqual((lint.returncode, lint.stdout + lint.stderr), (0, b''))


if __name__ == '__main__':
    sys.argv_routes = sys.argv.pop(2)
    server_case.main()
