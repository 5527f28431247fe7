/** A request is not answered with a decision. The server reads every status but 200 as a failure. */
export class Refusal extends Error {
  constructor(
    readonly status: number,
    title: string,
    readonly headers: Readonly<Record<string, string>> = {},
  ) {
    super(title);
  }

  /** The response; it holds nothing that came with the request. */
  toResponse(): Response {
    const body = JSON.stringify({ title: this.message, status: this.status });
    const headers = { "content-type": "application/problem+json", "cache-control": "no-store", ...this.headers };
    return new Response(body, { status: this.status, headers });
  }
}
