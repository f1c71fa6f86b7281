/** A count with its thousands set apart: `4,202,552`. Data formats print bare digits instead. */
export function formatCount(count: number): string {
  const digits = String(count);
  const head = digits.length % 3;
  const groups = digits.slice(head).match(/\d{3}/g) ?? [];
  return (head === 0 ? groups : [digits.slice(0, head), ...groups]).join(",");
}

/** A count with what is counted: `1 sequence`, `12 sequences`. */
export function formatCounted(count: number, one: string, many = `${one}s`): string {
  return `${formatCount(count)} ${count === 1 ? one : many}`;
}
