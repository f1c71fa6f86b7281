import { checkInvariants } from "../../src/module/invariants.ts";
import { withoutDetails } from "../../src/module/leaf-statuses.ts";
import type { TdxModule } from "../../src/module/module.ts";
import { cloneModule, moduleToJSON } from "../../src/module/snapshot.ts";
import { LIFECYCLE_STATES } from "../../src/module/tdr.ts";
import { canonicalText } from "./canonical.ts";
import { type Move, mayChange, movesOf } from "./moves.ts";
import { blankModule, PAGE, placesOf, type Scope } from "./places.ts";

/** How much is looked at twice. */
export interface SearchOptions {
  /** Most states visited. */
  readonly states: number;
  /** One state in so many, of those met again in another shape, must answer as it did before. */
  readonly twinEvery: number;
}

export interface SearchResult {
  readonly states: number;
  readonly transitions: number;
  /** True when no state was left unlooked at. */
  readonly isExhaustive: boolean;
  /** States from which no TD-free state was reached (I-14), when the search was exhaustive. */
  readonly deadEnds: number;
  /** States in another shape that answered as those they are taken for. */
  readonly twins: number;
  /** Answers: "lifecycle leaf status". */
  readonly answers: ReadonlySet<string>;
}

/** A number of 53 bits for a text, so that a million states rarely share one (about 1 in 20,000). */
function hash(text: string): number {
  let [high, low] = [0xdeadbeef, 0x41c6ce57];
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    high = Math.imul(high ^ code, 2654435761);
    low = Math.imul(low ^ code, 1597334677);
  }
  high = Math.imul(high ^ (high >>> 16), 2246822507) ^ Math.imul(low ^ (low >>> 13), 3266489909);
  low = Math.imul(low ^ (low >>> 16), 2246822507) ^ Math.imul(high ^ (high >>> 13), 3266489909);
  return (high >>> 0) * 2 ** 21 + (low >>> 11);
}

interface Step {
  readonly move: number;
  readonly status: string;
  readonly key: number;
  readonly next: TdxModule;
}

/** Visits states in the order of their distance from the blank platform, judging each. */
export class Search {
  readonly #scope: Scope;
  readonly #options: SearchOptions;
  readonly #moves: readonly Move[];
  readonly #numbers = new Map<number, number>();
  readonly #queue: (TdxModule | null)[] = [];
  /** From where, and by which move, each state was first reached. */
  readonly #parents: number[] = [];
  readonly #movesHere: number[] = [];
  /** Pairs of states: from, to. */
  readonly #edges: number[] = [];
  readonly #isFreeOfTds: boolean[] = [];
  /** What each state answered, as one number. */
  readonly #outcomes: number[] = [];
  readonly #answers = new Set<string>();
  #transitions = 0;
  #metAgain = 0;
  #twins = 0;

  constructor(scope: Scope, options: SearchOptions) {
    this.#scope = scope;
    this.#options = options;
    this.#moves = movesOf(scope);
  }

  run(): SearchResult {
    const blank = blankModule();
    this.#add(blank, hash(canonicalText(blank, this.#scope)), 0, 0);
    let at = 0;
    for (; at < this.#queue.length && this.#queue.length < this.#options.states; at++) {
      const m = this.#queue[at] as TdxModule;
      this.#queue[at] = null;
      const { steps, outcome } = this.#expand(m, at);
      this.#outcomes[at] = outcome;
      for (const step of steps) this.#follow(step, at);
    }
    const states = this.#queue.length;
    const isExhaustive = at === states;
    return {
      states,
      transitions: this.#transitions,
      isExhaustive,
      deadEnds: isExhaustive ? states - this.#countReachingBack() : 0,
      twins: this.#twins,
      answers: this.#answers,
    };
  }

  /** Makes every move; those that change the state each on a copy of its own. */
  #expand(m: TdxModule, at: number): { steps: Step[]; outcome: number } {
    const steps: Step[] = [];
    const outcomes: string[] = [];
    const here = hash(canonicalText(m, this.#scope));
    let copy = cloneModule(m);
    for (const [i, move] of this.#moves.entries()) {
      if (!move.isPossible(copy)) continue;
      const statuses = move.run(copy);
      const status = withoutDetails(statuses.at(-1) ?? "");
      this.#transitions++;
      this.#answers.add(`${lifecycleOf(m, move)} ${move.name} ${status}`);
      const isCall = move.name.startsWith("TDH.");
      const isQuiet = isCall && statuses.every((each) => !mayChange(move.name, each));
      const key = isQuiet ? here : hash(canonicalText(copy, this.#scope));
      outcomes.push(`${move.name} ${[...statuses].sort()} ${key}`);
      if (isQuiet) continue;
      if (key !== here) steps.push({ move: i, status, key, next: copy });
      copy = cloneModule(m);
    }
    // The calls that failed after the last change left this copy as it was (I-9).
    if (JSON.stringify(moduleToJSON(copy).tds) !== JSON.stringify(moduleToJSON(m).tds)) {
      throw new Error(`a call that failed changed the state after${this.#path(at)}`);
    }
    return { steps, outcome: hash(outcomes.sort().join("\n")) };
  }

  #follow({ move, status, key, next }: Step, at: number): void {
    const known = this.#numbers.get(key);
    if (known === undefined) {
      const broken = checkInvariants(next);
      if (broken.length > 0) {
        const last = `${this.#moves[move]?.name} -> ${status}`;
        throw new Error(`${broken.join("; ")} after${this.#path(at)}\n${last}`);
      }
      this.#add(next, key, at, move);
      this.#edges.push(at, this.#queue.length - 1);
      return;
    }
    this.#edges.push(at, known);
    const outcome = this.#outcomes[known];
    if (outcome === undefined || ++this.#metAgain % this.#options.twinEvery !== 0) return;
    this.#twins++;
    if (this.#expand(next, at).outcome !== outcome) {
      throw new Error(`taken for state ${known}, but it answers otherwise, after${this.#path(at)}`);
    }
  }

  #add(m: TdxModule, key: number, parent: number, move: number): void {
    this.#numbers.set(key, this.#queue.length);
    this.#queue.push(m);
    this.#parents.push(parent);
    this.#movesHere.push(move);
    this.#isFreeOfTds.push(m.tds.size === 0);
  }

  #path(at: number): string {
    const names: string[] = [];
    for (let state = at; state > 0; state = this.#parents[state] as number) {
      names.push(this.#moves[this.#movesHere[state] as number]?.name ?? "");
    }
    return `\n${names.reverse().join("\n")}`;
  }

  /** How many states a state without TDs can be reached from. */
  #countReachingBack(): number {
    const before: number[][] = Array.from({ length: this.#queue.length }, () => []);
    for (let i = 0; i < this.#edges.length; i += 2) {
      before[this.#edges[i + 1] as number]?.push(this.#edges[i] as number);
    }
    const seen = new Set<number>();
    const queue: number[] = [];
    for (const [state, isFree] of this.#isFreeOfTds.entries()) if (isFree) queue.push(state);
    for (const state of queue) seen.add(state);
    for (let state = queue.pop(); state !== undefined; state = queue.pop()) {
      for (const from of before[state] ?? []) {
        if (seen.has(from)) continue;
        seen.add(from);
        queue.push(from);
      }
    }
    return seen.size;
  }
}

function lifecycleOf(m: TdxModule, { td }: Move): string {
  if (td === null) return "any";
  const lifecycle = m.tds.get(placesOf(td).tdr / PAGE)?.lifecycle;
  return lifecycle === undefined ? "none" : (LIFECYCLE_STATES[lifecycle] as string);
}
