import type { Answer, Problem, Prompt } from "./generated/interaction.js";

export type * from "./generated/interaction.js";

/** A prompt that waits for an answer. */
export type OpenPrompt = Exclude<Prompt, { type: "response" | "error" }>;

/** What a prompt may be answered with: the answer of its type, or a refusal. */
export type AnswerTo<P extends Prompt> = Extract<Answer, { type: P["type"] | "deny" }>;

/** How the interaction API is reached. */
export interface InteractionClientOptions {
  /** The private base URL of the API, `http://127.0.0.1:8081/ui/v1` for example. */
  readonly url: string;
  /** The bearer token of the login app. */
  readonly token: string;
  /** How long to wait for an answer, in milliseconds; 10,000 if absent. */
  readonly timeout?: number;
}

/** Answers larger than this are refused. */
const MAX_ANSWER = 1 << 20;

/** The server refused, or did not answer as the contract says. */
export class InteractionError extends Error {
  override readonly name = "InteractionError";

  constructor(
    /** The HTTP status. */
    readonly status: number,
    /** What the server says of it. */
    readonly problem: Problem | undefined,
    /** Seconds to wait before the same call may succeed. */
    readonly retryAfter: number | undefined,
  ) {
    super(problem ? `${problem.title} (${problem.code})` : `unexpected answer with status ${status}`);
  }

  /** The problem's stable code, `interaction_expired` for example; programs decide by it. */
  get code(): string | undefined {
    return this.problem?.code;
  }
}

/** A client of the interaction API, for login apps. */
export class InteractionClient {
  readonly #base: string;
  readonly #token: string;
  readonly #timeout: number;

  constructor({ url, token, timeout = 10_000 }: InteractionClientOptions) {
    this.#base = url.replace(/\/+$/, "");
    this.#token = token;
    this.#timeout = timeout;
  }

  /** The current prompt of an interaction; safe to repeat. */
  async current(id: string): Promise<Prompt> {
    return prompt(await this.#send("GET", `/interactions/${encodeURIComponent(id)}`));
  }

  /**
   * Answers a prompt and gives the next one. To repeat the same answer is safe. If the interaction is at another step by
   * now, because the user has two tabs open for example, this gives the prompt of that step.
   */
  async answer<P extends OpenPrompt>(current: P, answer: AnswerTo<P>): Promise<Prompt> {
    const path = `/interactions/${encodeURIComponent(current.id)}/steps/${current.step}`;
    const response = await this.#send("PUT", path, answer);
    return response.status === 409 ? this.current(current.id) : prompt(response);
  }

  async #send(method: string, path: string, body?: unknown): Promise<Reply> {
    const headers: Record<string, string> = {
      accept: "application/json, application/problem+json",
      authorization: `Bearer ${this.#token}`,
    };
    if (body !== undefined) headers["content-type"] = "application/json";
    const response = await fetch(this.#base + path, {
      method,
      headers,
      body: body === undefined ? null : JSON.stringify(body),
      redirect: "error",
      signal: AbortSignal.timeout(this.#timeout),
    });
    const retryAfter = Number(response.headers.get("retry-after") ?? Number.NaN);
    return { status: response.status, retryAfter, json: await json(response) };
  }
}

interface Reply {
  readonly status: number;
  readonly retryAfter: number;
  readonly json: unknown;
}

function prompt({ status, retryAfter, json }: Reply): Prompt {
  const body = typeof json === "object" && json !== null ? (json as Record<string, unknown>) : {};
  if (status === 200 && typeof body.type === "string" && typeof body.step === "number") return json as Prompt;
  const problem = status >= 400 && typeof body.code === "string" ? (json as Problem) : undefined;
  throw new InteractionError(status, problem, Number.isNaN(retryAfter) ? undefined : retryAfter);
}

/** The JSON of a response, or nothing if it has none or too much. */
async function json(response: Response): Promise<unknown> {
  const decoder = new TextDecoder();
  let text = "";
  if (response.body) {
    const reader = response.body.getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      text += decoder.decode(value, { stream: true });
      if (text.length > MAX_ANSWER) {
        await reader.cancel();
        return undefined;
      }
    }
  }
  try {
    return JSON.parse(text + decoder.decode());
  } catch {
    return undefined;
  }
}
