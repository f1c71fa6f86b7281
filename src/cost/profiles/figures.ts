import type { Basis } from "../interval.ts";
import type { Figure } from "../profile.ts";

/** A figure but for its basis, which the name of the function that takes it says. */
export type Founded = Omit<Figure, "basis">;

function figure(basis: Basis, founded: Founded): Figure {
  const { value, low, high, unit, source, conditions } = founded;
  return { value, low, high, unit, basis, source, conditions };
}

export function measured(founded: Founded): Figure {
  return figure("measured", founded);
}

export function fitted(founded: Founded): Figure {
  return figure("fitted", founded);
}

export function assumed(founded: Founded): Figure {
  return figure("assumed", founded);
}
