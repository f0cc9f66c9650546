from __future__ import annotations

from click.testing import Result
from typer.testing import CliRunner

from agelens.cli.main import app
from agelens.errors import BundleError
from agelens.models.bundle import Bundle
from agelens.models.catalogue import resolve


def models(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["models", *map(str, arguments)], env={"COLUMNS": "200"})


def test_the_list_shows_the_figures_on_test_and_the_licence() -> None:
    figures = resolve("embedded").spec.metrics["test"].figures
    for done in (models(), models("list")):
        assert "non-commercial" in done.stdout
        assert "licences of embedded, each apart:\n  code: MIT\n  weights: non-commercial" in done.stdout
        assert "  data: APPA-REAL (https" in done.stdout
        assert ("licences of efficientnet-b4" in done.stdout) != ("not here: efficientnet-b4" in done.stdout)
        assert "test MAE, years" in done.stdout
        for text in (f"{figures['mae'].value:.2f}", f"{figures['gender_accuracy'].value:.1%}", "7.5 MB"):
            assert text in done.stdout


def test_a_card_is_shown_without_its_front_matter(tiny_bundle: Bundle) -> None:
    card = models("show").stdout
    assert "what it is not for" in card
    assert "binary label" in card
    assert "model-index" not in card
    assert "tiny" in models("show", tiny_bundle.folder).stdout


def test_an_unknown_model_is_a_sentence() -> None:
    assert isinstance(models("show", "nonsense").exception, BundleError)
