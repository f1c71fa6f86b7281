import type { Chance } from "../model/chance.ts";
import { HOSTILE_TEXTS, mutated } from "./hostile-text.ts";

const HOSTILE_VALUES: readonly unknown[] = [
  ...[null, true, false, 0, -0, -1, 1.5, 2 ** 31, 2 ** 32, 2 ** 53, 1e21, 1e308, -1e308],
  ...[[], {}, [[]], [null], { "": "" }, JSON.parse('{"__proto__":{"polluted":1}}')],
  ...[{ constructor: { prototype: { polluted: 1 } } }, { toString: 1 }, { length: -1 }],
];

/** The bytes with one to four changes: bits flipped, pieces lost, doubled, moved, put in. */
export function mutatedBytes(bytes: Uint8Array, chance: Chance): Uint8Array {
  let changed = Buffer.from(bytes);
  for (let rounds = chance.integer(1, 4); rounds > 0; rounds--) {
    const at = chance.integer(0, changed.length);
    const to = Math.min(changed.length, at + chance.integer(0, chance.is(0.2) ? 400 : 12));
    const piece = changed.subarray(at, to);
    const hostile = Buffer.from(chance.pick(HOSTILE_TEXTS));
    const noise = Buffer.from(Array.from({ length: 3 }, () => chance.integer(0, 255)));
    const instead = chance.pick([[], [piece, piece], [hostile], [noise], [piece.toReversed()]]);
    changed = Buffer.concat([changed.subarray(0, at), ...instead, changed.subarray(to)]);
  }
  return chance.is(0.05) ? changed.subarray(0, chance.integer(0, changed.length)) : changed;
}

/** A copy of plain data with one to three nodes replaced, lost, renamed, doubled or buried. */
export function mutatedData(data: unknown, chance: Chance): unknown {
  let changed: unknown = structuredClone(data);
  for (let rounds = chance.integer(1, 3); rounds > 0; rounds--) {
    changed = withNodeChanged(changed, chance);
  }
  return changed;
}

function withNodeChanged(node: unknown, chance: Chance): unknown {
  const isContainer = typeof node === "object" && node !== null;
  const keys = isContainer ? Object.keys(node) : [];
  if (!isContainer || keys.length === 0 || chance.is(0.12)) return otherNode(node, chance);
  const key = chance.pick(keys);
  const container = node as Record<string, unknown>;
  const child = container[key];
  const kind = chance.next();
  if (kind < 0.06) delete container[key];
  else if (kind < 0.12) put(container, chance.pick([...HOSTILE_TEXTS, `${key}s`]), child);
  else if (kind < 0.2 && Array.isArray(node)) node.splice(Number(key), 0, child, child);
  else put(container, key, withNodeChanged(child, chance));
  return Array.isArray(node) ? node.filter(() => true) : node;
}

/** As a parser would: `__proto__` is a key like any other. */
function put(container: Record<string, unknown>, key: string, value: unknown): void {
  const how = { value, enumerable: true, configurable: true, writable: true };
  if (!Array.isArray(container) || /^\d+$/.test(key)) Object.defineProperty(container, key, how);
}

function otherNode(node: unknown, chance: Chance): unknown {
  if (typeof node === "number" && chance.is(0.6)) {
    return chance.pick([node + 1, node - 1, -node, node * 4096, node / 2, 2 ** 40]);
  }
  if (typeof node === "string" && chance.is(0.6)) return mutated(node, chance);
  if (chance.is(0.1)) return buried(node, chance.pick([3, 100, 3000]));
  // A copy: what it holds may be changed next.
  return structuredClone(chance.pick(chance.is(0.5) ? HOSTILE_TEXTS : HOSTILE_VALUES));
}

function buried(node: unknown, depth: number): unknown {
  let whole = node;
  for (let level = 0; level < depth; level++) whole = level % 2 === 0 ? [whole] : { a: whole };
  return whole;
}
