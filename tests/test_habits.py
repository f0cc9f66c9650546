"""What the repository offers to those who come: forms, a citation, extras; and that it is all true."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

import agelens

ROOT = Path(__file__).parents[1]
FORMS = sorted(path for path in (ROOT / ".github/ISSUE_TEMPLATE").glob("*.yml") if path.stem != "config")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


@pytest.mark.parametrize(
    ("schema", "files"),
    [
        ("github-issue-forms", FORMS),
        ("github-issue-config", [ROOT / ".github/ISSUE_TEMPLATE/config.yml"]),
        ("github-workflows", sorted((ROOT / ".github/workflows").glob("*.yml"))),
        ("dependabot", [ROOT / ".github/dependabot.yml"]),
        ("citation-file-format", [ROOT / "CITATION.cff"]),
    ],
)
def test_github_can_read_it(schema: str, files: list[Path]) -> None:
    assert files
    checked = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", "--builtin-schema", f"vendor.{schema}", *map(str, files)],
        check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_a_form_about_photos_says_first_whose_may_be_shown() -> None:
    form = yaml.safe_load((ROOT / ".github/ISSUE_TEMPLATE/wrong-answer.yml").read_text())
    assert "Never attach a photo of somebody else" in form["body"][0]["attributes"]["value"]


@pytest.mark.parametrize("form", FORMS, ids=lambda path: path.stem)
def test_a_form_that_asks_what_was_seen_asks_for_no_strangers_face(form: Path) -> None:
    boxes = [one for one in yaml.safe_load(form.read_text())["body"] if one["type"] == "checkboxes"]
    required = [option for box in boxes for option in box["attributes"]["options"] if option.get("required")]
    assert form.stem == "feature" or any("photo" in option["label"] for option in required)


def test_the_workflow_runs_what_a_contributor_runs() -> None:
    (job,) = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())["jobs"].values()
    assert job["steps"][-1]["run"] == ".ci/run"
    assert PROJECT["requires-python"] == f">={job['strategy']['matrix']['python'][0]}"
    for step in job["steps"]:
        assert re.fullmatch(r"actions/[a-z-]+@v\d+", step.get("uses", "actions/a@v1"))


def test_the_citation_is_of_this_version() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert str(citation["version"]) == agelens.__version__
    assert citation["license"] == PROJECT["license"]


def test_every_hook_before_a_commit_is_there_without_github() -> None:
    (repository,) = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    assert repository["repo"] == "local"
    extras = " ".join(PROJECT["optional-dependencies"]["test"])
    for hook in repository["hooks"]:
        assert hook["language"] == "python" or hook["entry"].split()[0] in extras


def test_the_table_of_extras_names_each() -> None:
    table = re.findall(r"^\| `(\w+)` \|", (ROOT / "README.md").read_text(), flags=re.MULTILINE)
    assert sorted(table) == sorted(PROJECT["optional-dependencies"])
