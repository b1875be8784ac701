# SPDX-License-Identifier: Apache-2.0
"""The fsspec file system: its own calls, and pandas and dask above it, none of which may be missing. Parquet wants an engine,
which Debian 12 does not have: without pyarrow those tests are skipped, and fail where JZSE_PARQUET is set, as in
wheel_test.py."""
import importlib.util
import io
import os
import pickle

import dask.dataframe
import fsspec
import jzse
import jzse.fsspec
import pandas
import pytest

parquet = pytest.mark.skipif(not (importlib.util.find_spec('pyarrow') or os.environ.get('JZSE_PARQUET')),
                             reason='pandas has no Parquet engine here')


@pytest.fixture(params=['tree', 'keys'])
def fs(store, request):
    store.create_namespace('data', kind=request.param)
    return fsspec.filesystem('jzse', store=store, namespace='data', skip_instance_cache=True)


def test_files(fs):
    fs.pipe({'a/b/one': b'1', 'a/b/two': b'22', 'a/three': b'333'})
    assert fs.cat('a/b/one') == b'1' and fs.cat(['a/b/one', 'a/three']) == {'a/b/one': b'1', 'a/three': b'333'}
    assert fs.ls('a', detail=False) == ['a/b', 'a/three'] and fs.ls('', detail=False) == ['a']
    assert [(e['name'], e['type'], e['size']) for e in fs.ls('a')] == [('a/b', 'directory', 0), ('a/three', 'file', 3)]
    assert fs.find('') == ['a/b/one', 'a/b/two', 'a/three'] and fs.glob('a/*/t*') == ['a/b/two']
    assert fs.isdir('a/b') and fs.isfile('a/three') and not fs.exists('b') and fs.exists('') and fs.du('a') == 6
    assert fs.ls('a/three', detail=False) == ['a/three'] and list(fs.walk('')) == [
        ('', ['a'], []), ('a', ['b'], ['three']), ('a/b', [], ['one', 'two'])]
    with pytest.raises(FileNotFoundError):
        fs.ls('none')
    assert fs.cat_file('a/three', 1, -1) == b'3' and fs.head('a/b/two', 1) == b'2' and fs.tail('a/b/two', 1) == b'2'
    assert fs.read_block('a/three', 1, 2) == b'33' and fs.size('a/three') == 3
    assert fs.checksum('a/b/one') != fs.checksum('a/b/two') and fs.modified('a/three') is not None


def test_open(fs):
    with fs.open('x/a', 'wb') as file:
        file.write(b'one\ntwo\n')
        assert not fs.exists('x/a')
    with fs.open('x/a', 'rb') as file:
        assert file.readline() == b'one\n' and file.seek(-2, 2) == 6 and file.read() == b'o\n'
    with fs.open('x/a', 'ab') as file:
        file.write(b'three')
    with fs.open('x/a', 'r') as file:
        assert [line.strip() for line in file] == ['one', 'two', 'three']
    with fs.open('z.gz', 'wt', compression='gzip') as file:
        file.write('squeezed')
    assert fs.cat('z.gz')[:2] == b'\x1f\x8b' and fs.open('z.gz', 'rt', compression='infer').read() == 'squeezed'
    with pytest.raises(FileNotFoundError):
        fs.open('none', 'rb')
    with pytest.raises(NotImplementedError):
        fs.open('x/a', 'r+b')


def test_transactions(fs):
    with fs.transaction:
        with fs.open('a', 'wb') as file:
            file.write(b'1')
        assert not fs.exists('a')
    assert fs.cat('a') == b'1'
    with pytest.raises(ZeroDivisionError):
        with fs.transaction:
            with fs.open('a', 'wb') as file:
                file.write(b'2')
            1 / 0
    assert fs.cat('a') == b'1'


def test_changes(fs, tmp_path):
    fs.pipe({'d/a': b'1', 'd/e/b': b'2'})
    fs.copy('d/a', 'c')
    fs.copy('d', 'copy', recursive=True)
    fs.mv('c', 'moved')
    assert fs.find('') == ['copy/a', 'copy/e/b', 'd/a', 'd/e/b', 'moved']
    fs.rm('copy', recursive=True)
    fs.rm('moved')
    with pytest.raises(FileNotFoundError):
        fs.rm_file('moved')
    assert fs.find('') == ['d/a', 'd/e/b'] and not fs.exists('copy')
    fs.get('d', str(tmp_path / 'out'), recursive=True)
    assert (tmp_path / 'out' / 'e' / 'b').read_bytes() == b'2'
    fs.put(str(tmp_path / 'out'), 'back', recursive=True)
    assert fs.cat('back/a') == b'1' and fs.cat('back/e/b') == b'2'
    fs.touch('t')
    assert fs.size('t') == 0
    mapper = fs.get_mapper('map')
    mapper['k'] = b'v'
    assert list(mapper) == ['k'] and mapper['k'] == b'v' and fs.cat('map/k') == b'v'


def test_directories(store):
    fs = fsspec.filesystem('jzse', store=store, skip_instance_cache=True)
    fs.mkdir('a/b')
    fs.makedirs('a/b', exist_ok=True)
    assert fs.isdir('a/b') and fs.ls('a/b') == []
    with pytest.raises(FileExistsError):
        fs.makedirs('a/b')
    fs.pipe('a/b/c', b'')
    with pytest.raises(OSError):
        fs.rmdir('a/b')
    fs.rm('a/b/c')
    fs.rmdir('a/b')
    assert not fs.exists('a/b')
    fs.pipe('f/g', b'1')
    fs.mv('f', 'h')
    assert fs.cat('h/g') == b'1' and not fs.exists('f')


def test_urls(store, monkeypatch):
    store.create_namespace('photos')
    base = f'jzse://{store.path}'
    with fsspec.open(f'{base}!/a/b.txt', 'w') as file:
        file.write('default')
    with fsspec.open(f'{base}!photos/a/b.txt', 'w') as file:
        file.write('photos')
    assert store['default']['a/b.txt'] == b'default' and store['photos']['a/b.txt'] == b'photos'
    assert fsspec.open('jzse://a/b.txt', store=store.path, namespace='photos').open().read() == b'photos'
    monkeypatch.setenv('JZSE_STORE', str(store.path))
    assert fsspec.open('jzse://a/b.txt').open().read() == b'default'
    fs, path = fsspec.core.url_to_fs(f'{base}!photos/a/b.txt')
    assert path == 'a/b.txt' and fs.unstrip_protocol(path) == f'{base}!photos/a/b.txt'
    assert pickle.loads(pickle.dumps(fs)).cat(path) == b'photos'
    monkeypatch.delenv('JZSE_STORE')
    with pytest.raises(ValueError, match='which store'):
        fsspec.filesystem('jzse', skip_instance_cache=True).ls('')


def test_a_store_that_nobody_has_open(tmp_path):
    url = f'jzse://{tmp_path}/new!/'
    pandas.DataFrame({'a': [1]}).to_csv(url + 'x.csv')
    fs, _ = fsspec.core.url_to_fs(url)
    assert fs.exists('x.csv') and not fs.store.closed
    fs.close()
    with jzse.open(tmp_path / 'new') as store:
        assert list(store['default']) == ['x.csv']


FRAME = pandas.DataFrame({'n': range(1000), 'text': [f'row {i}' for i in range(1000)]})


def test_pandas_csv(store):
    url = f'jzse://{store.path}!/tables/'
    for name in ('a.csv', 'a.csv.gz'):
        FRAME.to_csv(url + name, index=False)
        assert pandas.read_csv(url + name).equals(FRAME)
    FRAME.to_json(url + 'a.json', orient='table')
    assert len(pandas.read_json(url + 'a.json', orient='table')) == 1000
    FRAME.to_pickle(url + 'a.pickle')
    assert pandas.read_pickle(url + 'a.pickle').equals(FRAME)


@parquet
def test_pandas_parquet(store):
    url = f'jzse://{store.path}!/tables/a.parquet'
    FRAME.to_parquet(url)
    assert pandas.read_parquet(url).equals(FRAME) and len(pandas.read_parquet(url, columns=['n']).columns) == 1


def test_dask(store):
    url = f'jzse://{store.path}!/parts/'
    frame = dask.dataframe.from_pandas(FRAME, npartitions=4)
    frame.to_csv(url + 'part-*.csv', index=False, compute_kwargs={'scheduler': 'threads'})
    assert sorted(f.path for f in store['default'].list('parts/')) == [f'parts/part-{i}.csv' for i in range(4)]
    back = dask.dataframe.read_csv(url + 'part-*.csv').compute(scheduler='threads')
    assert int(back.n.sum()) == int(FRAME.n.sum()) and len(back) == 1000


@parquet
def test_dask_parquet(store):
    url = f'jzse://{store.path}!/parquet'
    dask.dataframe.from_pandas(FRAME, npartitions=4).to_parquet(url, compute_kwargs={'scheduler': 'threads'})
    assert sum(f.path.endswith('.parquet') for f in store['default'].list('parquet/')) == 4
    back = dask.dataframe.read_parquet(url).compute(scheduler='threads')
    assert int(back.n.sum()) == int(FRAME.n.sum()) and list(back.text) == list(FRAME.text)


def test_text_io_over_a_reader(fs):
    fs.pipe('a', 'ü\n'.encode() * 3)
    assert io.TextIOWrapper(fs.open('a')).readlines() == ['ü\n'] * 3
