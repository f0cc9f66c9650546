"""Readers: each turns one data set's layout into samples, and names every row it could not read."""

from agelens.data.readers.report import Problem, ReadReport

__all__ = ["Problem", "ReadReport"]
