// A bundle in the browser: faces found, aligned, read, as agelens.Predictor does it.

import * as ort from "onnxruntime-web/wasm";
import { expectation, interval, softmax } from "./ages";
import { type Bundle, has } from "./bundle";
import { type Box, centre, type Detection, moved, type Point, side } from "./detection";
import { type Matrix, type Photo, type Picture, resizeToSquare, warp } from "./picture";
import type { Gender } from "./figures";
import * as quality from "./quality";
import { Search, type SearchOptions, withOthers } from "./search";
import { YuNet } from "./yunet";

/** Pixels of the longer side that a JPEG has at least, and any photo at most, when it is first searched. */
const ENOUGH = 900;
const MAX_SIDE = 2048;

/** Pixels that a photo has at most when it is searched again, for faces that were too small in it. */
const FINEST = 4_000_000;

/** Share of the longer side; beside a face as small as this there may be smaller ones. */
const SMALL = 1 / 20;

/** Sides of a face's box either way from its middle: more than the network's square has, however it is turned. */
const SURROUNDINGS = 1.5;

export interface Face {
  box: Box; // pixels of the upright original
  detection: number;
  turn: number; // degrees, 0, 90, 180 or 270, clockwise, by which the face is turned
  quality: number; // 0..1, the share of the calibration faces that could be trusted less to be read
  // What the model has not learnt to answer is null.
  age: number | null;
  interval: [number, number] | null;
  gender: Gender | null;
  genderProbability: number | null;
  probabilities: Float64Array | null; // (101,)
}

/** A face, and the picture that it was found in. */
interface Seen {
  picture: Picture;
  face: Detection; // in pixels of that picture
  original: Detection; // in pixels of the photo
}

function originals(seen: Seen[]): Detection[] {
  return seen.map(({ original }) => original);
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

  /** Every face of a photo, the largest first. */
  async read(photo: Photo): Promise<Face[]> {
    const longer = Math.max(photo.width, photo.height);
    const picture = photo.pixels(firstSide(photo));
    let seen = await this.seen(photo, picture);
    const finest = Math.floor(longer * Math.min(1, Math.sqrt(FINEST / (photo.width * photo.height))));
    if (finest > 1.2 * Math.max(picture.width, picture.height) && mayBeSmaller(seen, longer)) {
      const again = await this.seen(photo, photo.pixels(finest));
      const kept = withOthers(originals(seen), originals(again));
      seen = [...seen, ...again].filter(({ original }) => kept.includes(original));
      seen.sort((one, other) => side(other.original) - side(one.original));
    }
    const faces: Face[] = [];
    for (const one of seen) {
      // The reduced picture is coarser than the network's input for a small face; the original is not.
      const coarse = one.picture.width < photo.width && side(one.face) < this.bundle.input.size;
      const crop = coarse ? await this.cropOf(photo, one.original) : this.crop(one.picture, one.face);
      faces.push(await this.face(crop, one.original));
    }
    return faces;
  }

  /** Every face of a picture that is searched as it is, the largest first. */
  async readPicture(picture: Picture, options: SearchOptions = {}): Promise<Face[]> {
    const faces: Face[] = [];
    for (const one of await this.found(picture, options)) {
      faces.push(await this.face(this.crop(picture, one), one));
    }
    return faces;
  }

  /** The whole picture as one aligned face. */
  async readChip(picture: Picture): Promise<Face> {
    const box: Box = [0, 0, picture.width, picture.height];
    const crop = resizeToSquare(picture, this.bundle.input.size);
    return this.face(crop, { box, score: 1, landmarks: [], turn: 0 }, "whole");
  }

  private async seen(photo: Photo, picture: Picture): Promise<Seen[]> {
    const scale = photo.width / picture.width;
    return (await this.found(picture)).map((face) => ({ picture, face, original: moved(face, 0, 0, scale) }));
  }

  private found(picture: Picture, options?: SearchOptions): Promise<Detection[]> {
    return new Search((view, threshold) => this.detector.look(view, threshold), options).faces(picture);
  }

  /** A face cut out of a picture as the network takes it. */
  private crop(picture: Picture, { landmarks }: Detection): Picture {
    const { size } = this.bundle.input;
    const goal = this.bundle.crop.landmarks.map(([x, y]): Point => [x * size, y * size]);
    return warp(picture, similarity(landmarks, goal), size);
  }

  /** A face cut out of a photo's own pixels. */
  private async cropOf(photo: Photo, face: Detection): Promise<Picture> {
    const [x, y] = centre(face.box);
    const reach = SURROUNDINGS * side(face);
    const [left, top] = [Math.max(0, Math.floor(x - reach)), Math.max(0, Math.floor(y - reach))];
    const part = await photo.part([left, top, Math.ceil(x + reach), Math.ceil(y + reach)]);
    return this.crop(part, moved(face, -left, -top));
  }

  private async face(crop: Picture, found: Detection, detector = "yunet"): Promise<Face> {
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
    const [aged, gendered] = [has(this.bundle, "age"), has(this.bundle, "gender")];
    const picture = quality.ofPicture(found.score, side(found), crop);
    return {
      box: found.box,
      detection: found.score,
      turn: 90 * found.turn,
      quality: quality.ofAnswer(picture, aged ? age : null, calibration.quality, detector),
      age: aged ? expectation(age) : null,
      interval: aged ? interval(age, 0.9, calibration.age_intervals) : null,
      gender: gendered ? genders[likelier] : null,
      genderProbability: gendered ? gender[likelier] : null,
      probabilities: aged ? age : null,
    };
  }
}

/** The longer side of a photo when it is first searched: Python decodes a JPEG at a half, a quarter or an eighth. */
function firstSide(photo: Photo): number {
  const longer = Math.max(photo.width, photo.height);
  const part = photo.jpeg ? [8, 4, 2].find((times) => longer / times >= ENOUGH) : undefined;
  return Math.min(MAX_SIDE, Math.ceil(longer / (part ?? 1)));
}

/** Whether a photo may show smaller faces than those found, the last of them the smallest. */
function mayBeSmaller(seen: Seen[], longer: number): boolean {
  const smallest = seen.at(-1);
  return !smallest || side(smallest.original) < SMALL * longer;
}

/** The rotation, scale and shift that move points nearest to their goals (least squares, Umeyama 1991). */
function similarity(source: Point[], goal: Point[]): Matrix {
  const mean = (points: Point[], axis: 0 | 1) =>
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
