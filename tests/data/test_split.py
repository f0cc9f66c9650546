from __future__ import annotations

from collections import Counter, defaultdict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agelens.data.split import parse_ratio, split_samples
from agelens.errors import ManifestError
from agelens.labels import Gender, Sample

SAMPLE = st.builds(
    Sample,
    image=st.uuids().map(str),
    age=st.one_of(st.none(), st.floats(0, 100)),
    gender=st.sampled_from([None, *Gender]),
    subject=st.sampled_from(["", "", "", *"abcdef"]),
    duplicate_group=st.sampled_from(["", "", "", *"uvwxyz"]),
)
RATIO = {"train": 0.8, "val": 0.1, "test": 0.1}


@given(st.lists(SAMPLE, max_size=80), st.integers(0, 5))
@settings(max_examples=60)
def test_subjects_and_duplicates_are_never_separated(samples: list[Sample], seed: int) -> None:
    done = split_samples(samples, RATIO, seed=seed)
    assert [sample.image for sample in done] == [sample.image for sample in samples]
    assert {sample.split for sample in done} <= RATIO.keys()
    for attribute in ("subject", "duplicate_group"):
        splits = defaultdict(set)
        for sample in done:
            if name := getattr(sample, attribute):
                splits[name].add(sample.split)
        assert all(len(found) == 1 for found in splits.values())


def test_shares_hold_overall_and_in_each_stratum() -> None:
    samples = [
        Sample(f"{number}", age=number % 100, gender=(Gender.MALE, Gender.FEMALE)[number // 100 % 2])
        for number in range(4000)
    ]
    done = split_samples(samples, RATIO)
    counts = Counter(sample.split for sample in done)
    assert counts["train"] == pytest.approx(3200, abs=8)
    assert counts["val"] == pytest.approx(400, abs=8)
    for band in range(10):
        for gender in Gender:
            stratum = [s for s in done if s.age is not None and s.age // 10 == band and s.gender is gender]
            share = sum(s.split == "test" for s in stratum) / len(stratum)
            assert share == pytest.approx(0.1, abs=0.011)


def test_many_tiny_strata_do_not_all_fall_to_one_split() -> None:
    samples = [Sample(f"{age}", age=age, gender=gender) for age in range(0, 100, 10) for gender in Gender]
    counts = Counter(sample.split for sample in split_samples(samples, {"a": 0.5, "b": 0.5}))
    assert counts == {"a": 10, "b": 10}


def test_each_stratum_has_its_shares_before_the_whole_has() -> None:
    """Four rows that stay together are all of train; the five of another stratum still come as 4 and 1.

    Were the whole to decide first, it would take two of the five for test.
    """
    family = [Sample(f"f{number}", age=5, subject="family") for number in range(4)]
    others = [Sample(f"o{number}", age=35) for number in range(5)]
    done = split_samples([*family, *others], {"train": 0.8, "test": 0.2})
    assert [sample.split for sample in done[:4]] == ["train"] * 4
    assert Counter(sample.split for sample in done[4:]) == {"train": 4, "test": 1}


def test_the_largest_clusters_are_dealt_first_so_that_single_rows_fill_the_gaps() -> None:
    singles = [Sample(f"s{number}", age=30) for number in range(4)]
    family = [Sample(f"f{number}", age=30, subject="family") for number in range(4)]
    counts = Counter(s.split for s in split_samples([*singles, *family], {"a": 0.5, "b": 0.5}))
    assert counts == {"a": 4, "b": 4}


def test_rows_with_a_split_keep_it_and_their_cluster_follows() -> None:
    samples = [Sample("a", split="test", subject="p"), Sample("b", subject="p"), Sample("c")]
    done = split_samples(samples, {"train": 1.0})
    assert [sample.split for sample in done] == ["test", "test", "train"]
    again = split_samples(samples, {"train": 1.0}, again=True)
    assert [sample.split for sample in again] == ["train"] * 3


def test_a_seed_gives_one_split() -> None:
    samples = [Sample(str(number), age=30) for number in range(50)]
    assert split_samples(samples, RATIO, seed=1) == split_samples(samples, RATIO, seed=1)
    assert split_samples(samples, RATIO, seed=1) != split_samples(samples, RATIO, seed=2)


def test_ratios_are_scaled_to_one() -> None:
    assert parse_ratio("train=8, val=2") == {"train": 0.8, "val": 0.2}


@pytest.mark.parametrize("text", ["", "train", "train=x", "train=0", "train=-1", "=1", "train=inf"])
def test_what_is_no_ratio_is_refused(text: str) -> None:
    with pytest.raises(ManifestError, match="ratio"):
        parse_ratio(text)


def test_a_part_of_one_split_is_set_aside_and_the_others_stay() -> None:
    samples = [Sample(f"{n}.jpg", age=n % 60, split="test" if n % 4 == 0 else "train") for n in range(400)]
    dealt = split_samples(samples, {"train": 0.9, "calibration": 0.1}, of="train")
    assert [s.split for s in dealt if s.split == "test"] == ["test"] * 100
    assert 25 <= sum(s.split == "calibration" for s in dealt) <= 35
    with pytest.raises(ManifestError, match="no split 'val'"):
        split_samples(samples, {"train": 1.0}, of="val")
