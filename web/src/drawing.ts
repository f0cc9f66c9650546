// A picture with its faces boxed, numbered and labelled, as agelens.inference.annotate draws them.

import type { Box } from "./detection";
import { certainty, coloursOf, genderWord, isDoubtful } from "./figures";
import { placeLabels, type Size } from "./placement";
import type { Face } from "./reader";

/** Pixels of the longer side at most. A larger photo is shown reduced. */
export const SHOWN_SIDE = 2048;

/** Pixels. Smaller text cannot be read, so small pictures are enlarged until it fits. */
const SMALLEST_TEXT = 13;
const SMALLEST_SIDE = 640;

const LINE = 1.25; // of a line of text, its size

/** Draws a picture of this size and its faces, which are given in its pixels. */
export function drawFaces(
  canvas: HTMLCanvasElement,
  source: CanvasImageSource,
  [across, down]: Size,
  faces: Face[],
): void {
  const longer = Math.max(across, down);
  const scale = Math.max(Math.min(1, SHOWN_SIDE / longer), SMALLEST_SIDE / longer);
  canvas.width = Math.round(across * scale);
  canvas.height = Math.round(down * scale);
  const context = canvas.getContext("2d")!;
  context.drawImage(source, 0, 0, canvas.width, canvas.height);
  const shown = Math.max(canvas.width, canvas.height);
  const boxes = faces.map(({ box }) => box.map((value) => value * scale) as Box);
  const texts = faces.map((face, index) => wordings(face, faces.length > 1 ? index + 1 : null));
  const points = boxes.map(([x0, , x1]) =>
    Math.max(SMALLEST_TEXT, Math.min(Math.max((x1 - x0) / 7, shown / 45), shown / 22)),
  );
  const sizes = texts.map((own, index) => own.map((lines) => size(context, lines, points[index])));
  const places = placeLabels(boxes, sizes, [canvas.width, canvas.height]);
  context.lineWidth = Math.max(2, shown / 400);
  faces.forEach((face, index) => {
    const [x0, y0, x1, y1] = boxes[index];
    context.strokeStyle = coloursOf(face)[0];
    context.setLineDash(isDoubtful(face) ? [4 * context.lineWidth, 3 * context.lineWidth] : []);
    context.strokeRect(x0, y0, x1 - x0, y1 - y0);
  });
  faces.forEach((face, index) => {
    const { box, wording } = places[index];
    const [colour, ink] = coloursOf(face);
    context.fillStyle = colour;
    context.fillRect(box[0], box[1], box[2] - box[0], box[3] - box[1]);
    context.fillStyle = ink;
    context.font = font(points[index]);
    context.textBaseline = "middle";
    texts[index][wording].forEach((line, row) => {
      context.fillText(line, box[0] + 0.3 * points[index], box[1] + (row + 0.5) * LINE * points[index]);
    });
  });
}

/** What a face's label may say, in lines, the longest first. */
function wordings(face: Face, number: number | null): string[][] {
  const before = number === null ? "" : `${number}: `;
  const years = face.age === null ? "–" : `${face.age.toFixed(0)} y`;
  const [low, high] = (face.interval ?? []).map((bound) => bound.toFixed(0));
  const whole = face.interval === null ? years : `${years} (${low}–${high})`;
  const gender = face.gender === null ? "–" : `${genderWord(face)} ${certainty(face.genderProbability)}`;
  const texts = [[before + whole, gender], [before + years]];
  return number === null ? texts : [...texts, [String(number)]];
}

function size(context: CanvasRenderingContext2D, lines: string[], points: number): Size {
  context.font = font(points);
  const width = Math.max(...lines.map((line) => context.measureText(line).width));
  return [width + 0.6 * points, lines.length * LINE * points];
}

function font(points: number): string {
  return `600 ${points}px system-ui, sans-serif`;
}
