// What the page reads of bundle.json.

import type { ConformalTable } from "./ages";
import type { Point } from "./detection";
import type { Gender } from "./figures";
import type { QualityScale } from "./quality";

/** A figure with its 95 % interval. */
export interface Estimate {
  value: number;
  low: number;
  high: number;
}

/** What was measured on a data set. */
export interface Headline {
  images: number;
  figures: Record<string, Estimate | undefined>;
}

export interface Bundle {
  name: string;
  licence: string;
  input: { size: number; mean: number[]; std: number[] };
  crop: { landmarks: Point[] };
  genders: Gender[];
  heads?: ("age" | "gender")[]; // learnt; of another nothing is answered; all where an older bundle names none
  calibration: {
    age_temperature: number;
    gender_temperature: number;
    age_offsets?: number[]; // (101,) nats
    age_intervals: ConformalTable | null;
    quality?: QualityScale | null; // without it, quality is a plain score
  };
  metrics: Record<string, Headline>; // by data set
}

/** Whether the model has learnt to answer ages, or genders. */
export function has(bundle: Bundle, head: "age" | "gender"): boolean {
  return bundle.heads === undefined || bundle.heads.includes(head);
}
