// YuNet (Wu et al. 2023): a detector of 230 KB. It sees faces of about ten pixels and more that stand upright.

import * as ort from "onnxruntime-web/wasm";
import { type Detection, overlaps, type Point } from "./detection";
import type { Picture } from "./picture";

/** Pixels of the view that a cell of each of the network's grids stands for. */
const STRIDES = [8, 16, 32];

/** Of boxes with more intersection over union, the surest is kept. */
export const OVERLAP = 0.3;

export class YuNet {
  private constructor(private readonly session: ort.InferenceSession) {}

  static async load(address: string): Promise<YuNet> {
    // Views differ in size; a pattern of each would hold its memory.
    return new YuNet(await ort.InferenceSession.create(address, { enableMemPattern: false }));
  }

  /** The faces of this score or more in a picture, taken as it is; the surest first. */
  async look(view: Picture, threshold: number): Promise<Detection[]> {
    const input = tensor(view);
    const answer = await this.session.run({ input });
    const found: Detection[] = [];
    for (const stride of STRIDES) {
      const values = (part: string) => answer[`${part}_${stride}`].data as Float32Array;
      const [cls, obj, bbox, kps] = ["cls", "obj", "bbox", "kps"].map(values);
      const columns = input.dims[3] / stride;
      for (let cell = 0; cell < cls.length; cell++) {
        const score = Math.sqrt(unit(cls[cell]) * unit(obj[cell]));
        if (score < threshold) continue;
        const [column, row] = [cell % columns, Math.floor(cell / columns)];
        const at = (x: number, y: number): Point => [(column + x) * stride, (row + y) * stride];
        const [dx, dy, width, height] = bbox.subarray(cell * 4, cell * 4 + 4);
        const [x, y] = at(dx, dy);
        const [w, h] = [(Math.exp(width) * stride) / 2, (Math.exp(height) * stride) / 2];
        const points = kps.subarray(cell * 10, cell * 10 + 10);
        const landmarks = [0, 2, 4, 6, 8].map((first) => at(points[first], points[first + 1]));
        found.push({ box: [x - w, y - h, x + w, y + h], score, landmarks, turn: 0 });
      }
    }
    const kept: Detection[] = [];
    for (const one of found.sort((a, b) => b.score - a.score)) {
      if (!kept.some((other) => overlaps(one.box, other.box, OVERLAP))) kept.push(one);
    }
    return kept;
  }
}

/** A picture as the network takes it: blue first, 0..255, its sides filled up to multiples of 32. */
function tensor(view: Picture): ort.Tensor {
  const [width, height] = [filled(view.width), filled(view.height)];
  const plane = width * height;
  const values = new Float32Array(3 * plane);
  for (let y = 0, from = 0; y < view.height; y++) {
    for (let to = y * width; to < y * width + view.width; to++, from += 3) {
      values[to] = view.data[from + 2];
      values[plane + to] = view.data[from + 1];
      values[2 * plane + to] = view.data[from];
    }
  }
  return new ort.Tensor("float32", values, [1, 3, height, width]);
}

function filled(side: number): number {
  const last = STRIDES[STRIDES.length - 1];
  return Math.ceil(side / last) * last;
}

function unit(value: number): number {
  return Math.min(1, Math.max(0, value));
}
