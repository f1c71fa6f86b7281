import { defineConfig } from "vitest/config";
import { versionDefine } from "./scripts/bundle.mjs";

// One worker serves many files (isolate: false), which is why no module may keep mutable state.
const shared = {
  isolate: false,
  pool: "threads" as const,
  // All cores: vitest would leave one idle, which on two is half of them.
  maxWorkers: "100%",
  // For machines that do something else meanwhile; what has to be fast is bounded by processor time.
  testTimeout: 30_000,
  globalSetup: ["test/support/temporary-root.ts", "test/support/indexes.ts"],
};

export default defineConfig({
  define: versionDefine,
  test: {
    projects: [
      {
        extends: true,
        test: {
          ...shared,
          name: "core",
          include: ["test/**/*.test.ts"],
          exclude: ["test/cli/**", "test/browser/**"],
        },
      },
      {
        extends: true,
        test: {
          ...shared,
          name: "cli",
          include: ["test/cli/**/*.test.ts"],
          globalSetup: [...shared.globalSetup, "test/support/cli-bundle.ts"],
        },
      },
    ],
    coverage: { provider: "v8", include: ["src/**/*.ts"], reporter: ["text-summary", "lcov"] },
  },
});
