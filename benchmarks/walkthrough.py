"""A stranger's walk, command by command, from a table of faces to a Space, written down as it went.

    python benchmarks/walkthrough.py --shared ../shared --output docs/walkthrough.md

The commands are those of README and docs. Without ``--shared`` the faces are drawn: patches whose brightness
tells the age and whose colour the gender. A stand-in for Kaggle, from the tests, is on this machine.
"""

from __future__ import annotations

import argparse
import csv
import os
import re
import signal
import subprocess
import sys
import tarfile
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image

CHECKOUT = Path(__file__).resolve().parents[1]

#: Faces in the stranger's table, and in each part of the competition.
FACES, COMPETITION = 280, 60

#: Lines of an answer that are shown at its head and at its end, where it is longer than both.
ENDS = (12, 12)

PORT = 7871

#: A picture, its age, and its gender: 0 male, 1 female.
Labelled = tuple[Image.Image, int, int]


@dataclass
class Walk:
    """The folder in which the commands are typed, and the page that grows with them."""

    folder: Path
    environment: dict[str, str]
    lines: list[str] = field(default_factory=list)

    def say(self, text: str) -> None:
        """A paragraph, or a heading."""
        self.lines += [text, ""]

    def run(
        self, command: str, *, stop_at: str = "", codes: Sequence[int] = (0,), ends: tuple[int, int] = ENDS
    ) -> None:
        """Type a command that ends with one of ``codes``; Ctrl-C when a line begins with ``stop_at``."""
        print(f"$ {command}", flush=True)
        begun = time.monotonic()
        process = subprocess.Popen(
            ["bash", "-c", command],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        assert process.stdout is not None
        said: list[str] = []
        for line in process.stdout:
            said.append(line.rstrip())
            if stop_at and line.startswith(stop_at):
                os.killpg(process.pid, signal.SIGINT)
                said.append("^C")
        ended = process.wait()
        print(f"  {ended} after {time.monotonic() - begun:.1f} s", flush=True)
        if ended not in codes:
            raise SystemExit("\n".join([f"{command!r} ended with {ended}:", *said]))
        self.lines += ["```console", f"$ {command}", *_shown(said, self.folder, ends), "```", ""]

    @contextmanager
    def running(self, command: str, address: str) -> Iterator[None]:
        """Have a command run in the background until the block ends; the block begins when it answers."""
        print(f"$ {command} &", flush=True)
        options = {"cwd": self.folder, "env": self.environment, "start_new_session": True}
        quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}
        process = subprocess.Popen(["bash", "-c", command], **options, **quiet)  # type: ignore[call-overload]
        try:
            for _ in range(240):
                if process.poll() is not None:
                    raise SystemExit(f"{command!r} has ended: {process.stderr.read().decode()}")
                with_answer = _answers(address)
                if with_answer:
                    break
                time.sleep(0.5)
            else:
                raise SystemExit(f"{address} does not answer")
            self.lines += ["```console", f"$ {command} &", "```", ""]
            yield
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(30)


def _answers(address: str) -> bool:
    try:
        urllib.request.urlopen(address, timeout=2).close()
    except OSError:
        return False
    return True


def _shown(said: Sequence[str], folder: Path, ends: tuple[int, int]) -> list[str]:
    """An answer as it is printed, its middle left out where it is long; folders of this machine by a name."""
    lines = [line.replace(str(folder), "~/walk").replace(str(CHECKOUT), "~/agelens") for line in said]
    lines = [re.sub(r"/tmp/\S*?(?=/)", "/tmp/…", line) for line in lines]
    lines = [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in lines]  # colours
    left_out = len(lines) - sum(ends)
    return [*lines[: ends[0]], f"[… {left_out} lines …]", *lines[-ends[1] :]] if left_out > 1 else lines


def faces_of_utkface(archive: Path, count: int, rng: np.random.Generator) -> list[Labelled]:
    """Faces of UTKFace, drawn at random, with their age and gender (0 male), which their names tell."""
    with tarfile.open(archive) as tar:
        members = [member for member in tar.getmembers() if member.isfile()]
        chosen = [members[place] for place in rng.permutation(len(members))[:count]]
        found = []
        for member in chosen:
            age, gender = map(int, Path(member.name).name.split("_")[:2])
            file = tar.extractfile(member)
            assert file is not None
            found.append((Image.open(file).convert("RGB"), age, gender))
    return found


def drawn_faces(count: int, rng: np.random.Generator) -> list[Labelled]:
    """Patches of which brightness tells the age and colour the gender, under some noise."""
    found = []
    for number in range(count):
        age, gender = int(rng.integers(1, 90)), number % 2
        level = 30 + 2.2 * age
        colour = (level, level * 0.7, level * 0.4) if gender == 0 else (level * 0.4, level * 0.7, level)
        rows = np.clip(np.array(colour) + rng.normal(0, 14, (120, 120, 3)), 0, 255).astype(np.uint8)
        found.append((Image.fromarray(rows), age, gender))
    return found


def lay_out(folder: Path, faces: Sequence[Labelled]) -> None:
    """A stranger's table and pictures, and a competition's folder as Kaggle has it."""
    (folder / "photos").mkdir()
    rows: list[tuple[object, ...]] = []
    for number, (image, age, gender) in enumerate(faces[:FACES]):
        image.save(folder / "photos" / f"{number:04d}.jpg", quality=95)
        rows.append((f"{number:04d}.jpg", age, gender))
    _write(folder / "faces.csv", ("file", "real_age", "sex"), rows)
    data = folder / "face_dataset"
    for part, start in (("train", FACES), ("test", FACES + COMPETITION)):
        (data / part).mkdir(parents=True)
        rows = []
        for number, (image, age, gender) in enumerate(faces[start : start + COMPETITION]):
            image.save(data / part / f"{number}.jpg", quality=95)
            rows.append((number, f"{part}/{number}.jpg", age, gender))
        if part == "train":
            _write(data / "train.csv", ("id", "full_path", "age", "gender"), rows)
        else:
            _write(data / "test.csv", ("id", "full_path"), [row[:2] for row in rows])
            _write(data / "sample_submission.csv", ("id", "age", "gender"), [(row[0], 0, 0) for row in rows])


def _write(path: Path, header: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    with path.open("w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([header, *rows])


def walk_data(walk: Walk) -> None:
    """From a table of one's own to a pack."""
    walk.say("## Faces of your own")
    walk.say("A table names each picture, and has columns of its own; a gender is a code there.")
    walk.run("head -3 faces.csv")
    walk.run(
        "agelens data import folder faces.csv --output work/faces.csv --images photos --column image=file "
        "--column age=real_age --column gender=sex --gender-code 0=male,1=female"
    )
    walk.run("agelens data split work/faces.csv --ratio train=0.5,val=0.25,test=0.25")
    walk.say("The audit ends with 1 where it has found something to look at.")
    walk.run("agelens data audit work/faces.csv", codes=(0, 1))
    walk.run("agelens data pack work/faces.csv --size 88 --output work/pack")


def walk_training(walk: Walk) -> None:
    """A run that is interrupted, resumed, exported elsewhere; and the shipped model, trained on."""
    walk.say("## A network of your own")
    walk.run("agelens recipes")
    walk.say(
        "A tiny network, so that the walk is short. Ctrl-C is pressed at its second line; a kill would leave "
        "as much.\nThe resumed run goes on after the last epoch that was saved whole."
    )
    settings = "--set 'network.widths=[16, 32, 64]' --set 'network.depths=[1, 1, 1]' --set size=64"
    walk.run(
        "agelens train --recipe embedded-labels --manifest work/pack --output runs/mine "
        f"{settings} --set batch_size=32 --set epochs=5 --accelerator cpu",
        stop_at="agelens: epoch 2/",
        codes=(130,),
    )
    walk.run("agelens train --manifest work/pack --output runs/mine --resume --accelerator cpu")
    walk.run("ls runs/mine")
    walk.say("## On another machine")
    walk.say("The run's folder alone is taken there; neither the faces nor their tables are.")
    walk.run("mkdir -p elsewhere away && mv runs/mine elsewhere && mv photos work away")
    walk.run("agelens export elsewhere/mine --output mine-bundle --licence 'my own faces'")
    walk.run("mv away/photos away/work . && agelens models show mine-bundle")
    walk.say("## The shipped model, trained on")
    walk.run(
        "agelens train --recipe embedded-labels --start-from embedded --manifest work/pack "
        "--output runs/tuned --set size=88 --set batch_size=32 --set epochs=2 --set optim.lr=3e-4 "
        "--accelerator cpu"
    )
    walk.run("agelens export runs/tuned --output bundle --licence 'non-commercial research only'")


def walk_measuring(walk: Walk) -> None:
    """Measured, calibrated and reported."""
    walk.say("## How good is it?")
    walk.run("agelens evaluate --model bundle --manifest work/faces.csv --split test")
    walk.run("agelens calibrate --model bundle --manifest work/faces.csv --split val")
    walk.run("agelens evaluate --model bundle --manifest work/faces.csv --split test --write --report report")
    walk.run("agelens predict photos/0000.jpg photos/0001.jpg --model bundle --detector whole")


def walk_publishing(walk: Walk) -> None:
    """Submitted, published on a stand-in for Kaggle, its Space served, its notebook executed."""
    walk.say("## A submission")
    walk.run(
        "agelens submit --model bundle --data face_dataset --output submission.csv "
        "--gender-code 0=male,1=female"
    )
    walk.run("head -3 submission.csv")
    walk.say(
        "The address is a model of one's own on Kaggle; here a stand-in on this machine takes it, "
        "with which\nKaggle's client prints what it sends."
    )
    walk.run("agelens push bundle kaggle://me/agelens/onnx/mine", ends=(1, 4))
    walk.say("## The demo, as a Space")
    walk.run("agelens space my-space --model bundle && ls my-space && cat my-space/requirements.txt")
    address = f"http://127.0.0.1:{PORT}/"
    with walk.running(f"cd my-space && GRADIO_SERVER_PORT={PORT} python app.py", address):
        asked = "predict(handle_file('photo.jpg'), api_name='/predict')"
        call = f"Client('{address}', verbose=False).{asked}"
        walk.run(f'python -c "from gradio_client import Client, handle_file; print({call}[3])"')
    walk.say("## The notebook")
    walk.say(
        "It names the wheel that is to be attached to it; the Space has one. `AGELENS_DATA` names the "
        "competition's\nfolder, which Kaggle mounts for itself."
    )
    walk.run(
        "agelens submit --notebook submission.ipynb --model kaggle://me/agelens/onnx/mine/1 "
        "--gender-code 0=male,1=female --package my-space/agelens-*.whl"
    )
    execute = "nbclient.NotebookClient(nbformat.read('submission.ipynb', 4), kernel_name='python3').execute()"
    walk.run(
        "mv submission.csv by-command.csv && AGELENS_DATA=face_dataset python -c "
        f'"import nbclient, nbformat; {execute}" '
        "&& cmp submission.csv by-command.csv && echo 'the notebook has written the same'"
    )


def main() -> None:
    """Read the command line, walk, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--shared", type=Path, help="folder with data/utkface/val.tar, for real faces")
    parser.add_argument("--output", type=Path, required=True, help="the page to write")
    given = parser.parse_args()
    sys.path.insert(0, str(CHECKOUT / "tests"))
    from servers.kaggle import kaggle_server  # type: ignore[import-not-found]

    rng = np.random.default_rng(0)
    count = FACES + 2 * COMPETITION
    if given.shared:
        faces = faces_of_utkface(given.shared / "data" / "utkface" / "val.tar", count, rng)
        told = f"{count} of UTKFace's `val`, drawn at random"
    else:
        faces, told = drawn_faces(count, rng), f"{count} drawn patches, no faces"
    with tempfile.TemporaryDirectory(prefix="agelens-walk-") as temporary, kaggle_server() as kaggle:
        folder = Path(temporary) / "walk"
        folder.mkdir()
        (folder / "models").symlink_to(CHECKOUT / "models")  # the walk is through a clone
        lay_out(folder, faces)
        (folder / "photo.jpg").symlink_to(CHECKOUT / "examples" / "astronaut.jpg")
        environment = {
            **os.environ,
            "HOME": temporary,
            "COLUMNS": "110",
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
            "TRACKIO_DIR": f"{temporary}/trackio",
            "KAGGLE_API_ENVIRONMENT": "TEST",
            "KAGGLE_API_TOKEN": kaggle.state.token,
            "KAGGLEHUB_CACHE": f"{temporary}/kagglehub",
        }
        walk = Walk(folder, environment)
        walk.say("# A walk through it all")
        walk.say(
            "Every command of a practitioner, in order, with what it prints.\n"
            "`benchmarks/walkthrough.py` types them and writes this page; a test runs it on drawn patches.\n"
            "Long answers are cut where it says so, and `~/walk` stands for the folder, which is a clone's.\n"
            f"The faces here: {told}. So few say nothing of how good a model is."
        )
        for part in (walk_data, walk_training, walk_measuring, walk_publishing):
            part(walk)
    given.output.write_text("\n".join(walk.lines).rstrip() + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
