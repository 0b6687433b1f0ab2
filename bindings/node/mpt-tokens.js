// Deletes API tokens of the SoftwareONE Marketplace, and says what is true of them afterwards. mpt-tokens.d.ts documents it.
import koffi from 'koffi';

// Koffi runs calls on its own stacks, which by default are too small for a TLS handshake. This setting must come before
// the first asynchronous call.
if (koffi.config().async_stack_size < 1 << 20) koffi.config({ ...koffi.config(), async_stack_size: 1 << 20 });

const library = koffi.load(
  process.env.MPT_TOKENS_LIBRARY ?? (process.platform === 'darwin' ? 'libmpt_tokens.1.dylib' : 'libmpt_tokens.so.1'),
);
const abi = library.func('uint32_t mpt_abi_version()')();
if (abi !== 1) throw new Error(`libmpt_tokens has the ABI ${abi}: expected 1`);

koffi.struct('mpt_batch_options', {
  size: 'uint32_t', concurrency: 'uint32_t', missing_ok: 'int32_t', allow_own_token: 'int32_t', journal: 'const char *',
  patience_ms: 'int64_t',
});
const configNew = library.func('void *mpt_config_new_from_env()');
const configFree = library.func('void mpt_config_free(void *config)');
const setBackoff = library.func('int32_t mpt_config_set_backoff_ms(void *config, uint64_t base, uint64_t cap)');
const clientNew = library.func('int32_t mpt_client_new(void *config, _Out_ void **client, _Out_ void **outcome)');
const clientClone = library.func('void *mpt_client_clone(void *client)');
const clientCancel = library.func('void mpt_client_cancel(void *client)');
const clientFree = library.func('void mpt_client_free(void *client)');
const deleteToken = library.func('int32_t mpt_delete_token(void *client, const char *id, _Out_ void **outcome)');
const batchNew = library.func(
  'int32_t mpt_batch_new(void *client, const char **ids, size_t count, const mpt_batch_options *options, _Out_ void **batch, _Out_ void **outcome)',
);
const burnToken = library.func('int32_t mpt_burn(void *client, const char *value, _Out_ void **outcome)');
const burnBatchNew = library.func(
  'int32_t mpt_burn_batch_new(void *client, const char **values, size_t count, const mpt_batch_options *options, _Out_ void **batch, _Out_ void **outcome)',
);
const batchNext = library.func('void *mpt_batch_next(void *batch)');
const batchStopped = library.func('const char *mpt_batch_stopped(void *batch)');
const batchStoppedMessage = library.func('const char *mpt_batch_stopped_message(void *batch)');
const batchStoppedCode = library.func('int32_t mpt_batch_stopped_code(void *batch)');
const batchSkipped = library.func('uint64_t mpt_batch_skipped(void *batch)');
const batchNotPulled = library.func('uint64_t mpt_batch_not_pulled(void *batch)');
const codeName = library.func('const char *mpt_code_name(int32_t code)');
const batchFree = library.func('void mpt_batch_free(void *batch)');
const outcomeJson = library.func('const char *mpt_outcome_json(void *outcome)');
const outcomeFree = library.func('void mpt_outcome_free(void *outcome)');

// The options of a client: how each is set.
const setter = (name, type, convert) => {
  const set = library.func(`int32_t mpt_config_set_${name}(void *config, ${type} value)`);
  return (config, value) => set(config, convert(value));
};
// A C string ends at NUL, and a lone surrogate becomes U+FFFD: both would change an id. U+0001 is rejected, as they
// must be.
const text = (value) => String(value).replace(/[\0\p{Surrogate}]/gu, '\x01');
const flag = (value) => (value ? 1 : 0);
const setters = {
  apiToken: setter('api_token', 'const char *', text),
  baseUrl: setter('base_url', 'const char *', text),
  userAgent: setter('user_agent', 'const char *', text),
  caFile: setter('ca_file', 'const char *', text),
  proxy: setter('proxy', 'const char *', text),
  timeout: setter('timeout_ms', 'uint64_t', Math.ceil),
  attemptTimeout: setter('attempt_timeout_ms', 'uint64_t', Math.ceil),
  connectTimeout: setter('connect_timeout_ms', 'uint64_t', Math.ceil),
  attempts: setter('attempts', 'uint32_t', Number),
  missingOk: setter('missing_ok', 'int32_t', flag),
  allowOwnToken: setter('allow_own_token', 'int32_t', flag),
  allowPlainHttp: setter('allow_plain_http', 'int32_t', flag),
  burnOnly: setter('burn_only', 'int32_t', flag),
  caOnly: setter('ca_only', 'int32_t', flag),
  backoff: (config, [base, cap]) => setBackoff(config, Math.ceil(base), Math.ceil(cap)),
};

const camelCase = (members) => Object.fromEntries(
  Object.entries(members).map(([name, value]) => [name.replace(/_(.)/g, (_, letter) => letter.toUpperCase()), value]),
);

// 0 is the default for C, -1 (MPT_PATIENCE_NONE) is no patience, and what is below is refused.
function patienceMs(patience) {
  if (patience === undefined) return 0;
  if (patience === 0) return -1;
  return patience < 0 ? Math.min(Math.floor(patience), -2) : Math.ceil(patience);
}

// Reads an outcome and frees it.
function take(pointer) {
  const outcome = camelCase(JSON.parse(outcomeJson(pointer)));
  outcomeFree(pointer);
  outcome.attempts = outcome.attempts.map(camelCase);
  return Object.freeze(outcome);
}

// Runs a call on one of koffi's threads; the event loop continues.
const apart = (call, ...values) => new Promise((resolve, reject) => {
  call.async(...values, (error, result) => (error ? reject(error) : resolve(result)));
});

export class TokenError extends Error {
  constructor(outcome, options) {
    super(outcome.message, options);
    this.name = outcome.code === 'cancelled' ? 'AbortError' : 'TokenError';
    this.code = outcome.code;
    this.outcome = outcome;
  }
}

const isDead = ({ outcome }) => outcome === 'deleted' || outcome === 'gone';
const forgotten = new FinalizationRegistry(clientFree);

export class Client {
  #handle = null;

  constructor(options = {}) {
    const config = configNew();
    const [client, refused] = [[null], [null]];
    try {
      for (const [name, value] of Object.entries(options)) {
        if (!(name in setters)) throw new TypeError(`there is no option ${name}`);
        if (value !== undefined) setters[name](config, value);
      }
      clientNew(config, client, refused);
    } finally {
      configFree(config);
    }
    if (refused[0]) throw new TokenError(take(refused[0]));
    this.#handle = client[0];
    forgotten.register(this, this.#handle, this);
  }

  deleteToken(id, { signal } = {}) {
    return this.#one(deleteToken, id, signal);
  }

  burn(value, { signal } = {}) {
    return this.#one(burnToken, value, signal);
  }

  async #one(native, id, signal) {
    const call = this.#call(signal);
    try {
      const place = [null];
      await apart(native, call.handle, text(id), place);
      const outcome = take(place[0]);
      if (isDead(outcome)) return outcome;
      throw new TokenError(outcome, outcome.code === 'cancelled' ? { cause: signal?.reason } : undefined);
    } finally {
      call.end();
    }
  }

  deleteTokens(ids, options) {
    return this.#many(batchNew, ids, options);
  }

  burnTokens(values, options) {
    return this.#many(burnBatchNew, values, options);
  }

  #many(make, ids, options) {
    const found = {};
    const batch = this.#batch(make, ids, found, options);
    return Object.defineProperty(batch, 'stopped', { get: () => found.stopped });
  }

  async *#batch(make, ids, found, { concurrency = 8, patience, signal } = {}) {
    const call = this.#call(signal);
    const [batch, refused] = [[null], [null]];
    try {
      const texts = Array.from(ids, text);
      const options = {
        size: koffi.sizeof('mpt_batch_options'), concurrency, missing_ok: 0, allow_own_token: 0, journal: null,
        patience_ms: patienceMs(patience),
      };
      make(call.handle, texts, texts.length, options, batch, refused);
      if (refused[0]) throw new TokenError(take(refused[0]));
      for (let next; (next = await apart(batchNext, batch[0])); ) yield take(next);
      const reason = batchStopped(batch[0]);
      if (reason) {
        found.stopped = {
          reason, code: codeName(batchStoppedCode(batch[0])), message: batchStoppedMessage(batch[0]),
          skipped: Number(batchSkipped(batch[0])), notPulled: Number(batchNotPulled(batch[0])),
        };
      }
    } finally {
      await apart(batchFree, batch[0]);
      call.end();
    }
  }

  close() {
    if (!this.#handle) return;
    forgotten.unregister(this);
    clientFree(this.#handle);
    this.#handle = null;
  }

  [Symbol.dispose]() {
    this.close();
  }

  // A handle on the same connections, which the signal cancels.
  #call(signal) {
    if (!this.#handle) throw new Error('the client is closed');
    const handle = clientClone(this.#handle);
    const cancel = () => clientCancel(handle);
    if (signal?.aborted) cancel();
    signal?.addEventListener('abort', cancel);
    return { handle, end: () => { signal?.removeEventListener('abort', cancel); clientFree(handle); } };
  }
}
