<?php

// What the table of cases cannot ask for: the function that a client asks, and signals, end a call and spoil nothing.

declare(strict_types=1);

use MptTokens\Client;
use MptTokens\TokenException;

error_reporting(E_ALL);
set_error_handler(fn (int $level, string $message) => throw new ErrorException($message));
spl_autoload_register(fn (string $class) => require __DIR__ . '/src/' . substr($class, strlen('MptTokens\\')) . '.php');

// It takes connections, and never says a word.
$server = stream_socket_server('tcp://127.0.0.1:0');
$url = 'http://' . stream_socket_get_name($server, false);
$client = fn (?callable $poll) => new Client(apiToken: 'x', baseUrl: $url, timeout: 600, attemptTimeout: 600, poll: $poll);

/** What a call throws. */
function thrown(callable $call): Throwable
{
    try {
        $call();
    } catch (Throwable $thrown) {
        return $thrown;
    }
    throw new Exception('nothing was thrown');
}

function expect(bool $true, mixed $got): void
{
    $true || throw new Exception('this came out: ' . print_r($got, true));
}

// An exception comes out as it was thrown, of a call and of a batch; the client goes on.
$late = new Exception('too late');
$asking = $client(fn () => throw $late);
expect(($got = thrown(fn () => $asking->deleteToken('TKN-1'))) === $late, $got);
expect(($got = thrown(fn () => iterator_to_array($asking->deleteTokens(['TKN-2'])))) === $late, $got);

// A call in a call is refused; what cancels the client ends the call.
$nested = null;
$cancelling = $client(function () use (&$cancelling, &$nested): bool {
    $nested = thrown(fn () => $cancelling->deleteToken('TKN-3'));
    $cancelling->cancel();

    return false;
});
$got = thrown(fn () => $cancelling->deleteToken('TKN-4'));
expect($got instanceof TokenException && $got->outcome->code === 'cancelled', $got);
expect($nested instanceof LogicException, $nested);

// The handler of a signal runs meanwhile.
pcntl_async_signals(true);
pcntl_signal(SIGALRM, fn () => throw $late);
pcntl_alarm(1);
$plain = $client(null);
expect(($got = thrown(fn () => $plain->deleteToken('TKN-5'))) === $late, $got);
