"""Write a Space: the demo as an ``app.py``, what it installs, its front matter, examples and the model."""

from __future__ import annotations

import platform
import shutil
from importlib.metadata import version
from pathlib import Path

from agelens.apps.demo.page import example_images
from agelens.errors import AgeLensError, require
from agelens.files import folder_written_whole, write_text
from agelens.models.bundle import copy_bundle
from agelens.models.catalogue import resolve
from agelens.version import __version__

_APP = '''"""AgeLens on Hugging Face Spaces: upload a face, get age and gender."""

from agelens.apps.demo import launch

launch({model!r}, detector="auto")
'''

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
        package: what ``requirements.txt`` installs; by default this release of AgeLens with its extras.

    Returns:
        The folder.

    Raises:
        AgeLensError: the folder is not empty, or the model is not there.
        MissingExtraError: Gradio, whose version is pinned, is not installed.
    """
    require("gradio", "demo")
    if folder.exists() and any(folder.iterdir()):
        raise AgeLensError(f"{folder} is not empty; name another folder")
    bundle = resolve(model)
    on_hub, own_folder = "://" in model, model != "embedded" and "://" not in model
    with folder_written_whole(folder) as partial:
        write_text(partial / "app.py", _APP.format(model="bundle" if own_folder else model))
        extras = "demo,hubs" if on_hub else "demo"
        write_text(partial / "requirements.txt", f"{package or f'agelens[{extras}]=={__version__}'}\n")
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
