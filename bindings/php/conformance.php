<?php

// The conformance runner: see tests/conformance/README.md.

declare(strict_types=1);

use MptTokens\Client;
use MptTokens\Outcome;
use MptTokens\TokenException;

error_reporting(E_ALL);
set_error_handler(fn (int $level, string $message) => throw new ErrorException($message));
spl_autoload_register(fn (string $class) => require __DIR__ . '/src/' . substr($class, strlen('MptTokens\\')) . '.php');

function tell(Outcome $outcome, string $raised, object $shown): void
{
    ob_start();
    var_dump($shown);
    $fields = [
        'id' => $outcome->id, 'outcome' => $outcome->outcome, 'code' => $outcome->code, 'http_status' => $outcome->httpStatus,
        'attempts' => count($outcome->attempts), 'rounds' => $outcome->rounds, 'settled_at_ms' => $outcome->settledAt->format('Uv'), 'title' => $outcome->problem['title'] ?? null,
        'detail' => $outcome->problem['detail'] ?? null, 'message' => $outcome->message, 'retryable' => (int) $outcome->retryable, 'retry_after' => $outcome->retryAfter,
        'trace_id' => $outcome->traceId, 'raised' => $raised, 'shown' => ob_get_clean() . ($shown instanceof Throwable ? $shown : ''),
    ];
    echo http_build_query(array_map(strval(...), $fields), encoding_type: PHP_QUERY_RFC3986), "\n";
}

/** @return array{array<string, string>, list<string>} */
function request(string $line): array
{
    [$request, $ids] = [[], []];
    foreach (explode('&', $line) as $pair) {
        [$name, $value] = array_map(rawurldecode(...), explode('=', $pair, 2));
        $name === 'id' ? $ids[] = $value : $request[$name] = $value;
    }

    return [$request, $ids];
}

function client(array $request): Client
{
    $seconds = fn (string $name) => isset($request[$name]) ? $request[$name] / 1000 : null;
    $flag = fn (string $name) => isset($request[$name]) ? $request[$name] === '1' : null;
    $during = ($request['cancel'] ?? '') === 'during';

    return new Client(
        apiToken: $request['api_token'] ?? null,
        baseUrl: $request['base_url'] ?? null,
        caFile: $request['ca_file'] ?? null,
        proxy: $request['proxy'] ?? null,
        attempts: isset($request['attempts']) ? (int) $request['attempts'] : null,
        timeout: $seconds('timeout_ms'),
        attemptTimeout: $seconds('attempt_timeout_ms'),
        connectTimeout: $seconds('connect_timeout_ms'),
        backoff: isset($request['backoff_base_ms']) ? [$seconds('backoff_base_ms'), $seconds('backoff_cap_ms')] : null,
        missingOk: $flag('missing_ok'),
        burnOnly: $flag('burn_only'),
        allowOwnToken: $flag('allow_own_token'),
        poll: $during ? fn () => isReadable() && fgets(STDIN) !== false : null,
    );
}

/** Whether a line waits: one that was asked for by the judge is never read ahead. */
function isReadable(): bool
{
    [$read, $none] = [[STDIN], null];

    return stream_select($read, $none, $none, 0) === 1;
}

function answer(array $request, array $ids): void
{
    $client = client($request);
    if (($request['cancel'] ?? '') === 'before') {
        $client->cancel();
    }
    if (str_ends_with($request['call'], 'batch')) {
        $patience = isset($request['patience_ms']) ? $request['patience_ms'] / 1000 : null;
        $left = (int) ($request['stop_after'] ?? PHP_INT_MAX);
        $many = $request['call'] === 'burn_batch' ? $client->burnTokens(...) : $client->deleteTokens(...);
        $batch = $many($ids, (int) ($request['concurrency'] ?? 8), patience: $patience);
        foreach ($batch as $outcome) {
            tell($outcome, '', $client);
            if (--$left === 0) {
                return;
            }
        }
        if (($stopped = $batch->getReturn()) !== null) {
            echo http_build_query([
                'stopped' => $stopped->reason, 'stopped_code' => $stopped->code, 'stopped_message' => $stopped->message,
                'skipped' => $stopped->skipped, 'not_pulled' => $stopped->notPulled,
            ], encoding_type: PHP_QUERY_RFC3986), "\n";
        }

        return;
    }
    foreach ($ids as $id) {
        try {
            tell($request['call'] === 'burn' ? $client->burn($id) : $client->deleteToken($id), '', $client);
        } catch (TokenException $exception) {
            tell($exception->outcome, $exception::class, $exception);
        }
    }
}

while (($line = fgets(STDIN)) !== false) {
    try {
        answer(...request(rtrim($line, "\n")));
    } catch (TokenException $exception) {
        tell($exception->outcome, $exception::class, $exception);
    }
    echo "\n";
}
