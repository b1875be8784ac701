#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A data set that grows, as in a notebook: each day's table is the day before with some rows more. How much does the
store grow, and how much do shared chunks save?     notebook.py [STORE] [PICTURE.png]"""
# %% A store of its own, or the one named
import random
import sys
import tempfile

import jzse

scratch = tempfile.TemporaryDirectory()
place = sys.argv[1] if len(sys.argv) > 1 else scratch.name + '/store'
store = jzse.open(place, create=True)
data = store.create_namespace('measurements', versions_max=100, exist_ok=True)

# %% Thirty days of measurements; every day writes the whole table again
rng = random.Random(1)
table = bytearray()
written = stored = 0
days = []
for day in range(30):
    table += b''.join(b'%d,%d,%.6f\n' % (day, station, rng.random()) for station in range(8000))
    data['table.csv'] = table
    written += len(table)
    stored = store.stats().chunk_bytes
    days.append((day + 1, written / 2**20, stored / 2**20))

print(f'{len(days)} versions, {days[-1][1]:.1f} MiB written, {days[-1][2]:.1f} MiB in the store')
assert stored < written / 2, 'nothing was shared'

# %% Any day can be read again
versions = list(data.versions('table.csv'))
tenth = versions[-10]
with data.open('table.csv', version=tenth.version) as file:
    last = None
    for last in file:
        pass
print(f'day 10: {tenth.size} bytes, its last row is {last.strip()}')
assert last.startswith('9,')

# %% Growth as a picture, where matplotlib is there
try:
    import matplotlib
    matplotlib.use('Agg')
    from matplotlib import pyplot
except ImportError:
    pyplot = None
if pyplot is not None:
    figure, axes = pyplot.subplots()
    axes.plot([d for d, _, _ in days], [w for _, w, _ in days], label='written')
    axes.plot([d for d, _, _ in days], [s for _, _, s in days], label='in the store')
    axes.set(xlabel='day', ylabel='MiB', title='Thirty versions of a growing table')
    axes.legend()
    picture = sys.argv[2] if len(sys.argv) > 2 else None
    if picture:
        figure.savefig(picture)
    else:
        with data.open('growth.png', 'wb', content_type='image/png') as file:
            figure.savefig(file, format='png')
        print('growth.png is in the store:', data.stat('growth.png').size, 'bytes')

# %% Done
store.close()
