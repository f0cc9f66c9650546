"""The house that docs/architecture.md draws, held by its imports; they are read from the source, not run.

An import inside a function counts like any other: it runs one day. One under ``TYPE_CHECKING`` never runs, so
it cannot close a circle or load torch; but its reader follows it all the same, so it may not lead upwards.
"""

from __future__ import annotations

import ast
import sys
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "src" / "agelens"

#: The rooms, from the ground up; rooms on one floor do not know each other. ``ground`` is every module that
#: lies beside the rooms, ``front door`` the package's own ``__init__``.
FLOORS: tuple[tuple[str, ...], ...] = (
    ("ground",),
    ("faces",),
    ("models", "data"),
    ("inference",),
    ("front door", "nn"),
    ("training",),
    ("evaluation",),
    ("apps",),
    ("cli",),
    ("__main__",),
)
FLOOR = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}

#: What an application installs must be able to answer without it.
TORCH = {"torch", "torchvision", "torchmetrics", "lightning", "timm"}
TORCHLESS = {"ground", "faces", "models", "inference", "front door"}

#: What the ground floor may import beside the standard library's.
GROUND_LIBRARIES = {"numpy", "pydantic"}

MOST_AT_THE_TOP = 14


@dataclass(frozen=True)
class Import:
    """One import: who imports what, in which line, and whether it ever runs."""

    importer: str
    imported: str
    line: int
    runs: bool

    def __str__(self) -> str:
        return f"{self.importer} imports {self.imported} (line {self.line})"


def violations(package: Path) -> list[str]:
    """Every breach of the house's rules by the modules of a package folder, a sentence each."""
    names = {module_name(path, package): path for path in sorted(package.rglob("*.py"))}
    imports = [found for name, path in names.items() for found in imports_of(name, path, names)]
    inner = [found for found in imports if found.imported in names and found.imported != found.importer]
    outer = [found for found in imports if found.imported not in names]
    return [
        *crowded(package),
        *circles(inner),
        *upward(inner),
        *torch_within_reach(inner, outer),
        *libraries_on_the_ground(outer, package.name),
    ]


def module_name(path: Path, package: Path) -> str:
    """The dotted name of a module, from the place of its file."""
    parts = path.relative_to(package.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports_of(name: str, path: Path, names: dict[str, Path]) -> Iterator[Import]:
    """The imports of one module: of the package by the module's full name, of others by the library's."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    typing_only = {
        id(node)
        for branch in ast.walk(tree)
        if isinstance(branch, ast.If) and "TYPE_CHECKING" in ast.unparse(branch.test)
        for statement in branch.body
        for node in ast.walk(statement)
    }
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            targets = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            targets = [
                f"{base}.{alias.name}" if f"{base}.{alias.name}" in names else base for alias in node.names
            ]
        else:
            continue
        for target in targets:
            imported = target if target in names else target.partition(".")[0]
            yield Import(name, imported, node.lineno, id(node) not in typing_only)


def room(name: str) -> str:
    """The room that a module belongs to."""
    _, *rest = name.split(".")
    if not rest:
        return "front door"
    return rest[0] if rest[0] in FLOOR else "ground"


def crowded(package: Path) -> list[str]:
    """Too many modules beside the rooms."""
    top = len(list(package.glob("*.py")))
    return [f"{top} modules lie beside the rooms; {MOST_AT_THE_TOP} are the most"] * (top > MOST_AT_THE_TOP)


def circles(inner: list[Import]) -> list[str]:
    """A circle of modules that import each other, if there is one."""
    graph: dict[str, set[str]] = {}
    for found in inner:
        if found.runs:
            graph.setdefault(found.importer, set()).add(found.imported)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return ["a circle: " + " imports ".join(reversed(error.args[1]))]
    return []


def upward(inner: list[Import]) -> list[str]:
    """Imports that lead to a floor above, or into another room on the same floor."""
    return [
        f"{found}: {room(found.importer)} lies below or beside {room(found.imported)}"
        for found in inner
        if room(found.importer) != room(found.imported)
        and FLOOR[room(found.imported)] >= FLOOR[room(found.importer)]
    ]


def torch_within_reach(inner: list[Import], outer: list[Import]) -> list[str]:
    """Ways from the rooms that must answer without torch to a module that imports it."""
    heavy = {found.importer: found for found in outer if found.runs and found.imported in TORCH}
    onward: dict[str, set[str]] = {}
    for found in inner:
        if found.runs:  # importing a.b.c runs the packages a and a.b first
            names = found.imported.split(".")
            onward.setdefault(found.importer, set()).update(
                ".".join(names[:length]) for length in range(2, len(names) + 1)
            )
    told = []
    for start in sorted({found.importer for found in inner + outer if room(found.importer) in TORCHLESS}):
        ways, seen = deque([(start,)]), {start}
        while ways:
            way = ways.popleft()
            if way[-1] in heavy:
                told.append(f"{heavy[way[-1]]}, within reach of {' -> '.join(way)}")
            for target in sorted(onward.get(way[-1], set()) - seen):
                seen.add(target)
                ways.append((*way, target))
    return told


def libraries_on_the_ground(outer: list[Import], package: str) -> list[str]:
    """Imports of the ground floor that are heavier than NumPy."""
    allowed = GROUND_LIBRARIES | sys.stdlib_module_names | {package}
    return [
        f"{found}: the ground floor takes {', '.join(sorted(GROUND_LIBRARIES))} at most"
        for found in outer
        if room(found.importer) == "ground" and found.imported not in allowed
    ]


def test_the_package_keeps_the_rules_of_the_house() -> None:
    assert violations(PACKAGE) == []


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """A small package that keeps every rule, some of it only just."""
    modules = {
        "__init__.py": "from house.labels import A",
        "labels.py": "import json\nimport numpy as np",
        "ages.py": "from house import labels",
        "faces/__init__.py": "from house.faces.crop import crop",
        "faces/crop.py": "from house.ages import x\nimport cv2",
        "models/__init__.py": "",
        "models/bundle.py": "def f():\n    from house.faces import crop",
        "inference/__init__.py": "",
        "inference/predictor.py": "from house.models.bundle import load\nfrom ..faces import crop",
        "nn/__init__.py": "import torch",
        "training/__init__.py": "from house.nn import build\nimport lightning.pytorch as L",
        "cli/__init__.py": "from house.training import fit",
        "__main__.py": "from house.cli import main",
    }
    for name, text in modules.items():
        path = tmp_path / "house" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n")
    return tmp_path / "house"


def plant(house: Path, name: str, line: str) -> list[str]:
    """Add a line to a module of the house, and look for what that breaks."""
    path = house / name
    path.write_text((path.read_text() if path.exists() else "") + line + "\n")
    return violations(house)


def test_a_house_in_order_breaks_no_rule(house: Path) -> None:
    assert violations(house) == []


@pytest.mark.parametrize(
    "line", ["from house.ages import x", "import house.ages", "from . import ages", "from .ages import x"]
)
def test_a_planted_circle_is_named(house: Path, line: str) -> None:
    (told,) = plant(house, "labels.py", line)
    assert told in (
        "a circle: house.ages imports house.labels imports house.ages",
        "a circle: house.labels imports house.ages imports house.labels",
    )


def test_an_import_inside_a_function_closes_a_circle_and_one_for_types_does_not(house: Path) -> None:
    inside = plant(house, "labels.py", "if TYPE_CHECKING:\n    from house.ages import x")
    assert inside == []
    (told,) = plant(house, "labels.py", "def f():\n    from house.ages import x")
    assert told.startswith("a circle: house.")


@pytest.mark.parametrize(
    ("name", "line", "told"),
    [
        ("ages.py", "from house.inference import a", "house.ages imports house.inference (line 2): ground"),
        ("faces/crop.py", "import house.models.bundle", "house.faces.crop imports house.models.bundle"),
        ("models/card.py", "def f():\n    import house.inference.predictor", "models lies below"),
        ("models/card.py", "if TYPE_CHECKING:\n    import house.data.manifest", "or beside data"),
        ("data/manifest.py", "from house.models.bundle import B", "data lies below or beside models"),
        ("nn/net.py", "from house.training import fit", "nn lies below or beside training"),
        ("faces/crop.py", "import house", "faces lies below or beside front door"),
    ],
)  # fmt: skip
def test_a_planted_upward_import_is_named(house: Path, name: str, line: str, told: str) -> None:
    (house / "data").mkdir()
    (house / "data" / "__init__.py").touch()
    (house / "data" / "manifest.py").touch()
    assert any(told in sentence for sentence in plant(house, name, line))


@pytest.mark.parametrize("line", ["import torch.nn as nn", "def f():\n    from timm import create_model"])
def test_torch_planted_under_the_predictor_is_named_with_the_way_to_it(house: Path, line: str) -> None:
    told = plant(house, "faces/crop.py", line)
    way = "house.models.bundle -> house.faces.crop"
    assert any("house.faces.crop imports t" in one and way in one for one in told)
    assert not any("house.training" in one for one in told)


def test_torch_in_a_package_is_within_reach_of_who_imports_its_modules(house: Path) -> None:
    (house / "data").mkdir()
    (house / "data" / "archives.py").touch()
    (house / "data" / "__init__.py").write_text("import torchvision\n")
    told = plant(house, "inference/predictor.py", "from house.data import archives")
    assert told == [
        "house.data imports torchvision (line 1), within reach of house.inference.predictor -> house.data"
    ]


def test_torch_for_types_alone_is_no_burden(house: Path) -> None:
    assert plant(house, "faces/crop.py", "if TYPE_CHECKING:\n    import torch") == []


def test_a_heavy_library_on_the_ground_is_named(house: Path) -> None:
    (told,) = plant(house, "labels.py", "import pandas")
    assert told == "house.labels imports pandas (line 3): the ground floor takes numpy, pydantic at most"


def test_too_many_modules_at_the_top_are_counted(house: Path) -> None:
    for number in range(MOST_AT_THE_TOP - 4):
        (house / f"m{number}.py").touch()
    assert violations(house) == []
    (house / "one_more.py").touch()
    assert violations(house) == ["15 modules lie beside the rooms; 14 are the most"]
