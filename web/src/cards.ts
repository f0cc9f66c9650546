// What is said beside the picture: a card for each face, and how wrong the model was on faces of known age.

import type { Bundle, Estimate } from "./bundle";
import { certainty, coloursOf, genderWord, isDoubtful } from "./figures";
import type { Face } from "./reader";

/** A face's answer with its whole distribution; its number is that in the picture, null where it is alone. */
export function card(face: Face, number: number | null): HTMLElement {
  const [colour, ink] = coloursOf(face);
  const years = (value: number) => `${value.toFixed(0)} years`;
  const title = element("h2", `${face.age === null ? "–" : years(face.age)}, ${genderWord(face)}`);
  if (number !== null) {
    const badge = element("span", `Face ${number}:`, "number");
    badge.style.background = colour;
    badge.style.color = ink;
    title.prepend(badge, " ");
  }
  const interval = face.interval === null ? "–" : `${face.interval[0].toFixed(0)} – ${years(face.interval[1])}`;
  const turned = face.turn ? `; turned by ${face.turn}° clockwise` : "";
  const article = element("article", "", "face");
  article.append(
    title,
    element("p", `90% interval ${interval}; ${sureness(face)}`),
    element("p", `Quality ${face.quality.toFixed(2)}${turned}`),
  );
  if (face.probabilities !== null) article.insertAdjacentHTML("beforeend", distribution(face, colour));
  return article;
}

/** The model's error on each data set that it was measured on, with 95 % intervals; null where on none. */
export function errors({ metrics }: Bundle): HTMLElement | null {
  if (Object.keys(metrics).length === 0) return null;
  const years = (value: number) => value.toFixed(2);
  const share = (value: number) => `${(100 * value).toFixed(1)}%`;
  const columns: [string, string, (value: number) => string][] = [
    ["mae", "age MAE, years", years],
    ["gender_accuracy", "gender accuracy", share],
    ["interval_coverage", "90% intervals hold", share],
  ];
  const table = element("table");
  const head = element("tr");
  head.append(...["data", "images", ...columns.map(([, name]) => name)].map((name) => element("th", name)));
  table.append(head);
  for (const [name, { images, figures }] of Object.entries(metrics)) {
    const row = element("tr");
    const cells = columns.map(([key, , form]) => element("td", written(figures[key], form)));
    row.append(element("th", name), element("td", String(images)), ...cells);
    table.append(row);
  }
  return table;
}

function written(figure: Estimate | undefined, form: (value: number) => string): string {
  return figure ? `${form(figure.value)} [${form(figure.low)}, ${form(figure.high)}]` : "–";
}

/** How sure the gender is, in words. */
function sureness(face: Face): string {
  if (face.gender === null) return "gender –";
  const doubt = isDoubtful(face) ? "gender doubtful: " : "";
  return `${doubt}${face.gender} with probability ${certainty(face.genderProbability)}`;
}

/** The probability of each age as bars, those outside the interval pale. */
function distribution({ probabilities, interval, age }: Face, colour: string): string {
  const [low, high] = interval!;
  const highest = Math.max(...probabilities!);
  const bars = Array.from(probabilities!, (mass, year) => {
    const height = (100 * mass) / highest;
    const pale = year >= low - 0.5 && year <= high + 0.5 ? "" : ' class="pale"';
    return `<rect x="${year}" y="${100 - height}" width="0.8" height="${height}"${pale}/>`;
  });
  const said = `Probability of each age: mean ${age!.toFixed(0)}, interval ${low.toFixed(0)} to ${high.toFixed(0)}`;
  return (
    `<svg viewBox="0 0 101 100" preserveAspectRatio="none" role="img" aria-label="${said}" fill="${colour}">` +
    `${bars.join("")}</svg><div class="axis" aria-hidden="true">` +
    `${[0, 25, 50, 75, 100].map((year) => `<span>${year}</span>`).join("")}</div>`
  );
}

function element<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  text = "",
  className = "",
): HTMLElementTagNameMap[Tag] {
  return Object.assign(document.createElement(tag), { textContent: text, className });
}
