"""The room as a library user enters it."""

from __future__ import annotations

import subprocess
import sys

import pytest

import agelens.data


def test_every_public_name_is_there_and_others_are_not() -> None:
    for name in agelens.data.__all__:
        assert getattr(agelens.data, name) is not None
    assert {*agelens.data.__all__} == {name for names in agelens.data._PUBLIC.values() for name in names}
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = agelens.data.nonsense


def test_importing_the_room_and_its_table_of_data_sets_loads_nothing_heavy() -> None:
    code = (
        "import sys, agelens.data.readers, agelens.labels\n"
        "print(*[m for m in ('numpy', 'cv2', 'PIL', 'scipy', 'pyarrow') if m in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], check=True, capture_output=True).stdout.split() == []
