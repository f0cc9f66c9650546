"""The data sets that AgeLens knows: how each is read, where it comes from, and what its terms permit."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from agelens.data.readers.base import ImportReport


@dataclass(frozen=True, slots=True)
class DataSet:
    """One data set, or one layout in which data sets come.

    Attributes:
        title: its name as its makers write it.
        terms: what they permit; empty where only the owner of the data knows.
        url: its project's page; empty where it has none.
        reader: the module of this package whose ``read_…`` reads it; imported when it is used, so that the
            command line names every data set without loading any reader.
        options: what the reader takes beside ``strict``.
        fixed: options of the reader that are the same for everybody.
        aliases: short names under which manifests made elsewhere call it.
    """

    title: str
    terms: str
    url: str = ""
    reader: str = "folder"
    options: tuple[str, ...] = ()
    fixed: dict[str, str] = field(default_factory=dict)
    aliases: tuple[str, ...] = ()

    def read(self, source: Path, manifest: Path, *, strict: bool = False, **options: Any) -> ImportReport:
        """Read the data set from ``source``; ``manifest`` is where its manifest will lie.

        Raises:
            ManifestError: the source is not of the reader's layout, or (strict) one of its rows is at fault.
        """
        module = importlib.import_module(f"agelens.data.readers.{self.reader}")
        read: Callable[..., ImportReport] = getattr(module, f"read_{self.reader}")
        return read(source, manifest, strict=strict, **options, **self.fixed)


_TABLE = ("columns", "images", "gender_code", "exclude")

#: By the manifest's ``source``, which is also the name on the command line.
DATA_SETS: dict[str, DataSet] = {
    "agedb": DataSet(
        "AgeDB", "non-commercial research only", "https://ibug.doc.ic.ac.uk/resources/agedb/", "agedb"
    ),
    "all-age-faces": DataSet(
        "All-Age-Faces (Cheng et al. 2019)",
        "non-commercial research only",
        "https://github.com/JingchunCheng/All-Age-Faces-Dataset",
        options=_TABLE,
        fixed={"source_name": "all-age-faces"},
        aliases=("aaf",),
    ),
    "appa-real": DataSet(
        "APPA-REAL",
        "research only",
        "https://chalearnlap.cvc.uab.cat/dataset/26/description/",
        "appa_real",
        ("apparent",),
        aliases=("appa",),
    ),
    "competition": DataSet(
        "face_dataset of the Kaggle competition sep-25-dl-gen-ai-nppe-1",
        "the competition's rules",
        "https://www.kaggle.com/competitions/sep-25-dl-gen-ai-nppe-1",
        reader="competition",
        options=("gender_code",),
    ),
    "fairface": DataSet("FairFace", "CC BY 4.0", "https://github.com/joojs/fairface", "fairface"),
    "folder": DataSet("any table of labelled images", "", options=(*_TABLE, "source_name")),
    "imdb-wiki": DataSet(
        "IMDB-WIKI", "research only", "https://data.vision.ee.ethz.ch/cvl/rrothe/imdb-wiki/", "imdb_wiki"
    ),
    "lfw": DataSet(
        "Labeled Faces in the Wild",
        "research only",
        "http://vis-www.cs.umass.edu/lfw/",
        options=_TABLE,
        fixed={"source_name": "lfw"},
    ),
    "parquet": DataSet(
        "any Parquet that holds the images themselves, as Hugging Face's datasets writes it",
        "",
        reader="parquet",
        options=(*_TABLE, "source_name"),
    ),
    "scut-fbp5500": DataSet(
        "SCUT-FBP5500 (Liang et al. 2018)",
        "non-commercial research only",
        "https://github.com/HCIILAB/SCUT-FBP5500-Database-Release",
        options=_TABLE,
        fixed={"source_name": "scut-fbp5500"},
        aliases=("scut",),
    ),
    "utkface": DataSet(
        "UTKFace",
        "non-commercial research only",
        "https://susanqq.github.io/UTKFace/",
        "utkface",
        aliases=("utk",),
    ),
}


def known_sources(sources: Iterable[str]) -> list[str]:
    """The names here of a manifest's sources, sorted; one that is not known keeps its own.

    ``utk`` and ``appa_real`` are UTKFace and APPA-REAL, whose terms hold under whatever name they come.
    """
    names = {alias: name for name, one in DATA_SETS.items() for alias in (name, *one.aliases)}
    return sorted({names.get(source.lower().replace("_", "-"), source) for source in sources})


def terms_of(sources: Iterable[str]) -> dict[str, str]:
    """Source -> its title, address and terms in one phrase, as a model's card repeats them.

    Sources are those of a manifest; one that is not known here is left out.
    """
    known = ((source, DATA_SETS[source]) for source in sources if source in DATA_SETS)
    return {
        source: f"{one.title} ({one.url}): {one.terms}" if one.url else f"{one.title}: {one.terms}"
        for source, one in known
        if one.terms
    }
