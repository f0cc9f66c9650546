// A picture as raw RGB, upright; and the ways its pixels are cut out, turned and resampled, as the Python
// package does it.

export interface Picture {
  width: number;
  height: number;
  data: Uint8ClampedArray | Uint8Array; // RGB, rows first
}

/** A photo as the browser has decoded it, upright and whole, its colours as they are stored. */
export class Photo {
  private constructor(
    private readonly bitmap: ImageBitmap,
    readonly jpeg: boolean,
  ) {}

  static async open(blob: Blob): Promise<Photo> {
    const how: ImageBitmapOptions = { imageOrientation: "from-image", colorSpaceConversion: "none" };
    return new Photo(await createImageBitmap(blob, how), blob.type === "image/jpeg");
  }

  get width(): number {
    return this.bitmap.width;
  }

  get height(): number {
    return this.bitmap.height;
  }

  /** Its pixels, reduced where its longer side has more than so many. */
  pixels(side: number): Picture {
    const scale = Math.min(1, side / Math.max(this.width, this.height));
    return draw(this.bitmap, Math.round(this.width * scale), Math.round(this.height * scale));
  }

  /** The pixels of its part x0, y0, x1, y1, as far as the photo goes. */
  async part([x0, y0, x1, y1]: [number, number, number, number]): Promise<Picture> {
    const [width, height] = [Math.min(x1, this.width) - x0, Math.min(y1, this.height) - y0];
    const bitmap = await createImageBitmap(this.bitmap, x0, y0, width, height);
    const picture = draw(bitmap, width, height);
    bitmap.close();
    return picture;
  }

  /** Gives back the memory of what was decoded. */
  close(): void {
    this.bitmap.close();
  }
}

/** Draws any image source at a size and reads its pixels back, on white where it is transparent. */
export function draw(source: CanvasImageSource, width: number, height: number): Picture {
  const canvas = new OffscreenCanvas(Math.max(1, width), Math.max(1, height));
  const context = canvas.getContext("2d", { willReadFrequently: true })!;
  context.imageSmoothingQuality = "high";
  context.fillStyle = "white";
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(source, 0, 0, canvas.width, canvas.height);
  const rgba = context.getImageData(0, 0, canvas.width, canvas.height).data;
  const data = new Uint8Array(canvas.width * canvas.height * 3);
  for (let from = 0, to = 0; from < rgba.length; from += 4, to += 3) {
    data[to] = rgba[from];
    data[to + 1] = rgba[from + 1];
    data[to + 2] = rgba[from + 2];
  }
  return { width: canvas.width, height: canvas.height, data };
}

/** The part x0, y0, x1, y1 of a picture, as far as the picture goes. */
export function crop(picture: Picture, [x0, y0, x1, y1]: [number, number, number, number]): Picture {
  const width = Math.max(0, Math.min(x1, picture.width) - x0);
  const height = Math.max(0, Math.min(y1, picture.height) - y0);
  if (width === picture.width && height === picture.height) return picture;
  const data = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++) {
    const from = ((y0 + y) * picture.width + x0) * 3;
    data.set(picture.data.subarray(from, from + width * 3), y * width * 3);
  }
  return { width, height, data };
}

/** The picture after 0 to 3 quarter turns, counter-clockwise. */
export function turned(picture: Picture, turns: number): Picture {
  if (turns === 0) return picture;
  const [right, last] = [picture.width - 1, picture.height - 1];
  const [width, height] = turns === 2 ? [right + 1, last + 1] : [last + 1, right + 1];
  const data = new Uint8Array(picture.data.length);
  for (let y = 0, to = 0; y < height; y++) {
    for (let x = 0; x < width; x++, to += 3) {
      const column = turns === 1 ? right - y : turns === 2 ? right - x : y;
      const row = turns === 1 ? x : turns === 2 ? last - y : last - x;
      const from = (row * picture.width + column) * 3;
      data[to] = picture.data[from];
      data[to + 1] = picture.data[from + 1];
      data[to + 2] = picture.data[from + 2];
    }
  }
  return { width, height, data };
}

/** The picture with a black border of so many pixels. */
export function bordered(picture: Picture, border: number): Picture {
  const [width, height] = [picture.width + 2 * border, picture.height + 2 * border];
  const data = new Uint8Array(width * height * 3);
  for (let y = 0; y < picture.height; y++) {
    const row = picture.data.subarray(y * picture.width * 3, (y + 1) * picture.width * 3);
    data.set(row, ((y + border) * width + border) * 3);
  }
  return { width, height, data };
}

/** Resizes a whole picture to a square, averaging where it has pixels to spare. */
export function resizeToSquare(picture: Picture, size: number): Picture {
  return resize(picture, size, size, Math.min(picture.width, picture.height) >= size);
}

/**
 * Resizes by averaging the area that each new pixel covers; or by bilinear sampling between the two nearest
 * pixels either way, which passes over others where the picture shrinks by more than a half.
 */
export function resize(picture: Picture, width: number, height: number, averaging: boolean): Picture {
  const taps = averaging ? areas : lines;
  const columns = taps(picture.width, width);
  const rows = taps(picture.height, height);
  const across = new Float32Array(picture.height * width * 3);
  for (let y = 0; y < picture.height; y++) {
    for (let x = 0; x < width; x++) {
      const { first, weights } = columns[x];
      const to = (y * width + x) * 3;
      for (let i = 0; i < weights.length; i++) {
        const from = (y * picture.width + first + i) * 3;
        across[to] += weights[i] * picture.data[from];
        across[to + 1] += weights[i] * picture.data[from + 1];
        across[to + 2] += weights[i] * picture.data[from + 2];
      }
    }
  }
  const data = new Uint8ClampedArray(width * height * 3);
  for (let y = 0; y < height; y++) {
    const { first, weights } = rows[y];
    for (let x = 0; x < width * 3; x++) {
      let sum = 0;
      for (let i = 0; i < weights.length; i++) sum += weights[i] * across[(first + i) * width * 3 + x];
      data[y * width * 3 + x] = Math.round(sum);
    }
  }
  return { width, height, data };
}

/** A 2×3 matrix, rows first: x' = a x + b y + c, y' = d x + e y + f. */
export type Matrix = [number, number, number, number, number, number];

/**
 * Resamples through a similarity into a square; what lies beyond the picture repeats its edge.
 * The matrix maps points whose pixel (0, 0) reaches from 0 to 1.
 */
export function warp(picture: Picture, matrix: Matrix, size: number): Picture {
  const scale = Math.hypot(matrix[0], matrix[3]);
  const finer = Math.min(16, Math.max(1, Math.round(1 / Math.max(scale, 1e-6))));
  const [a, b, c, d, e, f] = matrix.map((value) => value * finer);
  const determinant = a * e - b * d;
  const side = size * finer;
  const data = new Uint8ClampedArray(side * side * 3);
  const { width, height } = picture;
  for (let v = 0; v < side; v++) {
    for (let u = 0; u < side; u++) {
      const px = u + 0.5 - c;
      const py = v + 0.5 - f;
      const x = (e * px - b * py) / determinant - 0.5;
      const y = (a * py - d * px) / determinant - 0.5;
      const x0 = Math.floor(x);
      const y0 = Math.floor(y);
      const fx = x - x0;
      const fy = y - y0;
      const left = clamp(x0, width);
      const right = clamp(x0 + 1, width);
      const top = clamp(y0, height) * width;
      const bottom = clamp(y0 + 1, height) * width;
      for (let k = 0; k < 3; k++) {
        const over = picture.data[(top + left) * 3 + k] * (1 - fx) + picture.data[(top + right) * 3 + k] * fx;
        const under =
          picture.data[(bottom + left) * 3 + k] * (1 - fx) + picture.data[(bottom + right) * 3 + k] * fx;
        data[(v * side + u) * 3 + k] = Math.round(over * (1 - fy) + under * fy);
      }
    }
  }
  const face = { width: side, height: side, data };
  return finer === 1 ? face : resizeToSquare(face, size);
}

interface Taps {
  first: number;
  weights: number[];
}

function areas(from: number, to: number): Taps[] {
  const scale = from / to;
  return Array.from({ length: to }, (_, index) => {
    const start = index * scale;
    const end = Math.min(from, start + scale);
    const first = Math.floor(start + 1e-9);
    const weights: number[] = [];
    for (let pixel = first; pixel < end - 1e-9; pixel++) {
      weights.push((Math.min(end, pixel + 1) - Math.max(start, pixel)) / (end - start));
    }
    return { first, weights };
  });
}

function lines(from: number, to: number): Taps[] {
  const scale = from / to;
  return Array.from({ length: to }, (_, index) => {
    const place = Math.min(from - 1, Math.max(0, (index + 0.5) * scale - 0.5));
    const first = Math.min(from - 1, Math.floor(place));
    const share = place - first;
    return first + 1 < from ? { first, weights: [1 - share, share] } : { first, weights: [1] };
  });
}

function clamp(value: number, size: number): number {
  return value < 0 ? 0 : value >= size ? size - 1 : value;
}
