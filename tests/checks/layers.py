#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Who may include whom, after docs/architecture.md: layers without back edges, one door per folder, third parties
confined, pure folders that see no clock, file, thread, random source or hash table.

    layers.py ROOT        checks the tree
    layers.py --self-test every rule catches a violation of it, and passes what it should pass
"""
import re
import sys

import files

LAYERS = {  # folder of lib/ -> folders it may include besides itself
    'base': set(), 'model': {'base'}, 'raft': {'base'}, 'io': {'base'},
    'sync': {'base', 'model'}, 'coord': {'base', 'model'}, 'net': {'base', 'io'},
    'store': {'base', 'model', 'io'},
    'engine': {'base', 'model', 'raft', 'io', 'sync', 'coord', 'net', 'store'},
    'capi': {'base', 'model', 'engine'},
}
CLIENTS = ('server/', 'bindings/', 'examples/', 'bench/')  # see the library through its public headers only
PURE = ('model', 'sync', 'raft', 'coord')
IMPURE = re.compile(r'(chrono|ctime|time\.h|thread|mutex|shared_mutex|condition_variable|future|atomic|random|'
                    r'filesystem|fstream|iostream|unistd\.h|fcntl\.h|sys/.*|unordered_map|unordered_set|'
                    r'absl/container/(flat|node)_hash_.*)$')
CONFINED = [  # header -> where it may be included; tests may include anything
    (re.compile(r'liburing(\.h|/)'), ('lib/io/',)),
    (re.compile(r'leveldb/'), ('lib/store/', 'bench/')),
    (re.compile(r'openssl/'), ('lib/base/hash.cc', 'server/http/digest.cc')),
    (re.compile(r'boost/'), ('lib/net/', 'server/serve/loop.cc', 'server/http/second_reading.cc', 'server/remote/wire.cc',
                                'bench/')),
    (re.compile(r'(nlohmann|CLI)/'), ('server/', 'bench/')),
    (re.compile(r'(absl|fmt)/'), ('lib/base/', 'lib/model/', 'lib/raft/', 'lib/io/', 'lib/sync/', 'lib/coord/',
                                  'lib/net/', 'lib/store/', 'lib/engine/', 'lib/capi/', 'server/', 'bench/')),
]
ROOMS = {  # folder of server/ -> the others that it may include; those with a door (FOLDER/FOLDER.h) by their door only
    'access': set(), 'remote': {'access', 'http'}, 'http': set(), 'serve': {'http', 'config'}, 'cli': {'access', 'remote', 'config'},
}
DOORS = ('access', 'remote')
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*[<"]([^>"\n]+)[>"]', re.M)


def check(name, text):
    """The violations of one file."""
    if name.startswith('tests/'):
        return []
    parts = name.split('/')
    own = parts[1] if parts[0] == 'lib' and len(parts) > 2 else None
    found = []
    for header in INCLUDE.findall(text):
        folder = header.split('/')[0] if '/' in header else None
        problem = None
        if own == 'include':
            problem = None if folder in (None, 'jzse') else 'a public header includes only the C or C++ library'
        elif own:
            problem = check_layer(own, folder, header)
        elif name.startswith(CLIENTS) and folder in LAYERS:
            problem = 'clients include only jzse/*.h of ours'
        elif parts[0] == 'server' and parts[1] in ROOMS:
            problem = check_room(parts[1], folder, header)
        for pattern, places in CONFINED:
            if pattern.match(header) and not name.startswith(places):
                problem = 'this third party is confined to ' + ', '.join(places)
        if problem:
            found.append(f'{name}: includes {header}: {problem}')
    return found


def check_room(own, folder, header):
    if folder == own or folder not in set(ROOMS) | {'jzsed', 'config', 'console', 'log', 'systemd'}:
        return None
    if folder not in ROOMS[own]:
        return f'server/{own} may include only {", ".join(sorted(ROOMS[own])) or "nothing"} of server/'
    if folder in DOORS and header != f'{folder}/{folder}.h':
        return f'the door of {folder} is {folder}/{folder}.h'
    return None


def check_layer(own, folder, header):
    if own in PURE and IMPURE.match(header):
        return 'pure folders see no clock, file, thread, random source or hash table'
    if folder == 'jzse' and own != 'capi':
        return 'only capi knows the public headers'
    if header.endswith('.h') and folder is None and not SYSTEM_HEADER.match(header):
        return f'write "{own}/{header}"'
    if folder not in LAYERS or folder == own:
        return None
    if folder not in LAYERS[own]:
        return f'{own} may include only {", ".join(sorted(LAYERS[own])) or "nothing"}'
    if folder != 'base' and header != f'{folder}/{folder}.h':
        return f'the door of {folder} is {folder}/{folder}.h'
    return None


SYSTEM_HEADER = re.compile(r'(unistd|fcntl|time|errno|string|stdio|stdlib|stdint|stddef|signal|poll|pthread|sched|'
                           r'dirent|limits|liburing|xxhash|xxh_x86dispatch|zstd|utf8proc|\w*intrin)\.h$')


def check_single_leveldb(texts):
    users = [name for name, text in texts.items()
             if name.startswith('lib/') and any(h.startswith('leveldb/') for h in INCLUDE.findall(text))]
    return [f'{", ".join(users)}: LevelDB belongs in one file of store'] if len(users) > 1 else []


SELF_TEST = [  # file, include, whether it is a violation
    ('lib/base/a.h', 'model/model.h', True), ('lib/base/a.h', 'base/bytes.h', False),
    ('lib/model/a.h', 'base/codec.h', False), ('lib/model/a.h', 'io/io.h', True),
    ('lib/model/a.cc', 'chrono', True), ('lib/model/a.cc', 'unordered_map', True),
    ('lib/sync/a.cc', 'absl/container/flat_hash_map.h', True), ('lib/raft/a.cc', 'sys/stat.h', True),
    ('lib/coord/a.cc', 'random', True), ('lib/sync/a.cc', 'map', False), ('lib/io/a.cc', 'thread', False),
    ('lib/raft/a.cc', 'model/model.h', True), ('lib/net/a.cc', 'io/io.h', False),
    ('lib/sync/a.cc', 'model/model.h', False), ('lib/net/a.cc', 'store/store.h', True),
    ('lib/store/a.cc', 'io/io.h', False), ('lib/store/a.cc', 'io/uring.h', True),
    ('lib/store/a.cc', 'io/sim_env.h', True), ('lib/engine/a.cc', 'io/recording_env.h', True),
    ('tests/sim/a.cc', 'io/sim_env.h', False), ('lib/io/a.cc', 'io/sim_env.h', False),
    ('lib/store/a.cc', 'engine/engine.h', True), ('lib/store/a.cc', 'store/journal.h', False),
    ('lib/store/a.cc', 'journal.h', True), ('lib/engine/a.cc', 'store/store.h', False),
    ('lib/engine/a.cc', 'store/journal.h', True), ('lib/engine/a.cc', 'jzse/jzse.h', True),
    ('lib/capi/a.cc', 'jzse/jzse.h', False), ('lib/capi/a.cc', 'engine/engine.h', False),
    ('lib/capi/a.cc', 'store/store.h', True), ('lib/capi/a.cc', 'io/io.h', True),
    ('server/cli/a.cc', 'jzse/jzse.h', False), ('server/cli/a.cc', 'base/base.h', True),
    ('examples/a.c', 'engine/engine.h', True), ('bench/a.cc', 'model/model.h', True),
    ('bindings/a.c', 'capi/capi.h', True), ('bench/a.cc', 'leveldb/db.h', False),
    ('lib/engine/a.cc', 'leveldb/db.h', True), ('lib/store/a.cc', 'liburing.h', True),
    ('lib/io/a.cc', 'liburing.h', False), ('lib/base/hash.cc', 'openssl/evp.h', False),
    ('lib/model/a.cc', 'openssl/sha.h', True), ('lib/include/jzse/a.h', 'absl/status/status.h', True),
    ('lib/include/jzse/a.hpp', 'fmt/core.h', True), ('lib/include/jzse/a.hpp', 'base/base.h', True),
    ('lib/include/jzse/a.h', 'stdint.h', False), ('lib/capi/a.cc', 'nlohmann/json.hpp', True),
    ('server/a.cc', 'CLI/CLI.hpp', False), ('lib/store/a.cc', 'boost/asio.hpp', True),
    ('server/serve/loop.cc', 'boost/asio/post.hpp', False), ('server/serve/loop.h', 'boost/asio/post.hpp', True),
    ('server/http/digest.cc', 'openssl/evp.h', False), ('server/jzsed/a.cc', 'openssl/evp.h', True),
    ('server/cli/a.cc', 'access/access.h', False), ('server/cli/a.cc', 'remote/remote.h', False),
    ('server/cli/a.cc', 'remote/client.h', True), ('server/cli/a.cc', 'http/digest.h', True),
    ('server/remote/a.cc', 'remote/client.h', False), ('server/remote/a.cc', 'http/digest.h', False),
    ('server/remote/a.cc', 'cli/text.h', True), ('server/access/local.cc', 'remote/remote.h', True),
    ('server/remote/wire.cc', 'boost/beast/http/parser.hpp', False), ('server/remote/client.cc', 'boost/asio.hpp', True),
]


def self_test():
    wrong = [row for row in SELF_TEST if bool(check(row[0], f'#include <{row[1]}>\n')) != row[2]]
    wrong += [row for row in SELF_TEST if bool(check(row[0], f'  # include "{row[1]}"  // x\n')) != row[2]]
    two = {'lib/store/a.cc': '#include <leveldb/db.h>', 'lib/store/b.cc': '#include "leveldb/db.h"'}
    wrong += [] if check_single_leveldb(two) else ['two users of LevelDB']
    for row in wrong:
        print('self-test:', row)
    print(f'{2 * len(SELF_TEST) + 1 - len(wrong)} passed, {len(wrong)} failed')
    return 1 if wrong else 0


def main():
    if sys.argv[1] == '--self-test':
        return self_test()
    root = sys.argv[1]
    texts = {name: files.read(root, name) for name in files.source_files(root)
             if name.endswith(('.c', '.cc', '.h', '.hpp'))}
    problems = [p for name, text in texts.items() for p in check(name, text)]
    return files.report(problems + check_single_leveldb(texts), len(texts))


sys.exit(main())
