/** A count with its thousands set apart: `4,202,552`. Data formats print bare digits instead. */
export function formatCount(count: number): string {
  return String(count).replace(/\B(?=(?:\d{3})+$)/g, ",");
}
