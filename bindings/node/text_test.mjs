// What the table of cases cannot ask for: text that UTF-8 does not have names no token.
import assert from 'node:assert/strict';
import { Client } from './mpt-tokens.js';

const client = new Client({ apiToken: 'x', baseUrl: 'http://127.0.0.1:1' });
for (const id of ['TKN-\ud800', '\udc00', 'TKN-\0', '\ud83d\ud83d\ude00']) {
  await assert.rejects(client.deleteToken(id), { code: 'invalid_token_id' });
}
// A pair is a character like any other: this fails for want of a server.
await assert.rejects(client.deleteToken('\ud83d\ude00'), { code: 'connect_failed' });
client.close();
