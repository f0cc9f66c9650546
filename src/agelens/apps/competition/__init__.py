"""A competition: its folder, its submission, and the notebook that makes one."""

from agelens.apps.competition.folder import CompetitionFolder, find_gender_code, read_competition_folder
from agelens.apps.competition.notebook import write_notebook
from agelens.apps.competition.submission import SubmissionReport, check_submission, submit

__all__ = [
    "CompetitionFolder",
    "SubmissionReport",
    "check_submission",
    "find_gender_code",
    "read_competition_folder",
    "submit",
    "write_notebook",
]
