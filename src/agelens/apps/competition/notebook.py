"""The submission notebook: loads a published model on Kaggle, answers the test set, checks the file."""

from __future__ import annotations

from pathlib import Path

from agelens.ages import PointEstimate
from agelens.apps.wheel import check_wheel
from agelens.data.readers import DATA_SETS
from agelens.errors import AgeLensError, require
from agelens.faces.detection.base import DetectorName
from agelens.files import check_output, write_text
from agelens.labels import parse_gender_code
from agelens.models.hubs import KaggleUri, parse_uri

_INTRODUCTION = """# Age and gender from a face: submission

For the Kaggle competition [`{competition}`]({address}). This notebook loads the saved model `{uri}` with
`kagglehub`, runs inference on the test set, and writes `submission.csv`. The code that trained the model is
below, commented out. Made by `agelens submit --notebook`.

The score is the harmonic mean of two parts: the macro F1 of gender, and 1 - min(RMSE, 30) / 30 of age, where
the RMSE is in years."""

_INSTALL = """import importlib.util

if importlib.util.find_spec("agelens") is None:
    %pip install --quiet "agelens[hubs]\""""

_INSTALL_WHEEL = """import importlib.util
import os
from pathlib import Path

# AgeLens and what it needs come from an attached data set, so that this runs without internet.
if importlib.util.find_spec("agelens") is None:
    attached = Path(os.environ.get("AGELENS_WHEELS", "/kaggle/input"))
    wheel = next(attached.rglob("{wheel}"), None)
    assert wheel, "attach the data set that holds {wheel} (Add input), and run this again"
    %pip install --quiet --no-index --find-links {{wheel.parent}} {{wheel}}"""

_DATA = """import os
from pathlib import Path

# The competition's face_dataset/ folder, wherever Kaggle has mounted it; AGELENS_DATA names another.
DATA = os.environ.get("AGELENS_DATA") or next(Path("/kaggle/input").rglob("sample_submission.csv")).parent
DATA = Path(DATA)
print(DATA, *sorted(path.name for path in DATA.iterdir()))"""

_TRAINING = """# # How the model was trained. The rules ask for inference only, so it is commented out;
# # remove the first "# " of each line to run it on a GPU.
# GENDER_CODE = "{gender_code}"  # look at some images first: entrants do not agree
# %pip install --quiet "agelens[train,hubs]"
# !agelens data import competition {{DATA}} --output work/faces.csv --gender-code {{GENDER_CODE}}
# !agelens data split work/faces.csv --ratio train=0.85,val=0.15
# !agelens data pack work/faces.csv --size 384 --output work/pack
# !agelens train --recipe efficientnet-b4 --manifest work/pack --output runs/model
# !agelens export runs/model --output bundle
# !agelens evaluate --model bundle --manifest work/faces.csv --split val --write
# !agelens push bundle kaggle://{unversioned}"""

_LOAD = """import agelens
import kagglehub

folder = kagglehub.model_download("{handle}")
predictor = agelens.load(folder, detector="{detector}")  # checks every file's SHA-256
spec = predictor.bundle.spec
print(spec.name, f"{{spec.input.size}} px;", "licence:", spec.licence)"""

_SUBMIT = """from agelens.apps.competition import submit
from agelens.labels import parse_gender_code

report = submit(
    [predictor],
    DATA,
    Path("submission.csv"),
    gender_code={gender_code},
    flip={flip},
    round_ages={round_ages},
    point={point!r},
)
if report.evidence:
    print("gender code", report.code, f"agrees with {{report.evidence.agreement:.1%}} of training images")
print(report.rows, "rows;", len(report.problems), "images could not be read; genders", report.genders)"""

_EXPECTED = """# The model's scores on other faces, with 95 % intervals: nobody knows the test labels.
pd.DataFrame(
    [
        {"measured on": one.measured_on, "images": one.images, "score": str(one.score)}
        for one in report.expected
    ]
)"""

_CHECK = """import pandas as pd

submission = pd.read_csv("submission.csv")
sample = DATA / "sample_submission.csv"
if sample.exists():
    wanted = pd.read_csv(sample)
    assert list(submission.columns) == list(wanted.columns), "the sample's columns, in its order"
    assert (submission["id"] == wanted["id"]).all(), "the sample's ids, in its order"
assert submission["age"].between(0, 100).all() and submission.notna().all().all()
submission.describe()"""

_SHOW = """import matplotlib.pyplot as plt
from PIL import Image

test = pd.read_csv(DATA / "test.csv").merge(submission, on="id")
chosen = test.sample(min(8, len(test)), random_state=0)
names = {text: str(gender) for gender, text in report.code.items()}
figure, axes = plt.subplots(2, 4, figsize=(10, 5.6))
for axis in axes.flat:
    axis.axis("off")
for axis, row in zip(axes.flat, chosen.itertuples()):
    try:
        axis.imshow(Image.open(DATA / row.full_path).convert("RGB"))
    except OSError:
        axis.text(0.5, 0.5, "cannot be read", ha="center")
    axis.set_title(f"{row.age:.0f} years, {names[str(row.gender)]}", fontsize=10)
figure.tight_layout()
plt.show()"""


def write_notebook(
    path: Path,
    model: str,
    *,
    detector: DetectorName,
    gender_code: str | None = None,
    flip: bool = False,
    round_ages: bool = False,
    point: PointEstimate = "mean",
    package: Path | None = None,
) -> None:
    """Write the notebook; it calls ``submit`` with these choices.

    Args:
        path: the ``.ipynb``.
        model: where the model lies on Kaggle, ``kagglehub`` being what Kaggle's notebooks load models with.
        detector: how faces are found.
        gender_code: what the competition's codes mean, as in ``0=male,1=female``; None lets the model decide.
        flip: average each face with its mirror image.
        round_ages: write whole years.
        point: which age of each distribution is written.
        package: the wheel of AgeLens that an attached data set holds; None to install it from PyPI.

    Raises:
        AgeLensError: the model is not on Kaggle, or the package is no wheel.
        LabelError: the gender code cannot be read.
        OutputError: the notebook cannot be written there.
        MissingExtraError: nbformat is not installed.
    """
    check_output(path, ".ipynb")
    uri = parse_uri(model) if "://" in model else None
    if not isinstance(uri, KaggleUri):
        raise AgeLensError(
            f"the notebook loads its model from Kaggle, not from {model!r}: "
            "'agelens push' it first, then say --model kaggle://owner/model/framework/variation/version"
        )
    if gender_code is not None:
        parse_gender_code(gender_code)  # a wrong one is a sentence now, not a traceback in the notebook
    v4 = require("nbformat.v4", "hubs")
    unversioned = KaggleUri(uri.owner, uri.model, uri.framework, uri.variation).handle
    code = f"parse_gender_code({gender_code!r})" if gender_code else None
    training = _TRAINING.format(unversioned=unversioned, gender_code=gender_code or "0=male,1=female")
    loading = _LOAD.format(handle=uri.handle, detector=detector)
    answering = _SUBMIT.format(gender_code=code, flip=flip, round_ages=round_ages, point=point)
    installing = _INSTALL if package is None else _INSTALL_WHEEL.format(wheel=check_wheel(package).name)
    programs = [installing, _DATA, training, loading, answering, _CHECK, _EXPECTED, _SHOW]
    address = DATA_SETS["competition"].url
    introduction = _INTRODUCTION.format(uri=uri, competition=address.rpartition("/")[2], address=address)
    cells = [v4.new_markdown_cell(introduction), *map(v4.new_code_cell, programs)]
    for number, cell in enumerate(cells):
        cell["id"] = f"cell-{number}"  # the same notebook each time
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    about = {"kernelspec": kernel, "language_info": {"name": "python"}}
    notebook = v4.new_notebook(cells=cells, metadata=about)
    write_text(path, require("nbformat", "hubs").writes(notebook))
