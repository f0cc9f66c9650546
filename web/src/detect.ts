// YuNet (Wu et al. 2023) as OpenCV's FaceDetectorYN runs it: three strides, a box and five landmarks each.

import * as ort from "onnxruntime-web/wasm";
import { draw, type Picture } from "./picture";

export interface Detection {
  box: [number, number, number, number]; // x0, y0, x1, y1, pixels
  score: number;
  landmarks: [number, number][]; // right eye, left eye, nose, right and left corner of the mouth
}

const STRIDES = [8, 16, 32];
const THRESHOLD = 0.7;
const OVERLAP = 0.3;
/** Share of the longer side added around the picture, so that faces cut by its edge are found. */
const BORDER = 0.125;

export class YuNet {
  private constructor(private readonly session: ort.InferenceSession) {}

  static async load(address: string): Promise<YuNet> {
    return new YuNet(await ort.InferenceSession.create(address));
  }

  /** Faces of a picture, the largest first, looked for on a copy of at most `side` pixels. */
  async detect(picture: Picture, side = 1024): Promise<Detection[]> {
    const longer = Math.max(picture.width, picture.height);
    const scale = Math.min(1, side / longer);
    const border = Math.round(BORDER * longer * scale);
    const view = scale < 1 ? reduced(picture, scale) : picture;
    const width = pad(view.width + 2 * border);
    const height = pad(view.height + 2 * border);
    const input = new Float32Array(3 * width * height);
    for (let y = 0; y < view.height; y++) {
      for (let x = 0; x < view.width; x++) {
        const from = (y * view.width + x) * 3;
        const to = (y + border) * width + x + border;
        input[to] = view.data[from + 2]; // blue first
        input[width * height + to] = view.data[from + 1];
        input[2 * width * height + to] = view.data[from];
      }
    }
    const answer = await this.session.run({ input: new ort.Tensor("float32", input, [1, 3, height, width]) });
    const back = (value: number) => (value - border) / scale;
    const found: Detection[] = [];
    for (const stride of STRIDES) {
      const values = (name: string) => answer[`${name}_${stride}`].data as Float32Array;
      const [cls, obj, bbox, kps] = ["cls", "obj", "bbox", "kps"].map(values);
      const columns = width / stride;
      for (let index = 0; index < cls.length; index++) {
        const score = Math.sqrt(unit(cls[index]) * unit(obj[index]));
        if (score < THRESHOLD) continue;
        const column = index % columns;
        const row = Math.floor(index / columns);
        const x = (column + bbox[index * 4]) * stride;
        const y = (row + bbox[index * 4 + 1]) * stride;
        const w = Math.exp(bbox[index * 4 + 2]) * stride;
        const h = Math.exp(bbox[index * 4 + 3]) * stride;
        const landmarks = [0, 1, 2, 3, 4].map((point): [number, number] => [
          back((kps[index * 10 + 2 * point] + column) * stride),
          back((kps[index * 10 + 2 * point + 1] + row) * stride),
        ]);
        const box: Detection["box"] = [back(x - w / 2), back(y - h / 2), back(x + w / 2), back(y + h / 2)];
        found.push({ box, score, landmarks });
      }
    }
    return suppressed(found)
      .filter(({ box: [x0, y0, x1, y1] }) => {
        const [x, y] = [(x0 + x1) / 2, (y0 + y1) / 2];
        return x >= 0 && x < picture.width && y >= 0 && y < picture.height;
      })
      .sort((one, other) => area(other.box) - area(one.box));
  }
}

function reduced(picture: Picture, scale: number): Picture {
  const rgba = new Uint8ClampedArray(picture.width * picture.height * 4).fill(255);
  for (let from = 0, to = 0; from < picture.data.length; from += 3, to += 4) {
    rgba[to] = picture.data[from];
    rgba[to + 1] = picture.data[from + 1];
    rgba[to + 2] = picture.data[from + 2];
  }
  const canvas = new OffscreenCanvas(picture.width, picture.height);
  canvas.getContext("2d")!.putImageData(new ImageData(rgba, picture.width, picture.height), 0, 0);
  return draw(canvas, Math.round(picture.width * scale), Math.round(picture.height * scale));
}

function suppressed(found: Detection[]): Detection[] {
  const kept: Detection[] = [];
  for (const one of found.sort((a, b) => b.score - a.score)) {
    if (kept.every((other) => overlap(one.box, other.box) <= OVERLAP)) kept.push(one);
  }
  return kept;
}

function overlap(a: Detection["box"], b: Detection["box"]): number {
  const width = Math.max(0, Math.min(a[2], b[2]) - Math.max(a[0], b[0]));
  const height = Math.max(0, Math.min(a[3], b[3]) - Math.max(a[1], b[1]));
  return (width * height) / (area(a) + area(b) - width * height);
}

function area([x0, y0, x1, y1]: Detection["box"]): number {
  return (x1 - x0) * (y1 - y0);
}

function unit(value: number): number {
  return Math.min(1, Math.max(0, value));
}

function pad(side: number): number {
  return Math.ceil(side / 32) * 32;
}
