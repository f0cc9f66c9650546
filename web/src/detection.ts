// What the search finds: a face's place, and the few sums that are done with boxes.

/** A point's x and y, pixels. */
export type Point = [number, number];

/** The upper left corner and the lower right: x0, y0, x1, y1, pixels. */
export type Box = [number, number, number, number];

export interface Detection {
  box: Box; // may reach over the picture's edge
  score: number; // 0..1
  landmarks: Point[]; // right eye, left eye (the person's), nose, right and left corner of the mouth
  turn: number; // quarter turns, clockwise, by which the face is turned in the picture
}

/** The same face, each of its points moved. */
export function mapped(face: Detection, move: (point: Point) => Point): Detection {
  const [x0, y0, x1, y1] = face.box;
  const [one, other] = [move([x0, y0]), move([x1, y1])];
  const low = (axis: 0 | 1) => Math.min(one[axis], other[axis]);
  const high = (axis: 0 | 1) => Math.max(one[axis], other[axis]);
  return { ...face, box: [low(0), low(1), high(0), high(1)], landmarks: face.landmarks.map(move) };
}

/** The same face in a picture that is scaled, and then shifted by so many pixels. */
export function moved(face: Detection, across: number, down: number, scale = 1): Detection {
  return mapped(face, ([x, y]) => [scale * x + across, scale * y + down]);
}

/** The face of a picture after quarter turns, counter-clockwise, in the picture before them, of this size. */
export function turnedBack(face: Detection, turns: number, width: number, height: number): Detection {
  const back: ((point: Point) => Point)[] = [
    (point) => point,
    ([x, y]) => [width - y, x],
    ([x, y]) => [width - x, height - y],
    ([x, y]) => [y, height - x],
  ];
  return { ...mapped(face, back[turns]), turn: (face.turn + turns) % 4 };
}

/** The geometric mean of the box's sides, pixels. */
export function side(face: Detection): number {
  return Math.sqrt(area(face.box));
}

export function area([x0, y0, x1, y1]: Box): number {
  return Math.max(0, x1 - x0) * Math.max(0, y1 - y0);
}

export function centre([x0, y0, x1, y1]: Box): Point {
  return [(x0 + x1) / 2, (y0 + y1) / 2];
}

/** The area that two boxes share, square pixels. */
export function intersection(one: Box, other: Box): number {
  const [x0, y0] = [Math.max(one[0], other[0]), Math.max(one[1], other[1])];
  return area([x0, y0, Math.min(one[2], other[2]), Math.min(one[3], other[3])]);
}

/** Whether the intersection over the union of two boxes is more than this share. */
export function overlaps(one: Box, other: Box, share: number): boolean {
  const both = intersection(one, other);
  return both > share * (area(one) + area(other) - both);
}
