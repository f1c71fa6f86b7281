const CONTROLS = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

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
