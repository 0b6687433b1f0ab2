<?php

declare(strict_types=1);

namespace MptTokens;

use FFI;
use FFI\CData;

/** Deletes tokens. It is closed by close(), or when the last reference goes away. */
final class Client
{
    private ?CData $handle = null;
    /** @var array<int, CData> the handles that cancel each call under way */
    private array $calls = [];
    private bool $cancelled = false;
    /** @var \Closure(): bool */
    private readonly \Closure $poll;

    /**
     * What is not given comes from the environment (MPT_API_TOKEN, MPT_API_BASE_URL, the usual proxy variables), or is
     * the library's default. Times are in seconds; $backoff is the first pause and the longest. $poll is called about
     * every 50 ms while a call waits: if it returns true or throws, that call ends. It may cancel() the client, but
     * must not make calls. With $burnOnly the client has no API token, not even that of the environment, and can only burn.
     *
     * @param ?callable(): bool $poll
     * @param ?array{float, float} $backoff
     * @throws TokenException if one of them cannot be used
     */
    public function __construct(
        #[\SensitiveParameter] ?string $apiToken = null,
        ?string $baseUrl = null,
        ?float $timeout = null,
        ?float $attemptTimeout = null,
        ?float $connectTimeout = null,
        ?int $attempts = null,
        ?array $backoff = null,
        ?bool $missingOk = null,
        ?bool $allowOwnToken = null,
        ?bool $allowPlainHttp = null,
        ?string $userAgent = null,
        ?string $caFile = null,
        ?bool $caOnly = null,
        #[\SensitiveParameter] ?string $proxy = null,
        ?callable $poll = null,
        ?bool $burnOnly = null,
    ) {
        $this->poll = $poll === null ? static fn (): bool => false : $poll(...);
        $library = Native::library();
        $config = $library->mpt_config_new_from_env();
        try {
            $texts = ['api_token' => $apiToken, 'base_url' => $baseUrl, 'user_agent' => $userAgent, 'ca_file' => $caFile, 'proxy' => $proxy];
            $times = ['timeout_ms' => $timeout, 'attempt_timeout_ms' => $attemptTimeout, 'connect_timeout_ms' => $connectTimeout];
            $flags = ['missing_ok' => $missingOk, 'allow_own_token' => $allowOwnToken, 'allow_plain_http' => $allowPlainHttp, 'ca_only' => $caOnly, 'burn_only' => $burnOnly];
            $given = array_map(Native::text(...), array_filter($texts, is_string(...)))
                + array_map(self::milliseconds(...), array_filter($times, is_float(...)))
                + array_map(intval(...), array_filter($flags, is_bool(...)))
                + array_filter(['attempts' => $attempts], is_int(...));
            foreach ($given as $name => $value) {
                $library->{"mpt_config_set_{$name}"}($config, $value);
            }
            if ($backoff !== null) {
                $library->mpt_config_set_backoff_ms($config, ...array_map(self::milliseconds(...), $backoff));
            }
            $library->mpt_config_set_poll($config, Native::poll(), null);
            $this->handle = self::made('mpt_client', fn (CData $client, CData $refused) => $library->mpt_client_new($config, $client, $refused));
        } finally {
            $library->mpt_config_free($config);
        }
    }

    /**
     * Deletes one token and blocks until the outcome is known.
     *
     * @throws TokenException if the token is not dead afterwards
     */
    public function deleteToken(string $id): Outcome
    {
        return $this->one('mpt_delete_token', $id);
    }

    /**
     * Burns a leaked value: deletes its token with the value itself as the credential, and proves that it is dead.
     *
     * @throws TokenException if the token is not dead afterwards; its code is "dead_value" if it was dead already, or never
     *     was a value
     */
    public function burn(#[\SensitiveParameter] string $value): Outcome
    {
        return $this->one('mpt_burn', $value);
    }

    private function one(string $native, #[\SensitiveParameter] string $id): Outcome
    {
        $call = $this->begin();
        try {
            $told = Native::wait(function () use ($native, $call, $id): CData {
                $outcome = Native::library()->new('mpt_outcome *');
                Native::library()->{$native}($call, Native::text($id), FFI::addr($outcome));

                return $outcome;
            }, $this->poll);
        } finally {
            $this->end($call);
        }

        return $told->isSuccess() ? $told : throw new TokenException($told);
    }

    /**
     * Deletes many tokens, $concurrency at a time, and yields each outcome, including failures, in order of completion.
     * Leaving the loop stops the batch and waits for the calls under way. $journal is the path of a write-ahead record.
     * $patience is how many seconds the batch continues without a conclusive answer from the API: 600 by default, at most
     * one week. A token whose call came to nothing is put off and tried again meanwhile. 0: each token is tried in one call.
     *
     * @param iterable<string> $ids
     * The batch can stop before the end of its list; ids that were not reached have no outcome. After the loop, the
     * generator's getReturn() is null, or says why.
     *
     * @return \Generator<int, Outcome, mixed, ?Stopped>
     * @throws TokenException if the batch cannot start
     */
    public function deleteTokens(iterable $ids, int $concurrency = 8, ?string $journal = null, ?float $patience = null): \Generator
    {
        return $this->many('mpt_batch_new', $ids, $concurrency, $journal, $patience);
    }

    /**
     * Burns many leaked values, each with itself as the credential: see burn(). Otherwise as deleteTokens(). A text that is
     * not a value has an outcome without an id. A $journal needs a client that is $burnOnly.
     *
     * @param iterable<string> $values
     * @return \Generator<int, Outcome>
     * @throws TokenException if the batch cannot start
     */
    public function burnTokens(#[\SensitiveParameter] iterable $values, int $concurrency = 8, ?string $journal = null, ?float $patience = null): \Generator
    {
        return $this->many('mpt_burn_batch_new', $values, $concurrency, $journal, $patience);
    }

    private function many(string $native, #[\SensitiveParameter] iterable $ids, int $concurrency, ?string $journal, ?float $patience): \Generator
    {
        $library = Native::library();
        [$list, $count, $texts] = self::strings(is_array($ids) ? $ids : iterator_to_array($ids, false));
        [$options, $journals] = [$library->new('mpt_batch_options'), self::strings((array) $journal)];
        $options->size = FFI::sizeof($options);
        $options->concurrency = $concurrency;
        $options->journal = $journals[0][0];
        $options->patience_ms = self::patience($patience);
        $call = $this->begin();
        $batch = null;
        try {
            $batch = self::made('mpt_batch', fn (CData $batch, CData $refused) => $library->{$native}(
                $call,
                $list,
                $count,
                FFI::addr($options),
                $batch,
                $refused,
            ));
            unset($list, $texts);
            while (($outcome = Native::wait(fn () => $library->mpt_batch_next($batch), $this->poll)) !== null) {
                yield $outcome;
            }
            $reason = $library->mpt_batch_stopped($batch);

            return $reason === null ? null : new Stopped(
                $reason,
                $library->mpt_code_name($library->mpt_batch_stopped_code($batch)),
                $library->mpt_batch_stopped_message($batch),
                $library->mpt_batch_skipped($batch),
                $library->mpt_batch_not_pulled($batch),
            );
        } finally {
            $library->mpt_batch_free($batch);
            $this->end($call);
        }
    }

    /** Cancels the calls under way within 200 ms, and every later one; their code is "cancelled". */
    public function cancel(): void
    {
        $this->cancelled = true;
        foreach ($this->calls as $call) {
            Native::library()->mpt_client_cancel($call);
        }
    }

    /** Closes the connections. A batch that was started can still be finished. */
    public function close(): void
    {
        if ($this->handle !== null) {
            Native::library()->mpt_client_free($this->handle);
            $this->handle = null;
        }
    }

    public function __destruct()
    {
        $this->close();
    }

    private function __clone()
    {
    }

    /** A handle on the same connections that is cancelled separately. */
    private function begin(): CData
    {
        $call = Native::library()->mpt_client_clone($this->handle ?? throw new \LogicException('the client is closed'));
        $this->calls[spl_object_id($call)] = $call;
        if ($this->cancelled) {
            $this->cancel();
        }

        return $call;
    }

    private function end(CData $call): void
    {
        unset($this->calls[spl_object_id($call)]);
        Native::library()->mpt_client_free($call);
    }

    /** 0 is the default for C, -1 (MPT_PATIENCE_NONE) is no patience, and what is below is refused. */
    private static function patience(?float $seconds): int
    {
        return match (true) {
            $seconds === null => 0,
            $seconds === 0.0 => -1,
            $seconds > 0.0 => self::milliseconds(min($seconds, 1e12)),
            default => PHP_INT_MIN,
        };
    }

    private static function milliseconds(float $seconds): int
    {
        return (int) ceil($seconds * 1000);
    }

    /** Returns what a function of the library creates, or throws the reason why there is none. */
    private static function made(string $type, callable $make): CData
    {
        [$made, $refused] = [Native::library()->new("{$type} *"), Native::library()->new('mpt_outcome *')];
        $make(FFI::addr($made), FFI::addr($refused));

        return FFI::isNull($refused) ? $made : throw new TokenException(Native::take($refused));
    }

    /**
     * Returns the addresses of the strings (NULL after the last), their number, and what must outlive their use.
     *
     * @param array<string> $strings
     * @return array{CData, int, CData}
     */
    private static function strings(array $strings): array
    {
        $bytes = implode("\0", array_map(Native::text(...), $strings)) . "\0";
        $texts = Native::library()->new('char[' . strlen($bytes) . ']');
        FFI::memcpy($texts, $bytes, strlen($bytes));
        $list = Native::library()->new('const char *[' . count($strings) + 1 . ']');
        $next = Native::library()->cast('const char *', FFI::addr($texts));
        foreach (array_values($strings) as $place => $string) {
            $list[$place] = $next;
            $next += strlen($string) + 1;
        }

        return [$list, count($strings), $texts];
    }
}
