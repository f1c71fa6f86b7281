/** Makes the pictures of the HTML report interactive; without it the page is whole as well. */

import type { PageData } from "../html-data.ts";
import { countFigure, timeFigure } from "./charts.ts";

const WIDTH_MAX = 1000;
/** Narrower than this nothing is laid out yet, or any more. */
const WIDTH_MIN = 200;

interface Choice {
  readonly hidden: Set<string>;
  log: boolean;
}

function start(): void {
  const controls = document.getElementById("controls");
  const drawings = document.getElementById("drawings");
  if (controls === null || drawings === null) return;
  const data = readData();
  const choice: Choice = { hidden: new Set(), log: false };
  const width = (): number => {
    return Math.max(WIDTH_MIN, Math.min(drawings.clientWidth, WIDTH_MAX));
  };
  let drawnWidth = 0;
  const redraw = (): void => {
    drawnWidth = width();
    const strategies = data.strategies.filter(({ name }) => !choice.hidden.has(name));
    const view = { strategies, log: choice.log, width: drawnWidth };
    drawings.replaceChildren(
      ...(strategies.length === 0
        ? ["No strategy is chosen."]
        : [countFigure(data, view), timeFigure(data, view)]),
    );
  };
  controls.append(strategyChoice(data, choice, redraw), scaleChoice(choice, redraw));
  controls.hidden = false;
  redraw();
  new ResizeObserver(() => {
    if (width() !== drawnWidth) redraw();
  }).observe(drawings);
  // Paper has no disclosure to click on.
  window.addEventListener("beforeprint", () => {
    for (const details of document.querySelectorAll("details")) details.open = true;
  });
}

/** The data element's content; it was written together with the script that reads it. */
function readData(): PageData {
  const text = document.getElementById("tdx-sim-data")?.textContent ?? "";
  return JSON.parse(text) as PageData;
}

function fieldset(name: string): HTMLFieldSetElement {
  const set = document.createElement("fieldset");
  const legend = document.createElement("legend");
  legend.textContent = name;
  set.append(legend);
  return set;
}

function option(
  type: "checkbox" | "radio",
  text: string,
  checked: boolean,
  onChange: (checked: boolean) => void,
): HTMLLabelElement {
  const label = document.createElement("label");
  const input = document.createElement("input");
  input.type = type;
  input.name = type === "radio" ? "scale" : text;
  input.checked = checked;
  input.addEventListener("change", () => onChange(input.checked));
  label.append(input, ` ${text}`);
  return label;
}

function strategyChoice(data: PageData, choice: Choice, redraw: () => void): HTMLElement {
  const set = fieldset("Strategies");
  for (const { name } of data.strategies) {
    set.append(
      option("checkbox", name, true, (checked) => {
        if (checked) choice.hidden.delete(name);
        else choice.hidden.add(name);
        redraw();
      }),
    );
  }
  return set;
}

function scaleChoice(choice: Choice, redraw: () => void): HTMLElement {
  const set = fieldset("Scale");
  for (const log of [false, true]) {
    set.append(
      option("radio", log ? "log" : "linear", log === choice.log, () => {
        choice.log = log;
        redraw();
      }),
    );
  }
  return set;
}

start();
