import { describe, expect, test } from "vitest";
import { type CliResult, lastOf, runCli, script } from "../support/cli.ts";
import { temporaryDirectory } from "../support/temporary.ts";

interface ResultJson {
  readonly td: { readonly name: string | null; readonly source: string };
  readonly strategies: readonly { readonly strategy: string }[];
}

function resultOf({ stdout }: CliResult): ResultJson {
  return JSON.parse(stdout) as ResultJson;
}

describe("create, populate and destroy in three processes", () => {
  test.each(["runtime", "exit", "hint"])(
    "count by %s what the one-shot form counts",
    async (by) => {
      const shape = "--memory 64M --vcpus 3 --packages 2 --layout q35";
      const [created, populated, destroyed] = await script(
        `create web ${shape}`,
        "populate web",
        `destroy web --strategy ${by} --format json`,
      );
      expect([created?.code, populated?.code, destroyed?.code]).toEqual([0, 0, 0]);
      const fresh = await runCli(`destroy ${shape} --strategy ${by} --format json`.split(" "));
      const stored = resultOf(destroyed as CliResult);
      expect(stored.td).toMatchObject({ name: "web", source: "store" });
      expect(stored.strategies).toEqual(resultOf(fresh).strategies);
    },
  );

  test("name the next command on stderr", async () => {
    const [created, populated] = await script("create web --memory 1M", "populate web");
    expect(created?.stderr).toBe("next: tdx-sim populate web\n");
    expect(populated?.stderr).toBe("next: tdx-sim destroy --hint web\n");
  });

  test("say nothing on stderr when they are to be quiet", async () => {
    const [created, populated] = await script("create -q --memory 1M", "populate --quiet");
    expect([created?.stderr, populated?.stderr]).toEqual(["", ""]);
  });

  test("give td/v1 documents with counts for each ioctl", async () => {
    const { stdout } = await lastOf("create a --memory 1M", "populate a --format json");
    expect(JSON.parse(stdout)).toMatchObject({
      schema: "tdx-sim/td/v1",
      simulated: true,
      name: "a",
      finalized: true,
      populatedBytes: 2 ** 20,
      ioctls: expect.arrayContaining([
        expect.objectContaining({
          ioctl: "KVM_TDX_FINALIZE_VM",
          seamcalls: { total: 1, byLeaf: { "TDH.MR.FINALIZE": 1 } },
        }),
      ]),
    });
  });
});

describe("populating", () => {
  test("goes on from where it was", async () => {
    const { code, stdout } = await lastOf(
      "create a --memory 4M",
      "populate a --populated 1M",
      "populate a --populated 3M",
      "populate a --format json",
    );
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ populatedBytes: 4 * 2 ** 20 });
  });

  test("beyond the memory is refused", async () => {
    const { code, stderr } = await lastOf("create a --memory 4M", "populate a --populated 8M");
    expect(code).toBe(69);
    expect(stderr).toBe("tdx-sim: KVM_RUN failed with -EFAULT: TD a has 4 MiB of memory\n");
  });

  test("of a full TD is refused", async () => {
    const { code, stderr } = await lastOf("create a --memory 4M", "populate a", "populate a");
    expect(code).toBe(69);
    expect(stderr).toContain("-EFAULT: TD a has 4 MiB of memory, all of it populated");
  });

  test("without finalizing adds the initial image only", async () => {
    const { stdout } = await lastOf(
      "create a --memory 4M --initial-image 1M",
      "populate a --no-finalize --format json",
    );
    expect(JSON.parse(stdout)).toMatchObject({ finalized: false, populatedBytes: 2 ** 20 });
  });
});

describe("names", () => {
  test("are given by the store when none is chosen", async () => {
    const { stdout } = await lastOf("create --memory 1M", "create --memory 1M --format json");
    expect(JSON.parse(stdout)).toMatchObject({ name: "td-2" });
  });

  test("are given once only, also after the TD is destroyed", async () => {
    const [, again, , later] = await script(
      "create a --memory 1M",
      "create a --memory 1M",
      "destroy a",
      "create a --memory 1M",
    );
    expect([again?.code, later?.code]).toEqual([69, 64]);
    expect(again?.stderr).toMatch(/TD a: KVM_TDX_INIT_VM failed with -EINVAL.*\nhint: /);
    expect(later?.stderr).toContain("hint: ");
  });
});

describe("without a name", () => {
  test("destroy takes the one live TD of the store", async () => {
    const { stdout } = await lastOf(
      "create a --memory 1M",
      "destroy a",
      "create b --memory 1M",
      "destroy --format json",
    );
    expect(resultOf({ stdout } as CliResult).td).toMatchObject({ name: "b", source: "store" });
  });

  test.each(["destroy", "compare", "populate"])(
    "%s does not choose among several",
    async (command) => {
      const { code, stderr } = await lastOf(
        "create a --memory 1M",
        "create b --memory 1M",
        command,
      );
      expect(code).toBe(64);
      expect(stderr).toContain("a, b");
    },
  );

  test.each(["destroy", "compare"])(
    "%s takes the default TD of an empty store, and says so",
    async (command) => {
      const { code, stdout, stderr } = await lastOf(`${command} --format json`);
      expect(code).toBe(0);
      expect(stderr).toContain("the default one");
      expect(resultOf({ stdout } as CliResult).td).toMatchObject({
        name: null,
        source: "default",
        memoryBytes: 16 * 2 ** 30,
        vcpus: 4,
      });
    },
  );

  test("TD options make a TD of their own, whatever the store holds", async () => {
    const [, , destroyed, listed] = await script(
      "create a --memory 1M",
      "create b --memory 1M",
      "destroy --memory 2M --format json",
      "list --format ndjson",
    );
    expect(resultOf(destroyed as CliResult).td).toMatchObject({ name: null, source: "options" });
    const states = listed?.stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line).destroyed);
    expect(states).toEqual([false, false]);
  });
});

describe("a destroyed TD", () => {
  test.each(["destroy a", "populate a", "compare a"])(
    "cannot be used: %s exits 69",
    async (line) => {
      const { code, stderr } = await lastOf("create a --memory 1M", "destroy a", line);
      expect(code).toBe(69);
      expect(stderr).toMatch(/EIO/);
    },
  );

  test("stays listed until the store is reset", async () => {
    const [, , listed, , empty] = await script(
      "create a --memory 1M",
      "destroy a",
      "list --format csv",
      "reset --yes",
      "list --format csv",
    );
    expect(listed?.stdout).toMatch(/^schema,.*\n.*,a,v16,destroyed,/);
    expect(empty?.stdout.trim().split("\n")).toHaveLength(1);
  });
});

describe("reset", () => {
  test("removes nothing where it cannot ask", async () => {
    const [, refused, listed] = await script("create a --memory 1M", "reset", "list -f ndjson");
    expect(refused?.code).toBe(64);
    expect(refused?.stderr).toContain("hint: tdx-sim reset --yes");
    expect(listed?.stdout).toContain('"name":"a"');
  });

  test("of an empty store has nothing to ask", async () => {
    expect((await lastOf("reset")).code).toBe(0);
  });
});

describe("compare", () => {
  test("leaves the store as it was", async () => {
    const [, , before, compared, after] = await script(
      "create a --memory 8M",
      "populate a",
      "show a --format json",
      "compare a --format json",
      "show a --format json",
    );
    expect(resultOf(compared as CliResult).strategies.map(({ strategy }) => strategy)).toEqual([
      "runtime",
      "exit",
      "hint",
    ]);
    expect(after?.stdout).toBe(before?.stdout);
  });

  test("takes a published TD by name", async () => {
    const { stdout } = await lastOf("compare --td published-64x400 --format json");
    expect(resultOf({ stdout } as CliResult).td).toMatchObject({
      memoryBytes: 400 * 2 ** 30,
      vcpus: 64,
    });
  });

  test("lets an option change a published TD", async () => {
    const { stdout } = await lastOf("compare --td published-64x400 --vcpus 2 --format json");
    expect(resultOf({ stdout } as CliResult).td).toMatchObject({ vcpus: 2 });
  });
});

describe("HKIDs of the host", () => {
  test("are shared by its TDs and used up in the end", async () => {
    const store = temporaryDirectory("store");
    const create = () => runCli(["create", "--memory", "1M", "--vcpus", "1"], { store });
    for (let made = 0; made < 63; made += 1) expect((await create()).code).toBe(0);
    const { code, stderr } = await create();
    expect(code).toBe(69);
    expect(stderr).toContain("ENOSPC");
    await runCli(["destroy", "td-7"], { store });
    expect((await create()).code).toBe(0);
  }, 60_000);
});
