import { describe, expect, test } from "vitest";
import { lastOf, runCli, script } from "../support/cli.ts";

describe("kernels", () => {
  test("lists every generation with its status", async () => {
    const { code, stdout } = await runCli(["kernels"]);
    expect(code).toBe(0);
    for (const line of [/^v16 +dropped +runtime, exit, hint$/m, /^terminate-v5 +proposed/m]) {
      expect(stdout).toMatch(line);
    }
  });

  test("shows one in full, with commands, errno and what is INFERRED", async () => {
    const { stdout } = await runCli(["kernels", "terminate-v4"]);
    expect(stdout).toMatch(/6 +KVM_TDX_TERMINATE_VM +VM/);
    expect(stdout).toContain("-EBUSY of KVM_TDX_TERMINATE_VM");
    expect(stdout).toContain("UNCONFIRMED: no merge was seen");
  });

  test("gives kernels/v1 documents", async () => {
    const { stdout } = await runCli(["kernels", "v19", "--format", "json"]);
    const { schema, kernels } = JSON.parse(stdout);
    expect(schema).toBe("tdx-sim/kernels/v1");
    expect(kernels).toMatchObject([{ kernel: "v19", lacks: ["hint", "terminate"] }]);
  });

  test("of a name that there is none of is wrong usage", async () => {
    expect(await runCli(["kernels", "v99"])).toMatchObject({ code: 64, stdout: "" });
  });
});

describe("a strategy", () => {
  test.each([
    ["hint", "v19", 69],
    ["hint", "v6.16", 69],
    ["terminate", "v16", 69],
    ["terminate", "dynamic-pamt", 69],
    ["magic", "v16", 64],
  ])("%s of %s exits as that kernel answers", async (strategy, kernel, code) => {
    const args = ["destroy", "--memory", "1M", "--strategy", strategy, "--kernel", kernel];
    const result = await runCli(args);
    expect(result.code).toBe(code);
    expect(result.stderr.includes("EINVAL")).toBe(code === 69);
  });

  test("terminate with a running vCPU exits 69 and names EBUSY", async () => {
    const args = "destroy --memory 1M --kernel terminate-v4 --strategy terminate --running 1";
    const { code, stderr } = await runCli(args.split(" "));
    expect(code).toBe(69);
    expect(stderr).toContain("KVM_TDX_TERMINATE_VM failed with -EBUSY");
  });

  test("of every generation is explained, with its sequence", async () => {
    const args = ["explain", "terminate", "--kernel", "terminate-v4", "--memory", "1G"];
    const { stdout } = await runCli(args);
    expect(stdout).toMatch(/1\. release the HKID \[release-hkid\], inside KVM_TDX_TERMINATE_VM/);
    const mermaid = await runCli([...args, "--format", "mermaid"]);
    expect(mermaid.stdout).toMatch(
      /^---\ntitle: "terminate in terminate-v4.*\n---\nsequenceDiagram/,
    );
    const json = JSON.parse((await runCli([...args, "--format", "json"])).stdout);
    expect(json.procedure).toMatchObject({ kernel: "terminate-v4", strategy: "terminate" });
  });
});

describe("compare", () => {
  test("crosses kernels and strategies in one table", async () => {
    const args = "compare --memory 4M --kernel v16,terminate-v4 --strategy runtime,hint,terminate";
    const { code, stdout } = await runCli(args.split(" "));
    expect(code).toBe(0);
    for (const column of ["runtime@v16", "hint@v16", "terminate@terminate-v4"]) {
      expect(stdout).toContain(column);
    }
  });

  test("crosses kernels on copies of a stored TD", async () => {
    const { code, stdout } = await lastOf(
      "create web --memory 4M",
      "populate web",
      "compare web --kernel v16,v6.16 --format json",
    );
    expect(code).toBe(0);
    const { kernel, td, strategies } = JSON.parse(stdout);
    expect({ kernel, name: td.name }).toEqual({ kernel: "v16,v6.16", name: "web" });
    expect(strategies).toHaveLength(5);
  });

  test("takes what-ifs, several at once", async () => {
    const args = "compare --memory 4M --what-if batch-track,no-clear --what-if parallel=2";
    const { stdout } = await runCli([...args.split(" "), "--format", "json"]);
    const { whatIf, strategies } = JSON.parse(stdout);
    expect(whatIf).toEqual(["batch-track", "no-clear", "parallel=2"]);
    const [runtime] = strategies;
    expect(runtime.seamcalls.byLeaf["TDH.MEM.TRACK"]).toBe(1);
    expect(runtime.hostWork.pagesCleared).toBe(0);
  });

  test("of an unknown what-if is wrong usage", async () => {
    expect(await runCli(["compare", "--what-if", "magic"])).toMatchObject({ code: 64 });
  });
});

describe("convert and punch", () => {
  test("take pages away, and populate brings back those that are private", async () => {
    const [, , converted, punched, again] = await script(
      "create web --memory 8M",
      "populate web",
      "convert web --share 25% --format json",
      "punch web --size 1M --at 4M --format json",
      "populate web --format json",
    );
    expect(JSON.parse(converted?.stdout ?? "")).toMatchObject({
      sharedBytes: 2 * 2 ** 20,
      privatePages: { "4K": 1536 },
    });
    expect(JSON.parse(punched?.stdout ?? "")).toMatchObject({ privatePages: { "4K": 1280 } });
    expect(JSON.parse(again?.stdout ?? "")).toMatchObject({ privatePages: { "4K": 1536 } });
  });

  test("are undone by --back and populate", async () => {
    const { stdout } = await lastOf(
      "create web --memory 8M",
      "populate web",
      "convert web --size 2M",
      "convert web --size 2M --back",
      "populate web --format json",
    );
    expect(JSON.parse(stdout)).toMatchObject({ sharedBytes: 0, privatePages: { "4K": 2048 } });
  });

  test("split a page of 2 MiB that goes in part", async () => {
    const { stdout } = await lastOf(
      "create web --memory 8M --kernel huge-pages",
      "populate web",
      "punch web --size 4K --at 2M --format json",
    );
    const { privatePages, ioctls } = JSON.parse(stdout);
    expect(privatePages).toMatchObject({ "4K": 511, "2M": 3 });
    expect(ioctls.at(-1)).toMatchObject({
      ioctl: "fallocate(PUNCH_HOLE)",
      seamcalls: { byLeaf: { "TDH.MEM.PAGE.DEMOTE": 1, "TDH.MEM.PAGE.REMOVE": 1 } },
    });
  });

  test.each([
    ["convert web", 64],
    ["convert web --size 1M --share 5%", 64],
    ["convert web --share 0%", 64],
    ["punch web --size 16M", 64],
    ["punch web --size 1K", 64],
    ["punch other --size 1M", 66],
  ])("%s exits %d", async (line, code) => {
    const result = await lastOf("create web --memory 8M", "populate web", line);
    expect(result).toMatchObject({ code, stdout: "" });
  });

  test("of a destroyed TD exits 69", async () => {
    const result = await lastOf("create web --memory 1M", "destroy web", "punch web --size 1M");
    expect(result.code).toBe(69);
  });
});
