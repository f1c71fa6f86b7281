import { createReadStream } from "node:fs";
import { replay } from "tdx-sim";

const vectors = createReadStream("fixtures/conformance/lifecycles.ndjson.gz");
const { sequences, steps, mismatches } = await replay(vectors, { name: "lifecycles" });
console.log(sequences, steps, mismatches);
// 10 4793 0
