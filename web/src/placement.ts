// Where labels go in a picture, as agelens.inference.placement has it: inside it, at their own face, over no other
// face and no other label.

import { area, type Box, intersection, type Point } from "./detection";

/** Width and height, pixels. */
export type Size = [number, number];

/** Where a label stands, and the position of its wording among those of its face. */
export interface Place {
  box: Box;
  wording: number;
}

/** Share of its own face that a label may cover where there is no room beside it. */
const COVERED = 0.3;

/** Places along a side of a face that are tried, from the one corner to the other. */
const ALONG = [0, 1, 0.5, 0.25, 0.75];

/**
 * A place for the label of each face, in their order, which is that of precedence. Each face has the sizes of its
 * label, the longest wording first; the longest that has room is taken.
 */
export function placeLabels(faces: Box[], wordings: Size[][], picture: Size): Place[] {
  const placed: Place[] = [];
  wordings.forEach((sizes, number) => {
    const others = [...faces.filter((_, index) => index !== number), ...placed.map(({ box }) => box)];
    placed.push(placeLabel(faces[number], sizes, picture, others));
  });
  return placed;
}

function placeLabel(face: Box, sizes: Size[], picture: Size, others: Box[]): Place {
  const tried = sizes.flatMap((size, wording) =>
    corners(face, size).map((corner) => {
      const box = within(picture, corner, size);
      const ofOthers = others.reduce((sum, other) => sum + intersection(box, other), 0);
      return { box, wording, ofOthers, ofOwn: intersection(box, face) };
    }),
  );
  const free = tried.find(({ ofOthers, ofOwn }) => ofOthers === 0 && ofOwn <= COVERED * area(face));
  if (free) return free;
  const shortest = tried.filter(({ wording }) => wording === sizes.length - 1);
  return shortest.reduce((best, one) =>
    one.ofOthers < best.ofOthers || (one.ofOthers === best.ofOthers && one.ofOwn < best.ofOwn) ? one : best,
  );
}

/** Upper left corners of a label that touches a face: above it, below, right, left; then upon it. */
function corners([x0, y0, x1, y1]: Box, [width, height]: Size): Point[] {
  const across = ALONG.map((share) => x0 + share * (x1 - width - x0));
  const down = ALONG.map((share) => y0 + share * (y1 - height - y0));
  const row = (y: number) => across.map((x): Point => [x, y]);
  const column = (x: number) => down.map((y): Point => [x, y]);
  return [y0 - height, y1].flatMap(row).concat([x1, x0 - width].flatMap(column), [y1 - height, y0].flatMap(row));
}

/** The label's box, moved into the picture. */
function within([across, down]: Size, [x, y]: Point, [width, height]: Size): Box {
  const left = Math.min(Math.max(0, x), Math.max(0, across - width));
  const top = Math.min(Math.max(0, y), Math.max(0, down - height));
  return [left, top, left + width, top + height];
}
