"""AgeLens as a wheel, for where PyPI does not reach: a Space, or a notebook without internet."""

from __future__ import annotations

import base64
import csv
import hashlib
import importlib.util
import io
import subprocess
import sys
import zipfile
from importlib import resources
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from agelens.errors import AgeLensError
from agelens.version import __version__

#: What an installer adds to the files of a wheel.
_INSTALLERS = frozenset({"RECORD", "INSTALLER", "REQUESTED", "direct_url.json", "uv_cache.json"})


def own_wheel(folder: Path) -> Path:
    """Write a wheel of the AgeLens that runs: built in a checkout, put together again where it is installed.

    Raises:
        AgeLensError: it can be made in neither way here.
    """
    package = Path(str(resources.files("agelens")))
    if package.parent.name == "src" and (package.parents[1] / "pyproject.toml").is_file():
        return _built(package.parents[1], folder)
    try:
        installed = distribution("agelens")
        return _repacked(installed, folder / f"agelens-{__version__}-py3-none-any.whl")
    except (PackageNotFoundError, FileNotFoundError, TypeError) as error:
        raise AgeLensError(
            f"no wheel of AgeLens can be made here ({error}): build one with 'pip wheel --no-deps' in a "
            "checkout of the project, and name it with --package WHEEL"
        ) from error


def check_wheel(path: Path) -> Path:
    """The same path, of a wheel of AgeLens.

    Raises:
        AgeLensError: it is none.
    """
    if not (path.is_file() and zipfile.is_zipfile(path) and path.name.startswith("agelens-")):
        raise AgeLensError(
            f"{path} is no wheel of AgeLens (agelens-….whl): build one with 'pip wheel --no-deps .'"
        )
    return path


def requirements_of(wheel: Path, extras: set[str]) -> list[str]:
    """What a wheel needs with some of its extras, as lines of ``requirements.txt``."""
    from packaging.metadata import parse_email

    with zipfile.ZipFile(wheel) as archive:
        name = next(name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        content, _ = parse_email(archive.read(name))
    return [text for line in content.get("requires_dist", []) if (text := _needed(line, extras))]


def _needed(line: str, extras: set[str]) -> str:
    """A requirement without its marker; empty where none of the extras needs it."""
    from packaging.requirements import Requirement

    required = Requirement(line)
    if required.marker and not any(required.marker.evaluate({"extra": extra}) for extra in extras):
        return ""
    required.marker = None
    return str(required)


def _built(checkout: Path, folder: Path) -> Path:
    """Build it as pip does; with hatchling where that is installed, so that nothing is fetched."""
    if importlib.util.find_spec("hatchling"):
        code = "import sys; from hatchling.build import build_wheel; build_wheel(sys.argv[1])"
        command = [sys.executable, "-c", code, str(folder.resolve())]
    else:
        command = [
            sys.executable,
            "-m",
            "pip",
            "wheel",
            "--no-deps",
            "--wheel-dir",
            str(folder.resolve()),
            ".",
        ]
    done = subprocess.run(command, cwd=checkout, check=False, capture_output=True, text=True)
    wheels = sorted(folder.glob("agelens-*.whl"))
    if done.returncode or not wheels:
        told = (done.stderr.strip() or done.stdout.strip()).splitlines()[-1:]
        raise AgeLensError(
            f"no wheel of {checkout} can be built ({'; '.join(told)}): install hatchling, or name a wheel "
            "with --package WHEEL"
        )
    return wheels[-1]


def _repacked(installed: Distribution, wheel: Path) -> Path:
    """Put an installed package's files together again, as its record lists them."""
    rows: list[tuple[str, str, int | str]] = []
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(installed.files or ()):
            own = file.parts[0] == "agelens" or file.parts[0].endswith(".dist-info")
            if not own or file.name in _INSTALLERS or file.suffix == ".pyc":
                continue
            content = Path(str(installed.locate_file(file))).read_bytes()
            digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
            rows.append((file.as_posix(), f"sha256={digest}", len(content)))
            archive.writestr(file.as_posix(), content)
        if not any(name == "agelens/__init__.py" for name, *_ in rows):
            raise FileNotFoundError("its files are not where they are installed")
        record = next(name for name, *_ in rows if ".dist-info/" in name).split("/")[0] + "/RECORD"
        table = io.StringIO()
        csv.writer(table, lineterminator="\n").writerows([*rows, (record, "", "")])
        archive.writestr(record, table.getvalue())
    return wheel
