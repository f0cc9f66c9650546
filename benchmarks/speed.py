"""One run, one table: how fast the networks are, beside what a plain matrix product and a peer reach here.

    python benchmarks/speed.py [--models embedded,PATH] [--faces work/utkcal112] [--face-api FOLDER]

Each row is a process of its own: milliseconds a face (p50, p95), faces a second, memory. ``product`` is a
512 × 512 × 512 float32 matrix product, 134 million multiply-adds, on as many threads: a yardstick that moves
with the machine. ``ratio`` is a face's time over the product's; ``reached`` how many multiply-adds a second a
network does, as a share of what the product does. ``--faces`` adds int8 (static, calibrated on 200 training
faces) with what it costs in MAE on ``val``. OpenVINO is measured where it is installed; face-api.js where
FOLDER holds it (``npm install @vladmandic/face-api @tensorflow/tfjs @tensorflow/tfjs-backend-wasm``).
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from agelens.inference.runtimes import RuntimeName

REPEATS = 200
PHOTO = Path(__file__).parents[1] / "examples" / "astronaut.jpg"
PEER = Path(__file__).with_name("face_api.cjs")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", default="embedded")
    parser.add_argument("--faces", type=Path)
    parser.add_argument("--face-api", type=Path)
    parser.add_argument("--row", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.row:
        print(json.dumps(measure(**json.loads(options.row))))
        return
    with tempfile.TemporaryDirectory() as folder:
        rows = [row for threads in (1, 2) for row in of_threads(options, threads, Path(folder))]
    head = f"{'network':<34} {'threads':>7} {'batch':>5} {'p50 ms':>8} {'p95 ms':>8} {'faces/s':>8}"
    print(f"\n{head} {'MiB':>6} ratio reached")
    for row in rows:
        print(
            f"{row['name']:<34} {row['threads']:>7} {row['batch']:>5} {row['p50']:>8.2f} {row['p95']:>8.2f} "
            f"{1000 / row['p50']:>8.0f} {row['memory']:>6.0f} {row['ratio']:>5.2f} "
            + (f"{row['reached']:>7.0%}" if row["reached"] else "")
        )
    print(f"\ncold start of 'agelens predict {PHOTO.name}': {cold_start():.2f} s, the best of five")


def of_threads(options: argparse.Namespace, threads: int, folder: Path) -> list[dict[str, Any]]:
    """All rows of so many threads, printed as they come."""
    product = row_of(name="product", kind="product", threads=threads)["p50"]
    wanted: list[dict[str, Any]] = []
    for model in options.models.split(","):
        kinds = ["onnxruntime"] + (["openvino"] if importlib.util.find_spec("openvino") else [])
        wanted += [{"kind": kind, "model": model, "batch": batch} for kind in kinds for batch in (1, 32)]
    if options.faces:
        path, cost = quantised(options.models.split(",")[0], options.faces, folder)
        note = f"int8 ({cost:+.2f} MAE)"
        wanted += [{"kind": "onnxruntime", "model": path, "batch": b, "note": note} for b in (1, 32)]
    if options.face_api and shutil.which("node") and threads == 1:
        wanted += [{"kind": "face-api", "model": str(options.face_api), "batch": batch} for batch in (1, 32)]
    rows = []
    for one in wanted:
        note = one.pop("note", "")
        row = row_of(name=note, threads=threads, **one)
        row["ratio"] = row["p50"] / product
        row["reached"] = row["work"] / 512**3 / row["ratio"] if row["work"] else 0
        rows.append(row)
        print(f"{row['name']}, {threads} threads, batch {row['batch']}: {row['p50']:.2f} ms", file=sys.stderr)
    return rows


def row_of(**asked: Any) -> dict[str, Any]:
    """One measurement in a fresh process, whose libraries see the thread count from the start."""
    count = str(asked["threads"])
    environment = {**os.environ, "OMP_NUM_THREADS": count, "OPENBLAS_NUM_THREADS": count}
    command = [sys.executable, __file__, "--row", json.dumps(asked)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    return json.loads(done.stdout.splitlines()[-1])


def measure(kind: Any, threads: int, name: str = "", model: str = "", batch: int = 1) -> dict[str, Any]:
    """Milliseconds a face, MiB, and multiply-adds a face."""
    import numpy as np

    rng = np.random.default_rng(0)
    work = 0.0
    if kind == "product":
        one, other = rng.normal(size=(2, 512, 512)).astype(np.float32)
        taken = timed(lambda: one @ other)
    elif kind == "face-api":
        done = subprocess.run(
            ["node", str(PEER), model, str(batch), str(REPEATS // (4 if batch > 1 else 1))],
            check=True, capture_output=True, text=True,
        )  # fmt: skip
        answer = json.loads(done.stdout.splitlines()[-1])
        name, taken = "face-api.js, wasm", answer["taken"]
        memory = answer["memory"]
    else:
        path, size, title = network_of(model)
        name = f"{title} {name}".strip() + ("" if kind == "onnxruntime" else ", OpenVINO")
        faces = rng.normal(size=(batch, 3, size, size)).astype(np.float32)
        taken = timed(runner(kind, path, threads, faces), REPEATS if batch == 1 else REPEATS // 4)
        work = multiply_adds(path, size)
    if kind != "face-api":
        status = Path("/proc/self/status").read_text().splitlines()
        memory = next(int(line.split()[1]) / 1024 for line in status if line.startswith("VmHWM"))
    p50, p95 = (float(np.percentile(taken, share)) / batch for share in (50, 95))
    asked = {"name": name, "threads": threads, "batch": batch}
    return asked | {"p50": p50, "p95": p95, "memory": memory, "work": work}


def network_of(model: str) -> tuple[Path, int, str]:
    """The ONNX file of a bundle or a bare file beside one, its input size and name."""
    from agelens.models.catalogue import resolve

    if model.endswith(".onnx"):
        about = json.loads(Path(model).with_suffix(".json").read_text())
        return Path(model), about["size"], about["name"]
    bundle = resolve(model)
    return bundle.model, bundle.spec.input.size, bundle.spec.name


def runner(kind: RuntimeName, path: Path, threads: int, faces: Any) -> Any:
    """A call that runs the network once."""
    from agelens.inference.runtimes import load_network

    network = load_network(path, kind, threads)
    return lambda: network(faces)


def timed(call: Any, repeats: int = REPEATS) -> list[float]:
    """Milliseconds of each call, after a warm-up."""
    for _ in range(10):
        call()
    taken = []
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        taken.append((time.perf_counter() - start) * 1e3)
    return taken


def multiply_adds(path: Path, size: int) -> float:
    """Of the convolutions and matrix products, a face."""
    import onnx

    model = onnx.load(path)
    dimension = model.graph.input[0].type.tensor_type.shape.dim
    for place, value in enumerate((1, 3, size, size)):
        dimension[place].dim_value = value
    graph = onnx.shape_inference.infer_shapes(model).graph
    shapes = {
        value.name: [d.dim_value for d in value.type.tensor_type.shape.dim] for value in graph.value_info
    }
    shapes |= {value.name: [d.dim_value for d in value.type.tensor_type.shape.dim] for value in graph.output}
    weights = {value.name: list(value.dims) for value in graph.initializer}
    total = 0.0
    for node in graph.node:
        if node.op_type == "Conv" and node.output[0] in shapes and node.input[1] in weights:
            _, inputs, height, width = weights[node.input[1]]
            _, outputs, rows, columns = shapes[node.output[0]]
            total += max(outputs, 1) * rows * columns * inputs * height * width
        elif node.op_type in ("Gemm", "MatMul") and node.input[1] in weights:
            total += float(weights[node.input[1]][0] * weights[node.input[1]][1])
    return total


def quantised(model: str, faces: Path, folder: Path) -> tuple[str, float]:
    """An int8 copy (static, weights by channel), and by how much its MAE on ``val`` is higher."""
    path = folder / "int8.onnx"
    if path.exists():
        return str(path), float(json.loads(path.with_suffix(".json").read_text())["cost"])
    import numpy as np
    import onnxruntime as ort
    from onnxruntime.quantization import CalibrationDataReader, quant_pre_process, quantize_static

    from agelens import ages
    from agelens.data.pack import Pack
    from agelens.faces.images import resize_to_square
    from agelens.models.catalogue import resolve

    bundle, pack = resolve(model), Pack(faces)
    size, spec = bundle.spec.input.size, bundle.spec.input

    def inputs(rows: list[int]) -> Any:
        squares = np.stack([resize_to_square(pack[row], size) for row in rows])
        normal = (squares.astype(np.float32) / 255 - spec.mean) / spec.std
        return np.ascontiguousarray(normal.transpose(0, 3, 1, 2), dtype=np.float32)

    class Reader(CalibrationDataReader):  # type: ignore[misc]
        def __init__(self) -> None:
            train = [row for row, sample in enumerate(pack.samples) if sample.split == "train"][::70][:200]
            self._batches = iter([{"images": inputs(train[n : n + 20])} for n in range(0, len(train), 20)])

        def get_next(self) -> Any:
            return next(self._batches, None)

    quant_pre_process(str(bundle.model), str(folder / "prepared.onnx"))
    quantize_static(str(folder / "prepared.onnx"), str(path), Reader(), per_channel=True)
    val = [row for row, s in enumerate(pack.samples) if s.split == "val" and s.age is not None]
    true = np.array([pack.samples[row].age for row in val], dtype=float)
    errors = []
    for file in (bundle.model, path):
        session = ort.InferenceSession(str(file), providers=["CPUExecutionProvider"])
        logits = np.concatenate(
            [session.run(None, {"images": inputs(val[n : n + 64])})[0] for n in range(0, len(val), 64)]
        )
        answer = ages.expectation(ages.softmax(logits, bundle.spec.calibration.age_temperature))
        errors.append(float(np.abs(answer - true).mean()))
    about = {"size": size, "name": bundle.spec.name, "cost": errors[1] - errors[0]}
    path.with_suffix(".json").write_text(json.dumps(about))
    return str(path), errors[1] - errors[0]


def cold_start() -> float:
    """Seconds of a whole process, from nothing to the printed table."""
    taken = []
    for _ in range(5):
        start = time.perf_counter()
        subprocess.run(
            [sys.executable, "-m", "agelens", "predict", str(PHOTO)], check=True, capture_output=True
        )
        taken.append(time.perf_counter() - start)
    return min(taken)


if __name__ == "__main__":
    main()
