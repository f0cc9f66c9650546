"""The same job on a Ray cluster: the images dealt out to its workers, the answers gathered in order.

Images are paths, or addresses that fsspec opens (``s3://…``, ``gs://…``); a Parquet table may also hold them
as bytes. A worker that dies is replaced, and what it had in hand is read again.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agelens.apps.jobs.job import JobSpec
from agelens.errors import require
from agelens.files import written_whole
from agelens.inference.answers import Answer
from agelens.inference.predictor import load
from agelens.inference.sources import ImageRef, PassedOver, stream
from agelens.inference.writers import Tally, parquet_schema, parquet_table

if TYPE_CHECKING:
    import pyarrow as pa

#: Images a worker takes at once.
BATCH = 128


class RayWorker:
    """What each process of the cluster holds: the model, with one thread, since there is a worker a core."""

    def __init__(self, model: str, spec: JobSpec) -> None:
        detector: Any = spec.detector
        self._options = spec.options
        self._predictor = load(model, detector, threads=1, runtime=spec.runtime)

    def __call__(self, batch: pa.Table) -> pa.Table:
        """Answer a batch: columns ``image`` and, where they came along, ``bytes``."""
        names = batch["image"].to_pylist()
        contents = batch["bytes"].to_pylist() if "bytes" in batch.column_names else [None] * len(names)
        fetched = list(map(_fetch, names, contents))
        read = self._predictor.predict_many(
            (image for image in fetched if isinstance(image, ImageRef)), self._options
        )
        answers = (next(read) if isinstance(image, ImageRef) else image for image in fetched)
        return parquet_table(answers, self._options)


def run_ray_job(
    model: str,
    images: Any,
    output: str,
    spec: JobSpec,
    *,
    address: str | None = None,
    workers: int | None = None,
    progress: Callable[[int], None] = lambda done: None,
) -> Tally:
    """Read images on a Ray cluster into one Parquet table.

    Args:
        model: its name, as workers can resolve it.
        images: names, or a Ray dataset with the column ``image`` (and ``bytes``).
        output: a path, or an address that fsspec opens.
        spec: what the answers depend on.
        address: of the cluster; None begins one on this machine, or joins the one it is part of.
        workers: at most so many; None for one a core.
        progress: told how many images are done.

    Raises:
        MissingExtraError: Ray is not installed.
    """
    ray = require("ray", "ray")
    data = require("ray.data", "ray")
    import pyarrow.parquet as pq

    logging.getLogger("ray.data").setLevel(logging.WARNING)
    if not ray.is_initialized():
        ray.init(address=address, log_to_driver=False, configure_logging=False)
    data.DataContext.get_current().execution_options.preserve_order = True
    most = workers or max(1, int(ray.cluster_resources().get("CPU", 1)))
    if not hasattr(images, "map_batches"):
        items = [{"image": name} for name in images]
        blocks = max(most, min(len(items) // BATCH, 200 * most), 1)
        images = data.from_items(items, override_num_blocks=min(blocks, max(1, len(items))))
    answered = images.map_batches(
        RayWorker,
        fn_constructor_args=(model, spec),
        batch_format="pyarrow",
        batch_size=BATCH,
        num_cpus=1,
        concurrency=(1, most),
    )
    report, schema = Tally(spec.options, output), parquet_schema(spec.options)
    with _opened_whole(output) as file, pq.ParquetWriter(file, schema) as writer:
        for table in answered.iter_batches(batch_size=None, batch_format="pyarrow"):
            writer.write_table(table.cast(schema))
            report.add_table(table)
            progress(report.images)
    return report


def images_of(paths: Sequence[str], passed_over: PassedOver | None = None) -> Any:
    """What a cluster reads: a dataset of bytes where the paths are such tables, else paths and addresses."""
    if (held := table_of_bytes(paths)) is not None:
        return held
    local = [str(one.source) for one in stream([path for path in paths if "://" not in path], passed_over)]
    return [path for path in paths if "://" in path] + local


def table_of_bytes(paths: Sequence[str]) -> Any:
    """A Ray dataset of Parquet tables that hold the images themselves; None where they do not."""
    if not paths or not all(path.endswith(".parquet") for path in paths):
        return None
    data = require("ray.data", "ray")
    import fsspec
    import pyarrow.parquet as pq

    with fsspec.open(paths[0], "rb") as file:
        if not {"image", "bytes"} <= set(pq.read_schema(file).names):
            return None
    return data.read_parquet(list(paths), columns=["image", "bytes"])


def _fetch(name: str, content: bytes | None) -> ImageRef | Answer:
    """An image, fetched where its bytes did not come along, or the answer that it cannot be had."""
    if content is not None or "://" not in name:
        return ImageRef(name, Path(name) if content is None else content)
    import fsspec

    try:
        with fsspec.open(name, "rb") as file:
            return ImageRef(name, file.read())
    except (OSError, ImportError, ValueError) as error:
        return Answer(name, error=f"{name}: {error}")


@contextmanager
def _opened_whole(output: str) -> Iterator[Any]:
    """A file that appears once it is whole: an object store's does so by itself."""
    import fsspec

    if "://" in output and not output.startswith("file://"):
        with fsspec.open(output, "wb") as file:
            yield file
        return
    with written_whole(Path(output.removeprefix("file://"))) as temporary, temporary.open("wb") as file:
        yield file
