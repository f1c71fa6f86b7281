/** Further than this and two words are not meant for each other. */
const DISTANCE_MAX = 3;

/**
 * The candidate that differs least from `word`, if any comes near: at least half of the longer
 * one stays, or every short word would be near to some other.
 */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  let best: { candidate: string; distance: number } | undefined;
  for (const candidate of candidates) {
    if (Math.abs(candidate.length - word.length) > DISTANCE_MAX) continue;
    const distance = editDistance(word, candidate);
    const most = Math.min(DISTANCE_MAX, Math.max(word.length, candidate.length) / 2);
    if (distance <= most && distance < (best?.distance ?? Number.POSITIVE_INFINITY)) {
      best = { candidate, distance };
    }
  }
  return best?.candidate;
}

/** A hint at the candidate that is nearest to `word`; where none comes near, at all of them. */
export function didYouMean(
  word: string,
  candidates: readonly string[],
  otherwise = `there are ${candidates.join(", ")}`,
): string {
  const near = nearest(word, candidates);
  return near === undefined ? otherwise : `did you mean ${near}?`;
}

/** Levenshtein distance, by rows; two neighbours that changed places are one error. */
function editDistance(left: string, right: string): number {
  let before: number[] = [];
  let row = Array.from({ length: right.length + 1 }, (_, index) => index);
  for (let i = 1; i <= left.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= right.length; j += 1) {
      const change = (row[j - 1] ?? 0) + (left[i - 1] === right[j - 1] ? 0 : 1);
      const swapped = left[i - 1] === right[j - 2] && left[i - 2] === right[j - 1];
      const swap = swapped && i > 1 && j > 1 ? (before[j - 2] ?? 0) + 1 : change;
      next.push(Math.min(change, swap, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    before = row;
    row = next;
  }
  return row[right.length] ?? 0;
}
