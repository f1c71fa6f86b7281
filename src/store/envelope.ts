/**
 * One generation of a store, as bytes: a header line, then the payload, both JSON.
 *
 *     {"format":"tdx-sim/store/v1","generation":7,"bytes":5120,"sha256":"9f86d0..."}
 *     {"...":"the simulated host"}
 *
 * The digest covers the header without its digest and every byte after the header line, and the
 * header must be spelt exactly as it would be written, so no byte of the file is free to change.
 */
import { createHash } from "node:crypto";

const STORE_FORMAT = "tdx-sim/store/v1";

const FORMAT = /^tdx-sim\/store\/v[1-9][0-9]{0,5}$/;
const HEADER_BYTES_MAX = 1024;
const NEWLINE = 0x0a;

interface Header {
  readonly format: string;
  readonly generation: number;
  /** Length of the payload. */
  readonly bytes: number;
}

export type Decoded =
  | { readonly state: "good"; readonly generation: number; readonly payload: string }
  | { readonly state: "newer-format"; readonly format: string }
  | { readonly state: "damaged"; readonly reason: string };

/** The file that holds `payload` (one JSON value) as generation number `generation`. */
export function encodeGeneration(generation: number, payload: string): Uint8Array {
  const body = Buffer.from(`${payload}\n`, "utf8");
  const header = { format: STORE_FORMAT, generation, bytes: body.length };
  return Buffer.concat([Buffer.from(headerLine(header, digest(header, body))), body]);
}

/** Reads a file that should hold generation number `generation`. */
export function decodeGeneration(generation: number, file: Uint8Array): Decoded {
  const end = file.subarray(0, HEADER_BYTES_MAX).indexOf(NEWLINE);
  if (file.length === 0) return damaged("it is empty");
  if (end < 0) return damaged("it has no header");
  const line = Buffer.from(file.subarray(0, end + 1)).toString("utf8");
  const header = parseHeader(line);
  if (header === undefined) return damaged("its header is not one of a store");
  const body = file.subarray(end + 1);
  if (body.length !== header.bytes) {
    return damaged(`it has ${body.length} bytes of content where ${header.bytes} were written`);
  }
  if (line !== headerLine(header, digest(header, body))) {
    return damaged("its checksum does not match");
  }
  if (header.generation !== generation) {
    return damaged(`it holds generation ${header.generation} under another name`);
  }
  if (header.format !== STORE_FORMAT) return { state: "newer-format", format: header.format };
  return { state: "good", generation, payload: Buffer.from(body).toString("utf8").slice(0, -1) };
}

function damaged(reason: string): Decoded {
  return { state: "damaged", reason };
}

function headerLine(header: Header, sha256: string): string {
  return `${JSON.stringify({ ...header, sha256 })}\n`;
}

function digest(header: Header, body: Uint8Array): string {
  return createHash("sha256")
    .update(`${JSON.stringify(header)}\n`)
    .update(body)
    .digest("hex");
}

function parseHeader(line: string): Header | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return undefined;
  }
  if (typeof value !== "object" || value === null) return undefined;
  const { format, generation, bytes } = value as Record<string, unknown>;
  if (typeof format !== "string" || !FORMAT.test(format)) return undefined;
  if (!Number.isSafeInteger(generation) || !Number.isSafeInteger(bytes)) return undefined;
  return { format, generation: generation as number, bytes: bytes as number };
}
