// The conformance runner: see tests/conformance/README.md.
import { createInterface } from 'node:readline';
import { inspect } from 'node:util';
import { Client, TokenError } from './mpt-tokens.js';

const NAMES = {
  api_token: 'apiToken', base_url: 'baseUrl', ca_file: 'caFile', proxy: 'proxy', attempts: 'attempts', timeout_ms: 'timeout',
  attempt_timeout_ms: 'attemptTimeout', connect_timeout_ms: 'connectTimeout', missing_ok: 'missingOk', allow_own_token: 'allowOwnToken', burn_only: 'burnOnly',
};
const TEXTS = new Set(['api_token', 'base_url', 'ca_file', 'proxy']);

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
let out = '';

function tell(outcome, raised, shown) {
  const fields = {
    id: outcome.id, outcome: outcome.outcome, code: outcome.code, http_status: outcome.httpStatus, attempts: outcome.attempts.length,
    rounds: outcome.rounds, settled_at_ms: Date.parse(outcome.at),
    title: outcome.problem?.title, detail: outcome.problem?.detail, message: outcome.message, retryable: Number(outcome.retryable),
    retry_after: outcome.retryAfter,
    trace_id: outcome.traceId, raised, shown: inspect(shown),
  };
  out += `${new URLSearchParams(Object.entries(fields).map(([name, value]) => [name, String(value ?? '')]))}\n`;
}

async function answer(request) {
  const options = {};
  for (const [name, key] of Object.entries(NAMES)) {
    const value = request.get(name);
    if (value !== null) options[key] = TEXTS.has(name) ? value : Number(value);
  }
  if (request.has('backoff_base_ms')) options.backoff = ['backoff_base_ms', 'backoff_cap_ms'].map((name) => Number(request.get(name)));
  const client = new Client(options);
  const abort = new AbortController();
  const { signal } = abort;
  if (request.get('cancel') === 'before') abort.abort();
  if (request.get('cancel') === 'during') lines.next().then(() => abort.abort());
  try {
    if (request.get('call').endsWith('batch')) {
      const many = request.get('call') === 'burn_batch' ? 'burnTokens' : 'deleteTokens';
      const concurrency = Number(request.get('concurrency') ?? 8);
      const patience = request.has('patience_ms') ? Number(request.get('patience_ms')) : undefined;
      let count = 0;
      const batch = client[many](request.getAll('id'), { concurrency, patience, signal });
      for await (const outcome of batch) {
        tell(outcome, '', client);
        if (++count === Number(request.get('stop_after'))) break;
      }
      if (batch.stopped) {
        const { reason, code, message, skipped, notPulled } = batch.stopped;
        out += `${new URLSearchParams({ stopped: reason, stopped_code: code, stopped_message: message, skipped, not_pulled: notPulled })}\n`;
      }
    } else {
      for (const id of request.getAll('id')) {
        try {
          const call = request.get('call') === 'burn' ? 'burn' : 'deleteToken';
          tell(await client[call](id, { signal }), '', client);
        } catch (error) {
          refused(error);
        }
      }
    }
  } finally {
    client.close();
  }
}

function refused(error) {
  if (!(error instanceof TokenError)) throw error;
  if (error.code === 'cancelled' && error.name !== 'AbortError') throw new Error('an abort must be an AbortError');
  tell(error.outcome, error.constructor.name, error);
}

for (let line; !(line = await lines.next()).done; ) {
  await answer(new URLSearchParams(line.value)).catch(refused);
  process.stdout.write(out);
  out = '';
  globalThis.gc?.(); // so that what is resident is what is held
  process.stdout.write('\n');
}
