import { Refusal } from "./refusal.js";

/** Reads a body of at most `limit` bytes, before `signal` ends. */
export async function readBody(request: Request, limit: number, signal: AbortSignal): Promise<Uint8Array> {
  const announced = request.headers.get("content-length");
  if (announced !== null && Number(announced) > limit) throw new Refusal(413, "the body is too large");
  if (!request.body) return new Uint8Array();
  const reader = request.body.getReader();
  const stop = () => void reader.cancel().catch(() => undefined);
  signal.addEventListener("abort", stop, { once: true });
  try {
    const chunks: Uint8Array[] = [];
    let length = 0;
    for (;;) {
      // A caller that hangs up is no failure of ours, and nothing to log: strangers could fill the log so.
      const { done, value } = await reader.read().catch(() => {
        throw new Refusal(400, "the body broke off");
      });
      if (signal.aborted) throw new Refusal(408, "the body did not come in time");
      if (done) break;
      length += value.byteLength;
      if (length > limit) {
        stop();
        throw new Refusal(413, "the body is too large");
      }
      chunks.push(value);
    }
    return joined(chunks, length);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

function joined(chunks: readonly Uint8Array[], length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.byteLength;
  }
  return bytes;
}
