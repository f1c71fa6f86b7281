import { Failure } from "./failure.ts";

/**
 * The JSON value that a text is.
 *
 * @param origin file name, or `stdin`
 * @throws Failure `data`
 */
export function parseJson(text: string, origin: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new Failure("data", `${origin} is not JSON: ${(cause as Error).message}`, { cause });
  }
}
