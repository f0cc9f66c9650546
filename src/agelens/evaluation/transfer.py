"""How intervals travel: what they hold on a data set that their calibration has not met.

Conformal intervals promise their coverage on faces like those of the calibration, and other people's photos
are not. Each data set in turn is therefore left out: the intervals are fitted on the others and measured on
it (leave one group out; Dunn, Wasserman & Ramdas 2023, "Distribution-free prediction sets for two-layer
hierarchical models", treat groups as draws of a population of groups in the same way). What the worst set
falls short by becomes a margin on the level that is asked for: chance included, since of too wide and too
narrow intervals the narrow ones do the harm.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from agelens import ages, conformal, metrics
from agelens.conformal import REPORTED_LEVELS, ConformalTable
from agelens.models.measurement import Coverage

#: A data set of fewer exact ages is not left out on its own: its coverage would be chance.
LEAST_FACES = 200

Floats = NDArray[np.float64]


def left_out(
    probabilities: ages.FloatArray, true_age: Floats, data_set: NDArray[np.str_], *, margin: bool = False
) -> tuple[Coverage, ...]:
    """The coverage and width on each data set whose faces the intervals were not fitted on.

    Args:
        probabilities: (n, 101), with the temperature that the answers have.
        true_age: (n,) exact ages, years.
        data_set: (n,) where each face comes from.
        margin: whether the intervals fitted on the others have the margin that those others ask for.

    Returns:
        An entry a data set of ``LEAST_FACES`` or more; none where there are fewer than two.
    """
    measured = []
    for name in _large(data_set):
        inside = data_set == name
        others = probabilities[~inside], true_age[~inside], data_set[~inside]
        table = with_margin(*others) if margin else conformal.fit(*others[:2])
        bounds = [conformal.interval(probabilities[inside], level, table) for level in REPORTED_LEVELS]
        held = tuple(round(metrics.coverage(true_age[inside], one), 4) for one in bounds)
        widths = tuple(round(metrics.interval_width(one), 4) for one in bounds)
        measured.append(Coverage(name, int(inside.sum()), held, widths))
    return tuple(measured)


def with_margin(
    probabilities: ages.FloatArray,
    true_age: Floats,
    data_set: NDArray[np.str_],
    *,
    neighbours: int | None = None,
) -> ConformalTable:
    """The conformal table of all faces, at levels raised until every data set left out holds what is asked.

    ``neighbours`` is as ``conformal.fit`` takes it. Where fewer than two data sets are large enough to be
    left out, it is the plain table.
    """
    table = conformal.fit(probabilities, true_age, neighbours=neighbours)
    asked = np.array(table.levels)
    raised = asked.copy()
    for name in _large(data_set):
        inside = data_set == name
        others = conformal.fit(probabilities[~inside], true_age[~inside])
        needed = levels_needed(probabilities[inside], true_age[inside], others)
        # The level that a share of the left-out faces needs at most holds that share of them.
        raised = np.maximum(raised, np.quantile(needed, asked, method="higher"))
    central = np.array([np.interp(raised, table.levels, row) for row in table.central])
    return table.model_copy(update={"central": tuple(map(tuple, np.round(central, 4).tolist()))})


def levels_needed(probabilities: ages.FloatArray, true_age: Floats, table: ConformalTable) -> Floats:
    """The lowest level at which each face's interval holds its true age: (n, 101), (n,) years -> (n,).

    Beyond the levels of the table it goes on as a straight line to where the interval holds everything.
    """
    score = conformal.scores(probabilities, true_age)
    levels = np.array([0.0, *table.levels, 1.0])
    mean = ages.expectation(probabilities)
    central = np.stack([table.central_levels(mean, level) for level in table.levels], axis=1)
    ends = np.zeros((len(score), 1)), np.ones((len(score), 1))
    known = np.maximum.accumulate(np.hstack([ends[0], central, ends[1]]), axis=1)
    return np.array([np.interp(one, row, levels) for one, row in zip(score, known, strict=True)])


def _large(data_set: NDArray[np.str_]) -> list[str]:
    """The data sets that can be left out: large enough, and not the only one."""
    names, counts = np.unique(data_set, return_counts=True)
    large = [str(name) for name, count in zip(names, counts, strict=True) if count >= LEAST_FACES]
    return large if len(large) > 1 else []
