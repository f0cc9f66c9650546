from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
import timm
import torch

from agelens.nn.config import EfficientNetConfig
from agelens.nn.efficientnet import EfficientNet
from agelens.nn.weights import origin_of, read_weights, take_weights

Script = Callable[[str], ModuleType]
SMALL, LARGE = "tf_efficientnet_lite0", "tf_efficientnet_b3"


def test_a_published_file_becomes_weights_that_a_recipe_starts_from(
    tmp_path: Path, script: Script, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    torch.manual_seed(0)
    small = timm.create_model(SMALL, num_classes=7)
    # As another project names them, in the same order, the classifier last.
    state = {
        f"_{number}.{name.rsplit('.', maxsplit=1)[-1]}": value
        for number, (name, value) in enumerate(small.state_dict().items())
    }
    torch.save(state, tmp_path / "small.pth")
    output = tmp_path / "large.safetensors"
    options = ["--small", SMALL, "--large", LARGE, "--origin", "random weights", "--output", str(output)]
    monkeypatch.setattr("sys.argv", ["grow_weights.py", str(tmp_path / "small.pth"), *options])
    grow_weights = script("grow_weights")
    grow_weights.main()
    told = capsys.readouterr().out
    assert float(told.split("differ by ")[1].split()[0]) < 1e-10
    assert origin_of(output) == f"grown out of random weights into {LARGE}"
    network = EfficientNet(EfficientNetConfig(backbone=LARGE, pretrained=False))
    take_weights(network, output)
    for name, value in read_weights(output).items():
        assert torch.equal(network.backbone.state_dict()[name], value)
    stem = small.conv_stem.weight
    grown = network.backbone.conv_stem.weight[: len(stem), :, :, :]
    gain = torch.tensor([0.229, 0.224, 0.225]) * 255 / 128
    torch.testing.assert_close(grown, stem * gain.view(1, 3, 1, 1))
    monkeypatch.setattr("sys.argv", ["grow_weights.py", str(tmp_path / "small.pth"), *options[2:]])
    with pytest.raises(SystemExit, match="not those of the small network"):
        grow_weights.main()
