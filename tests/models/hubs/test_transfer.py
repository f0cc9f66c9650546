"""The real clients, in a process of their own, against local servers that speak the hubs' protocols."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

import agelens
from agelens.models.bundle import Bundle
from servers.base import Fault
from servers.hub import Hub, contents, leftovers
from servers.hugging_face import HuggingFaceState


def test_a_bundle_comes_back_byte_for_byte(hub: Hub, tiny_bundle: Bundle, tmp_path: Path) -> None:
    (tiny_bundle.folder / ".DS_Store").write_text("not the bundle's")
    assert "agelens" in hub.push(tiny_bundle).stdout
    hub.pull(tmp_path / "back")
    assert contents(tmp_path / "back") == contents(tiny_bundle.folder)
    assert leftovers(tmp_path / "back") == ["back"]


def test_a_second_push_is_a_new_version_and_the_first_can_be_had(
    hub: Hub, tiny_bundle: Bundle, tmp_path: Path
) -> None:
    from agelens.models.bundle import record_measurement
    from agelens.models.measurement import Measurement

    hub.push(tiny_bundle)
    before = contents(tiny_bundle.folder)
    record_measurement(tiny_bundle, Measurement(split="val", images=3, figures={}))
    hub.push(tiny_bundle)
    hub.pull(tmp_path / "new")
    assert contents(tmp_path / "new") == contents(tiny_bundle.folder) != before
    state = hub.server.state
    first = "/1"
    if isinstance(state, HuggingFaceState):
        first = "@" + state.commit("models/owner/agelens", 1)  # commit 0 is the empty repository
    hub.agelens("pull", hub.uri + first, "--output", tmp_path / "old")
    assert contents(tmp_path / "old") == before


def test_a_model_on_a_hub_is_loaded_by_its_address(hub: Hub, tiny_bundle: Bundle, astronaut: Path) -> None:
    hub.push(tiny_bundle)
    done = hub.agelens("predict", astronaut, "--model", hub.uri, "--detector", "whole", "--format", "csv")
    here = agelens.load(tiny_bundle.folder, "whole").predict(astronaut)[0]
    assert f",{here.age:.1f}," in done.stdout


def test_offline_the_cached_copy_answers_and_says_so(hub: Hub, tiny_bundle: Bundle, tmp_path: Path) -> None:
    hub.push(tiny_bundle)
    hub.pull(tmp_path / "online")
    hub.server.__exit__()
    done = hub.pull(tmp_path / "offline")
    assert "cannot be reached; using the cached" in done.stderr
    assert contents(tmp_path / "offline") == contents(tiny_bundle.folder)


def test_offline_without_a_copy_is_one_sentence(hub: Hub, tmp_path: Path) -> None:
    hub.server.__exit__()
    done = hub.pull(tmp_path / "out", code=1)
    assert "cannot be reached" in done.stderr.splitlines()[-1]
    assert leftovers(tmp_path / "out") == []


def test_without_credentials_one_sentence_says_how_to_log_in(hub: Hub, tiny_bundle: Bundle) -> None:
    done = hub.push(tiny_bundle, code=1, KAGGLE_API_TOKEN="", HF_TOKEN="")
    assert "log in to" in done.stderr.splitlines()[-1]
    assert not any(method == "PUT" for method, _, _ in hub.server.state.requests)


def test_a_wrong_token_says_how_to_log_in(hub: Hub, tiny_bundle: Bundle) -> None:
    done = hub.push(tiny_bundle, code=1, KAGGLE_API_TOKEN="wrong", HF_TOKEN="wrong")
    assert "log in to" in done.stderr.splitlines()[-1]


def test_a_private_model_asks_for_a_login(hub: Hub, tiny_bundle: Bundle, tmp_path: Path) -> None:
    hub.push(tiny_bundle)
    hub.server.state.private = True  # type: ignore[attr-defined]
    done = hub.pull(tmp_path / "out", code=1, KAGGLE_API_TOKEN="wrong", HF_TOKEN="wrong")
    assert "log in to" in done.stderr.splitlines()[-1]
    hub.pull(tmp_path / "out")
    assert contents(tmp_path / "out") == contents(tiny_bundle.folder)


def test_a_model_that_is_not_there_is_named(hub: Hub, tmp_path: Path) -> None:
    done = hub.pull(tmp_path / "out", code=1)
    assert f"has no {hub.uri}" in done.stderr.splitlines()[-1]
    assert leftovers(tmp_path / "out") == []


def test_too_many_requests_wait_as_long_as_the_hub_asks(
    hub: Hub, tiny_bundle: Bundle, tmp_path: Path
) -> None:
    hub.push(tiny_bundle)
    for path in ("GetModelInstance", "/revision/"):
        hub.faults.append(Fault(path, status=429, retry_after="1", times=2))
    hub.pull(tmp_path / "back")
    assert contents(tmp_path / "back") == contents(tiny_bundle.folder)


@pytest.mark.parametrize("push", [True, False])
def test_a_server_error_is_tried_again(hub: Hub, tiny_bundle: Bundle, tmp_path: Path, push: bool) -> None:
    uploads, downloads = ("StartBlobUpload", "/preupload/"), ("ListModelInstanceVersionFiles", "/tree/")
    if not push:
        hub.push(tiny_bundle)
    hub.faults.extend(Fault(path, status=500) for path in (uploads if push else downloads))
    if push:
        hub.push(tiny_bundle)
    hub.pull(tmp_path / "back")
    assert contents(tmp_path / "back") == contents(tiny_bundle.folder)


def test_a_server_that_stays_broken_leaves_nothing(hub: Hub, tiny_bundle: Bundle, tmp_path: Path) -> None:
    hub.push(tiny_bundle)
    hub.faults.extend(
        Fault(path, status=500, times=99) for path in ("DownloadModelInstanceVersion", "model.onnx")
    )
    done = hub.pull(tmp_path / "out", code=1)
    assert hub.uri in done.stderr.splitlines()[-1]
    assert leftovers(tmp_path / "out") == []
    hub.faults.clear()
    hub.pull(tmp_path / "out")
    assert contents(tmp_path / "out") == contents(tiny_bundle.folder)


def test_a_download_cut_in_the_middle_is_finished(hub: Hub, tiny_bundle: Bundle, tmp_path: Path) -> None:
    hub.push(tiny_bundle)
    hub.faults.append(Fault("model.onnx", cut_after=100_000))
    hub.pull(tmp_path / "back")
    assert hub.faults[0].times == 0
    assert contents(tmp_path / "back") == contents(tiny_bundle.folder)


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("model.onnx", b"other bytes", "damaged or changed"),
        ("evil.pkl", b"\x80\x04.", "does not name: evil.pkl"),
        ("model.onnx", None, "has no model.onnx"),
        ("../evil", b"escaped", "not a plain file name"),
        ("sub/evil", b"nested", "not a plain file name"),
    ],
)
def test_what_is_no_honest_bundle_is_refused_and_forgotten(
    hub: Hub, tiny_bundle: Bundle, tmp_path: Path, name: str, data: bytes | None, message: str
) -> None:
    hub.push(tiny_bundle)
    hub.replace(name, data)
    done = hub.pull(tmp_path / "out", code=2)
    assert message in done.stderr.splitlines()[-1]
    assert leftovers(tmp_path / "out") == []
    assert not list(tmp_path.rglob("evil*"))
    hub.server.__exit__()
    hub.pull(tmp_path / "out", code=1)  # no cached copy is left to answer


def test_a_refusal_is_not_taken_for_silence(hub: Hub, tiny_bundle: Bundle, tmp_path: Path) -> None:
    """A cached copy must not stand in for a model that the hub no longer gives."""
    hub.push(tiny_bundle)
    hub.pull(tmp_path / "before")
    hub.server.state.private = True  # type: ignore[attr-defined]
    done = hub.pull(tmp_path / "after", code=1, KAGGLE_API_TOKEN="wrong", HF_TOKEN="wrong")
    assert "log in to" in done.stderr.splitlines()[-1]
    assert leftovers(tmp_path / "after") == []


def test_a_damaged_bundle_is_not_pushed(hub: Hub, tiny_bundle: Bundle) -> None:
    (tiny_bundle.folder / "README.md").write_text("changed")
    assert "damaged or changed" in hub.push(tiny_bundle, code=2).stderr
    assert hub.server.state.requests == []


def test_a_full_folder_is_not_overwritten(hub: Hub, tiny_bundle: Bundle, tmp_path: Path) -> None:
    hub.push(tiny_bundle)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "work.txt").write_text("mine")
    assert "is not empty" in hub.pull(tmp_path / "mine", code=1).stderr
    assert contents(tmp_path / "mine") == {"work.txt": b"mine"}


def test_a_hub_needs_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("kagglehub", "huggingface_hub"):
        monkeypatch.setitem(sys.modules, module, None)
    for uri in ("kaggle://owner/agelens/onnx/tiny", "hf://owner/agelens"):
        with pytest.raises(agelens.AgeLensError, match=r"pip install 'agelens\[hubs\]'"):
            agelens.load(uri)
