// The quality of a face, as agelens.faces.quality has it: how far its answer can be trusted, as the share of the
// calibration faces that scored lower.

import { entropy, expectation } from "./ages";
import { type Picture, resizeToSquare } from "./picture";

/** What calibration faces are like. */
export interface QualityScale {
  ages: number[]; // predicted, years, rising; empty where the model answers none
  entropy: number[]; // nats, the usual one at those ages
  quantiles: Record<string, number[] | undefined>; // detector -> (101,) scores, rising
}

/** Variance of the Laplacian at 64×64 pixels that gives a sharpness of one half. */
const BLURRED = 60;

const SIDE = 64;

/**
 * The part of a face's score that its picture decides, 0..1: the detector's confidence; the side of the face's
 * box in the original, pixels; and the aligned face as the network sees it.
 */
export function ofPicture(detection: number, side: number, crop: Picture): number {
  const variance = laplacianVariance(crop);
  const size = Math.min(1, side / crop.width);
  return (Math.min(1, Math.max(0, detection)) * size * variance) / (variance + BLURRED);
}

/**
 * The quality of an answered face, 0..1: a share of calibration faces where the scale knows the detector, else the
 * plain score. The age distribution is null where the model answers none.
 */
export function ofAnswer(
  picture: number,
  age: Float64Array | null,
  scale: QualityScale | null | undefined,
  detector: string,
): number {
  const quantiles = scale?.quantiles[detector];
  if (!scale || !quantiles) return score(picture, age, null);
  const shares = quantiles.map((_, index) => index / (quantiles.length - 1));
  return interpolated(score(picture, age, scale), quantiles, shares);
}

function score(picture: number, age: Float64Array | null, scale: QualityScale | null): number {
  if (!age || (scale && scale.ages.length === 0)) return Math.sqrt(picture);
  if (!scale) return Math.sqrt(picture * Math.max(0, 1 - entropy(age) / Math.log(age.length)));
  const usual = interpolated(expectation(age), scale.ages, scale.entropy);
  return Math.sqrt(picture / (1 + Math.exp(entropy(age) - usual)));
}

/** As numpy.interp: the value at x of the line through points, whose xs rise; constant beyond them. */
function interpolated(x: number, xs: number[], ys: number[]): number {
  const last = xs.length - 1;
  if (x >= xs[last]) return ys[last];
  if (x < xs[0]) return ys[0];
  const left = xs.findIndex((one) => one > x) - 1;
  return ys[left] + ((x - xs[left]) / (xs[left + 1] - xs[left])) * (ys[left + 1] - ys[left]);
}

/** The variance of the Laplacian of the picture in grey, reduced to 64×64; its edges are mirrored. */
function laplacianVariance({ width, height, data }: Picture): number {
  const grey = new Uint8Array(data.length);
  for (let at = 0; at < data.length; at += 3) {
    grey.fill(Math.round(0.299 * data[at] + 0.587 * data[at + 1] + 0.114 * data[at + 2]), at, at + 3);
  }
  const small = resizeToSquare({ width, height, data: grey }, SIDE).data;
  const mirrored = (index: number) => (index < 0 ? 1 : index >= SIDE ? SIDE - 2 : index);
  const value = (x: number, y: number) => small[(mirrored(y) * SIDE + mirrored(x)) * 3];
  let [sum, squares] = [0, 0];
  for (let y = 0; y < SIDE; y++) {
    for (let x = 0; x < SIDE; x++) {
      const around = value(x - 1, y) + value(x + 1, y) + value(x, y - 1) + value(x, y + 1);
      const edge = around - 4 * value(x, y);
      sum += edge;
      squares += edge * edge;
    }
  }
  const count = SIDE * SIDE;
  return squares / count - (sum / count) ** 2;
}
