from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from agelens.apps.service.schema import FaceAnswer, ImageAnswer
from agelens.inference.answers import Answer, Face
from agelens.inference.options import AnswerOptions
from agelens.inference.predictor import load
from servers.service import Server


@pytest.mark.parametrize("options", [AnswerOptions(), AnswerOptions(at_least=18, min_quality=1.0)])
def test_the_schema_is_that_of_a_face(options: AnswerOptions, astronaut: Path) -> None:
    (face,) = load("embedded", "haar").predict(astronaut, options)
    told = face.to_dict()
    answer = FaceAnswer.model_validate_json(json.dumps(told))
    assert json.loads(answer.model_dump_json(exclude_unset=True)) == told
    assert set(FaceAnswer.model_json_schema()["required"]) == set(told) - {"at_least", "at_least_probability"}
    assert isinstance(face, Face)
    assert ImageAnswer(image="a", width=1, height=1, frames=1, error=None, faces=[answer])


def test_the_schema_of_an_image_has_the_names_of_its_json() -> None:
    assert set(ImageAnswer.model_fields) == set(Answer("a.jpg").to_dict())


@pytest.mark.parametrize("head", ["age", "gender"])
def test_the_schema_allows_what_a_model_has_not_learnt_to_be_null(head: str, astronaut: Path) -> None:
    (face,) = load("embedded", "haar").predict(astronaut, AnswerOptions(at_least=18))
    told = face.without([head]).to_dict()  # type: ignore[list-item]
    answer = FaceAnswer.model_validate_json(json.dumps(told))
    assert json.loads(answer.model_dump_json(exclude_unset=True)) == told


@pytest.mark.slow
def test_schemathesis_finds_no_5xx_and_no_answer_outside_the_schema(server: Server, tmp_path: Path) -> None:
    program = shutil.which("schemathesis", path=str(Path(sys.executable).parent))
    if program is None:
        pytest.skip("schemathesis is not installed")
    done = subprocess.run(
        [
            program, "run", f"{server.url}/openapi.json", "--max-examples", "25", "--workers", "1",
            "--checks", "not_a_server_error,status_code_conformance,content_type_conformance,"
            "response_schema_conformance", "--seed", "1", "--no-color",
        ],
        check=False, capture_output=True, text=True, cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-4000:]
