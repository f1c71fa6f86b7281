/** DI: what is drawn as nothing at all, some of it not even assigned yet (UAX #44). */
const CONTROLS = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{DI}]/gu;

/** What JSON lets stand as it is, though a terminal does not. */
const LEFT_BY_JSON = /[\x7f-\x9f\p{Cf}\p{Zl}\p{Zp}\p{DI}]/gu;

/** JSON text of plain data, every control and format character escaped: printing it is safe. */
export function jsonText(value: unknown, indent?: number): string {
  const text = JSON.stringify(value, null, indent);
  return text.replace(LEFT_BY_JSON, (character) =>
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
  return text.replace(CONTROLS, (character) => {
    const code = (character.codePointAt(0) ?? 0).toString(16);
    return code.length > 4 ? `\\u{${code}}` : `\\u${code.padStart(4, "0")}`;
  });
}
