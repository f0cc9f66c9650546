from __future__ import annotations

from pathlib import Path

from click.testing import Result
from typer.testing import CliRunner

from agelens.cli.main import app
from agelens.errors import BundleError
from agelens.models.bundle import Bundle
from agelens.models.catalogue import resolve

FORMS = {"score": ".3f", "mae": ".2f", "gender_accuracy": ".1%"}


def models(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["models", *map(str, arguments)], env={"COLUMNS": "200"})


def test_the_list_shows_the_figures_of_every_measurement_and_the_licences() -> None:
    metrics = resolve("embedded").spec.metrics
    for done in (models(), models("list")):
        assert "non-commercial" in done.stdout
        assert "licences of embedded, each apart:\n  code: MIT\n  weights: non-commercial" in done.stdout
        assert "  data: All-Age-Faces" in done.stdout
        assert ("licences of efficientnet-b4" in done.stdout) != ("not here: efficientnet-b4" in done.stdout)
        lines = [line.split() for line in done.stdout.splitlines()]
        for split, measured in metrics.items():
            values = [f"{measured.figures[key].value:{form}}" for key, form in FORMS.items()]
            assert [line for line in lines if line[-4:] == [split.split()[-1], *values]], split


def test_a_practice_statement_is_written(tmp_path: Path) -> None:
    assert models("statement", "--output", tmp_path / "s.md").exit_code == 0
    assert (tmp_path / "s.md").read_text(encoding="utf-8") == models("statement", "embedded").stdout
    assert "[operator]" in (tmp_path / "s.md").read_text(encoding="utf-8")


def test_a_card_is_shown_without_its_front_matter(tiny_bundle: Bundle) -> None:
    card = models("show").stdout
    assert "what it is not for" in card
    assert "binary label" in card
    assert "model-index" not in card
    assert "tiny" in models("show", tiny_bundle.folder).stdout


def test_an_unknown_model_is_a_sentence() -> None:
    assert isinstance(models("show", "nonsense").exception, BundleError)
