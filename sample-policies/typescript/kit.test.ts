// What the conformance kit says of the samples. PLACET_BIN names the `placet` that brings the kit along.

import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const placet = process.env.PLACET_BIN;
const secrets = {
  PLACET_SECRET: "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
  PLACET_RESPONSE_SECRET: "whsec_c2lnbnMgYW5zd2VycywgYW5kIG5vdGhpbmcgZWxzZQ==",
};

for (const sample of ["delegation", "step-up-by-amount"]) {
  const skip = placet === undefined && "PLACET_BIN names no program";
  test(`the kit finds nothing wrong with ${sample}`, { skip, timeout: 120_000 }, async () => {
    assert.ok(placet);
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    const env = { ...process.env, ...secrets, PORT: `${port}` };
    const policy = spawn(process.execPath, [here(`./${sample}/main.js`)], { env, stdio: ["ignore", "ignore", "inherit"] });
    try {
      await healthy(`${url}/healthz`);
      const cases = here(`../${sample}/cases.json`);
      const { stdout } = await promisify(execFile)(placet, ["check-sidecar", "--url", url, "--cases", cases], { env });
      assert.match(stdout, / 0 failed/);
    } finally {
      policy.kill();
      await once(policy, "exit");
    }
  });
}

function here(path: string): string {
  return fileURLToPath(new URL(path, import.meta.url));
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  assert.ok(address !== null && typeof address === "object");
  server.close();
  return address.port;
}

async function healthy(url: string): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt++) {
    try {
      if ((await fetch(url)).ok) return;
    } catch {
      // It does not listen yet.
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  assert.fail(`${url} does not answer`);
}
