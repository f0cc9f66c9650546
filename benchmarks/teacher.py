"""Make a teacher's answers out of frozen features of face recognition, as the first models learnt from.

    python benchmarks/teacher.py work/utkcal112 --also work/appa112 --weights mobilefacenet.pt \
        --yunet face_detection_yunet.onnx --output work/teacher.npz

A small network reads age and gender from the frozen features of a face-recognition MobileFaceNet (Chen et
al. 2018). Every training face is answered by a network that has not seen it, its subject or its copies (five
folds), so that what the student hears is no memory of the label. Splits other than ``train`` teach nobody;
how well the teacher reads ``val`` is printed. All faces of all packs must have ages, and each pack a ``val``;
the teacher of recipe ``embedded`` is made by ``cross_fit.py``.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
import tempfile
from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnxruntime as ort
import torch
from sklearn.decomposition import PCA
from sklearn.model_selection import GroupKFold
from torch import Tensor, nn
from torch.nn import functional as F

from agelens import ages
from agelens.data.pack import Pack
from agelens.data.soft_labels import write_soft_labels
from agelens.faces.crop import CropConvention, similarity, warp
from agelens.faces.detection.yunet import YuNet
from agelens.faces.images import Pixels, open_image
from agelens.labels import NUM_AGES, Sample

FOLDS, SEEDS, EPOCHS, BATCH = 5, 2, 30, 256

#: Where the recognition network was taught to expect the landmarks, pixels of 112.
ALIGNED = np.array(
    [[38.29, 51.70], [73.53, 51.50], [56.03, 71.74], [41.55, 92.37], [70.73, 92.20]], dtype=np.float64
)
SIDE = 112

#: Principal components of the features that the student is asked to foretell.
HINTS = 192


def convolution(
    inputs: int, outputs: int, kernel: int = 1, stride: int = 1, groups: int = 1
) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU6(),
    )


class InvertedResidual(nn.Module):
    """MobileNetV2's block (Sandler et al. 2018)."""

    def __init__(self, inputs: int, outputs: int, stride: int, expansion: int) -> None:
        super().__init__()
        hidden = inputs * expansion
        self.skips = stride == 1 and inputs == outputs
        self.conv = nn.Sequential(
            convolution(inputs, hidden),
            convolution(hidden, hidden, 3, stride, hidden),
            nn.Conv2d(hidden, outputs, 1, bias=False),
            nn.BatchNorm2d(outputs),
        )

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs, H, W) -> (B, outputs, H / stride, W / stride)."""
        return x + self.conv(x) if self.skips else self.conv(x)


class MobileFaceNet(nn.Module):
    """The published network, by the names of its published weights; answers features, not identities."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = convolution(3, 64, 3, 2)
        self.dw_conv = nn.ModuleDict(
            {
                "depthwise": nn.Conv2d(64, 64, 3, padding=1, groups=64, bias=False),
                "bn1": nn.BatchNorm2d(64),
                "pointwise": nn.Conv2d(64, 64, 1, bias=False),
                "bn2": nn.BatchNorm2d(64),
            }
        )
        blocks, width = [], 64
        for expansion, outputs, repeats, stride in (
            (2, 64, 5, 2), (4, 128, 1, 2), (2, 128, 6, 1), (4, 128, 1, 2), (2, 128, 2, 1)
        ):  # fmt: skip
            for index in range(repeats):
                blocks.append(InvertedResidual(width, outputs, stride if index == 0 else 1, expansion))
                width = outputs
        self.features = nn.ModuleList(blocks)
        self.conv2 = convolution(128, 512)
        self.gdconv = nn.Sequential(
            OrderedDict(depthwise=nn.Conv2d(512, 512, 7, groups=512, bias=False), bn=nn.BatchNorm2d(512))
        )
        self.conv3 = nn.Conv2d(512, 128, 1)
        self.bn = nn.BatchNorm1d(128)

    def forward(self, x: Tensor) -> Tensor:
        """(B, 3, 112, 112), normalised as ImageNet -> (B, 1344): pooled maps of four depths, embedding."""
        x = self.conv1(x)
        for name, layer in self.dw_conv.items():
            x = F.relu(layer(x)) if name.startswith("bn") else layer(x)
        parts = []
        for index, block in enumerate(self.features):
            x = block(x)
            if index in (4, 11):
                parts.append(x.mean((2, 3)))
        x = self.conv2(x)
        parts.append(x.mean((2, 3)))
        x = self.gdconv(x)
        parts += [x.flatten(1), self.bn(self.conv3(x).flatten(1))]
        return torch.cat(parts, 1)


class Reader(nn.Module):
    """Age and gender from features."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Dropout(0.2), nn.Linear(width, 512), nn.BatchNorm1d(512), nn.ReLU(), nn.Dropout(0.4),
            nn.Linear(512, 256), nn.BatchNorm1d(256), nn.ReLU(), nn.Dropout(0.3),
        )  # fmt: skip
        self.age = nn.Linear(256, NUM_AGES)
        self.gender = nn.Linear(256, 2)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(B, D) standardised -> (B, 101) and (B, 2) logits."""
        x = self.body(x)
        return self.age(x), self.gender(x)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pack", type=Path)
    parser.add_argument("--also", type=Path, action="append", default=[])
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--yunet", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    options = parser.parse_args()
    tables = [Pack(folder).samples for folder in (options.pack, *options.also)]
    train = [sample for table in tables for sample in table if sample.split == "train"]
    x = features(train, options.weights, options.yunet)
    mean, std = x.mean((0, 1)), x.std((0, 1)) + 1e-6
    x = (x - mean) / std
    held_out = [features([s for s in t if s.split == "val"], options.weights, options.yunet) for t in tables]

    groups = [sample.duplicate_group or sample.subject or sample.image for sample in train]
    age, gender = np.zeros((len(train), NUM_AGES)), np.zeros((len(train), 2))
    seen = [(np.zeros((len(v), NUM_AGES)), np.zeros((len(v), 2))) for v in held_out]
    for fold, (known, unknown) in enumerate(GroupKFold(FOLDS).split(x, groups=groups)):
        for seed in range(SEEDS):
            reader = fit(x[known], [train[row] for row in known], seed=fold * SEEDS + seed)
            age_here, gender_here = answer(reader, x[unknown])
            age[unknown] += age_here / SEEDS
            gender[unknown] += gender_here / SEEDS
            for (age_sum, gender_sum), other in zip(seen, held_out, strict=True):
                age_here, gender_here = answer(reader, (other - mean) / std)
                np.add(age_sum, age_here / FOLDS / SEEDS, out=age_sum)
                np.add(gender_sum, gender_here / FOLDS / SEEDS, out=gender_sum)
        here = [train[row] for row in unknown]
        print(f"fold {fold}: " + figures(here, age[unknown], gender[unknown]), flush=True)
    for folder, table, sums in zip((options.pack, *options.also), tables, seen, strict=True):
        print(f"{folder} val: " + figures([s for s in table if s.split == "val"], *sums))

    pca = PCA(HINTS, whiten=True, random_state=0)
    hints = pca.fit_transform(x.mean(1))
    print(f"{HINTS} components hold {pca.explained_variance_ratio_.sum():.1%} of the features' variance")
    write_soft_labels(options.output, [Path(sample.image) for sample in train], age, gender, hints)


def features(samples: Sequence[Sample], weights: Path, yunet: Path) -> np.ndarray:
    """(n, 2, 1344) float32, of each face and its mirror image; kept in ``runs/features``."""
    key = hashlib.sha256("\n".join(sample.image for sample in samples).encode()).hexdigest()[:16]
    kept = Path("runs/features") / f"{key}.npy"
    if kept.exists():
        return np.load(kept)
    session = session_of(weights)
    detector = YuNet(yunet)
    mean, std = np.array([0.485, 0.456, 0.406], np.float32), np.array([0.229, 0.224, 0.225], np.float32)
    parts = []
    with ThreadPoolExecutor(2) as pool:
        for start in range(0, len(samples), BATCH):
            window = [Path(sample.image) for sample in samples[start : start + BATCH]]
            faces = np.stack(list(pool.map(lambda path: align(path, detector), window)))
            normal = ((faces / np.float32(255) - mean) / std).transpose(0, 3, 1, 2)
            views = [
                session.run(None, {"faces": np.ascontiguousarray(x)})[0] for x in (normal, normal[..., ::-1])
            ]
            parts.append(np.stack(views, axis=1))
            print(f"\r{start + len(window)} of {len(samples)} faces", end="", file=sys.stderr, flush=True)
    kept.parent.mkdir(parents=True, exist_ok=True)
    np.save(kept, np.concatenate(parts))
    return np.load(kept)


def session_of(weights: Path) -> ort.InferenceSession:
    """The network under ONNX Runtime, which runs it four times as fast on a CPU as torch does."""
    network = MobileFaceNet().eval()
    network.load_state_dict(torch.load(weights, weights_only=True, map_location="cpu"))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "network.onnx"
        torch.onnx.export(
            network,
            (torch.zeros(2, 3, SIDE, SIDE),),
            path,
            input_names=["faces"],
            dynamic_shapes=({0: torch.export.Dim("batch")},),
            dynamo=True,
            external_data=False,
            verbose=False,
        )
        return ort.InferenceSession(path)


def align(path: Path, detector: YuNet) -> Pixels:
    """The largest face as the recognition network saw faces; a chip's usual place where none is found."""
    pixels = open_image(path).pixels
    found = detector.detect(pixels)
    if found and found[0].landmarks is not None:
        landmarks = found[0].landmarks
    else:
        landmarks = np.array(CropConvention().landmarks) * pixels.shape[1::-1]
    return warp(pixels, similarity(landmarks, ALIGNED), SIDE)


def fit(x: np.ndarray, samples: Sequence[Sample], *, seed: int) -> Reader:
    torch.manual_seed(seed)
    inputs = torch.from_numpy(x)
    target = torch.from_numpy(ages.targets(samples, 2.0))
    gender = torch.tensor([-1 if s.gender is None else s.gender.position for s in samples])
    reader = Reader(x.shape[2])
    optimizer = torch.optim.AdamW(reader.parameters(), weight_decay=0.05)
    steps = EPOCHS * (len(samples) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 3e-3, total_steps=steps)
    years = torch.arange(NUM_AGES, dtype=torch.float32)
    for _ in range(EPOCHS):
        order = torch.randperm(len(samples))
        for start in range(0, len(order) - BATCH + 1, BATCH):
            rows = order[start : start + BATCH]
            age_logits, gender_logits = reader(inputs[rows, torch.randint(0, 2, (BATCH,))])
            log_age = F.log_softmax(age_logits, 1)
            error = (log_age.exp() @ years - target[rows] @ years).abs().mean()
            loss = F.kl_div(log_age, target[rows], reduction="batchmean") + 0.05 * error
            loss = loss + F.cross_entropy(gender_logits, gender[rows], ignore_index=-1, label_smoothing=0.05)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            schedule.step()
    return reader.eval()


def answer(reader: Reader, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(n, 101) and (n, 2) probabilities, averaged over both mirror images."""
    with torch.inference_mode():
        age, gender = reader(torch.from_numpy(x).float().flatten(0, 1))
    mean_age, mean_gender = (z.softmax(1).view(len(x), 2, -1).mean(1).numpy() for z in (age, gender))
    return mean_age, mean_gender


def figures(samples: Sequence[Sample], age: np.ndarray, gender: np.ndarray) -> str:
    true = np.array([sample.point_age for sample in samples], dtype=float)
    labels = np.array([-1 if s.gender is None else s.gender.position for s in samples])
    error = np.nanmean(np.abs(ages.expectation(age) - true))
    return f"MAE {error:.2f}, gender {(gender.argmax(1) == labels)[labels >= 0].mean():.1%}"


if __name__ == "__main__":
    main()
