"""``agelens predict clip.mp4`` or ``0``: faces followed over the frames of a video or camera."""

from __future__ import annotations

import contextlib
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from agelens.cli.console import progress

if TYPE_CHECKING:
    from agelens.predictor import Predictor
    from agelens.video import TrackedFace


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
    output: Path | None,
    annotate_into: Path | None,
) -> None:
    """Read a video; write a JSON line a frame to ``output``, the drawn video, and a table of its faces."""
    import numpy as np

    from agelens.annotate import annotate
    from agelens.files import written_whole
    from agelens.video import Video, VideoWriter

    video = Video(source)
    seen: dict[int, _Seen] = {}
    with contextlib.ExitStack() as stack:
        lines: TextIO | None = None
        if output is not None:
            temporary = stack.enter_context(written_whole(output))
            lines = stack.enter_context(temporary.open("w", encoding="utf-8"))
        name = "camera" if source.isdigit() else Path(source).stem
        writer: VideoWriter | None = None
        advance = stack.enter_context(progress("reading frames", video.frames or None, rate=True))
        with contextlib.suppress(KeyboardInterrupt):  # how a camera is ended
            for frame in video.read(predictor, level):
                for tracked in frame.faces:
                    known = seen.setdefault(tracked.track, _Seen(frame.seconds, frame.seconds, tracked))
                    known.last, known.face = frame.seconds, tracked
                if lines is not None:
                    faces = [tracked.to_dict(at_least) for tracked in frame.faces]
                    line = {"frame": frame.number, "seconds": round(frame.seconds, 3), "faces": faces}
                    lines.write(json.dumps(line) + "\n")
                if annotate_into is not None:
                    drawn = annotate(frame.pixels, [tracked.face for tracked in frame.faces])
                    if writer is None:  # the size is known once a frame is drawn
                        writer = VideoWriter(annotate_into / f"{name}.mp4", video.rate, drawn.size)
                        stack.callback(writer.close)
                    writer.add(np.asarray(drawn))
                advance(frame.number + 1)
    _print(list(seen.values()), level, at_least)


def _print(seen: list[_Seen], level: float, at_least: int | None) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("face", justify="right")
    table.add_column("seen", justify="right")
    table.add_column("frames", justify="right")
    table.add_column("age", justify="right")
    table.add_column(f"{level:.0%} interval", justify="right")
    table.add_column("gender")
    table.add_column("sure", justify="right")
    if at_least is not None:
        table.add_column(f"{at_least} or older", justify="right")
    for one in seen:
        face = one.face.face
        low, high = face.age_interval
        table.add_row(
            str(one.face.track),
            f"{one.first:.1f}–{one.last:.1f} s",
            str(one.face.frames),
            f"{face.age:.1f}",
            f"{low:.0f} – {high:.0f}",
            str(face.gender),
            f"{face.gender_probability:.0%}",
            *([] if at_least is None else [f"{face.probability_at_least(at_least):.1%}"]),
        )
    Console(file=sys.stdout).print(table if seen else "no face was found")
