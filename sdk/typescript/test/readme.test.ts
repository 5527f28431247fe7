import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { test } from "node:test";
import { promisify } from "node:util";

const root = new URL("..", import.meta.url);
const run = promisify(execFile);

test("the examples of the README compile", async () => {
  const text = await readFile(new URL("README.md", root), "utf8");
  const examples = [...text.matchAll(/^```ts\n(.*?)^```/gms)].map((match) => match[1] ?? "");
  assert.equal(examples.length, 3);
  const folder = new URL("build/readme/", root);
  await mkdir(folder, { recursive: true });
  const given = `
    declare const token: string;
    declare const id: string;
    type Page = (prompt: unknown) => Promise<{ type: "deny" }>;
    declare const pages: Record<"user_code" | "confirm" | "auth" | "consent" | "custom", Page>;`;
  const files = examples.map((_, i) => `example${i}.ts`);
  const texts = examples.map((example) => `${given}\n${example}\nvoid [token, id, pages];`);
  const config = { extends: "../../tsconfig.json", compilerOptions: { noEmit: true, rootDir: "." }, include: [], files };
  await writeFile(new URL("tsconfig.json", folder), JSON.stringify(config));
  for (const [i, file] of files.entries()) await writeFile(new URL(file, folder), texts[i] ?? "");
  const { stdout } = await run("node_modules/.bin/tsc", ["-p", "build/readme"], { cwd: root }).catch((failed) => failed);
  assert.equal(stdout, "");
});
