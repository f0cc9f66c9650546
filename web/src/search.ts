// The search for faces of any size and at any turn, as agelens.faces.detection.search does it.
//
// One view of the whole picture comes first, as small as the smallest face that is looked for allows. What the
// detector is not sure of there, and what is small or very large, it then sees closer, upright and, where that
// leaves a doubt, at the three other turns. Only where nothing is certain is the whole picture turned; and only
// where faces are so small that there may be smaller ones is it looked at in finer views.

import { area, centre, type Detection, intersection, moved, overlaps, side, turnedBack } from "./detection";
import { crop, type Picture, turned } from "./picture";
import { tiles, View } from "./views";
import { OVERLAP } from "./yunet";

/** What a detector does: a picture as it is, and the least score, to the faces in it. */
export type Look = (view: Picture, threshold: number) => Promise<Detection[]>;

export interface SearchOptions {
  /** Pixels of the longer side of the only view of the whole picture; by the picture's size unless given. */
  side?: number;
  /** Whether faces that lie on their side or stand on their head are looked for; they are unless false. */
  turns?: boolean;
}

/** The score from which a face counts as found. */
const THRESHOLD = 0.7;

/** Pixels of the picture per pixel of its first view, and of the view's longer side, at least and at most. */
const REDUCTION = 2;
const LEAST = 160;
const LARGEST = 640;

/** Pixels of a face in a view: between these it is seen as it is; what is smaller or larger is seen closer. */
const CLEAR = [40, 360];

/**
 * Pixels of a face that is seen closer, and of its sides that are seen with it. A face that has more than
 * twice as many is seen again at the larger size, at which what is out of focus looks so.
 */
const CLOSE = 56;
const SHARP = 160;
const AROUND = 2.4;

/** What is seen closer at a scale: at most; of what is no more than faint; and at other turns. */
const MOST = 200;
const MOST_FAINT = 48;
const MOST_TURNED = 24;

/**
 * Scores: from which something is seen closer; at other turns too; from which a face needs no closer look;
 * and from which a picture needs no turning.
 */
const FAINT = 0.12;
const PLAIN = 0.3;
const SURE = 0.85;
const CERTAIN = 0.9;

/** A face of fewer pixels in a view may have smaller ones beside it. */
const SMALL = 32;

/** Pixels of the finer views together, and their scale at most. */
const FINER = 2_500_000;
const LARGER = 1.25;

/** Pixels of a view's side at most; a larger view is made of parts, which share so many with their neighbours. */
const TILE = 640;
const SHARED = 128;

/** Faces of which one lies in the other by this share, and that are turned otherwise, are one. */
const WITHIN = 0.7;

/** A search for faces by a detector's looks. */
export class Search {
  private readonly turns: boolean;

  constructor(
    private readonly look: Look,
    private readonly options: SearchOptions = {},
  ) {
    this.turns = options.turns ?? true;
  }

  /** The faces of a picture, the largest first. */
  async faces(picture: Picture): Promise<Detection[]> {
    const first = this.firstScale(Math.max(picture.width, picture.height));
    let faces = await this.atTurn(picture, 0, first);
    for (const turn of this.otherTurns(faces)) {
      faces = withOthers(faces, await this.atTurn(picture, turn, first));
    }
    const finer = Math.min(LARGER, Math.sqrt(FINER / (picture.width * picture.height)));
    if (finer > 1.2 * first && this.mayBeSmaller(faces, first)) {
      faces = await this.refined(picture, faces, finer);
    }
    return faces
      .filter(({ box }) => {
        const [x, y] = centre(box);
        return x >= 0 && x < picture.width && y >= 0 && y < picture.height;
      })
      .sort((one, other) => side(other) - side(one));
  }

  private firstScale(longer: number): number {
    if (this.options.side !== undefined) return Math.min(1, this.options.side / longer);
    return Math.min(1, Math.max(LEAST / longer, Math.min(1 / REDUCTION, LARGEST / longer)));
  }

  /** The turns at which the picture may show more than upright. */
  private otherTurns(faces: Detection[]): number[] {
    if (!this.turns) return [];
    if (!isCertain(faces)) return [1, 2, 3];
    const sure = faces.filter(({ score }) => score >= SURE).map(({ turn }) => turn);
    return [1, 2, 3].filter((turn) => sure.includes(turn));
  }

  private mayBeSmaller(faces: Detection[], first: number): boolean {
    if (this.options.side !== undefined) return false;
    return faces.length === 0 || Math.min(...faces.map(side)) * first < SMALL;
  }

  /** The faces, and those of finer views: at the turn of the surest, or at all where none is certain. */
  private async refined(picture: Picture, faces: Detection[], scale: number): Promise<Detection[]> {
    const looked = new Set<number>();
    while (looked.size < (this.turns ? 4 : 1)) {
      const turn = isCertain(faces) ? surest(faces).turn : looked.size;
      if (looked.has(turn)) break;
      faces = withOthers(faces, await this.atTurn(picture, turn, scale));
      looked.add(turn);
    }
    return faces;
  }

  /** The faces seen after quarter turns, counter-clockwise, in pixels of the picture as it is. */
  private async atTurn(picture: Picture, turn: number, scale: number): Promise<Detection[]> {
    const whole = turned(picture, turn);
    const seen: Detection[] = [];
    const largest = Math.max(TILE, this.options.side ?? 0);
    const [most, shared] = [Math.ceil(largest / scale), Math.ceil(SHARED / scale)];
    for (const part of tiles(whole.width, whole.height, most, shared)) {
      const faces = await this.seen(crop(whole, part), scale);
      seen.push(...faces.map((face) => moved(face, part[0], part[1])));
    }
    const every = distinct(seen);
    const plain = every.filter(({ score }) => score >= PLAIN).length;
    const worth = every.slice(0, Math.min(MOST, Math.max(plain, MOST_FAINT)));
    const faces = await this.confirmed(whole, worth, scale, this.turns && turn === 0);
    return faces.map((face) => turnedBack(face, turn, picture.width, picture.height));
  }

  /** What may be a face in a view of this scale, in pixels of the picture. */
  private async seen(picture: Picture, scale: number): Promise<Detection[]> {
    const border = Math.round((Math.max(picture.width, picture.height) * scale) / 16);
    const view = new View(picture, scale, Math.max(8, border));
    const faces = await this.look(view.picture, FAINT);
    return faces.map((face) => view.inPicture(face));
  }

  /** Those of them that are faces, seen closer where the view has not shown them clearly. */
  private async confirmed(
    picture: Picture,
    faces: Detection[],
    scale: number,
    turns: boolean,
  ): Promise<Detection[]> {
    const confirmed: Detection[] = [];
    for (const [number, face] of faces.entries()) {
      const pixels = side(face) * scale;
      const clear = pixels >= CLEAR[0] && pixels <= CLEAR[1] && face.score >= SURE;
      const best = clear ? face : await this.closer(picture, face, turns && number < MOST_TURNED);
      if (best && best.score >= (best.turn ? SURE : THRESHOLD)) confirmed.push(best);
    }
    return distinct(confirmed);
  }

  /** A face as it is seen closer, at the turn that suits it best; nothing where there is none. */
  private async closer(picture: Picture, face: Detection, turns: boolean): Promise<Detection | undefined> {
    let best = await this.atCloseRange(picture, face, 0);
    const score = best?.score ?? 0;
    if (turns && score < SURE && Math.max(score, face.score) >= PLAIN) {
      for (const turn of [1, 2, 3]) best = better(best, await this.atCloseRange(picture, face, turn));
    }
    if (best && best.score >= THRESHOLD && side(best) > 2 * CLOSE) {
      return this.atCloseRange(picture, best, best.turn, SHARP);
    }
    return best;
  }

  /** The face that is found in the place of this one, the picture turned. */
  private async atCloseRange(
    picture: Picture,
    face: Detection,
    turn: number,
    size = CLOSE,
  ): Promise<Detection | undefined> {
    const [x, y] = centre(face.box);
    const reach = (AROUND * side(face)) / 2;
    const [left, top] = [Math.round(Math.max(0, x - reach)), Math.round(Math.max(0, y - reach))];
    const part = crop(picture, [left, top, Math.round(x + reach), Math.round(y + reach)]);
    if (Math.min(part.width, part.height) < 2) return undefined;
    const view = new View(turned(part, turn), size / side(face), 8);
    let best: Detection | undefined;
    for (const seen of await this.look(view.picture, FAINT)) {
      const one = moved(turnedBack(view.inPicture(seen), turn, part.width, part.height), left, top);
      const [across, down] = centre(one.box);
      const ratio = side(one) / side(face);
      const same = Math.hypot(across - x, down - y) < side(face) / 2 && ratio > 0.5 && ratio < 2;
      if (same) best = better(best, one);
    }
    return best;
  }
}

function better(one: Detection | undefined, other: Detection | undefined): Detection | undefined {
  return one && (!other || one.score >= other.score) ? one : other;
}

function isCertain(faces: Detection[]): boolean {
  return faces.some(({ score }) => score >= CERTAIN);
}

function surest(faces: Detection[]): Detection {
  return faces.reduce((best, face) => (face.score > best.score ? face : best));
}

/**
 * The best of those that overlap (non-maximum suppression), the surest first.
 * What lies within a face and is turned otherwise is a part of it.
 */
function distinct(faces: Detection[]): Detection[] {
  const kept: Detection[] = [];
  for (const face of [...faces].sort((one, other) => other.score - one.score)) {
    if (!kept.some((other) => isSame(face, other))) kept.push(face);
  }
  return kept;
}

/**
 * Faces and those found after them; what is found again is as it was, unless it is surer at another turn.
 * So the answer for a face does not depend on who else is in the picture.
 */
export function withOthers(faces: Detection[], found: Detection[]): Detection[] {
  let every = [...faces];
  for (const face of found) {
    const same = every.filter((other) => isSame(face, other));
    if (same.every((other) => face.turn !== other.turn && face.score > other.score)) {
      every = [...every.filter((other) => !same.includes(other)), face];
    }
  }
  return every;
}

function isSame(face: Detection, other: Detection): boolean {
  const smaller = Math.min(area(face.box), area(other.box));
  const within = face.turn !== other.turn && intersection(face.box, other.box) > WITHIN * smaller;
  return within || overlaps(face.box, other.box, OVERLAP);
}
