from __future__ import annotations

import pytest

from agelens.errors import AgeLensError, BundleError
from agelens.models.bundle import Bundle
from agelens.models.catalogue import resolve


def test_a_bundle_is_found_by_name_and_by_path(tiny_bundle: Bundle) -> None:
    assert resolve(tiny_bundle.folder).spec == resolve(str(tiny_bundle.folder)).spec == tiny_bundle.spec
    assert resolve("embedded").spec.name == "embedded"


@pytest.mark.parametrize("name", ["no-such-model", "/nowhere/at/all"])
def test_an_unknown_model_says_what_models_are(name: str) -> None:
    with pytest.raises(BundleError, match=r"neither 'embedded', nor.*hf://owner/repo"):
        resolve(name)


def test_an_address_of_no_known_hub_is_refused() -> None:
    with pytest.raises(AgeLensError, match="is no address of a model"):
        resolve("s3://bucket/model")
