import { describe, expect, test } from "vitest";
import { describeRow, parseMeasurementRows } from "../../../src/lab/calibrate/measurement-rows.ts";

const HEADER = "vcpus,memory,pageSize,strategy,kernel,seconds";

function csv(...lines: string[]): string {
  return [HEADER, ...lines].join("\n");
}

describe("rows as CSV", () => {
  test("take a size as QEMU writes it or in bytes, and default to one package", () => {
    const [first, second] = parseMeasurementRows(
      csv("4,16G,4K,exit,v16,20.5", "8,17179869184,2M,hint,v16,3"),
      "rows.csv",
    );
    expect(first).toMatchObject({
      place: "rows.csv line 2",
      options: { memoryBytes: 2 ** 34, populatedBytes: 2 ** 34, vcpus: 4, packages: 1 },
      strategy: "exit",
      seconds: 20.5,
      weight: 1,
      leaf: null,
      source: "",
    });
    expect(second?.options).toMatchObject({ memoryBytes: 2 ** 34, pageSize: "2M", kernel: "v16" });
  });

  test("have optional columns in any order; an empty cell is as good as none", () => {
    const [row] = parseMeasurementRows(
      "source,seconds,weight,populated,packages,leaf,kernel,strategy,pageSize,memory,vcpus\n" +
        '"host ""a"", twice",9,4,8G,2,,v16,runtime,4K,16G,4\r\n',
      "rows.csv",
    );
    expect(row).toMatchObject({ source: 'host "a", twice', weight: 4, leaf: null });
    expect(row?.options).toMatchObject({ populatedBytes: 2 ** 33, packages: 2 });
  });

  test("may stand among comments and empty lines, and know their line", () => {
    const text = `# my host\n\n${HEADER}\n# a comment\n\n4,16G,4K,exit,v16,20\n`;
    expect(parseMeasurementRows(text, "rows.csv")[0]?.place).toBe("rows.csv line 6");
  });

  test("may begin with a byte order mark", () => {
    expect(parseMeasurementRows(`\u{feff}${csv("4,16G,4K,exit,v16,20")}`, "r")).toHaveLength(1);
  });
});

describe("rows as JSON", () => {
  const row = {
    vcpus: 4,
    memory: "16G",
    pageSize: "4K",
    strategy: "exit",
    kernel: "v16",
    seconds: 20,
  };

  test.each([
    ["an array", [row]],
    ["an object with rows, as import writes it", { schema: "x", rows: [row], counts: [] }],
  ])("%s", (_what, value) => {
    expect(parseMeasurementRows(JSON.stringify(value), "rows.json")[0]).toMatchObject({
      place: "rows.json row 1",
      seconds: 20,
      options: { memoryBytes: 2 ** 34 },
    });
  });
});

describe("bad rows are bad data and say where and why", () => {
  test.each([
    ["", "r.csv is empty"],
    [HEADER, "r.csv has no measurement"],
    ["[]", "r.csv has no measurement"],
    ["{}", "r.csv is neither an array nor an object with rows"],
    ["{", "r.csv is not JSON"],
    ["[3]", "r.csv row 1: is not an object"],
    [csv("4,16G,4K,exit,v16"), "r.csv line 2 has 5 cells under 6 columns"],
    [csv('4,16G,4K,ex"it,v16,1'), "r.csv line 2 is not CSV"],
    [csv("4,16GB,4K,exit,v16,1"), 'r.csv line 2: memory "16GB" is not a size: sizes are binary'],
    [csv("4,16G,4K,exit,v16,fast"), "r.csv line 2: seconds is no number"],
    [csv("4,16G,4K,exit,v16,-1"), "r.csv line 2: seconds must be above 0"],
    [csv("4.5,16G,4K,exit,v16,1"), "r.csv line 2: vcpus is no whole number"],
    [csv("4,16G,8K,exit,v16,1"), "r.csv line 2: pageSize is neither 4K nor 2M"],
    [csv("4,16G,4K,magic,v16,1"), 'r.csv line 2: there is no strategy "magic"'],
    [csv("4,16G,4K,exit,v99,1"), 'r.csv line 2: there is no kernel generation "v99"'],
    [csv("4,5000,4K,exit,v16,1"), "r.csv line 2: the memory of 5000 bytes is not a multiple"],
    ["vcpus,vcpus\n1,2", 'r.csv has the column "vcpus" twice'],
    ["vcpus,memry\n4,16G", "r.csv line 2: memry is no column that there is"],
    ["vcpus,memory\n4,16G", "r.csv line 2: pageSize is missing"],
  ])("%j", (text, message) => {
    expect(() => parseMeasurementRows(text, "r.csv")).toThrow(
      expect.objectContaining({ kind: "data", message: expect.stringContaining(message) }),
    );
  });

  test("more than 500 rows are refused", () => {
    const rows = Array.from({ length: 501 }, () => "4,16G,4K,exit,v16,20");
    expect(() => parseMeasurementRows(csv(...rows), "r.csv")).toThrow("501 rows, more than 500");
  });
});

test("a configuration is told without what is usual", () => {
  const [plain, odd] = parseMeasurementRows(
    "vcpus,memory,pageSize,strategy,kernel,seconds,populated,packages,leaf\n" +
      "1,16G,4K,exit,v16,1,,,\n4,16G,4K,runtime,v16,1,8G,2,TDH.MEM.TRACK",
    "r",
  ).map(describeRow);
  expect(plain).toBe("exit, 16 GiB, 1 vCPU, 4K, v16");
  expect(odd).toBe("runtime, 16 GiB, 8 GiB mapped, 4 vCPUs, 2 packages, 4K, v16, TDH.MEM.TRACK");
});
