"""The demo: one page, on this machine or as a Space on Hugging Face."""

from agelens.apps.demo.page import build, launch
from agelens.apps.demo.space import build_space

__all__ = ["build", "build_space", "launch"]
