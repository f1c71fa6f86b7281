import { escapeControls } from "./control-characters.ts";
import { type Theme, themeCss } from "./svg-theme.ts";

/** What every picture says of itself. */
export interface PictureHead {
  readonly title: string;
  /** Tool, kernel, module, profile. */
  readonly provenance: string;
  /** For those who cannot see it, in words and figures. */
  readonly description: string;
  /** Tells pictures of one page apart; `tdx-sim` unless given. */
  readonly id?: string;
}

const FONT = "system-ui, 'Segoe UI', Helvetica, Arial, sans-serif";
const MARGIN = 24;
/** Average width of a character by font size: too wide rather than too narrow. */
const CHARACTER = 0.58;

/** Text for XML, also inside attributes. */
export function escapeXml(text: string): string {
  return escapeControls(text)
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}

/** About how wide text is, in pixels. */
export function textWidth(text: string, size: number): number {
  return text.length * size * CHARACTER;
}

/** A coordinate with at most two decimals. */
export function at(value: number): string {
  return String(Math.round(value * 100) / 100);
}

type Attributes = Readonly<Record<string, string | number>>;

/** An element with its content, which is markup already. */
export function element(name: string, attributes: Attributes, content = ""): string {
  const text = Object.entries(attributes)
    .map(([key, value]) => ` ${key}="${typeof value === "number" ? at(value) : escapeXml(value)}"`)
    .join("");
  return content === "" ? `<${name}${text}/>` : `<${name}${text}>${content}</${name}>`;
}

export function label(text: string, attributes: Attributes): string {
  return element("text", attributes, escapeXml(text));
}

/** A drawing that tells its text to those who point at it. */
export function told(title: string, content: string, attributes: Attributes = {}): string {
  return element("g", attributes, element("title", {}, escapeXml(title)) + content);
}

function styleOf(theme: Theme): string {
  const parts = Array.from(
    { length: 10 },
    (_, index) => `.p${index}{fill:var(--p${index})}.s${index}{stroke:var(--p${index})}`,
  ).join("");
  return (
    themeCss(".tdx-sim", theme) +
    `.tdx-sim{font-family:${FONT};font-size:13px;background:var(--page)}` +
    ".tdx-sim text{fill:var(--text)}.tdx-sim .faint{fill:var(--faint)}" +
    ".tdx-sim .page{fill:var(--page)}.tdx-sim .strong{font-weight:600}" +
    ".tdx-sim .h1{font-size:17px;font-weight:600}.tdx-sim .small{font-size:11.5px}" +
    ".tdx-sim text.on{fill:var(--on-part);font-weight:600;font-size:11.5px}" +
    ".tdx-sim .grid{stroke:var(--line)}.tdx-sim .whisker{stroke:var(--text);stroke-width:1.5}" +
    ".tdx-sim .arrow{stroke:var(--text);fill:none}.tdx-sim .head{fill:var(--text)}" +
    ".tdx-sim .life{stroke:var(--faint);stroke-dasharray:3 4}" +
    ".tdx-sim .frame{fill:none;stroke:var(--line)}" +
    ".tdx-sim .edge{stroke:var(--page)}.tdx-sim .line{fill:none;stroke-width:2}" +
    `.tdx-sim .band{fill-opacity:.16}${parts}`
  );
}

/**
 * A whole picture: head, content below it from `CONTENT_TOP` on, title and description for
 * readers that do not see it.
 */
export function picture(
  head: PictureHead,
  size: { readonly width: number; readonly height: number },
  theme: Theme,
  content: string,
): string {
  const { width, height } = size;
  const { id = "tdx-sim" } = head;
  const root = element(
    "svg",
    {
      xmlns: "http://www.w3.org/2000/svg",
      class: "tdx-sim",
      viewBox: `0 0 ${at(width)} ${at(height)}`,
      width,
      height,
      role: "img",
      "aria-labelledby": `${id}-title ${id}-description`,
    },
    element("title", { id: `${id}-title` }, escapeXml(head.title)) +
      element("desc", { id: `${id}-description` }, escapeXml(head.description)) +
      element("style", {}, styleOf(theme)) +
      element("rect", { class: "page", width, height }) +
      label(head.title, { class: "h1", x: MARGIN, y: 34 }) +
      label(head.provenance, { class: "faint", x: MARGIN, y: 55 }) +
      content,
  );
  return `${root}\n`;
}

export const CONTENT_TOP = 78;
export const CONTENT_LEFT = MARGIN;
