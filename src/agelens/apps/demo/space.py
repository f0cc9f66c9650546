"""Write a Space: the demo as an ``app.py``, what it installs, its front matter, examples and the model."""

from __future__ import annotations

import platform
import shutil
from importlib.metadata import version
from pathlib import Path

from agelens.apps.demo.page import example_images
from agelens.apps.wheel import check_wheel, own_wheel, requirements_of
from agelens.errors import AgeLensError, require
from agelens.files import folder_written_whole, write_text
from agelens.models.bundle import copy_bundle
from agelens.models.catalogue import resolve

_APP = '''"""AgeLens on Hugging Face Spaces: upload a face, get age and gender."""
{wheel}
from agelens.apps.demo import launch

launch({model!r}, detector="auto")
'''

#: Spaces install ``requirements.txt`` before the other files are there, so that the wheel waits until now.
_WHEEL = """
import importlib.util
import subprocess
import sys
import tempfile
from pathlib import Path

if importlib.util.find_spec("agelens") is None:  # its wheel lies beside this file
    folder = tempfile.mkdtemp(prefix="agelens-")
    wheel = Path(__file__).with_name("{name}")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", folder, str(wheel)]
    subprocess.run(pip, check=True)
    sys.path.insert(0, folder)
"""

_README = """---
title: {title}
emoji: 🧑
colorFrom: blue
colorTo: yellow
sdk: gradio
sdk_version: {gradio}
python_version: "{python}"
app_file: app.py
pinned: false
license: other
short_description: Age with its interval, and gender, from a face
---

# {title}

Age (with an interval and the whole distribution) and gender of every face in a photo, by AgeLens.
Model: `{spec.name}`. Licence of the weights: {spec.licence}.

Gender is the binary label of the training data, not a person's identity. Do not use it to decide about a
person. The example photo is NASA's, in the public domain.
"""


def build_space(folder: Path, model: str = "embedded", *, title: str = "AgeLens", package: str = "") -> Path:
    """Write the Space's folder, whole or not at all.

    Args:
        folder: a new or an empty one.
        model: ``embedded`` comes with the package; a bundle's folder is copied in; an address on a hub is
            fetched by the Space when it starts.
        title: the Space's title.
        package: the wheel of AgeLens to put inside, or what else ``requirements.txt`` is to install, as
            ``agelens[demo]`` once that is on PyPI; empty for a wheel of the AgeLens that runs.

    Returns:
        The folder.

    Raises:
        AgeLensError: the folder is not empty, the model is not there, or there is no wheel.
        MissingExtraError: Gradio, whose version is pinned, is not installed.
    """
    require("gradio", "demo")
    if folder.exists() and any(folder.iterdir()):
        raise AgeLensError(f"{folder} is not empty; name another folder")
    bundle = resolve(model)
    on_hub, own_folder = "://" in model, model != "embedded" and "://" not in model
    with folder_written_whole(folder) as partial:
        wheel, needed = _installed(partial, package, {"demo", "hubs"} if on_hub else {"demo"})
        write_text(partial / "app.py", _APP.format(model="bundle" if own_folder else model, wheel=wheel))
        write_text(partial / "requirements.txt", "".join(f"{line}\n" for line in needed))
        python = ".".join(platform.python_version_tuple()[:2])
        readme = _README.format(title=title, gradio=version("gradio"), python=python, spec=bundle.spec)
        write_text(partial / "README.md", readme)
        (partial / "examples").mkdir()
        for image in example_images():
            shutil.copyfile(image, partial / "examples" / image.name)
        if own_folder:
            (partial / "bundle").mkdir()
            copy_bundle(bundle, partial / "bundle")
    return folder


def _installed(folder: Path, package: str, extras: set[str]) -> tuple[str, list[str]]:
    """What ``app.py`` does to install AgeLens, and the lines of ``requirements.txt``."""
    if package and not package.endswith(".whl"):
        return "", [package]
    if package:
        wheel = folder / check_wheel(Path(package)).name
        shutil.copyfile(package, wheel)
    else:
        wheel = own_wheel(folder)
    return _WHEEL.format(name=wheel.name), requirements_of(wheel, extras)
