# SPDX-License-Identifier: Apache-2.0
"""Fixtures: a store in a folder of its own, and its default namespace."""
import jzse
import pytest


@pytest.fixture
def store(tmp_path):
    with jzse.open(tmp_path / 'store', create=True, free_space_reserve=2**64 - 1) as opened:
        yield opened


@pytest.fixture
def files(store):
    return store['default']
