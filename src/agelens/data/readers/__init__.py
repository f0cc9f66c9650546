"""Readers: each turns one data set's layout into samples, and names every row it could not read."""

from agelens.data.readers.report import ReadReport

__all__ = ["ReadReport"]
