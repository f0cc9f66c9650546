from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from agelens.models.catalogue import EMBEDDED, resolve
from agelens.models.statement import practice_statement
from agelens.version import __version__


def test_the_statement_has_the_parts_of_the_standard_and_the_bundles_own_figures() -> None:
    bundle = resolve(EMBEDDED)
    text = practice_statement(bundle)
    parts = ("1. Function", "2. Performance", "3. Privacy", "4. Security", "5. Acceptability")
    assert [text.index(f"## {part}") for part in parts] == sorted(text.index(f"## {part}") for part in parts)
    assert f"AgeLens {__version__}" in text
    assert bundle.fingerprint in text
    assert bundle.spec.licence in text
    for split, measured in bundle.measurements().items():
        assert f"### On {split}" in text
        thresholds = {check.threshold for check in measured.age_checks}
        assert {13, 16, 18, 21} <= thresholds
        assert all(f"| {threshold} |" in text for threshold in thresholds)
    assert text.count("[operator]") > 8
    assert "{" not in text


def test_a_model_that_nobody_measured_says_so() -> None:
    bundle = resolve(EMBEDDED)
    bare = replace(bundle, spec=bundle.spec.model_copy(update={"files": {"model.onnx": "0"}}))
    assert "**Not measured.**" in practice_statement(bare)


def test_the_documented_statement_is_that_of_the_shipped_model() -> None:
    documented = Path(__file__).parents[2] / "docs" / "practice-statement.md"
    if not documented.is_file():
        pytest.skip("the documents lie in a checkout")
    assert documented.read_text(encoding="utf-8") == practice_statement(resolve(EMBEDDED)), (
        "renew it: agelens models statement --output docs/practice-statement.md"
    )
