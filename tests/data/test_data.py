"""The room as a library user enters it."""

from __future__ import annotations

import subprocess
import sys


def test_importing_the_room_and_its_table_of_data_sets_loads_nothing_heavy() -> None:
    code = (
        "import sys, agelens.data.readers, agelens.labels\n"
        "print(*[m for m in ('numpy', 'cv2', 'PIL', 'scipy', 'pyarrow') if m in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], check=True, capture_output=True).stdout.split() == []
