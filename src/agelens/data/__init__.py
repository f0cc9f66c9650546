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

#: Public name -> its module. Loaded on first use: OpenCV and NumPy take most of the import's time.
_MODULES = {
    "DATA_SETS": "readers",
    "Audit": "audit",
    "Finding": "problems",
    "Manifest": "manifest",
    "Pack": "pack",
    "Problem": "problems",
    "audit_manifest": "audit",
    "clean": "cleaning",
    "copies_between": "audit",
    "crop_found": "pack",
    "read_manifest": "manifest",
    "split_samples": "split",
    "suspected_labels": "suspects",
    "terms_of": "readers",
    "write_manifest": "manifest",
    "write_pack": "pack",
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
    if name not in _MODULES:
        raise AttributeError(f"module 'agelens.data' has no attribute {name!r}")
    return getattr(importlib.import_module(f"agelens.data.{_MODULES[name]}"), name)
