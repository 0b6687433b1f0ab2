<?php

declare(strict_types=1);

namespace MptTokens;

use FFI;
use FFI\CData;

/**
 * libmpt_tokens; the environment variable MPT_TOKENS_LIBRARY names another file. See mpt_tokens.h for what each
 * function does and who owns what.
 *
 * @internal
 */
final class Native
{
    private const DECLARATIONS = <<<'C'
        typedef struct mpt_config mpt_config;
        typedef struct mpt_client mpt_client;
        typedef struct mpt_batch mpt_batch;
        typedef struct mpt_outcome mpt_outcome;
        typedef int (*mpt_poll_callback)(void *);
        typedef struct {
            uint32_t size;
            uint32_t concurrency;
            int32_t missing_ok;
            int32_t allow_own_token;
            const char *journal;
            int64_t patience_ms;
        } mpt_batch_options;

        uint32_t mpt_abi_version(void);
        mpt_config *mpt_config_new_from_env(void);
        void mpt_config_free(mpt_config *);
        int32_t mpt_config_set_api_token(mpt_config *, const char *);
        int32_t mpt_config_set_base_url(mpt_config *, const char *);
        int32_t mpt_config_set_user_agent(mpt_config *, const char *);
        int32_t mpt_config_set_ca_file(mpt_config *, const char *);
        int32_t mpt_config_set_proxy(mpt_config *, const char *);
        int32_t mpt_config_set_attempts(mpt_config *, uint32_t);
        int32_t mpt_config_set_timeout_ms(mpt_config *, uint64_t);
        int32_t mpt_config_set_attempt_timeout_ms(mpt_config *, uint64_t);
        int32_t mpt_config_set_connect_timeout_ms(mpt_config *, uint64_t);
        int32_t mpt_config_set_backoff_ms(mpt_config *, uint64_t, uint64_t);
        int32_t mpt_config_set_missing_ok(mpt_config *, int32_t);
        int32_t mpt_config_set_allow_own_token(mpt_config *, int32_t);
        int32_t mpt_config_set_allow_plain_http(mpt_config *, int32_t);
        int32_t mpt_config_set_burn_only(mpt_config *, int32_t);
        int32_t mpt_config_set_ca_only(mpt_config *, int32_t);
        int32_t mpt_config_set_poll(mpt_config *, mpt_poll_callback, void *);
        int32_t mpt_client_new(const mpt_config *, mpt_client **, mpt_outcome **);
        mpt_client *mpt_client_clone(const mpt_client *);
        void mpt_client_cancel(const mpt_client *);
        void mpt_client_free(mpt_client *);
        int32_t mpt_delete_token(const mpt_client *, const char *, mpt_outcome **);
        int32_t mpt_burn(const mpt_client *, const char *, mpt_outcome **);
        int32_t mpt_burn_batch_new(const mpt_client *, const char **, size_t, const mpt_batch_options *, mpt_batch **, mpt_outcome **);
        int32_t mpt_batch_new(const mpt_client *, const char **, size_t, const mpt_batch_options *, mpt_batch **, mpt_outcome **);
        mpt_outcome *mpt_batch_next(mpt_batch *);
        const char *mpt_batch_stopped(const mpt_batch *);
        const char *mpt_batch_stopped_message(const mpt_batch *);
        int32_t mpt_batch_stopped_code(const mpt_batch *);
        uint64_t mpt_batch_skipped(const mpt_batch *);
        uint64_t mpt_batch_not_pulled(const mpt_batch *);
        const char *mpt_code_name(int32_t);
        void mpt_batch_free(mpt_batch *);
        const char *mpt_outcome_json(const mpt_outcome *);
        void mpt_outcome_free(mpt_outcome *);
        C;

    private static ?FFI $library = null;
    /** Created once: PHP keeps C callbacks until it ends. */
    private static ?CData $poll = null;
    /** @var ?\Closure(): bool polled while a call waits; null if no call waits */
    private static ?\Closure $ask = null;
    private static ?\Throwable $thrown = null;
    /** Whether to run signal handlers here; PHP would run them where their exceptions cannot be caught. */
    private static bool $signals = false;

    public static function library(): FFI
    {
        return self::$library ??= self::load();
    }

    private static function load(): FFI
    {
        $file = getenv('MPT_TOKENS_LIBRARY') ?: (PHP_OS_FAMILY === 'Darwin' ? 'libmpt_tokens.1.dylib' : 'libmpt_tokens.so.1');
        $library = FFI::cdef(self::DECLARATIONS, $file);
        $abi = $library->mpt_abi_version();
        if ($abi !== 1) {
            throw new \RuntimeException("libmpt_tokens has the ABI {$abi}: expected 1");
        }

        return $library;
    }

    /** The callback that the library polls while a call waits. */
    public static function poll(): CData
    {
        if (self::$poll === null) {
            self::$poll = self::library()->new('struct { mpt_poll_callback function; }');
            self::$poll->function = static function (?CData $nothing): int {
                // An exception must not leave the function: it ends the call, and is thrown after it.
                try {
                    self::$signals && pcntl_signal_dispatch();

                    return self::$ask !== null && (self::$thrown !== null || (self::$ask)()) ? 1 : 0;
                } catch (\Throwable $thrown) {
                    self::$thrown = $thrown;

                    return 1;
                }
            };
        }

        return self::$poll->function;
    }

    /**
     * Takes ownership of the outcome that a call returns; throws what $ask, or a signal handler, threw meanwhile.
     *
     * @param callable(): ?CData $call
     * @param \Closure(): bool $ask
     */
    public static function wait(callable $call, \Closure $ask): ?Outcome
    {
        if (self::$ask !== null) {
            throw new \LogicException('a call cannot begin while another one waits');
        }
        [self::$ask, self::$thrown] = [$ask, null];
        self::$signals = function_exists('pcntl_async_signals') && pcntl_async_signals(false);
        try {
            $pointer = $call();
            $outcome = $pointer === null ? null : self::take($pointer);
        } finally {
            self::$ask = null;
            if (self::$signals) {
                self::$signals = false;
                pcntl_async_signals(true);
                pcntl_signal_dispatch();
            }
        }

        return self::$thrown === null ? $outcome : throw self::$thrown;
    }

    /** A C string ends at NUL, which would cut an id short; U+0001 is rejected just as NUL is. */
    public static function text(#[\SensitiveParameter] string $value): string
    {
        return strtr($value, "\0", "\1");
    }

    /** Reads a native outcome and frees it. */
    public static function take(CData $pointer): Outcome
    {
        $json = self::library()->mpt_outcome_json($pointer);
        self::library()->mpt_outcome_free($pointer);

        return Outcome::fromJson($json);
    }
}
