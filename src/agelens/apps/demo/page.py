"""The demo: upload a face, get age and gender at once. Gradio, with no outside request at run time."""

from __future__ import annotations

import os
import tempfile
from importlib import resources
from pathlib import Path
from typing import Any

from PIL import Image

from agelens.apps.demo.cards import STYLE, face_cards
from agelens.errors import ImageError, require
from agelens.evaluation.report.sections import html_table
from agelens.faces.detection.base import DetectorName
from agelens.inference.annotate import annotate
from agelens.inference.predictor import Predictor, load
from agelens.models import tables

_INTRODUCTION = """# AgeLens: age and gender from a face
Upload a photo, paste one, or use the camera. The server of this page reads and soon deletes it."""

_LIMITS = """The interval holds the true age about nine times in ten on faces like the test set's. Gender is
the binary label of the training data, not a person's identity; a question mark stands behind a doubtful one.
Quality is the share of the calibration faces that could be read less surely. Model `{spec.name}`,
{spec.input.size} px. Licence of the weights: {spec.licence}. Do not use it to decide about a person."""

_NO_FACE = "No face was found. If the picture is one face, cut close, read it as a whole."

#: Seconds. Uploads older than this are deleted; they are looked for as often.
KEPT = 300

#: Pixels. The annotated picture is made no larger; the faces are read at full resolution all the same.
SHOWN_SIDE = 1280

#: Pixels. So high both pictures are shown; labels drawn into a small photo can then still be read.
HEIGHT = 480

#: Photos larger than this are refused before they are read.
LARGEST_UPLOAD = "30mb"

#: The picture with its faces boxed, a message, the faces as HTML, and the faces as JSON values.
_Outputs = tuple[Image.Image | None, str, str, list[dict[str, Any]]]


def example_images() -> list[Path]:
    """Photos that anybody may use: a portrait by NASA, in the public domain."""
    return sorted(Path(str(resources.files("agelens") / "assets" / "examples")).glob("*.jpg"))


def build(predictor: Predictor) -> Any:
    """The page, as ``gradio.Blocks``.

    Raises:
        MissingExtraError: Gradio is not installed.
    """
    os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
    gr = require("gradio", "demo")
    spec, whole_predictor = predictor.bundle.spec, load(predictor.bundle, "whole")
    predictor.predict(example_images()[0])  # the first answer is then as quick as the later ones

    def read(path: str | None) -> _Outputs:
        """Find and read every face of a photo."""
        return _answer(predictor, path)

    def read_whole(path: str | None) -> _Outputs:
        """Read the whole picture as one face."""
        return _answer(whole_predictor, path)

    def offer(path: str | None, faces: list[dict[str, Any]]) -> Any:
        return gr.update(visible=path is not None and not faces)

    with gr.Blocks(title="AgeLens", analytics_enabled=False, delete_cache=(KEPT, KEPT)) as page:
        gr.Markdown(_INTRODUCTION)
        with gr.Row():
            with gr.Column():
                photo = gr.Image(
                    type="filepath",  # as uploaded: its EXIF orientation is read by our own decoder
                    sources=["upload", "webcam", "clipboard"],
                    label="Photo",
                    height=HEIGHT,
                    elem_id="photo",
                )
                gr.Examples(
                    [str(path) for path in example_images()],
                    photo,
                    label="Example",
                    example_labels=[f"{path.stem.capitalize()} (photo: NASA)" for path in example_images()],
                )
            with gr.Column():
                picture = gr.Image(
                    interactive=False,
                    format="jpeg",
                    buttons=["fullscreen", "download"],  # no sharing: it posts the photo elsewhere
                    label="Faces",
                    height=HEIGHT,
                    elem_id="faces",
                )
                message = gr.Markdown(elem_id="message")
                whole = gr.Button("Read the whole picture as one face", visible=False, elem_id="whole")
        cards = gr.HTML(elem_id="cards")
        gr.Markdown(_LIMITS.format(spec=spec))
        with gr.Accordion("How good is it?", open=False, visible=bool(spec.metrics)):
            gr.HTML(
                html_table(tables.data_set_table(spec.metrics, spec.calibration.unseen)), elem_id="errors"
            )
        answers = gr.JSON(visible=False)
        outputs = [picture, message, cards, answers]
        answered = photo.change(read, photo, outputs, api_name="predict", show_progress="minimal")
        whole.click(read_whole, photo, outputs, api_name="predict_whole")
        answered.then(offer, [photo, answers], whole, api_visibility="private")
    return page


def _answer(predictor: Predictor, path: str | None) -> _Outputs:
    import gradio

    if path is None:
        return None, "", "", []
    try:
        faces = predictor.predict(path, name="the file")  # the upload's own path would say nothing
        picture = annotate(path, faces, max_side=SHOWN_SIDE)
    except ImageError as error:
        raise gradio.Error(f"This photo cannot be read: {error}") from error
    several = f"{len(faces)} faces, the largest first; their numbers are those in the picture."
    count = {0: _NO_FACE, 1: "One face."}.get(len(faces), several)
    return picture, count, face_cards(faces) if faces else "", [face.to_dict() for face in faces]


def launch(
    model: str = "embedded",
    detector: DetectorName = "auto",
    *,
    host: str | None = None,
    port: int | None = None,
    block: bool = True,
) -> Any:
    """Serve the page.

    Args:
        model: ``embedded``, a bundle's folder, or a hub address.
        detector: how faces are found.
        host: the address to listen on; None for Gradio's own: this machine, or what a Space sets.
        port: None for the first free one from 7860.
        block: wait until the server is stopped.

    Returns:
        The page; ``page.local_url`` is its address.
    """
    os.environ.setdefault("GRADIO_TEMP_DIR", tempfile.mkdtemp(prefix="agelens-demo-"))
    page = build(load(model, detector))
    gr = require("gradio", "demo")
    page.launch(
        server_name=host,
        server_port=port,
        prevent_thread_lock=not block,
        # Fonts of the visitor's own system: nothing is fetched from elsewhere.
        theme=gr.themes.Soft(font=["system-ui", "sans-serif"], font_mono=["monospace"]).set(
            block_label_text_color="*primary_700",  # the theme's own is too pale (WCAG 2, AA)
            block_title_text_color="*primary_700",
        ),
        css=STYLE,
        run_history=False,  # it would keep photos in the visitor's browser
        footer_links=["api"],
        max_file_size=LARGEST_UPLOAD,
        ssr_mode=False,
    )
    return page
