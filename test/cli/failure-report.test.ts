import { CommanderError } from "commander";
import { describe, expect, test } from "vitest";
import { reportFailure, stacks } from "../../src/cli/failure-report.ts";
import { Interrupted } from "../../src/cli/signals.ts";
import { Failure, type FailureKind } from "../../src/units/failure.ts";

describe("the exit code", () => {
  test.each<[FailureKind, number]>([
    ["expectation", 1],
    ["usage", 64],
    ["data", 65],
    ["no-input", 66],
    ["refused", 69],
    ["internal", 70],
    ["cannot-create", 73],
    ["io", 74],
    ["locked", 75],
    ["config", 78],
  ])("of a failure of kind %s is %i", (kind, exitCode) => {
    expect(reportFailure(new Failure(kind, "text"), "")).toEqual({ exitCode, problem: "text" });
  });

  test("of an interruption is the signal's", () => {
    expect(reportFailure(new Interrupted("SIGINT", "stopped"), "").exitCode).toBe(130);
    expect(reportFailure(new Interrupted("SIGTERM", "stopped"), "").exitCode).toBe(143);
  });

  test("of anything unforeseen says that it is our bug", () => {
    const report = reportFailure(new TypeError("x is undefined"), "");
    expect(report).toMatchObject({ exitCode: 70, hint: expect.stringContaining("report") });
    expect(report.problem).toBe("internal error: TypeError: x is undefined");
  });

  test.each(["commander.helpDisplayed", "commander.version"])("of %s is 0", (code) => {
    expect(reportFailure(new CommanderError(0, code, ""), "").exitCode).toBe(0);
  });
});

describe("a refusal", () => {
  const refusal = { errno: "EIO", leaf: "TDH.MEM.PAGE.AUG", status: "TDX_OPERAND_BUSY|RCX" };

  test("names errno, SEAMCALL and status", () => {
    const { problem } = reportFailure(new Failure("refused", "cannot map", { refusal }), "");
    expect(problem).toBe("cannot map (EIO, TDH.MEM.PAGE.AUG returned TDX_OPERAND_BUSY|RCX)");
  });

  test("does not repeat what its text says already", () => {
    const failure = new Failure("refused", "KVM_RUN failed with -EIO", {
      refusal: { errno: "EIO" },
    });
    expect(reportFailure(failure, "").problem).toBe("KVM_RUN failed with -EIO");
  });
});

describe("wrong usage found by commander", () => {
  const report = (code: string, message: string) =>
    reportFailure(new CommanderError(1, `commander.${code}`, message), "destroy");

  test("tells the choices of an argument as hint", () => {
    const text =
      "error: command-argument value 'tcsh' is invalid for argument 'shell'. " +
      "Allowed choices are bash, zsh, fish.";
    expect(report("invalidArgument", text)).toMatchObject({
      problem: "argument value 'tcsh' is invalid for argument 'shell'",
      hint: "allowed choices are bash, zsh, fish",
    });
  });

  test("gets its suggestion as hint", () => {
    const text = "error: unknown option '--hnit'\n(Did you mean --hint?)";
    expect(report("unknownOption", text)).toEqual({
      exitCode: 64,
      problem: "unknown option '--hnit'",
      hint: "did you mean --hint? tdx-sim destroy --help tells more",
    });
  });

  test("gets the allowed values as hint", () => {
    const text = "error: option '--format <f>' argument 'x' is invalid. Allowed choices are a, b.";
    expect(report("invalidArgument", text)).toEqual({
      exitCode: 64,
      problem: "option '--format <f>' argument 'x' is invalid",
      hint: "allowed choices are a, b",
    });
  });

  test("is pointed to the command's help otherwise", () => {
    expect(report("missingArgument", "error: missing required argument 'name'").hint).toBe(
      "tdx-sim destroy --help tells more",
    );
  });
});

describe("stacks", () => {
  test("tell what caused an error too", () => {
    const error = new Failure("io", "outer", { cause: new Error("inner") });
    expect(stacks(error)).toMatch(/outer[\s\S]*caused by Error: inner/);
  });
});
