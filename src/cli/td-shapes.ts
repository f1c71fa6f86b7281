/** Named TDs: the published ones and those that clouds sell (fixtures/tds.json). */
import { readFileSync } from "node:fs";
import type { TdOptions } from "../lab/td-options.ts";
import { Failure } from "../units/failure.ts";
import { didYouMean } from "../units/nearest.ts";
import { packageFile } from "./package-file.ts";

export interface TdShape {
  readonly name: string;
  readonly vcpus: number;
  readonly memoryBytes: number;
  readonly packages: number;
}

/**
 * The TD options of a shape.
 *
 * @throws Failure `usage` naming the nearest shape
 */
export function findTdShape(name: string): Partial<TdOptions> {
  const shapes = tdShapes();
  const shape = shapes.find((candidate) => candidate.name === name);
  if (shape === undefined) {
    const names = shapes.map((candidate) => candidate.name);
    throw new Failure("usage", `there is no TD shape "${name}"`, { hint: didYouMean(name, names) });
  }
  const { vcpus, memoryBytes, packages } = shape;
  return { vcpus, memoryBytes, packages };
}

/** Names that `--td` takes. */
export function tdShapeNames(): string[] {
  return tdShapes().map(({ name }) => name);
}

/** Every shape, in the order of its file. */
export function tdShapes(): readonly TdShape[] {
  const path = packageFile("fixtures", "tds.json");
  return (JSON.parse(readFileSync(path, "utf8")) as { tds: readonly TdShape[] }).tds;
}
