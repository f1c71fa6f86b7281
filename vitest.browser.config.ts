import { defineConfig } from "vitest/config";
import { versionDefine } from "./scripts/bundle.mjs";

/** Tests in a real Chromium: apart from `npm test`, which needs no browser. */
export default defineConfig({
  define: versionDefine,
  test: {
    name: "browser",
    include: ["test/browser/**/*.test.ts"],
    globalSetup: ["test/support/temporary-root.ts", "test/support/cli-bundle.ts"],
    pool: "threads",
    fileParallelism: false,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
