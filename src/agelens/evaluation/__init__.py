"""How good a bundle is on labelled faces."""

from agelens.evaluation.calibration import calibrate
from agelens.evaluation.comparison import compare
from agelens.evaluation.predictions import Predictions
from agelens.evaluation.run import Evaluation, evaluate, measure, named_by_data_set, write_predictions

__all__ = [
    "Evaluation",
    "Predictions",
    "calibrate",
    "compare",
    "evaluate",
    "measure",
    "named_by_data_set",
    "write_predictions",
]
