// A bundle in the browser: faces found, aligned, read, as agelens.Predictor does it.

import * as ort from "onnxruntime-web/wasm";
import { type ConformalTable, expectation, interval, softmax } from "./ages";
import { type Detection, YuNet } from "./detect";
import { type Matrix, type Picture, resize, warp } from "./picture";

export interface Face {
  box: [number, number, number, number];
  detection: number;
  age: number;
  interval: [number, number];
  gender: "male" | "female";
  genderProbability: number;
  probabilities: Float64Array; // (101,)
}

interface Bundle {
  name: string;
  licence: string;
  input: { size: number; mean: number[]; std: number[] };
  crop: { landmarks: [number, number][] };
  genders: ("male" | "female")[];
  calibration: {
    age_temperature: number;
    gender_temperature: number;
    age_offsets?: number[]; // (101,) nats
    age_intervals: ConformalTable | null;
  };
}

export class Reader {
  private constructor(
    readonly bundle: Bundle,
    private readonly session: ort.InferenceSession,
    private readonly detector: YuNet,
  ) {}

  /** Loads the bundle and the detector from a folder beside the page. */
  static async load(models: string): Promise<Reader> {
    ort.env.wasm.numThreads = 1; // more need headers that static hosts seldom send
    const bundle: Bundle = await (await fetch(`${models}bundle.json`)).json();
    const session = await ort.InferenceSession.create(`${models}model.onnx`);
    return new Reader(bundle, session, await YuNet.load(`${models}yunet.onnx`));
  }

  /** Every face of a picture, the largest first; found on a copy of at most `side` pixels. */
  async read(picture: Picture, side?: number): Promise<Face[]> {
    const faces: Face[] = [];
    for (const found of await this.detector.detect(picture, side)) {
      const { size } = this.bundle.input;
      const goal = this.bundle.crop.landmarks.map(([x, y]): [number, number] => [x * size, y * size]);
      faces.push(await this.face(warp(picture, similarity(found.landmarks, goal), size), found));
    }
    return faces;
  }

  /** The whole picture as one aligned face. */
  async readChip(picture: Picture): Promise<Face> {
    const { size } = this.bundle.input;
    const whole: Detection = { box: [0, 0, picture.width, picture.height], score: 1, landmarks: [] };
    return this.face(resize(picture, size, size), whole);
  }

  private async face(crop: Picture, found: Detection): Promise<Face> {
    const { input, calibration, genders } = this.bundle;
    const plane = input.size * input.size;
    const values = new Float32Array(3 * plane);
    for (let pixel = 0; pixel < plane; pixel++) {
      for (let channel = 0; channel < 3; channel++) {
        values[channel * plane + pixel] =
          (crop.data[pixel * 3 + channel] / 255 - input.mean[channel]) / input.std[channel];
      }
    }
    const images = new ort.Tensor("float32", values, [1, 3, input.size, input.size]);
    const answer = await this.session.run({ images });
    const age = softmax(
      answer.age_logits.data as Float32Array,
      calibration.age_temperature,
      calibration.age_offsets,
    );
    const gender = softmax(answer.gender_logits.data as Float32Array, calibration.gender_temperature);
    const likelier = gender[0] >= gender[1] ? 0 : 1;
    return {
      box: found.box,
      detection: found.score,
      age: expectation(age),
      interval: interval(age, 0.9, calibration.age_intervals),
      gender: genders[likelier],
      genderProbability: gender[likelier],
      probabilities: age,
    };
  }
}

/** The rotation, scale and shift that move points nearest to their goals (least squares, Umeyama 1991). */
function similarity(source: [number, number][], goal: [number, number][]): Matrix {
  const mean = (points: [number, number][], axis: 0 | 1) =>
    points.reduce((sum, point) => sum + point[axis], 0) / points.length;
  const [sx, sy, gx, gy] = [mean(source, 0), mean(source, 1), mean(goal, 0), mean(goal, 1)];
  let along = 0;
  let across = 0;
  let spread = 0;
  source.forEach(([px, py], index) => {
    const [x, y, u, v] = [px - sx, py - sy, goal[index][0] - gx, goal[index][1] - gy];
    along += x * u + y * v;
    across += x * v - y * u;
    spread += x * x + y * y;
  });
  const a = along / Math.max(spread, 1e-12);
  const b = across / Math.max(spread, 1e-12);
  return [a, -b, gx - a * sx + b * sy, b, a, gy - b * sx - a * sy];
}
