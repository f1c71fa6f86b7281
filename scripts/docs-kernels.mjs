// `npm run docs:kernels` writes docs/kernels.md by the program itself. That it is current is a test.
import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "./bundle.mjs";

const { NODE_EXTRA_CA_CERTS: _, ...environment } = process.env;
const program = join(root, "bin", "tdx-sim.cjs");
const args = [program, "kernels", "--format", "markdown"];
mkdirSync(join(root, "docs"), { recursive: true });
writeFileSync(
  join(root, "docs", "kernels.md"),
  execFileSync(process.execPath, args, { env: environment, encoding: "utf8" }),
);
