// The yardstick for SEAMCALLs a second: the least that dispatching BLOCK, TRACK, REMOVE and WBINVD
// can cost in JavaScript, over one byte a page and with a token of the checks. It emulates nothing;
// it says how fast this machine is just now. Prints calls per second.
const PAGES = 8e6;
const MAPPED = 2;
const BLOCKED = 3;
const OWNED = 4;
const entries = new Uint8Array(PAGES).fill(MAPPED);
const owners = new Uint8Array(PAGES).fill(OWNED);
const td = {
  epoch: 0,
  refs: [0, 0],
  children: PAGES,
  opState: 2,
  lifecycle: 1,
  blockEpoch: -1,
};
const tds = new Map([[4096, td]]);
const counts = new Float64Array(64);
const regs = { rcx: 0, rdx: 0, rax: 0 };

/** @param {number} address */
const find = (address) => (address % 4096 ? undefined : tds.get(address));

/** @typedef {(r: typeof regs) => number} Leaf */
const leaves = /** @type {Leaf[]} */ (new Array(64));
leaves[7] = (r) => {
  const t = find(r.rdx);
  if (!t) return 1;
  if (t.lifecycle !== 1 || t.opState !== 2) return 2;
  const level = r.rcx % 8;
  const page = (r.rcx - level) / 4096;
  if (entries[page] !== MAPPED) return 3;
  entries[page] = BLOCKED;
  t.blockEpoch = t.epoch;
  return 0;
};
leaves[38] = (r) => {
  const t = find(r.rcx);
  if (!t) return 1;
  if (t.refs[1 - (t.epoch & 1)]) return 3;
  t.epoch++;
  return 0;
};
leaves[29] = (r) => {
  const t = find(r.rdx);
  if (!t) return 1;
  if (t.lifecycle !== 1 || t.opState !== 2) return 2;
  const level = r.rcx % 8;
  const page = (r.rcx - level) / 4096;
  if (entries[page] !== BLOCKED) return 3;
  if (t.blockEpoch >= t.epoch) return 4;
  if (owners[page] !== OWNED) return 5;
  entries[page] = 0;
  owners[page] = 0;
  t.children--;
  return 0;
};
leaves[41] = (r) => (r.rcx % 4096 ? 1 : 0);

/**
 * @param {number} leaf
 * @param {typeof regs} r
 */
const call = (leaf, r) => {
  counts[leaf] = /** @type {number} */ (counts[leaf]) + 1;
  r.rax = /** @type {Leaf} */ (leaves[leaf])(r);
  return r.rax;
};

const start = process.hrtime.bigint();
for (let page = 0; page < PAGES; page++) {
  regs.rcx = page * 4096;
  regs.rdx = 4096;
  if (call(7, regs)) throw new Error("block");
  regs.rcx = 4096;
  if (call(38, regs)) throw new Error("track");
  regs.rcx = page * 4096;
  regs.rdx = 4096;
  if (call(29, regs)) throw new Error("remove");
  regs.rcx = page * 4096;
  if (call(41, regs)) throw new Error("wbinvd");
}
const seconds = Number(process.hrtime.bigint() - start) / 1e9;
console.log(Math.round((4 * PAGES) / seconds));
