"""A folder ready for Hugging Face Spaces."""

from agelens.apps.space.build import build_space

__all__ = ["build_space"]
