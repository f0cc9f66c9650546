"""From anybody's labelled faces to a manifest, and from a manifest to shards that train fast."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from agelens.data.audit import Audit, audit_manifest, copies_between
    from agelens.data.cleaning import clean
    from agelens.data.manifest import Manifest, read_manifest, write_manifest
    from agelens.data.pack import Pack, crop_found, write_pack
    from agelens.data.problems import Finding, Problem
    from agelens.data.readers import DATA_SETS, terms_of
    from agelens.data.split import split_samples
    from agelens.data.suspects import suspected_labels

#: Module -> its public names. Loaded on first use: OpenCV and NumPy take most of the import's time.
_PUBLIC = {
    "audit": ("Audit", "audit_manifest", "copies_between"),
    "cleaning": ("clean",),
    "manifest": ("Manifest", "read_manifest", "write_manifest"),
    "pack": ("Pack", "crop_found", "write_pack"),
    "problems": ("Finding", "Problem"),
    "readers": ("DATA_SETS", "terms_of"),
    "split": ("split_samples",),
    "suspects": ("suspected_labels",),
}

__all__ = [
    "DATA_SETS",
    "Audit",
    "Finding",
    "Manifest",
    "Pack",
    "Problem",
    "audit_manifest",
    "clean",
    "copies_between",
    "crop_found",
    "read_manifest",
    "split_samples",
    "suspected_labels",
    "terms_of",
    "write_manifest",
    "write_pack",
]


def __getattr__(name: str) -> Any:
    for module, names in _PUBLIC.items():
        if name in names:
            return getattr(importlib.import_module(f"agelens.data.{module}"), name)
    raise AttributeError(f"module 'agelens.data' has no attribute {name!r}")
