"""Where ImageNet weights come from: a copy that is here, else one question to the hub."""

from __future__ import annotations

import logging
from pathlib import Path

import huggingface_hub
import pytest
import timm
import torch
from safetensors.torch import save_file

from agelens.nn.imagenet import with_imagenet_weights

B0 = "tf_efficientnet_b0.ns_jft_in1k"


@pytest.fixture(autouse=True)
def _no_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", "http://127.0.0.1:9")


def test_the_hubs_cache_is_enough_without_a_network(tmp_path: Path) -> None:
    network = timm.create_model(B0, pretrained=False)
    torch.nn.init.constant_(network.conv_stem.weight, 0.25)
    repository = tmp_path / f"models--timm--{B0}"
    snapshot = repository / "snapshots" / ("0" * 40)
    snapshot.mkdir(parents=True)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text("0" * 40)
    save_file(network.state_dict(), snapshot / "model.safetensors")
    loaded = with_imagenet_weights(B0, num_classes=0)
    assert (loaded.conv_stem.weight == 0.25).all()


def test_a_hub_that_is_not_there_is_asked_once(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING), pytest.raises(Exception, match="refused"):
        with_imagenet_weights(B0, num_classes=0)
    assert caplog.messages == []  # the client by itself tries six times and tells each
