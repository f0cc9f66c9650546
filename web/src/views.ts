// What a detector looks at: a picture, or a part of it, reduced and with a border; and the way back.

import { type Box, type Detection, mapped } from "./detection";
import { bordered, type Picture, resize } from "./picture";

/** A picture as a detector sees it, scaled, with a black border in which faces cut by its edge are found. */
export class View {
  readonly picture: Picture;
  private readonly scales: [number, number];

  constructor(
    picture: Picture,
    scale: number,
    private readonly border: number,
  ) {
    const width = Math.max(1, Math.round(picture.width * scale));
    const height = Math.max(1, Math.round(picture.height * scale));
    this.scales = [width / picture.width, height / picture.height];
    const same = width === picture.width && height === picture.height;
    this.picture = bordered(same ? picture : resize(picture, width, height, scale < 0.5), border);
  }

  /** A face found in the view, in pixels of the picture. */
  inPicture(face: Detection): Detection {
    const [across, down] = this.scales;
    return mapped(face, ([x, y]) => [(x - this.border) / across, (y - this.border) / down]);
  }
}

/**
 * Parts of a picture, at most `most` pixels wide and high.
 * Neighbours share at least `shared` pixels, so that a face at the edge of one lies whole in another.
 */
export function tiles(width: number, height: number, most: number, shared: number): Box[] {
  const spans = (length: number): [number, number][] => {
    if (length <= most) return [[0, length]];
    const count = Math.ceil((length - shared) / (most - shared));
    return Array.from({ length: count }, (_, index) => {
      const start = Math.floor((index * (length - most)) / (count - 1));
      return [start, start + most];
    });
  };
  return spans(height).flatMap(([y0, y1]) => spans(width).map(([x0, x1]): Box => [x0, y0, x1, y1]));
}
