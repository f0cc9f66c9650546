"""Deal samples out to splits: stratified by age and gender, never separating what belongs together."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from agelens.data.clusters import connected
from agelens.errors import ManifestError
from agelens.labels import Sample

#: Years. Samples of one band and gender are dealt out evenly.
BAND_YEARS = 10


def parse_ratio(text: str) -> dict[str, float]:
    """Read shares such as ``train=0.8,val=0.1,test=0.1``, scaled to sum to 1.

    Raises:
        ManifestError: not of that form, or a share that is not positive.
    """
    shares: dict[str, float] = {}
    for part in text.split(","):
        name, separator, number = part.partition("=")
        try:
            share = float(number)
        except ValueError:
            share = -1.0
        if not separator or not name.strip() or not 0 < share < float("inf"):
            raise ManifestError(f"ratio {text!r} is not of the form train=0.8,val=0.1,test=0.1")
        shares[name.strip()] = share
    total = sum(shares.values())
    return {name: share / total for name, share in shares.items()}


def split_samples(
    samples: Sequence[Sample], ratio: Mapping[str, float], *, seed: int = 0, again: bool = False, of: str = ""
) -> list[Sample]:
    """Give every sample without a split one.

    Samples that share a subject or a duplicate group stay together. A cluster that already has a split
    in part follows it. Within each stratum (age band × gender) every cluster, the largest first, goes to
    the split that is furthest below its share.

    Args:
        samples: the rows in any order, which is kept.
        ratio: split -> share, summing to 1.
        seed: random seed; it decides in which order clusters of one size are dealt.
        again: whether to deal out the samples that have a split, too.
        of: a split whose samples are dealt out, too, as when a part of ``train`` is set aside.

    Raises:
        ManifestError: no sample is of the split ``of``.
    """
    if of and not any(sample.split == of for sample in samples):
        raise ManifestError(f"the manifest has no split {of!r} to deal out anew")
    samples = [replace(sample, split="") if again or sample.split == of else sample for sample in samples]
    splits = [sample.split for sample in samples]
    by_stratum: dict[tuple[int, str], list[list[int]]] = defaultdict(list)
    for rows in _clusters(samples):
        if taken := Counter(splits[row] for row in rows if splits[row]):
            follow = taken.most_common(1)[0][0]
            for row in rows:
                splits[row] = splits[row] or follow
        else:
            stratum = Counter(_stratum(samples[row]) for row in rows).most_common(1)[0][0]
            by_stratum[stratum].append(rows)
    rng = np.random.default_rng(seed)
    overall: Counter[str] = Counter()
    for _, clusters in sorted(by_stratum.items()):
        dealt: Counter[str] = Counter()
        shuffled = [clusters[place] for place in rng.permutation(len(clusters))]
        for rows in sorted(shuffled, key=len, reverse=True):
            total, everything = dealt.total() + len(rows), overall.total() + len(rows)
            # Where the stratum is even, what is dealt in all decides: small strata would else fill one split.
            lack = {
                name: (share * total - dealt[name], share * everything - overall[name])
                for name, share in ratio.items()
            }
            name = max(lack, key=lack.__getitem__)
            for row in rows:
                splits[row] = name
            dealt[name] += len(rows)
            overall[name] += len(rows)
    return [replace(sample, split=split) for sample, split in zip(samples, splits, strict=True)]


def _clusters(samples: Sequence[Sample]) -> list[list[int]]:
    """The rows that share a subject or a duplicate group, directly or through others."""
    first: dict[tuple[str, str], int] = {}
    links = [
        (row, first.setdefault((kind, name), row))
        for row, sample in enumerate(samples)
        for kind, name in (("subject", sample.subject), ("duplicate", sample.duplicate_group))
        if name
    ]
    return connected(links, len(samples))


def _stratum(sample: Sample) -> tuple[int, str]:
    age = sample.point_age
    return -1 if age is None else int(age // BAND_YEARS), str(sample.gender or "")
