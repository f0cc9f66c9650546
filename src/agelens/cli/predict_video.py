"""``agelens predict clip.mp4`` or ``0``: faces followed over the frames of a video or camera."""

from __future__ import annotations

import contextlib
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from agelens.cli.console import progress
from agelens.cli.printing import add_face_columns, face_cells

if TYPE_CHECKING:
    from agelens.inference.predictor import Predictor
    from agelens.inference.video import TrackedFace


@dataclass(slots=True)
class _Seen:
    """A track, as the table at the end tells of it; seconds."""

    first: float
    last: float
    face: TrackedFace


def predict_video(
    source: str,
    predictor: Predictor,
    *,
    level: float,
    at_least: int | None,
    min_quality: float,
    output: Path | None,
    annotate_into: Path | None,
) -> None:
    """Read a video; write a JSON line a frame to ``output``, the drawn video, and a table of its faces."""
    import numpy as np

    from agelens.files import written_whole
    from agelens.inference.annotate import annotate
    from agelens.inference.video import Video, VideoWriter, is_camera

    video = Video(source)
    seen: dict[int, _Seen] = {}
    with contextlib.ExitStack() as stack:
        lines: TextIO | None = None
        if output is not None:
            temporary = stack.enter_context(written_whole(output))
            lines = stack.enter_context(temporary.open("w", encoding="utf-8"))
        name = "camera" if is_camera(source) else Path(source).stem
        writer: VideoWriter | None = None
        advance = stack.enter_context(progress("reading frames", video.frames or None, rate=True))
        with contextlib.suppress(KeyboardInterrupt):  # how a camera is ended
            for frame in video.read(predictor, level):
                for tracked in frame.faces:
                    known = seen.setdefault(tracked.track, _Seen(frame.seconds, frame.seconds, tracked))
                    known.last, known.face = frame.seconds, tracked
                if lines is not None:
                    faces = [tracked.to_dict(at_least, min_quality) for tracked in frame.faces]
                    line = {"frame": frame.number, "seconds": round(frame.seconds, 3), "faces": faces}
                    lines.write(json.dumps(line) + "\n")
                if annotate_into is not None:
                    faces_read = [tracked.face for tracked in frame.faces]
                    drawn = annotate(frame.pixels, faces_read, min_quality=min_quality)
                    if writer is None:  # the size is known once a frame is drawn
                        whole = stack.enter_context(written_whole(annotate_into / f"{name}.mp4"))
                        writer = VideoWriter(whole, video.rate, drawn.size)
                        stack.callback(writer.close)
                    writer.add(np.asarray(drawn))
                advance(frame.number + 1)
    _print(list(seen.values()), level, at_least, min_quality)


def _print(seen: list[_Seen], level: float, at_least: int | None, min_quality: float) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("face", justify="right")
    table.add_column("seen", justify="right")
    table.add_column("frames", justify="right")
    add_face_columns(table, level, at_least)
    for one in seen:
        table.add_row(
            str(one.face.track),
            f"{one.first:.1f}–{one.last:.1f} s",
            str(one.face.frames),
            *face_cells(one.face.face, at_least, min_quality),
        )
    Console(file=sys.stdout).print(table if seen else "no face was found")
