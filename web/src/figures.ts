// How a person reads a probability and a gender, as agelens.figures says it; and the colours of answers.

/** A gender of less probability is doubtful, and shown so: of such answers a quarter or more are wrong. */
export const DOUBTFUL = 0.75;

/** Colours of a face's box and label, and of the text on it: as agelens.inference.annotate has them. */
const COLOURS = {
  male: ["#0072b2", "#ffffff"],
  female: ["#e69f00", "#000000"],
  unknown: ["#009e73", "#000000"], // no gender is answered, or a doubtful one
} as const;

export type Gender = "male" | "female";

interface GenderAnswer {
  gender: Gender | null;
  genderProbability: number | null; // of that gender, 0.5..1
}

/** A probability in percent: no answer is 100 % sure, and none impossible; a dash where there is none. */
export function certainty(probability: number | null): string {
  if (probability === null) return "–";
  const percent = (100 * probability).toFixed(0);
  if (percent === "100") return ">99%";
  return percent === "0" ? "<1%" : `${percent}%`;
}

export function isDoubtful({ genderProbability }: GenderAnswer): boolean {
  return genderProbability !== null && genderProbability < DOUBTFUL;
}

/** A gender as it is shown, with a question mark where it is doubtful; a dash where there is none. */
export function genderWord(face: GenderAnswer): string {
  return face.gender === null ? "–" : isDoubtful(face) ? `${face.gender}?` : face.gender;
}

/** The colour of a face's box and label, and that of the text on it. */
export function coloursOf(face: GenderAnswer): readonly [string, string] {
  return COLOURS[face.gender === null || isDoubtful(face) ? "unknown" : face.gender];
}
