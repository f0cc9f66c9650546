from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from agelens.errors import DetectorError
from agelens.faces import detection
from agelens.faces.detection import detectors_at_hand, make_detector
from agelens.faces.detection.base import WholeImage
from agelens.faces.detection.haar import Haar
from agelens.faces.detection.weights import FILE_NAME, cache_folder, known_file, yunet_file
from agelens.faces.detection.yunet import YuNet


@pytest.fixture
def zoo(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A local HTTP server in place of OpenCV's model zoo: its folder and address."""
    folder = tmp_path / "zoo"
    folder.mkdir()
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(SimpleHTTPRequestHandler, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield folder, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


def test_the_file_is_fetched_once_and_cached(zoo: tuple[Path, str], yunet: Path) -> None:
    folder, address = zoo
    (folder / FILE_NAME).write_bytes(yunet.read_bytes())
    first = yunet_file(url=f"{address}/{FILE_NAME}")
    assert first == cache_folder() / FILE_NAME
    (folder / FILE_NAME).unlink()
    assert yunet_file(url=f"{address}/{FILE_NAME}") == first


def test_a_file_with_another_hash_is_not_kept(zoo: tuple[Path, str]) -> None:
    folder, address = zoo
    (folder / FILE_NAME).write_bytes(b"something else")
    with pytest.raises(DetectorError, match="not YuNet"):
        yunet_file(url=f"{address}/{FILE_NAME}")
    assert list(cache_folder().iterdir()) == []


def test_a_damaged_cache_is_fetched_again(zoo: tuple[Path, str], yunet: Path) -> None:
    folder, address = zoo
    (folder / FILE_NAME).write_bytes(yunet.read_bytes())
    cache_folder().mkdir(exist_ok=True)
    (cache_folder() / FILE_NAME).write_bytes(b"half")
    assert yunet_file(url=f"{address}/{FILE_NAME}").read_bytes() == yunet.read_bytes()


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/x", "{zoo}/missing.onnx"])
def test_what_cannot_be_fetched_says_what_to_do(url: str, zoo: tuple[Path, str]) -> None:
    with pytest.raises(DetectorError, match="AGELENS_YUNET"):
        yunet_file(url=url.format(zoo=zoo[1]))


def test_the_environment_names_a_file(monkeypatch: pytest.MonkeyPatch, yunet: Path, tmp_path: Path) -> None:
    monkeypatch.setenv("AGELENS_YUNET", str(yunet))
    assert isinstance(make_detector("auto"), YuNet)
    monkeypatch.setenv("AGELENS_YUNET", str(tmp_path / "typo.onnx"))
    with pytest.raises(DetectorError, match=r"typo\.onnx"):
        make_detector("auto")


def test_auto_falls_back_to_haar_and_says_so_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    detection.warn_once.cache_clear()
    monkeypatch.setattr(
        detection.weights, "_fetch", lambda url, goal: (_ for _ in ()).throw(DetectorError("offline"))
    )
    with caplog.at_level(logging.WARNING):
        assert isinstance(make_detector("auto"), Haar)
        assert isinstance(make_detector("auto"), Haar)
    assert [record.getMessage() for record in caplog.records if "Haar" in record.getMessage()] == [
        "using the Haar detector, which misses turned and small faces: offline"
    ]


def test_detectors_go_by_name(yunet: Path) -> None:
    assert isinstance(make_detector("whole"), WholeImage)
    assert isinstance(make_detector("haar"), Haar)
    assert isinstance(make_detector("yunet", yunet), YuNet)
    with pytest.raises(DetectorError, match="there are auto"):
        make_detector("retina")  # type: ignore[arg-type]


def test_without_a_home_or_a_cache_that_can_be_kept_haar_is_used(
    zoo: tuple[Path, str], yunet: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (zoo[0] / FILE_NAME).write_bytes(yunet.read_bytes())
    (tmp_path / "file").touch()
    monkeypatch.setenv("AGELENS_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(DetectorError, match=r"could not be fetched .*is no folder"):
        yunet_file(url=f"{zoo[1]}/{FILE_NAME}")
    monkeypatch.delenv("AGELENS_CACHE")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)

    def no_home() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", no_home)  # as it is for a user whom /etc/passwd does not know
    with pytest.raises(DetectorError, match="no home folder"):
        cache_folder()
    monkeypatch.delenv("AGELENS_YUNET", raising=False)
    assert isinstance(make_detector("auto"), Haar)


def test_a_file_on_this_machine_is_known_and_nothing_is_fetched_for_it(
    yunet: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert known_file() is None
    assert [one.name for one in detectors_at_hand()] == ["haar"]
    cache_folder().mkdir(parents=True, exist_ok=True)
    (cache_folder() / FILE_NAME).write_bytes(b"another")
    assert known_file() is None  # not what the zoo has
    (cache_folder() / FILE_NAME).write_bytes(yunet.read_bytes())
    assert known_file() == cache_folder() / FILE_NAME
    monkeypatch.setenv("AGELENS_YUNET", str(yunet))
    assert known_file() == yunet
    assert [one.name for one in detectors_at_hand()] == ["yunet", "haar"]
