import { existsSync } from "node:fs";
import { type Browser, chromium, type Page } from "playwright-core";

/** Debian's, then what other systems call it. */
const PLACES = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

/** Starts the system's Chromium. Throws when there is none: .ci/run installs it. */
export async function startChromium(): Promise<Browser> {
  const own = process.env["CHROMIUM"];
  const executablePath = [...(own === undefined ? [] : [own]), ...PLACES].find(existsSync);
  if (executablePath === undefined) {
    throw new Error("there is no Chromium: install it, or name it in CHROMIUM");
  }
  return chromium.launch({
    executablePath,
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-background-networking",
      "--font-render-hinting=none",
      "--force-color-profile=srgb",
    ],
  });
}

export interface OpenPage {
  readonly page: Page;
  /** Errors and warnings of the page, and requests that left the file. */
  readonly complaints: string[];
}

/** Opens a file and listens for everything that a good page does not do. */
export async function openFile(
  browser: Browser,
  file: string,
  options: { readonly width: number; readonly scheme: "light" | "dark" },
): Promise<OpenPage> {
  const context = await browser.newContext({
    viewport: { width: options.width, height: 800 },
    colorScheme: options.scheme,
    deviceScaleFactor: 1,
    offline: true,
  });
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("request", (request) => {
    if (!/^(?:file|data):/.test(request.url())) complaints.push(`requested ${request.url()}`);
  });
  await page.goto(`file://${file}`);
  return { page, complaints };
}
