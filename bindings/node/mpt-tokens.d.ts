/** The result of a call for one token. */
export interface Outcome {
  readonly id: string | null;
  /** What is true of the token. `deleted` and `gone`: it is dead. `unknown`: it may be; try again. */
  readonly outcome: 'deleted' | 'gone' | 'not_deleted' | 'unknown';
  /** What happened, by the name that every language uses: `ok`, `not_found`, `timeout`... */
  readonly code: string;
  /** The status of the last response. */
  readonly httpStatus: number | null;
  readonly attempts: readonly Attempt[];
  /** The number of calls for the token: more than 1 if a batch put it off and tried it again. */
  readonly rounds: number;
  /** The server's problem details (RFC 9457), unchanged. */
  readonly problem: Readonly<Record<string, unknown>> | null;
  /** One sentence: what happened, what is true of the token, what to do. */
  readonly message: string;
  /** True if trying again later can change the result; false if the token is dead or somebody must act first. */
  readonly retryable: boolean;
  /** How many seconds the server asked to wait. */
  readonly retryAfter: number | null;
  readonly traceId: string | null;
  readonly elapsedMs: number;
  /** When this became known, in UTC (RFC 3339): `new Date(outcome.at)`. */
  readonly at: string;
}

/** One request of a call. */
export interface Attempt {
  readonly number: number;
  /** True if any part of the request may have been sent. */
  readonly sent: boolean;
  readonly httpStatus: number | null;
  /** The code, if there was no response. */
  readonly failure: string | null;
  readonly elapsedMs: number;
  readonly waitedMs: number;
}

/** Options that are not given come from the environment, or are the library's defaults. Times are in milliseconds. */
export interface Options {
  /** Instead of `MPT_API_TOKEN`. */
  apiToken?: string;
  /** Instead of `MPT_API_BASE_URL`, or `https://api.platform.softwareone.com`. */
  baseUrl?: string;
  /** The caller's part of the User-Agent; sent before the library's own. */
  userAgent?: string;
  /** A PEM file of certificate authorities to trust in addition to the platform's; with `caOnly`, instead of them. */
  caFile?: string;
  caOnly?: boolean;
  /** The URL of an HTTP proxy, instead of the environment's. */
  proxy?: string;
  /** The time limit of a call over all attempts; 60,000 by default. */
  timeout?: number;
  /** The time limit of one attempt; 20,000 by default. */
  attemptTimeout?: number;
  /** The time limit for opening a connection; 5,000 by default. */
  connectTimeout?: number;
  /** The largest number of attempts, 1 to 100; 4 by default. */
  attempts?: number;
  /** The first pause between attempts and the longest; `[200, 10000]` by default. */
  backoff?: [base: number, cap: number];
  /** If true, a token that the API does not know is a success (`gone`). */
  missingOk?: boolean;
  /** If true, the token in use may be deleted. */
  allowOwnToken?: boolean;
  /** If true, the client has no API token, not even that of the environment, and can only burn. */
  burnOnly?: boolean;
  /** If true, plain HTTP is allowed to hosts other than loopback, which sends the API token unencrypted. */
  allowPlainHttp?: boolean;
}

/** The token is not known to be dead, or the client cannot be created. Its name is `AbortError` after an abort. */
export class TokenError extends Error {
  readonly code: string;
  readonly outcome: Outcome;
}

/** Why a batch stopped before the end of its list. */
export interface Stopped {
  readonly reason: 'asked' | 'cancelled' | 'unauthorized' | 'paused' | 'no_answer' | 'journal';
  /** The code that comes nearest, such as `unauthorized`. */
  readonly code: string;
  /** What happened, and what to do. */
  readonly message: string;
  /** Ids that were pulled and not tried: their outcomes say so. */
  readonly skipped: number;
  /** Ids that were not reached: they have no outcome. */
  readonly notPulled: number;
}

/** The outcomes of a batch. */
export interface Batch extends AsyncGenerator<Outcome, void> {
  /** Why it stopped before the end of its list: look after the loop. `undefined` if it did not. */
  readonly stopped: Stopped | undefined;
}

/** Deletes tokens. Calls may overlap; each runs outside the event loop, on one of koffi's threads. */
export class Client {
  /** @throws {TokenError} if an option or the environment cannot be used */
  constructor(options?: Options);
  /**
   * Deletes one token. When the signal is aborted, the call ends within 200 ms and says what is true of the token.
   * @throws {TokenError} if the token is not dead afterwards
   */
  deleteToken(id: string, options?: { signal?: AbortSignal }): Promise<Outcome>;
  /**
   * Deletes many tokens, `concurrency` (1 to 256; 8 by default) at a time. Yields outcomes, including failures, in
   * order of completion. Each id is tried once. Leaving the loop stops the batch and waits for the calls under way.
   *
   * `patience` is how long the batch continues without a conclusive answer from the API, in milliseconds: 600,000 by
   * default, at most one week. A token whose call came to nothing is put off and tried again meanwhile. 0: each token is
   * tried in one call.
   */
  deleteTokens(
    ids: Iterable<string>,
    options?: { concurrency?: number; patience?: number; signal?: AbortSignal },
  ): Batch;
  /**
   * Burns a leaked value: deletes its token with the value itself as the credential, and proves that it is dead.
   * @throws {TokenError} if the token is not dead afterwards; `dead_value`: it was dead already, or never was a value
   */
  burn(value: string, options?: { signal?: AbortSignal }): Promise<Outcome>;
  /** Burns many leaked values, each with itself as the credential. A text that is not a value has an outcome without an id. */
  burnTokens(
    values: Iterable<string>,
    options?: { concurrency?: number; patience?: number; signal?: AbortSignal },
  ): Batch;
  /** Closes the client; calls under way continue. */
  close(): void;
  [Symbol.dispose](): void;
}
