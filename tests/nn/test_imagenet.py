"""Where ImageNet weights come from: a copy that is here, else one question to the hub."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import timm
import torch
from safetensors.torch import save_file

B0 = "tf_efficientnet_b0.ns_jft_in1k"
_LOAD = f"""
from agelens.nn.imagenet import with_imagenet_weights
network = with_imagenet_weights({B0!r}, num_classes=0)
print(float(network.conv_stem.weight.detach().mean()))
"""


def load(cache: Path) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "HF_HOME": str(cache), "HF_ENDPOINT": "http://127.0.0.1:9"}
    return subprocess.run([sys.executable, "-c", _LOAD], check=False, capture_output=True, text=True, env=env)


def test_the_hubs_cache_is_enough_without_a_network(tmp_path: Path) -> None:
    network = timm.create_model(B0, pretrained=False)
    torch.nn.init.constant_(network.conv_stem.weight, 0.25)
    repository = tmp_path / "hub" / f"models--timm--{B0}"
    snapshot = repository / "snapshots" / ("0" * 40)
    snapshot.mkdir(parents=True)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text("0" * 40)
    save_file(network.state_dict(), snapshot / "model.safetensors")
    done = load(tmp_path)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) == 0.25
    assert done.stderr == ""


def test_a_hub_that_is_not_there_is_asked_once(tmp_path: Path) -> None:
    done = load(tmp_path)
    assert done.returncode == 1
    assert "ConnectError" in done.stderr
    assert "Retry" not in done.stderr  # the client by itself tries six times and tells each
