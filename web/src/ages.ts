// Distributions over 101 ages: the few formulas that turn logits into an age with its interval.

export interface ConformalTable {
  levels: number[];
  bands: number[];
  central: number[][];
}

/** Probabilities of logits, divided by a temperature first. */
export function softmax(logits: ArrayLike<number>, temperature: number, offsets?: number[]): Float64Array {
  const scaled = Float64Array.from(logits, (value, index) => value / temperature + (offsets?.[index] ?? 0));
  const highest = Math.max(...scaled);
  const powers = scaled.map((value) => Math.exp(value - highest));
  const sum = powers.reduce((total, value) => total + value, 0);
  return powers.map((value) => value / sum);
}

/** The mean age, years. */
export function expectation(probabilities: Float64Array): number {
  return probabilities.reduce((total, mass, age) => total + mass * age, 0);
}

/** Nats; 0 where one age has all the mass. */
export function entropy(probabilities: Float64Array): number {
  return -probabilities.reduce((total, mass) => total + (mass > 0 ? mass * Math.log(mass) : 0), 0);
}

/** The age below which a share of the mass lies; each year's mass is even over that year. */
export function quantile(probabilities: Float64Array, share: number): number {
  let cumulative = 0;
  for (let age = 0; age < probabilities.length; age++) {
    cumulative += probabilities[age];
    if (cumulative >= share || age === probabilities.length - 1) {
      const left = probabilities[age] > 0 ? (cumulative - share) / probabilities[age] : 0;
      return Math.min(100, Math.max(0, age + 0.5 - left));
    }
  }
  return 100;
}

/** The interval that holds the age so often, calibrated where there is a table. */
export function interval(probabilities: Float64Array, level: number, table: ConformalTable | null): [number, number] {
  const central = table ? centralLevel(table, expectation(probabilities), level) : level;
  const tail = (1 - central) / 2;
  return [quantile(probabilities, tail), quantile(probabilities, 1 - tail)];
}

function centralLevel({ levels, bands, central }: ConformalTable, age: number, level: number): number {
  let band = 0;
  while (band + 1 < bands.length && bands[band + 1] <= age) band++;
  const row = central[band];
  const right = levels.findIndex((value) => value >= level);
  if (right <= 0) return right === 0 ? row[0] : row[row.length - 1];
  const share = (level - levels[right - 1]) / (levels[right] - levels[right - 1]);
  return row[right - 1] + share * (row[right] - row[right - 1]);
}
