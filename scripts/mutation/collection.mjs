/**
 * What stands for vitest in a mutation run: it takes the tests of a file instead of running them.
 * Only what the tests of src/module and src/kvm use; anything else fails the first run.
 */
import {
  chai,
  GLOBAL_EXPECT,
  JestAsymmetricMatchers,
  JestChaiExpect,
  JestExtend,
  setState,
} from "@vitest/expect";

chai.use(JestExtend);
chai.use(JestChaiExpect);
chai.use(JestAsymmetricMatchers);

/**
 * @typedef {object} CollectedTest
 * @property {string} id file and name, and a number where a name stands twice
 * @property {string} name
 * @property {string} file path in the project
 * @property {() => unknown} run throws, or rejects, when the test fails
 */

/** @typedef {(...row: any[]) => unknown} Body */

const expect = Object.assign(
  (/** @type {unknown} */ value, /** @type {string | undefined} */ message) =>
    chai.expect(value, message),
  chai.expect,
  {
    unreachable: (/** @type {string | undefined} */ message) => chai.expect.fail(message),
  },
);
Object.assign(globalThis, { [GLOBAL_EXPECT]: expect });
setState({ assertionCalls: 0 }, /** @type {any} */ (expect));

/** Tests in the order in which their files declare them. */
export class TestCollection {
  /** @type {CollectedTest[]} */
  tests = [];
  /** @type {string[]} */
  #suites = [];
  #file = "";
  /** @type {Set<string>} */
  #ids = new Set();

  /** @param {string} file whose tests are declared from now on */
  begin(file) {
    this.#file = file;
  }

  /** What `import ... from "vitest"` gives. */
  get api() {
    const test = this.#each((name, body) => this.#add(name, body));
    return {
      describe: this.#each((name, body) => this.#suite(name, body)),
      it: test,
      test,
      expect,
      // test/support/totals.ts notes cases with the test that runs; nobody asks for them here.
      TestRunner: { getCurrentTest: () => ({ meta: {} }) },
    };
  }

  /** @param {(name: string, body: () => unknown) => void} declare */
  #each(declare) {
    const each = (/** @type {readonly unknown[]} */ table) => {
      return (/** @type {string} */ name, /** @type {Body} */ body) => {
        for (const [index, row] of table.entries()) {
          const values = Array.isArray(row) ? row : [row];
          declare(`${name} (${index + 1})`, () => body(...values));
        }
      };
    };
    return Object.assign(declare, { each });
  }

  /** @param {string} name @param {() => unknown} body */
  #suite(name, body) {
    this.#suites.push(name);
    body();
    this.#suites.pop();
  }

  /** @param {string} title @param {() => unknown} run */
  #add(title, run) {
    const name = [...this.#suites, title].join(" > ");
    let id = `${this.#file} > ${name}`;
    for (let n = 2; this.#ids.has(id); n++) id = `${this.#file} > ${name} (${n})`;
    this.#ids.add(id);
    this.tests.push({ id, name, file: this.#file, run });
  }
}
