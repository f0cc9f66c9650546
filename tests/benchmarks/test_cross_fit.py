from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch

from agelens.data.manifest import read_manifest, write_manifest
from agelens.data.pack import Pack, write_pack
from agelens.data.soft_labels import read_soft_labels
from agelens.errors import AgeLensError

TINY = [
    "network.widths=[8, 16]",
    "network.depths=[1, 1]",
    "size=24",
    "batch_size=16",
    "epochs=3",
    "optim.lr=1e-2",
]

Script = Callable[[str], ModuleType]


@pytest.fixture
def packs(synthetic: Path, tmp_path: Path) -> list[Path]:
    """Two packs, the second of training faces alone; every four faces are copies of each other."""
    table = read_manifest(synthetic)
    faces = [
        replace(sample, image=str(table.path(sample)), duplicate_group=str(row // 4))
        for row, sample in enumerate(table.samples)
    ]
    train, val, test = ([one for one in faces if one.split == split] for split in ("train", "val", "test"))
    for name, samples in (("a", [*train[:64], *val[:16], *test[:8]]), ("b", train[64:96])):
        write_manifest(tmp_path / f"{name}.csv", samples)
        write_pack(read_manifest(tmp_path / f"{name}.csv"), tmp_path / f"pack-{name}", 24)
    return [tmp_path / "pack-a", tmp_path / "pack-b"]


def test_every_training_face_is_answered_by_a_network_that_saw_neither_it_nor_its_copies(
    packs: list[Path], tmp_path: Path, script: Script, capsys: pytest.CaptureFixture[str]
) -> None:
    output, work = tmp_path / "teacher.npz", tmp_path / "work"
    options = [packs[0], "--also", packs[1], "--output", output, "--work", work, "--folds", 3]
    settings = [word for setting in TINY for word in ("--set", setting)]
    arguments = [*map(str, options), "--accelerator", "cpu", *settings]
    script("cross_fit").main(arguments)
    train = [one for pack in packs for one in Pack(pack).samples if one.split == "train"]
    answers = read_soft_labels(output).of([Path(one.image) for one in train])  # of all of them
    assert len(answers.rows) == len(read_soft_labels(output).rows) == 96
    np.testing.assert_allclose(answers.age.sum(axis=1), 1, rtol=1e-3)

    held_out: list[str] = []
    for fold in range(3):
        seen = [one for n in (0, 1) for one in Pack(work / f"fold-{fold}" / f"pack-{n}").samples]
        learnt = {one.duplicate_group for one in seen if one.split == "train"}
        unseen = [one for one in seen if one.split == "held-out" and one.duplicate_group not in ("", *learnt)]
        held_out += [one.image for one in unseen if "train-" in one.image]
        assert {one.split for one in seen} == {"train", "val", "held-out"}  # no test
    assert sorted(held_out) == sorted(one.image for one in train)

    told = capsys.readouterr().out
    assert "fold 2, held out: 3" in told
    assert "val, all folds: 16 faces, MAE" in told
    # What is done is not done again, unless by another recipe.
    checkpoint = work / "fold-0" / "run" / "checkpoints" / "best.ckpt"
    before = output.read_bytes(), checkpoint.stat().st_mtime_ns
    script("cross_fit").main(arguments)
    assert (output.read_bytes(), checkpoint.stat().st_mtime_ns) == before
    with pytest.raises(AgeLensError, match=r"another recipe \(seed differ\)"):
        script("cross_fit").main([*arguments, "--set", "seed=1"])


def test_views_turn_enlarge_shift_and_mirror_a_face(script: Script) -> None:
    cross_fit = script("cross_fit")
    y, x = torch.meshgrid(torch.arange(32.0), torch.arange(32.0), indexing="ij")
    faces = torch.stack([x, y, x + y]).expand(2, 3, 32, 32)
    view, looked_at = cross_fit.View, cross_fit.looked_at
    torch.testing.assert_close(looked_at(faces, view()), faces, rtol=0, atol=1e-4)
    torch.testing.assert_close(looked_at(faces, view(mirrored=True)), faces.flip(3), rtol=0, atol=1e-4)
    moved = looked_at(faces, view(shift=1 / 32))
    torch.testing.assert_close(moved[..., :-1, :-1], faces[..., 1:, 1:], rtol=0, atol=1e-4)
    # Twice as large, the middle half fills the picture.
    large = looked_at(faces, view(zoom=2))
    torch.testing.assert_close(large[0, 0, 16, 1:-1].diff(), torch.full((29,), 0.5), rtol=0, atol=1e-4)
    quarter = looked_at(faces, view(turn=np.pi / 2))
    torch.testing.assert_close(quarter, torch.rot90(faces, 1, (2, 3)), rtol=0, atol=1e-3)
    assert len(set(cross_fit.VIEWS)) == 8
