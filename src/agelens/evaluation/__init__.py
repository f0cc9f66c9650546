"""How good a bundle is on labelled faces."""

from agelens.evaluation.calibration import CalibrationReport, calibrate
from agelens.evaluation.comparison import Comparison, compare
from agelens.evaluation.predictions import Predictions
from agelens.evaluation.run import Evaluation, evaluate, measure, write_predictions

__all__ = [
    "CalibrationReport",
    "Comparison",
    "Evaluation",
    "Predictions",
    "calibrate",
    "compare",
    "evaluate",
    "measure",
    "write_predictions",
]
