"""Readers: each turns one data set's layout into samples, and names every row it could not read."""

from agelens.data.readers.catalogue import DATA_SETS, DataSet, known_sources, terms_of

__all__ = ["DATA_SETS", "DataSet", "known_sources", "terms_of"]
