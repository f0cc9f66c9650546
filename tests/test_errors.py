from __future__ import annotations

import pytest

from agelens.errors import MissingExtraError, require


def test_a_missing_extra_is_one_sentence_that_names_the_pip_command() -> None:
    with pytest.raises(MissingExtraError) as caught:
        require("no_such_module_here", "train")
    assert str(caught.value) == (
        "no_such_module_here is not installed; this needs the 'train' extra: pip install 'agelens[train]'"
    )


def test_what_is_installed_is_imported() -> None:
    assert require("json", "train").loads("1") == 1
