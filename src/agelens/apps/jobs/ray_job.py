"""The same job on a Ray cluster: the images dealt out to its workers, the answers gathered in order.

A worker that dies is replaced, and what it had in hand is read again.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from itertools import chain, groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agelens.apps.jobs.job import JobSpec, folder_of
from agelens.apps.jobs.lock import locked
from agelens.apps.jobs.spread import RowGroup, fetched, packed, read_row_groups, unpacked
from agelens.errors import AgeLensError, require
from agelens.files import written_whole
from agelens.inference.carried import NO_COLUMNS, Kinds
from agelens.inference.predictor import load
from agelens.inference.sources import ImageRef
from agelens.inference.tally import Tally
from agelens.inference.writers import parquet_schema, parquet_table

if TYPE_CHECKING:
    import pyarrow as pa

#: Images that are dealt out together at least, where there are so many.
BATCH = 128


class RayWorker:
    """What each process of the cluster holds: the model, with one thread, since there is a worker a core."""

    def __init__(self, model: str, spec: JobSpec, own: Kinds) -> None:
        detector: Any = spec.detector
        self._options, self._own = spec.options, own
        self._predictor = load(model, detector, threads=1, runtime=spec.runtime, search=spec.search)

    def __call__(self, batch: pa.Table) -> pa.Table:
        """Answer a batch of ``packed`` images."""
        images = map(fetched, unpacked(batch, self._own))
        return parquet_table(self._predictor.predict_many(images, self._options), self._options, self._own)


def run_ray_job(
    model: str,
    images: Sequence[ImageRef | RowGroup],
    output: str,
    spec: JobSpec,
    own: Kinds = NO_COLUMNS,
    *,
    address: str | None = None,
    workers: int | None = None,
    progress: Callable[[int], None] = lambda done: None,
) -> Tally:
    """Read images on a Ray cluster into one Parquet table.

    Args:
        model: its name, as workers can resolve it.
        images: see ``spread``.
        output: a path, or an address that fsspec opens.
        spec: what the answers depend on.
        own: the columns of the images' tables, which the answers carry.
        address: of the cluster; None begins one on this machine, or joins the one it is part of.
        workers: at most so many; None for one a core.
        progress: told how many images are done.

    Raises:
        JobError: another job is writing the same local output.
        ManifestError: a table cannot be read.
        MissingExtraError: Ray is not installed.
    """
    ray = require("ray", "ray")
    data = require("ray.data", "ray")
    import pyarrow.parquet as pq

    logging.getLogger("ray.data").setLevel(logging.WARNING)
    if not ray.is_initialized():
        ray.init(address=address, log_to_driver=False, configure_logging=False)
    data.DataContext.get_current().execution_options.preserve_order = True
    most, own = workers or max(1, int(ray.cluster_resources().get("CPU", 1))), dict(own)
    # One after the other: a union of data sets would mix their images.
    answered = (
        _dataset(kind, list(run), own, most).map_batches(
            RayWorker,
            fn_constructor_args=(model, spec, own),
            batch_format="pyarrow",
            batch_size=None,  # with a number, Ray would hand a worker so many row groups at once
            num_cpus=1,
            compute=data.ActorPoolStrategy(min_size=1, max_size=most),
        )
        for kind, run in groupby(images, type)
    )
    tables = (one.iter_batches(batch_size=None, batch_format="pyarrow") for one in answered)
    report, schema = Tally(spec.options, output), parquet_schema(spec.options, own)
    with _opened_whole(output) as file, pq.ParquetWriter(file, schema) as writer, _unwrapped(ray):
        for table in chain.from_iterable(tables):
            writer.write_table(table.cast(schema))
            report.add_table(table)
            progress(report.images)
    return report


def _dataset(kind: type, pieces: list[Any], own: Kinds, most: int) -> Any:
    """Images as a Ray dataset of ``packed`` ones."""
    data = require("ray.data", "ray")
    if kind is RowGroup:
        blocks = min(len(pieces), 200 * most)
        groups = data.from_items([asdict(one) for one in pieces], override_num_blocks=blocks)
        # Ray joins steps that ask for the same; few row groups are read apart, and dealt out to all.
        apart = {"num_cpus": 0} if len(pieces) < 4 * most else {}
        return groups.map_batches(
            read_row_groups, fn_args=(own,), batch_format="pyarrow", batch_size=1, **apart
        )
    blocks = max(most, min(len(pieces) // BATCH, 200 * most))
    size = -(-len(pieces) // blocks)
    return data.from_arrow([packed(pieces[at : at + size], own) for at in range(0, len(pieces), size)])


@contextmanager
def _unwrapped(ray: Any) -> Iterator[None]:
    """An error of ours that was raised in a worker, as it was raised there."""
    try:
        yield
    except ray.exceptions.RayTaskError as error:
        if isinstance(error.cause, AgeLensError):
            raise error.cause from None
        raise


@contextmanager
def _opened_whole(output: str) -> Iterator[Any]:
    """A file that appears once it is whole: an object store's does so by itself. A local one is locked."""
    import fsspec

    if "://" in output and not output.startswith("file://"):
        with fsspec.open(output, "wb") as file:
            yield file
        return
    path = Path(output.removeprefix("file://"))
    with locked(folder_of(path)), written_whole(path) as temporary, temporary.open("wb") as file:
        yield file
