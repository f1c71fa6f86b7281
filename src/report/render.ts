import type { Result, Run } from "../lab/result.ts";
import { DRAWINGS } from "./drawings/index.ts";
import type { Appearance, Content, Drawing, Format, Materials } from "./format.ts";
import { FORMATS } from "./formats/index.ts";

export type FormatName = keyof typeof FORMATS;
/** The first is the default. */
export const FORMAT_NAMES = Object.keys(FORMATS) as readonly FormatName[];

/** Formats to look at, made of a result and of what only its run knows. */
export type DrawingName = keyof typeof DRAWINGS;
export const DRAWING_NAMES = Object.keys(DRAWINGS) as readonly DrawingName[];

export interface RenderOptions extends Appearance {
  readonly format: FormatName;
}

export function isFormat(name: string): name is FormatName {
  return Object.hasOwn(FORMATS, name);
}

export function isDrawing(name: string): name is DrawingName {
  return Object.hasOwn(DRAWINGS, name);
}

export async function formatNamed(name: FormatName): Promise<Format> {
  return FORMATS[name]();
}

export async function drawingNamed(name: DrawingName): Promise<Drawing> {
  return DRAWINGS[name]();
}

/** The bytes of one or several runs in one format, newline at the end. */
export async function render(runs: readonly Run[], options: RenderOptions): Promise<string> {
  return (await formatNamed(options.format)).render(runs, options);
}

/** A result as one of the drawings; the same for the same result. */
export async function draw(
  result: Result,
  name: DrawingName,
  materials: Materials,
): Promise<Content> {
  return (await drawingNamed(name)).draw(result, materials);
}
