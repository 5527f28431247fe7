import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { promisify } from "node:util";

const root = new URL("..", import.meta.url);
const run = promisify(execFile);

test("the generated types are what the published schemas say", async () => {
  const { stderr } = await run(process.execPath, ["scripts/generate.mjs", "--check"], { cwd: root });
  assert.equal(stderr, "");
});

test("the package holds what users need, and nothing else", async () => {
  const { stdout } = await run("npm", ["pack", "--dry-run", "--json", "--ignore-scripts"], { cwd: root });
  const packed: unknown = JSON.parse(stdout);
  // npm 11 prints a list, later versions an object by name.
  const [{ files }] = Object.values(packed as object) as [{ files: { path: string }[] }];
  const modules = ["answer", "body", "discovery", "envelope", "hooks", "index", "interaction", "json", "node"];
  modules.push("policy", "question", "refusal", "replay", "settings", "signature");
  modules.push("event", "generated/decision", "generated/event", "generated/interaction", "generated/rules");
  const expected = modules.flatMap((name) => [`dist/${name}.js`, `dist/${name}.d.ts`]);
  assert.deepEqual(
    files.map((file) => file.path).sort(),
    [...expected, "LICENSE", "README.md", "package.json"].sort(),
  );
});

test("the package depends on nothing, and its lock file names no registry", async () => {
  const manifest = JSON.parse(await readFile(new URL("package.json", root), "utf8"));
  assert.deepEqual([manifest.dependencies, manifest.peerDependencies], [undefined, undefined]);
  const lock = await readFile(new URL("package-lock.json", root), "utf8");
  assert.doesNotMatch(lock, /"resolved"/);
});

test("only the entry for Node.js needs Node.js", async () => {
  const { stdout } = await run("grep", ["-l", "-r", 'from "node:', "dist", "--include=*.js"], { cwd: root });
  assert.equal(stdout, "dist/node.js\n");
});
