/** Colours of drawings for a light and a dark page. */
export const THEME_NAMES = ["auto", "light", "dark"] as const;
/** `auto` follows the reader's setting. */
export type Theme = (typeof THEME_NAMES)[number];

export interface Colours {
  readonly page: string;
  readonly text: string;
  readonly faint: string;
  readonly line: string;
  /** On a segment of any of the `parts`. */
  readonly onPart: string;
  /** Told apart by order and letter as well; each has a contrast of at least 4.5 to the page. */
  readonly parts: readonly string[];
}

export const LIGHT: Colours = {
  page: "#ffffff",
  text: "#1f2328",
  faint: "#59636e",
  line: "#d1d9e0",
  onPart: "#ffffff",
  parts: [
    "#0067a5",
    "#b84a00",
    "#00735a",
    "#8b3a8f",
    "#856000",
    "#b3244f",
    "#4b5fb8",
    "#566400",
    "#006f80",
    "#6b5b53",
  ],
};

export const DARK: Colours = {
  page: "#0d1117",
  text: "#e6edf3",
  faint: "#9198a1",
  line: "#3d444d",
  onPart: "#0d1117",
  parts: [
    "#5aa9e6",
    "#ff9a57",
    "#3fcf9f",
    "#d18ad4",
    "#e0b040",
    "#ff7a9c",
    "#98a8ff",
    "#b5c75a",
    "#4fc6d6",
    "#b8a79d",
  ],
};

function variables(colours: Colours): string {
  const parts = colours.parts.map((colour, index) => `--p${index}:${colour}`);
  const { page, text, faint, line, onPart } = colours;
  return [
    `--page:${page}`,
    `--text:${text}`,
    `--faint:${faint}`,
    `--line:${line}`,
    `--on-part:${onPart}`,
    ...parts,
  ].join(";");
}

/** Custom properties on `selector` for a theme. */
export function themeCss(selector: string, theme: Theme): string {
  if (theme !== "auto") return `${selector}{${variables(theme === "dark" ? DARK : LIGHT)}}`;
  return (
    `${selector}{${variables(LIGHT)}}` +
    `@media(prefers-color-scheme:dark){${selector}{${variables(DARK)}}}`
  );
}
