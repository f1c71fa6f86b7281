/**
 * Nearly all that is printed has none of these, and so is found safe without Unicode's tables:
 * V8 takes most of a millisecond to make them into the patterns below.
 */
const NOT_PLAIN = /[^\x20-\x7e]/;
const NOT_PLAIN_LINES = /[^\n\x20-\x7e]/;

/** JSON text of plain data, every control and format character escaped: printing it is safe. */
export function jsonText(value: unknown, indent?: number): string {
  const text = JSON.stringify(value, null, indent);
  if (!NOT_PLAIN_LINES.test(text)) return text;
  // What JSON lets stand as it is, though a terminal does not. DI as below.
  return text.replace(/[\x7f-\x9f\p{Cf}\p{Zl}\p{Zp}\p{DI}]/gu, (character) =>
    // JSON knows UTF-16 code units only.
    Array.from({ length: character.length }, (_, at) => {
      const unit = character.charCodeAt(at).toString(16);
      return `\\u${unit.padStart(4, "0")}`;
    }).join(""),
  );
}

/**
 * Text that cannot move a terminal's cursor, break a line or reorder what is read: control and
 * format characters become `\u001b` and the like. Names and file names come from outside.
 */
export function escapeControls(text: string): string {
  if (!NOT_PLAIN.test(text)) return text;
  // DI: what is drawn as nothing at all, some of it not even assigned yet (UAX #44).
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{DI}]/gu, (character) => {
    const code = (character.codePointAt(0) ?? 0).toString(16);
    return code.length > 4 ? `\\u{${code}}` : `\\u${code.padStart(4, "0")}`;
  });
}
