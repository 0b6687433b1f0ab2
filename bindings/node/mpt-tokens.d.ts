/** All that a call told about one token. */
export interface Outcome {
  readonly id: string | null;
  /** What is true of the token. `deleted` and `gone`: it is dead. `unknown`: it may be; ask again. */
  readonly outcome: 'deleted' | 'gone' | 'not_deleted' | 'unknown';
  /** What happened, by the name that every language uses: `ok`, `not_found`, `timeout`... */
  readonly code: string;
  /** Of the last answer. */
  readonly httpStatus: number | null;
  readonly attempts: readonly Attempt[];
  /** The server's problem details (RFC 9457), as they came. */
  readonly problem: Readonly<Record<string, unknown>> | null;
  /** One sentence: what happened, what is true of the token, what to do. */
  readonly message: string;
  /** Whether asking again later can change it; not where it is dead, or somebody must act first. */
  readonly retryable: boolean;
  /** Seconds that the server asked to wait. */
  readonly retryAfter: number | null;
  readonly traceId: string | null;
  readonly elapsedMs: number;
}

/** One request of a call. */
export interface Attempt {
  readonly number: number;
  /** Whether the request, or a part of it, may have left. */
  readonly sent: boolean;
  readonly httpStatus: number | null;
  /** The code, where there was no answer. */
  readonly failure: string | null;
  readonly elapsedMs: number;
  readonly waitedMs: number;
}

/** What is not given comes from the environment or is the library's default. Times are in milliseconds. */
export interface Options {
  /** Instead of `MPT_API_TOKEN`. */
  apiToken?: string;
  /** Instead of `MPT_API_BASE_URL`, or `https://api.platform.softwareone.com`. */
  baseUrl?: string;
  /** Goes before the library's own. */
  userAgent?: string;
  /** A PEM file of authorities to trust beside the platform's; with `caOnly` instead of them. */
  caFile?: string;
  caOnly?: boolean;
  /** The URL of an HTTP proxy, instead of the environment's. */
  proxy?: string;
  /** The limit of a call over all attempts; 60,000. */
  timeout?: number;
  /** The limit of one attempt; 20,000. */
  attemptTimeout?: number;
  /** The limit of opening a connection; 5,000. */
  connectTimeout?: number;
  /** 1 to 100; 4. */
  attempts?: number;
  /** The first pause between attempts and the longest; `[200, 10000]`. */
  backoff?: [base: number, cap: number];
  /** A token that the API does not know is a success (`gone`). */
  missingOk?: boolean;
  /** The token in use may be deleted. */
  allowOwnToken?: boolean;
  /** http to a host that is not loopback is allowed: the token then travels unencrypted. */
  allowPlainHttp?: boolean;
}

/** A call that did not end with a dead token, or a client that cannot be made. Its name is `AbortError` after an abort. */
export class TokenError extends Error {
  readonly code: string;
  readonly outcome: Outcome;
}

/** Deletes tokens. Calls may overlap; each runs off the event loop, on a thread that koffi keeps. */
export class Client {
  /** @throws {TokenError} where an option or the environment cannot be used */
  constructor(options?: Options);
  /**
   * Deletes one token. When the signal is aborted the call ends within 200 ms, and says what is true then.
   * @throws {TokenError} where the token is not dead afterwards
   */
  deleteToken(id: string, options?: { signal?: AbortSignal }): Promise<Outcome>;
  /**
   * Deletes many, `concurrency` (1 to 256; 8) at a time; outcomes come in order of completion, failures too. Each id is
   * tried once. Leaving the loop stops the batch and waits for what is under way.
   */
  deleteTokens(ids: Iterable<string>, options?: { concurrency?: number; signal?: AbortSignal }): AsyncGenerator<Outcome, void>;
  /** Gives the connections back; calls under way go on. */
  close(): void;
  [Symbol.dispose](): void;
}
