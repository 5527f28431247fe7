/** How long an answer is kept for a question that comes again, in milliseconds. */
const KEPT = 5 * 60 * 1000;
const MAX_ENTRIES = 10_000;
const MAX_BYTES = 16 * 1024 * 1024;

interface Entry {
  readonly until: number;
  readonly answer: Promise<string>;
  size: number;
}

/**
 * The answers of the last five minutes, so that a question that comes again is not decided again. Bounded: the oldest go
 * first. A failure is not kept.
 */
export class Answers {
  readonly #entries = new Map<string, Entry>();
  #bytes = 0;

  /** The answer to a question, given before or by `decide`. Whoever asks meanwhile gets the same. */
  get(key: string, now: number, decide: () => Promise<string>): Promise<string> {
    this.#evict(now);
    const known = this.#entries.get(key);
    if (known) return known.answer;
    const entry: Entry = { until: now + KEPT, answer: decide(), size: 0 };
    this.#entries.set(key, entry);
    entry.answer.then(
      (answer) => this.#weigh(key, entry, answer.length),
      () => this.#drop(key, entry),
    );
    return entry.answer;
  }

  #weigh(key: string, entry: Entry, size: number): void {
    if (this.#entries.get(key) !== entry) return;
    entry.size = size;
    this.#bytes += size;
  }

  #drop(key: string, entry: Entry): void {
    if (this.#entries.get(key) !== entry) return;
    this.#entries.delete(key);
    this.#bytes -= entry.size;
  }

  /** Entries lie in the order of their age. */
  #evict(now: number): void {
    for (const [key, entry] of this.#entries) {
      const full = this.#entries.size >= MAX_ENTRIES || this.#bytes > MAX_BYTES;
      if (entry.until > now && !full) break;
      this.#drop(key, entry);
    }
  }
}
