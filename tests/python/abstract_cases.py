# SPDX-License-Identifier: Apache-2.0
"""fsspec's own suite for file systems, which newer versions of it bring along: run by wheel_test.py."""
import fsspec
import jzse
import jzse.fsspec  # noqa: F401
import pytest
from fsspec.implementations.local import LocalFileSystem
from fsspec.tests import abstract


class Fixtures(abstract.AbstractFixtures):
    @pytest.fixture(scope='class')
    def fs(self, tmp_path_factory):
        with jzse.open(tmp_path_factory.mktemp('abstract') / 'store', create=True) as store:
            yield fsspec.filesystem('jzse', store=store, skip_instance_cache=True)

    @pytest.fixture
    def fs_path(self):
        return 'base'  # fsspec's rules for copies into directories need a parent

    @pytest.fixture
    def fs_join(self):
        return lambda *parts: '/'.join(part for part in parts if part)

    @pytest.fixture
    def local_fs(self):
        return LocalFileSystem(auto_mkdir=True)


class TestCopy(abstract.AbstractCopyTests, Fixtures):
    pass


class TestGet(abstract.AbstractGetTests, Fixtures):
    pass


class TestPut(abstract.AbstractPutTests, Fixtures):
    pass


class TestOpen(abstract.AbstractOpenTests, Fixtures):
    pass


class TestPipe(abstract.AbstractPipeTests, Fixtures):
    pass
