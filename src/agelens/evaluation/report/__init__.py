"""The report of an evaluation: one HTML page."""

from agelens.evaluation.report.page import Subject, write_report

__all__ = ["Subject", "write_report"]
