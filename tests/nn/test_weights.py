from __future__ import annotations

import sys
from pathlib import Path

import pytest
import timm
import torch
from safetensors.torch import save_file
from torch import Tensor

from agelens.errors import AgeLensError
from agelens.nn.build import build_network
from agelens.nn.config import EfficientNetConfig, EmbeddedConfig, ScratchCnnConfig
from agelens.nn.weights import origin_of, read_weights, weights_file

BACKBONE = "tf_efficientnet_b0.ns_jft_in1k"
TINY = EmbeddedConfig(widths=(4, 8), depths=(1, 1))


def stored(state: dict[str, Tensor], path: Path) -> Path:
    if path.suffix == ".safetensors":
        save_file(state, path, metadata={"origin": "a test"})
    else:
        torch.save(state, path)
    return path


def state_of(**changes: object) -> dict[str, Tensor]:
    torch.manual_seed(1)
    return build_network(TINY.model_copy(update=changes)).state_dict()


@pytest.mark.parametrize("config", [TINY, ScratchCnnConfig(widths=(4, 8), hidden=8)])
@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
@pytest.mark.parametrize("half", [False, True])
def test_a_network_starts_from_a_file(
    config: EmbeddedConfig | ScratchCnnConfig, suffix: str, half: bool, tmp_path: Path
) -> None:
    state = build_network(config).state_dict()
    if half:
        state = {name: one.half() if one.is_floating_point() else one for name, one in state.items()}
    path = stored(state, tmp_path / f"w{suffix}")
    network = build_network(config.model_copy(update={"weights": str(path)}))
    for name, value in network.state_dict().items():
        assert torch.equal(value, state[name].to(value.dtype)), name
        assert value.dtype in (torch.float32, torch.int64)


def test_a_checkpoint_of_a_run_is_a_file_of_weights(tmp_path: Path) -> None:
    state = {f"network.{name}": one for name, one in state_of().items()}
    checkpoint = {"state_dict": {**state, "hint.weight": torch.zeros(3)}, "epoch": 3}
    torch.save(checkpoint, tmp_path / "best.ckpt")
    network = build_network(TINY.model_copy(update={"weights": str(tmp_path / "best.ckpt")}))
    assert torch.equal(network.state_dict()["stem.0.weight"], state["network.stem.0.weight"])


def test_a_backbone_as_timm_publishes_it_starts_one_and_the_rest_begins_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")  # nothing may be fetched
    published = timm.create_model(BACKBONE.split(".", maxsplit=1)[0], num_classes=5).state_dict()
    path = stored(published, tmp_path / "b0.safetensors")
    torch.manual_seed(0)
    network = build_network(EfficientNetConfig(backbone=BACKBONE, weights=str(path)))  # pretrained, too
    for name, value in network.backbone.state_dict().items():
        assert torch.equal(value, published[name])
    torch.manual_seed(0)
    fresh = build_network(EfficientNetConfig(backbone=BACKBONE, pretrained=False)).state_dict()
    anew = [name for name in fresh if name.startswith(("heads.", "attention."))]
    assert all(torch.equal(network.state_dict()[name], fresh[name]) for name in anew)


def test_what_does_not_fit_is_named(tmp_path: Path) -> None:
    def told(state: dict[str, Tensor]) -> str:
        path = stored(state, tmp_path / "w.pth")
        with pytest.raises(AgeLensError, match=r"w\.pth do not fit the network") as caught:
            build_network(TINY.model_copy(update={"weights": str(path)}))
        return str(caught.value)

    whole = state_of()
    assert "1 missing, as stem.0.weight" in told({n: v for n, v in whole.items() if n != "stem.0.weight"})
    assert "2 unknown, as conv.0" in told({**whole, "conv.1": torch.ones(2), "conv.0": torch.ones(2)})
    assert "of another shape, as heads.age" in told({**whole, "heads.age.1.weight": torch.ones(2, 2)})
    # Half a head is no head.
    assert "1 missing, as heads.age.1.bias" in told(
        {n: v for n, v in whole.items() if n != "heads.age.1.bias"}
    )
    assert "missing" in told({})
    assert "of another shape" in told(state_of(widths=(4, 12)))


def test_heads_and_counters_may_be_left_out(tmp_path: Path) -> None:
    body = {n: v for n, v in state_of().items() if not n.startswith("heads.") and "num_batches" not in n}
    path = stored(body, tmp_path / "body.pth")
    network = build_network(TINY.model_copy(update={"weights": str(path)}))
    assert torch.equal(network.state_dict()["stem.0.weight"], body["stem.0.weight"])


@pytest.mark.parametrize("name", ["w.pth", "w.safetensors"])
@pytest.mark.parametrize("content", [b"", b"nonsense", b"\x80\x02]q\x00."])
def test_a_file_that_holds_no_weights_is_a_sentence(name: str, content: bytes, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(AgeLensError, match=rf"{name} holds no state dict"):
        read_weights(tmp_path / name)


def test_nothing_is_unpickled(tmp_path: Path) -> None:
    torch.save({"a": Path("/")}, tmp_path / "w.pth")
    with pytest.raises(AgeLensError, match="holds no state dict"):
        read_weights(tmp_path / "w.pth")


def test_a_python_package_may_carry_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "carrier" / "models").mkdir(parents=True)
    (tmp_path / "carrier" / "__init__.py").write_text("raise RuntimeError('is not run')\n")
    path = stored(state_of(), tmp_path / "carrier" / "models" / "w.safetensors")
    monkeypatch.syspath_prepend(tmp_path)
    assert weights_file("package:carrier/models/w.safetensors") == path
    assert "carrier" not in sys.modules
    with pytest.raises(AgeLensError, match=r"no file .*other\.pth to take weights from"):
        weights_file("package:carrier/other.pth")
    for name in ("nobody", "nobody/w.pth", "", "a.b/w.pth", "sys/w.pth"):
        with pytest.raises(AgeLensError, match="there is no Python package"):
            weights_file(f"package:{name}")
    with pytest.raises(AgeLensError, match=r"no file .*gone\.pth .*package:MODULE/FILE"):
        weights_file(str(tmp_path / "gone.pth"))


def test_a_file_says_where_its_weights_come_from(tmp_path: Path) -> None:
    assert origin_of(stored(state_of(), tmp_path / "w.safetensors")) == "a test"
    assert origin_of(stored(state_of(), tmp_path / "w.pth")) == ""
    save_file(state_of(), tmp_path / "plain.safetensors")
    assert origin_of(tmp_path / "plain.safetensors") == ""
