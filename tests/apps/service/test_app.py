from __future__ import annotations

import concurrent.futures
import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import httpx
import pytest

from agelens.inference.options import AnswerOptions
from servers.service import Server, stop


def post(server: Server, *paths: Path, **params: object) -> httpx.Response:
    files = [("images", (path.name, path.read_bytes(), "image/jpeg")) for path in paths]
    return httpx.post(f"{server.url}/v1/predict", files=files, params=params, timeout=30)


def problem(response: httpx.Response, status: int) -> str:
    """The problem's sentence, once it is one as RFC 9457 has it."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    body = response.json()
    assert body.keys() == {"type", "title", "status", "detail"}
    assert body["status"] == status
    return body["detail"]


def test_answers_are_the_command_lines(server: Server, astronaut: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "agelens", "predict", str(astronaut), "--detector", "haar"]
    done = subprocess.run(
        [*command, "--format", "json", "--at-least", "18", "--level", "0.8"],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    (expected,) = json.loads(done.stdout)
    (answer,) = post(server, astronaut, at_least=18, level=0.8).json()
    assert answer == expected | {"image": astronaut.name}
    raw = httpx.post(
        f"{server.url}/v1/predict?at_least=18&level=0.8",
        content=astronaut.read_bytes(),
        headers={"content-type": "image/png"},
    )
    assert raw.json() == [answer | {"image": "(in memory)"}]


def test_one_bad_image_among_many_is_named_and_the_others_are_answered(
    server: Server, astronaut: Path, tmp_path: Path
) -> None:
    bad = tmp_path / "bad.jpg"
    bad.write_bytes(b"nonsense")
    good, wrong = post(server, astronaut, bad).json()
    assert good["error"] is None
    assert len(good["faces"]) == 1
    assert wrong["error"].startswith("bad.jpg: is not an image")
    assert wrong["faces"] == []
    assert problem(post(server, bad), 422).startswith("bad.jpg: is not an image")


def test_a_client_may_ask_for_leniency(server: Server, astronaut: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut.jpg"
    cut.write_bytes(astronaut.read_bytes()[: int(0.9 * astronaut.stat().st_size)])
    assert "the option 'lenient'" in problem(post(server, cut), 422)
    (answer,) = post(server, cut, lenient="true").json()
    assert (answer["frames"], len(answer["faces"])) == (1, 1)


def test_refusals_are_sentences(server: Server, astronaut: Path) -> None:
    url = f"{server.url}/v1/predict"
    assert "level" in problem(post(server, astronaut, level=2), 422)
    assert "multipart/form-data" in problem(
        httpx.post(url, content=b"x", headers={"content-type": "a/b"}), 415
    )
    assert "empty" in problem(httpx.post(url, content=b"", headers={"content-type": "image/png"}), 400)
    assert "no file" in problem(httpx.post(url, files={"note": (None, "text")}), 400)
    assert "other methods" in problem(httpx.get(url), 405)
    assert "nothing" in problem(httpx.get(f"{server.url}/nowhere"), 404)


def test_it_describes_and_measures_itself(server: Server, astronaut: Path) -> None:
    post(server, astronaut)
    assert httpx.get(f"{server.url}/healthz").json() == {"status": "ok"}
    assert httpx.get(f"{server.url}/v1/model").json()["licence"].startswith("non-commercial research")
    operation = httpx.get(f"{server.url}/openapi.json").json()["paths"]["/v1/predict"]["post"]
    assert set(operation["requestBody"]["content"]) >= {"multipart/form-data", "image/*"}
    assert {"200", "413", "422", "503"} <= operation["responses"].keys()
    figures = httpx.get(f"{server.url}/metrics").text
    assert 'agelens_requests_total{path="/v1/predict",status="200"}' in figures
    assert "agelens_request_seconds_bucket" in figures
    assert "agelens_pending_images 0.0" in figures


def test_limits_are_kept(serving: Callable[..., Server], astronaut: Path) -> None:
    server = serving("--max-mb", "0.5", "--max-megapixels", "0.2", "--max-images", "2")
    assert "over the limit of 0 million" in problem(post(server, astronaut), 422)
    big = b"\xff\xd8" + bytes(2**20)
    refused = httpx.post(f"{server.url}/v1/predict", content=big, headers={"content-type": "image/jpeg"})
    assert "over 0.5 MiB" in problem(refused, 413)

    def in_chunks():
        yield from (bytes(2**18) for _ in range(8))

    refused = httpx.post(
        f"{server.url}/v1/predict", content=in_chunks(), headers={"content-type": "image/jpeg"}
    )
    assert "over 0.5 MiB" in problem(refused, 413)
    small = [("images", (f"{n}.jpg", b"x", "image/jpeg")) for n in range(3)]
    assert "Too many files" in problem(httpx.post(f"{server.url}/v1/predict", files=small), 400)


def test_keys_are_asked_for_where_set(serving: Callable[..., Server], astronaut: Path) -> None:
    server = serving(keys="first, second")
    for headers in (
        {},
        {"Authorization": "Bearer third"},
        {"Authorization": "Basic first"},
        {"X-API-Key": ""},
        {"X-API-Key": "thirdé".encode()},
    ):
        response = httpx.get(f"{server.url}/v1/model", headers=headers)
        assert "Authorization: Bearer" in problem(response, 401)
        assert response.headers["www-authenticate"] == "Bearer"
    for headers in ({"Authorization": "Bearer second"}, {"X-API-Key": "first"}):
        assert httpx.get(f"{server.url}/v1/model", headers=headers).status_code == 200
    assert httpx.get(f"{server.url}/healthz").status_code == 200
    description = httpx.get(f"{server.url}/openapi.json").json()
    schemes = description["components"]["securitySchemes"]  # what /docs shows its Authorize button for
    assert schemes["HTTPBearer"] == {"type": "http", "scheme": "bearer"}
    assert description["paths"]["/v1/predict"]["post"]["security"] == [
        {"HTTPBearer": []},
        {"APIKeyHeader": []},
    ]


def test_overload_is_refused_at_once_with_a_time_to_come_back(
    serving: Callable[..., Server], astronaut: Path
) -> None:
    server = serving("--queue", "2", "--threads", "1", "--batch-size", "1")
    statuses: list[int] = []
    retry: list[str] = []

    def client() -> None:
        with httpx.Client(timeout=30) as session:
            for _ in range(6):
                response = session.post(
                    f"{server.url}/v1/predict",
                    content=astronaut.read_bytes(),
                    headers={"content-type": "image/png"},
                )
                statuses.append(response.status_code)
                if response.status_code == 503:
                    retry.append(response.headers["retry-after"])

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        for future in [pool.submit(client) for _ in range(8)]:
            future.result()
    assert set(statuses) == {200, 503}
    assert all(int(seconds) >= 1 for seconds in retry)
    assert post(server, astronaut).status_code == 200  # it is itself again


def test_sigterm_answers_what_was_accepted_and_logs_no_faces(
    serving: Callable[..., Server], astronaut: Path
) -> None:
    server = serving("--threads", "1", "--batch-size", "1", "--deadline-seconds", "60")
    answers: list[httpx.Response] = []
    threads = [threading.Thread(target=lambda: answers.append(post(server, astronaut))) for _ in range(8)]
    for thread in threads:
        thread.start()
    while "agelens_pending_images 8" not in httpx.get(f"{server.url}/metrics").text and not answers:
        time.sleep(0.005)
    printed = stop(server)
    for thread in threads:
        thread.join()
    assert [answer.status_code for answer in answers] == [200] * 8
    assert server.process.returncode in (0, -15)
    lines = [json.loads(line) for line in printed.splitlines() if line.startswith("{")]
    requests = [line for line in lines if line["path"] == "/v1/predict"]
    assert len(requests) == 8
    assert requests[0].keys() == {"time", "method", "path", "status", "ms", "images", "pid"}
    assert astronaut.name not in printed


@pytest.mark.slow
def test_workers_share_their_figures(serving: Callable[..., Server], astronaut: Path) -> None:
    server = serving("--workers", "2", "--threads", "1")
    for _ in range(6):
        assert post(server, astronaut).status_code == 200
    figures = httpx.get(f"{server.url}/metrics").text
    assert 'agelens_requests_total{path="/v1/predict",status="200"} 6.0' in figures


def test_every_choice_of_an_answer_is_one_of_the_request(server: Server, astronaut: Path) -> None:
    (plain,), (refused,), (flipped,) = (
        answer["faces"]
        for params in ({}, {"min_quality": 1, "at_least": 18}, {"flip": True, "point": "median"})
        for answer in post(server, astronaut, **params).json()
    )
    assert refused["age"] is refused["gender"] is refused["at_least_probability"] is None
    assert refused["box"] == plain["box"]
    assert refused["refused"].startswith("quality")
    assert flipped["age"] != plain["age"]
    (operation,) = httpx.get(f"{server.url}/openapi.json").json()["paths"]["/v1/predict"].values()
    assert {one["name"] for one in operation["parameters"]} == {one.name for one in fields(AnswerOptions)}


def test_without_the_extra_one_sentence_says_what_to_install(tmp_path: Path) -> None:
    code = "import sys; sys.modules['fastapi'] = None; from agelens.cli.main import main; main()"
    done = subprocess.run([sys.executable, "-c", code, "serve"], check=False, capture_output=True, text=True)
    assert done.returncode == 2
    assert "pip install 'agelens[serve]'" in done.stderr
