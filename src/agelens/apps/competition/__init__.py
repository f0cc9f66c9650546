"""A competition: its folder, its submission, and the notebook that makes one."""

from agelens.apps.competition.notebook import write_notebook
from agelens.apps.competition.submission import SubmissionReport, submit

__all__ = ["SubmissionReport", "submit", "write_notebook"]
