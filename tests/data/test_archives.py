from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest
from PIL import Image

from agelens.data.archives import find_images
from agelens.errors import ManifestError


def picture() -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8)).save(buffer, "PNG")
    return buffer.getvalue()


def pack_tar(path: Path, names: dict[str, bytes]) -> None:
    with tarfile.open(path, "w") as tar:
        for name, content in names.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))


def test_folders_and_tar_files_give_one_index(tmp_path: Path) -> None:
    source = tmp_path / "source"
    (source / "deep").mkdir(parents=True)
    (source / "deep" / "a.PNG").write_bytes(picture())
    (source / "notes.txt").write_text("no image")
    pack_tar(source / "part.tar", {"faces/b.png": picture(), "labels.csv": b"image\n"})
    found = find_images(source, tmp_path / "m.csv")
    assert found == {
        "deep/a.PNG": "source/deep/a.PNG",
        "faces/b.png": "m-images/faces/b.png",
    }
    assert (tmp_path / found["faces/b.png"]).read_bytes() == picture()
    assert not (tmp_path / "m-images" / "labels.csv").exists()


def test_a_member_that_is_there_is_not_unpacked_again(tmp_path: Path) -> None:
    pack_tar(tmp_path / "part.tar", {"a.png": picture()})
    found = find_images(tmp_path / "part.tar", tmp_path / "m.csv")
    before = (tmp_path / found["a.png"]).stat().st_mtime_ns
    assert find_images(tmp_path / "part.tar", tmp_path / "m.csv") == found
    assert (tmp_path / found["a.png"]).stat().st_mtime_ns == before


def test_another_file_under_a_members_name_stays(tmp_path: Path) -> None:
    pack_tar(tmp_path / "part.tar", {"a.png": picture()})
    own = tmp_path / "m-images" / "a.png"
    own.parent.mkdir()
    for content in (b"retouched", bytes(len(picture()))):  # of another size, and of the same
        own.write_bytes(content)
        with pytest.raises(ManifestError, match="another image"):
            find_images(tmp_path / "part.tar", tmp_path / "m.csv")
        assert own.read_bytes() == content


def test_links_in_a_tar_are_passed_over(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "part.tar", "w") as tar:
        link = tarfile.TarInfo("link.png")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
    assert find_images(tmp_path / "part.tar", tmp_path / "m.csv") == {}


@pytest.mark.parametrize("name", ["../out.png", "/tmp/out-of-the-archive.png"])
def test_a_member_that_reaches_outside_is_refused(name: str, tmp_path: Path) -> None:
    pack_tar(tmp_path / "evil.tar", {name: picture()})
    with pytest.raises(ManifestError, match="reaches outside"):
        find_images(tmp_path / "evil.tar", tmp_path / "deep" / "m.csv")
    assert not (tmp_path / "deep" / "out.png").exists()


def test_no_source_and_a_damaged_tar_are_sentences(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match="no such file or folder"):
        find_images(tmp_path / "gone", tmp_path / "m.csv")
    (tmp_path / "bad.tar").write_bytes(b"no tar at all")
    with pytest.raises(ManifestError, match=r"bad\.tar cannot be read as a tar file"):
        find_images(tmp_path / "bad.tar", tmp_path / "m.csv")


def test_a_manifest_names_what_lies_below_it_relatively_and_the_rest_in_full(tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    for name in ("work/a.png", "b.png"):
        (tmp_path / name).write_bytes(picture())
    names = find_images(tmp_path, tmp_path / "work" / "m.csv")
    assert names == {"work/a.png": "a.png", "b.png": (tmp_path / "b.png").resolve().as_posix()}
