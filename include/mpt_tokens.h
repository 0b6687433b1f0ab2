/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/**
 * @file mpt_tokens.h
 * Delete API tokens of the SoftwareONE Marketplace, and know that they are dead.
 *
 * Made from crates/capi by `cargo xtask header`: change it there. docs/abi.md says what may change and when.
 *
 * Objects: mpt_config, mpt_client, mpt_batch and mpt_outcome are opaque. The documentation of a function says if it
 * returns a new object. The caller then owns the object and frees it once with its own _free function, which accepts
 * NULL. A call does not change a `const` object. Never use malloc or free on the library's memory.
 *
 * Text: UTF-8, NUL-terminated. Text passed to a function is copied, or only read until the function returns. A `const
 * char *` result belongs to the library or to an object: never free it.
 *
 * Misuse: NULL where a value is required, text that is not UTF-8, and numbers out of range give MPT_INVALID_ARGUMENT.
 * Invalid pointers other than NULL, and objects used after they were freed, cannot be detected: the behaviour is
 * undefined. A bug in the library itself gives MPT_INTERNAL: no Rust panic leaves it, but the panic's message goes to
 * standard error, or to the functions of mpt_config_set_log.
 *
 * Memory and stack: text has at most 64 KiB, and what is kept of an answer is bounded, too. A list of token ids that
 * does not fit into memory gives MPT_INVALID_ARGUMENT. If the system has no memory left for anything else, the process
 * ends with SIGABRT. As after any crash, a deletion under way may have been carried out, and a journal says which to
 * ask for again. A call needs at most 64 KiB of the calling thread's stack (112 KiB
 * in an unoptimized build), without what callbacks need.
 *
 * Threads: each type says how threads may share it. A function that says nothing about threads follows the type of its
 * first argument. The library starts no thread that outlives its call or batch (except for a name lookup that the
 * system does not return from), installs no signal handler and prints nothing else. It may be called from any thread
 * and loaded with dlopen (it is never unloaded). It may be used before and after fork, in both processes; but if the
 * child is to use an object, no call on that object may be under way during the fork.
 */

#ifndef MPT_TOKENS_H
#define MPT_TOKENS_H

#include <stddef.h>
#include <stdint.h>

/*
 * Each of these macros may be defined before this header is included, also as nothing. No parameter is marked as one that
 * must not be NULL (`nonnull`), because none is undefined: every function checks for it. Such a mark would let compilers
 * remove callers' checks, and the library's own.
 */
/** Where a function comes from: on Windows the DLL, unless MPT_STATIC is defined. */
#ifndef MPT_API
#if defined(_WIN32) && !defined(MPT_STATIC)
#define MPT_API __declspec(dllimport)
#elif defined(__GNUC__) && __GNUC__ >= 4
#define MPT_API __attribute__((visibility("default")))
#else
#define MPT_API
#endif
#endif
/** The calling convention of every function and callback: that of C. */
#ifndef MPT_CALL
#ifdef _WIN32
#define MPT_CALL __cdecl
#else
#define MPT_CALL
#endif
#endif
/** The compiler warns where the result is not used: it says what is true, or must be freed. */
#ifndef MPT_NODISCARD
#if (defined(__cplusplus) && __cplusplus >= 201703L) || (defined(__STDC_VERSION__) && __STDC_VERSION__ >= 202311L)
#define MPT_NODISCARD [[nodiscard]]
#elif defined(__GNUC__) && __GNUC__ >= 4
#define MPT_NODISCARD __attribute__((warn_unused_result))
#else
#define MPT_NODISCARD
#endif
#endif
/** A function that must not throw: from C++17 on, this is part of its type. */
#ifndef MPT_NOEXCEPT
#if defined(__cplusplus) && __cplusplus >= 201703L
#define MPT_NOEXCEPT noexcept
#else
#define MPT_NOEXCEPT
#endif
#endif

/** The version of this header; mpt_version tells that of the library that runs. */
#define MPT_VERSION "0.1.0"
/** Its first number. */
#define MPT_VERSION_MAJOR 0
/** Its second number. */
#define MPT_VERSION_MINOR 1
/** Its third number. */
#define MPT_VERSION_PATCH 0
/** The version as one number that grows, for the preprocessor: 0xMMmmpp. */
#define MPT_VERSION_NUMBER 0x000100
/** Whether this header is of that version or a later one; for the preprocessor, too. */
#define MPT_VERSION_AT_LEAST(major, minor, patch) \
    (MPT_VERSION_NUMBER >= (((major) << 16) | ((minor) << 8) | (patch)))

/** @name Codes
 * What happened: see mpt_code. After each, the outcome that it comes with. @{ */
/** success. Outcome: deleted / gone. */
#define MPT_OK 0
/** a null pointer, text that is not UTF-8, or an impossible option. Outcome: not_deleted. */
#define MPT_INVALID_ARGUMENT 1
/**
 * the token id is empty, "." or ".."; has "/", a backslash, a percent sign, ";" or a control character; is
 * longer than 256 bytes; or is a token value. Outcome: not_deleted.
 */
#define MPT_INVALID_TOKEN_ID 2
/** the base URL, the API token, the proxy or the CA file cannot be used. Outcome: not_deleted. */
#define MPT_INVALID_CONFIG 3
/** the token id is that of the token in use, and deleting it was not allowed. Outcome: not_deleted. */
#define MPT_OWN_TOKEN 4
/** the API answered 400. Outcome: not_deleted. */
#define MPT_BAD_REQUEST 100
/** the API answered 401. Outcome: not_deleted. */
#define MPT_UNAUTHORIZED 101
/** the API answered 403. Outcome: not_deleted. */
#define MPT_FORBIDDEN 102
/**
 * the API answered 404 in its own form: problem details with a "type" or a "title", whose "status" is
 * absent or 404. Outcome: not_deleted.
 */
#define MPT_NOT_FOUND 103
/** the API answered 409. Outcome: not_deleted. */
#define MPT_CONFLICT 104
/**
 * the API answered 429, and waiting would pass the deadline or the attempts are used up. Outcome:
 * not_deleted.
 */
#define MPT_RATE_LIMITED 105
/** the API answered 5xx. Outcome: unknown. */
#define MPT_SERVER_ERROR 106
/**
 * anything else: a 2xx that is not 204, any 3xx, another 4xx, a 404 that is not the API's (a wrong base URL
 * or a gateway), or bytes that are not HTTP. Outcome: not_deleted where the status by its definition says
 * that the request was not carried out; else unknown.
 */
#define MPT_UNEXPECTED_RESPONSE 107
/**
 * burning only: the API answered 401 to the value itself, and no answer was lost before: the value is dead
 * already, or never was one. Outcome: not_deleted.
 */
#define MPT_DEAD_VALUE 108
/** the host has no address. Outcome: not_deleted. */
#define MPT_RESOLVE_FAILED 200
/** no connection could be opened. Outcome: not_deleted. */
#define MPT_CONNECT_FAILED 201
/** the TLS handshake failed, or the certificate is not trusted. Outcome: not_deleted. */
#define MPT_TLS_FAILED 202
/** the proxy refused, or could not be reached. Outcome: not_deleted. */
#define MPT_PROXY_FAILED 203
/** the connection ended after the request may have left. Outcome: unknown. */
#define MPT_CONNECTION_LOST 204
/** a deadline passed. Outcome: by whether the request may have left. */
#define MPT_TIMEOUT 205
/** the caller asked to stop. Outcome: by whether the request may have left. */
#define MPT_CANCELLED 206
/** batch only: not tried, because the batch was stopped. Outcome: not_deleted. */
#define MPT_SKIPPED 207
/** a bug in this library: a caught panic. Outcome: unknown. */
#define MPT_INTERNAL 300
/** @} */

/** @name Outcomes
 * What is true of the token: see mpt_outcome_kind. @{ */
/** The API confirmed the deletion. */
#define MPT_OUTCOME_DELETED 1
/** No longer there: an attempt whose response was lost deleted it, or missing tokens count as success. */
#define MPT_OUTCOME_GONE 2
/** Certainly not deleted by this call. */
#define MPT_OUTCOME_NOT_DELETED 3
/** May have been deleted: try again to find out. */
#define MPT_OUTCOME_UNKNOWN 4
/** @} */

/** The initial value of an mpt_batch_options: its size, and the default in every other member. */
#define MPT_BATCH_OPTIONS_INIT { sizeof(mpt_batch_options), 0, 0, 0, NULL, 0, NULL }

/** The initial value of an mpt_batch_summary: its size, and zeros. */
#define MPT_BATCH_SUMMARY_INIT { sizeof(mpt_batch_summary), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, {0}, {0}, 0, 0, 0 }

/** The initial value of an mpt_delete_options: its size, and the default in every other member. */
#define MPT_DELETE_OPTIONS_INIT { sizeof(mpt_delete_options), 0, 0, 0, 0, NULL }

/** @name Levels
 * How important a record of mpt_config_set_log is. @{ */
/** A bug in the library. */
#define MPT_LOG_ERROR 1
/** Something that needs attention. */
#define MPT_LOG_WARN 2
/** A retry: an attempt that came to nothing, and the pause after it. */
#define MPT_LOG_INFO 3
/** Every attempt. */
#define MPT_LOG_DEBUG 4
/** @} */

/** @name Events
 * What a record of mpt_config_set_log is about. @{ */
/** The last attempt of a call ended. */
#define MPT_EVENT_ATTEMPT 1
/** An attempt ended, and another follows after a pause. */
#define MPT_EVENT_RETRY 2
/** A bug in the library: a panic, which is caught. */
#define MPT_EVENT_PANIC 3
/** @} */

/** For patience_ms of mpt_batch_options: no patience. Each token is tried in one call and reported as it is then. */
#define MPT_PATIENCE_NONE (-1)

/**
 * The version of the binary interface: the number in the shared library's file name. It increases only when programs
 * built against an older version would no longer work; see docs/abi.md.
 */
#define MPT_ABI_VERSION 1

/**
 * A running batch. Created by mpt_batch_new, freed by mpt_batch_free.
 *
 * Threads: used by one thread at a time, but not always the same one.
 */
typedef struct mpt_batch mpt_batch;

/**
 * Deletes tokens. Created by mpt_client_new or mpt_client_clone, freed by mpt_client_free.
 *
 * A client is immutable and pools its connections: create one and keep it.
 *
 * Threads: any number of threads may use it at once. It may also be used in a child process after fork, where it opens
 * its own connections. Free it when no other thread uses it.
 */
typedef struct mpt_client mpt_client;

/**
 * The settings of a client. Created by mpt_config_new or mpt_config_new_from_env, freed by mpt_config_free.
 *
 * Threads: used by one thread at a time; configs are independent of each other.
 */
typedef struct mpt_config mpt_config;

/**
 * The result of a call. Returned by the call, freed by mpt_outcome_free.
 *
 * The accessors accept NULL. The text they return belongs to the outcome and lives as long as it does. It is UTF-8; if
 * the server sent a NUL character, U+FFFD replaces it.
 *
 * Threads: any number of threads may read it at once. Free it when no other thread reads it.
 */
typedef struct mpt_outcome mpt_outcome;

/**
 * What happened in a call: MPT_OK or another of the codes (MPT_NOT_FOUND and others). The meaning of a number never changes.
 */
typedef int32_t mpt_code;

/**
 * Called about every 50 ms while a call, mpt_batch_next or mpt_batch_free waits, and whenever a signal interrupts the
 * wait. `user_data` is the pointer passed to mpt_config_set_poll. A nonzero result cancels the client, as
 * mpt_client_cancel does.
 *
 * Threads: runs on the thread that made the call, inside that call. It must return: a longjmp out of it is undefined,
 * and a C++ exception that leaves it ends the program. In C++17, `noexcept` is therefore part of this type. The only library functions it may call are mpt_client_cancel, and the _free functions of objects that no call uses.
 */
typedef int (MPT_CALL *mpt_poll_callback)(void *user_data) MPT_NOEXCEPT;

/**
 * Called once with `user_data`, when nothing uses it any more. NULL means that there is nothing to free.
 *
 * Threads: runs on the thread that frees the last object that used it. It must return, as mpt_poll_callback must, and
 * must not call the library.
 */
typedef void (MPT_CALL *mpt_free_callback)(void *user_data);

/**
 * Options for a single call. Start from MPT_DELETE_OPTIONS_INIT, or from zeros with `size` set. A member that is 0 has
 * its default; this will also be true of members added in later versions. A later, larger struct is accepted, up to 64
 * KiB, if the members that the running library does not know are zero. Fails with MPT_INVALID_ARGUMENT if one is set, or
 * if `size` is not that of a version of this struct.
 */
typedef struct mpt_delete_options {
    /**
     * sizeof(mpt_delete_options).
     */
    uint32_t size;
    /**
     * Nonzero: a token that the API does not know is a success from the first attempt. 0: use the client's setting.
     */
    int32_t missing_ok;
    /**
     * Nonzero: the token in use may be deleted. 0: use the client's setting.
     */
    int32_t allow_own_token;
    /**
     * Nonzero: an earlier run asked to delete this token and did not learn the answer, for example because it crashed. A
     * 404 then means MPT_OUTCOME_GONE, and a failure is MPT_OUTCOME_UNKNOWN, unless the id is invalid.
     */
    int32_t after_lost_answer;
    /**
     * The time limit of this call in milliseconds, at most 86,400,000 (one day). 0: use the client's setting.
     */
    uint64_t timeout_ms;
    /**
     * A `traceparent` (W3C Trace Context) that makes the call part of the caller's trace, such as
     * "00-9e02a91b64ac56904703a3a69ea9101d-56be90a29d0b0b25-01". NULL: the call has its own trace.
     */
    const char *trace_parent;
} mpt_delete_options;

/**
 * What a log callback is told. `size` is its size in the running library: a later version may add members at the end.
 * The text lives until the callback returns.
 */
typedef struct mpt_log_record {
    /**
     * The size of the struct in the running library.
     */
    uint32_t size;
    /**
     * How important it is: MPT_LOG_ERROR, MPT_LOG_WARN, MPT_LOG_INFO or MPT_LOG_DEBUG.
     */
    int32_t level;
    /**
     * What happened: MPT_EVENT_ATTEMPT, MPT_EVENT_RETRY or MPT_EVENT_PANIC. A later version may have others.
     */
    int32_t event;
    /**
     * What an attempt means by itself; the outcome of its call may have another code. MPT_INTERNAL for a panic.
     */
    mpt_code code;
    /**
     * The number of the attempt, from 1; 0 for a panic.
     */
    uint32_t attempt;
    /**
     * The HTTP status of the response to the attempt; 0 if there was none.
     */
    int32_t http_status;
    /**
     * How long the call waits before its next attempt, in milliseconds; -1 if there is none.
     */
    int64_t wait_ms;
    /**
     * The token id of the call; NULL for a panic.
     */
    const char *token_id;
    /**
     * The trace id of the call; NULL for a panic.
     */
    const char *trace_id;
    /**
     * All of it as one line for people, without secrets and safe for a terminal; never NULL.
     */
    const char *message;
} mpt_log_record;

/**
 * Called for what happens during calls. `record` is borrowed: it is valid until the callback returns. `user_data` is the
 * pointer passed to mpt_config_set_log.
 *
 * Threads: runs on the thread that makes the call, on several at once if they share a client. For a panic, it runs on the
 * thread that panicked, which may be one of the library's. It must return, as mpt_poll_callback must, and must not call
 * the library.
 */
typedef void (MPT_CALL *mpt_log_callback)(const struct mpt_log_record *record, void *user_data);

/**
 * The counts of a batch, and why it stopped. Written by mpt_batch_counts, and by mpt_delete_tokens before it returns,
 * unless the batch cannot start. Start from MPT_BATCH_SUMMARY_INIT: the library writes no more than `size` bytes, so
 * that later versions can have more members.
 */
typedef struct mpt_batch_summary {
    /**
     * sizeof(mpt_batch_summary), set by the caller.
     */
    uint32_t size;
    /**
     * MPT_OK if the batch came to the end of its list; otherwise the code that comes nearest to why it stopped:
     * MPT_UNAUTHORIZED, MPT_RATE_LIMITED or MPT_SERVER_ERROR (the server asked for too long a pause), MPT_TIMEOUT (no
     * conclusive answer), MPT_INVALID_CONFIG (the journal), MPT_CANCELLED, or MPT_SKIPPED (the callback asked).
     */
    mpt_code stopped_code;
    /**
     * Outcomes that are MPT_OUTCOME_DELETED.
     */
    uint64_t deleted;
    /**
     * Outcomes that are MPT_OUTCOME_GONE.
     */
    uint64_t gone;
    /**
     * Outcomes that are MPT_OUTCOME_NOT_DELETED.
     */
    uint64_t not_deleted;
    /**
     * Outcomes that are MPT_OUTCOME_UNKNOWN.
     */
    uint64_t unknown;
    /**
     * Outcomes with MPT_SKIPPED: pulled from the list, but not tried. They also count as not deleted or unknown.
     */
    uint64_t skipped;
    /**
     * Ids that were not pulled from the list, because the batch stopped. They have no outcome.
     */
    uint64_t not_pulled;
    /**
     * Ids that the list contains more than once: only the first has an outcome.
     */
    uint64_t duplicates;
    /**
     * Ids that the journal lists as dead: they have no outcome.
     */
    uint64_t already_done;
    /**
     * All outcomes.
     */
    uint64_t total;
    /**
     * Why the batch stopped, in a word: "unauthorized", "paused", "no_answer", "journal", "asked" or "cancelled".
     * Empty if it did not.
     */
    char stopped[32];
    /**
     * The same as a sentence that also says what to do. Empty if it did not stop. Cut if it is longer.
     */
    char stopped_message[512];
    /**
     * Outcomes with MPT_NOT_FOUND: the API does not know the token. They also count as not deleted.
     */
    uint64_t not_found;
    /**
     * Outcomes with MPT_DEAD_VALUE: values to burn that were dead already, or never were values. They also count as not
     * deleted.
     */
    uint64_t dead_values;
    /**
     * Tokens that were put off at least once, because their first call settled nothing: see mpt_outcome_rounds.
     */
    uint64_t put_off;
} mpt_batch_summary;

/**
 * Options for a batch. Start from MPT_BATCH_OPTIONS_INIT, or from zeros with `size` set. A member that is 0 has its
 * default; this will also be true of members added in later versions. A later, larger struct is accepted, up to 64 KiB, if
 * the members that the running library does not know are zero. Fails with MPT_INVALID_ARGUMENT if one is set, or if
 * `size` is not that of a version of this struct.
 */
typedef struct mpt_batch_options {
    /**
     * sizeof(mpt_batch_options).
     */
    uint32_t size;
    /**
     * The largest number of calls at once, 1 to 256; 0 means 8. With 1, calls run on the calling thread.
     */
    uint32_t concurrency;
    /**
     * Nonzero: a token that the API does not know is a success from the first attempt. 0: use the client's setting.
     */
    int32_t missing_ok;
    /**
     * Nonzero: the token in use may be deleted; it is deleted last. 0: use the client's setting.
     */
    int32_t allow_own_token;
    /**
     * The path of a journal (a write-ahead record; on Windows in UTF-8), or NULL for none. Each deletion is on disk before its request is
     * sent. If the file exists, the batch resumes: tokens known to be dead are neither requested nor reported again. A
     * journal belongs to one base URL and one API token; one that belongs to another is refused with
     * MPT_INVALID_CONFIG. A damaged line is skipped. If it may have been about a token that the API does not know,
     * that token's outcome is MPT_OUTCOME_UNKNOWN. If the journal can no longer be written, the batch stops.
     */
    const char *journal;
    /**
     * How long the batch continues without a conclusive answer from the API, in milliseconds, at most 604,800,000 (one
     * week). 0 means 600,000 (ten minutes). MPT_PATIENCE_NONE means not at all: each token is tried in one call, and
     * reported as it is then. Any other negative value is refused.
     *
     * A token whose call came to nothing (no connection, a lost response, a server error, a rate limit) is put off and
     * tried again while the API answers others; it is reported once it is settled. If calls fail one after another, no
     * more ids are taken, and one call at a time, less and less often, finds out whether the API is back.
     */
    int64_t patience_ms;
    /**
     * For mpt_delete_tokens: where to write the counts, and why the batch stopped; NULL for nowhere. Set its `size`
     * first, as MPT_BATCH_SUMMARY_INIT does. mpt_batch_new refuses it: mpt_batch_counts asks the batch itself.
     */
    struct mpt_batch_summary *summary;
} mpt_batch_options;

/**
 * Called once for each outcome. `outcome` is borrowed: it is valid until the callback returns; use mpt_outcome_clone
 * to keep it. `user_data` is the pointer that was passed with the callback.
 *
 * Returns: 0 to continue; any other value to stop the batch, as mpt_batch_stop does.
 * Threads: runs on the thread that made the call. It may use the library. It must return: do not longjmp out of it. A
 * C++ exception that leaves it ends the program.
 */
typedef int (MPT_CALL *mpt_outcome_callback)(const struct mpt_outcome *outcome, void *user_data);

#ifdef __cplusplus
extern "C" {
#endif /* __cplusplus */

/**
 * Creates a config with the defaults: no API token yet (it must be set), the base URL
 * https://api.platform.softwareone.com, and no proxy. Reads nothing from the environment.
 *
 * @return a new config, to be freed with mpt_config_free. NULL only after an internal error.
 * @since 0.1.0
 */
MPT_NODISCARD MPT_API struct mpt_config *MPT_CALL mpt_config_new(void);

/**
 * Creates a config from the environment: the API token from MPT_API_TOKEN, the base URL from MPT_API_BASE_URL, and the
 * proxy from HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY (or their lower-case names). Variables that are unset or
 * empty leave the default in place. Setters override the environment.
 *
 * @return a new config, to be freed with mpt_config_free. NULL only after an internal error.
 * @note Threads: no other thread may change the environment during the call.
 * @since 0.1.0
 */
MPT_NODISCARD MPT_API struct mpt_config *MPT_CALL mpt_config_new_from_env(void);

/**
 * Frees a config and wipes its copy of the API token from memory. Clients created from it are not affected. Does
 * nothing if `config` is NULL.
 * @param config the config to change.
 * @since 0.1.0
 */
MPT_API void MPT_CALL mpt_config_free(struct mpt_config *config);

/**
 * Sets the API token that authenticates every call. Required, unless mpt_config_set_burn_only is set. A leading "Bearer " is removed. The token is copied and
 * never shown; the copies are wiped from memory when the config and its clients are freed.
 *
 * All setters copy the text they are given. They return MPT_OK, or MPT_INVALID_ARGUMENT if `config` is NULL, or if
 * text is NULL, not UTF-8 or longer than 64 KiB. The config keeps the first error and mpt_client_new returns it, so a program need not
 * check each setter. Values themselves are checked by mpt_client_new.
 * @param config the config to change.
 * @param value the value.
 * @return MPT_OK, or MPT_INVALID_ARGUMENT: see mpt_config_set_api_token.
 * @since 0.1.0
 */
MPT_API mpt_code MPT_CALL mpt_config_set_api_token(struct mpt_config *config, const char *value);

/**
 * Sets the base URL of the API; https://api.platform.softwareone.com by default. It may end in "/", "/public" or
 * "/public/v1"; it must not have user information, a query or a fragment.
 * @param config the config to change.
 * @param url the URL.
 * @return MPT_OK, or MPT_INVALID_ARGUMENT: see mpt_config_set_api_token.
 * @since 0.1.0
 */
MPT_API mpt_code MPT_CALL mpt_config_set_base_url(struct mpt_config *config, const char *url);

/**
 * Sets the time limit of a whole call in milliseconds: name resolution, connecting, TLS, sending, waiting, reading and
 * pauses, over all attempts. 1 to 86,400,000 (one day); 60,000 by default.
 * @param config the config to change.
 * @param milliseconds the limit, in milliseconds.
 * @return MPT_OK, or MPT_INVALID_ARGUMENT: see mpt_config_set_api_token.
 * @since 0.1.0
 */
MPT_API mpt_code MPT_CALL mpt_config_set_timeout_ms(struct mpt_config *config, uint64_t milliseconds);

/**
 * Sets the time limit of one attempt in milliseconds; the limit of the whole call still applies. 1 to 86,400,000;
 * 20,000 by default.
 * @param config the config to change.
 * @param milliseconds the limit, in milliseconds.
 * @return MPT_OK, or MPT_INVALID_ARGUMENT: see mpt_config_set_api_token.
 * @since 0.1.0
 */
MPT_API mpt_code MPT_CALL mpt_config_set_attempt_timeout_ms(struct mpt_config *config, uint64_t milliseconds);

/**
 * Sets the time limit for opening a connection in milliseconds: name resolution, connecting, the proxy, TLS. 1 to
 * 86,400,000; 5,000 by default.
 * @param config the config to change.
 * @param milliseconds the limit, in milliseconds.
 * @return MPT_OK, or MPT_INVALID_ARGUMENT: see mpt_config_set_api_token.
 * @since 0.1.0
 */
MPT_API mpt_code MPT_CALL mpt_config_set_connect_timeout_ms(struct mpt_config *config, uint64_t milliseconds);

/**
 * Sets the largest number of attempts in a call, 1 to 100; 4 by default. Only what is safe to repeat, and can help, is
 * tried again.
 * @param config the config to change.
 * @param attempts the number of attempts.
 * @return MPT_OK, or MPT_INVALID_ARGUMENT: see mpt_config_set_api_token.
 * @since 0.1.0
 */
MPT_API mpt_code MPT_CALL mpt_config_set_attempts(struct mpt_config *config, uint32_t attempts);

/**
 * Sets the bounds of the pause between attempts, in milliseconds. The pause is random: at most `base` after the first
 * attempt, twice that after the second, and so on, but never more than `cap`. Each is 0 to 86,400,000; 200 and 10,000
 * by default. If the server asks for a longer pause, the client waits that long.
 * @param config the config to change.
 * @param base the first bound, in milliseconds.
 * @param cap the largest bound, in milliseconds.
 * @return MPT_OK, or MPT_INVALID_ARGUMENT: see mpt_config_set_api_token.
 * @since 0.1.0
 */
MPT_API mpt_code MPT_CALL mpt_config_set_backoff_ms(struct mpt_config *config, uint64_t base, uint64_t cap);

/**
 * Sets whether a token that the API does not know is a success (MPT_OUTCOME_GONE) from the first attempt: 0 for no
 * (the default), any other value for yes.
 * @param config the config to change.
 * @param yes 0 for no, any other value for yes.
 * @return MPT_OK, or MPT_INVALID_ARGUMENT: see mpt_config_set_api_token.
 * @since 0.1.0
 */
MPT_API mpt_code MPT_CALL mpt_config_set_missing_ok(struct mpt_config *config, int32_t yes);

/**
 * Sets whether the token in use may be deleted: 0 for no (the default: such a call fails before anything is sent), any
 * other value for yes.
 * @param config the config to change.
 * @param yes 0 for no, any other value for yes.
 * @return MPT_OK, or MPT_INVALID_ARGUMENT: see mpt_config_set_api_token.
 * @since 0.1.0
 */
MPT_API mpt_code MPT_CALL mpt_config_set_allow_own_token(struct mpt_config *config, int32_t yes);

/**
 * Sets whether the client can only burn: it has no API token then, and one that was set, or that the environment has, is
 * dropped. Each value that it burns authenticates itself. Every other call is refused with MPT_INVALID_CONFIG. 0 by
 * default.
 * @param config the config to change.
 * @param yes 0 for no, any other value for yes.
 * @return MPT_OK, or MPT_INVALID_ARGUMENT: see mpt_config_set_api_token.
 * @since 0.1.0
 */
MPT_API mpt_code MPT_CALL mpt_config_set_burn_only(struct mpt_config *config, int32_t yes);

/**
 * Sets whether plain HTTP is allowed to hosts other than loopback, which sends the API token unencrypted: 0 for no
 * (the default), any other value for yes.
 * @param config the config to change.
 * @param yes 0 for no, any other value for yes.
 * @return MPT_OK, or MPT_INVALID_ARGUMENT: see mpt_config_set_api_token.
 * @since 0.1.0
 */
MPT_API mpt_code MPT_CALL mpt_config_set_allow_plain_http(struct mpt_config *config, int32_t yes);

/**
 * Sets the program's part of the User-Agent, such as "my-job/1.0": up to 256 visible ASCII characters. It is sent
 * before "mpt-tokens/\<version>".
 * @param config the config to change.
 * @param product the product and its version.
 * @return MPT_OK, or MPT_INVALID_ARGUMENT: see mpt_config_set_api_token.
 * @since 0.1.0
 */
MPT_API mpt_code MPT_CALL mpt_config_set_user_agent(struct mpt_config *config, const char *product);

/**
 * Sets a PEM file of certificate authorities to trust in addition to the platform's, for example those of a company
 * proxy. The path may contain any bytes; on Windows it is UTF-8. mpt_client_new reads the file.
 * @param config the config to change.
 * @param path the path of the file.
 * @return MPT_OK, or MPT_INVALID_ARGUMENT: see mpt_config_set_api_token.
 * @since 0.1.0
 */
MPT_API mpt_code MPT_CALL mpt_config_set_ca_file(struct mpt_config *config, const char *path);

/**
 * Sets certificate authorities to trust in addition to the platform's, in place of mpt_config_set_ca_file.
 *
 * @param pem one or more certificates in PEM, at most 1 MiB. It is copied; mpt_client_new reads it.
 * @param config the config to change.
 * @return MPT_OK, or MPT_INVALID_ARGUMENT: see mpt_config_set_api_token.
 * @since 0.1.0
 */
MPT_API mpt_code MPT_CALL mpt_config_set_ca_pem(struct mpt_config *config, const char *pem);

/**
 * Sets the client's own certificate, for servers and proxies that ask for one. Both are copied; mpt_client_new reads
 * them.
 *
 * @param chain_pem the certificate, followed by those that signed it, in PEM.
 * @param key_pem its private key in PEM, not encrypted: RSA, ECDSA or Ed25519.
 * @param config the config to change.
 * @return MPT_OK, or MPT_INVALID_ARGUMENT: see mpt_config_set_api_token.
 * @since 0.1.0
 */
MPT_API mpt_code MPT_CALL mpt_config_set_client_certificate(
    struct mpt_config *config, const char *chain_pem, const char *key_pem);

/**
 * Sets the addresses of a host, in place of those that a look-up would find. They are not used for IP addresses, for
 * "localhost", or for names that a proxy looks up.
 *
 * @param host the name, as in the base URL.
 * @param addresses one or more IP addresses with commas between them, such as "192.0.2.1,2001:db8::1".
 * @param config the config to change.
 * @return MPT_OK, or MPT_INVALID_ARGUMENT: see mpt_config_set_api_token.
 * @since 0.1.0
 */
MPT_API mpt_code MPT_CALL mpt_config_set_resolve(struct mpt_config *config, const char *host, const char *addresses);

/**
 * Sets the address of this machine to connect from. Hosts are then reached at addresses of the same kind only, IPv4 or
 * IPv6. By default, the system chooses.
 *
 * @param local the IP address, such as "192.0.2.7".
 * @param config the config to change.
 * @return MPT_OK, or MPT_INVALID_ARGUMENT: see mpt_config_set_api_token.
 * @since 0.1.0
 */
MPT_API mpt_code MPT_CALL mpt_config_set_bind_address(struct mpt_config *config, const char *local);

/**
 * Sets a Unix socket to connect to, in place of the host of the base URL: for tests, and for a proxy on this machine.
 * mpt_client_new refuses it together with a proxy or with mpt_config_set_bind_address.
 *
 * @param config the config to change.
 * @param path the path of the file.
 * @return MPT_OK, or MPT_INVALID_ARGUMENT: see mpt_config_set_api_token.
 * @since 0.1.0
 */
MPT_API mpt_code MPT_CALL mpt_config_set_unix_socket(struct mpt_config *config, const char *path);

/**
 * Sets whether to trust only the authorities from mpt_config_set_ca_file or mpt_config_set_ca_pem, and not the platform's: 0 for no (the
 * default), any other value for yes. If yes, mpt_client_new fails without such authorities.
 * @param config the config to change.
 * @param yes 0 for no, any other value for yes.
 * @return MPT_OK, or MPT_INVALID_ARGUMENT: see mpt_config_set_api_token.
 * @since 0.1.0
 */
MPT_API mpt_code MPT_CALL mpt_config_set_ca_only(struct mpt_config *config, int32_t yes);

/**
 * Sets the URL of an HTTP proxy, such as "http://proxy.example:3128"; NULL means no proxy. By default there is none,
 * unless the config was created from the environment. Replaces the setting of mpt_config_set_proxy_from_env.
 * @param config the config to change.
 * @param url the URL.
 * @return MPT_OK, or MPT_INVALID_ARGUMENT: see mpt_config_set_api_token.
 * @since 0.1.0
 */
MPT_API mpt_code MPT_CALL mpt_config_set_proxy(struct mpt_config *config, const char *url);

/**
 * Takes the proxy from HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY when mpt_client_new is called. Loopback is
 * never proxied. mpt_config_new_from_env does this already.
 * @param config the config to change.
 * @return MPT_OK, or MPT_INVALID_ARGUMENT: see mpt_config_set_api_token.
 * @since 0.1.0
 */
MPT_API mpt_code MPT_CALL mpt_config_set_proxy_from_env(struct mpt_config *config);

/**
 * Sets a function that is polled during calls and decides whether to continue. It is for single-threaded runtimes that
 * must check for signals and interrupts themselves. Programs that can call mpt_client_cancel from a thread or a signal
 * handler do not need it. The function and `user_data` must live as long as the clients created from this config,
 * their clones and their batches; mpt_config_set_poll_owning says when that is over.
 *
 * @param poll the function; NULL, the default, means none.
 * @param config the config to change.
 * @param user_data passed to the function each time.
 * @return MPT_OK, or MPT_INVALID_ARGUMENT: see mpt_config_set_api_token.
 * @since 0.1.0
 */
MPT_API mpt_code MPT_CALL mpt_config_set_poll(struct mpt_config *config, mpt_poll_callback poll, void *user_data);

/**
 * Sets a function that is polled during calls, as mpt_config_set_poll does, and takes ownership of `user_data`.
 *
 * @param poll the function; NULL, the default, means none.
 * @param free_user_data called once with `user_data` when this config, the clients created from it, their clones and their
 * batches are freed or use another function, and at once if this setter fails; NULL means that nothing is to be freed.
 * @param config the config to change.
 * @param user_data passed to the function each time.
 * @return MPT_OK, or MPT_INVALID_ARGUMENT: see mpt_config_set_api_token.
 * @since 0.1.0
 */
MPT_API mpt_code MPT_CALL mpt_config_set_poll_owning(
    struct mpt_config *config, mpt_poll_callback poll, void *user_data, mpt_free_callback free_user_data);

/**
 * Creates a client from a config. The config is only read; it may be changed, reused or freed afterwards. No
 * connection is opened yet.
 *
 * @param client written unless it is NULL: the new client, to be freed with mpt_client_free, or NULL on failure.
 * @param outcome may be NULL; otherwise always written: NULL on MPT_OK, or an outcome whose message says what cannot be
 * used, to be freed with mpt_outcome_free.
 * @return MPT_OK; MPT_INVALID_CONFIG if the API token, the base URL, the proxy, the CA file or the user agent cannot
 * be used; MPT_INVALID_ARGUMENT if `config` or `client` is NULL, a number is out of range, or a setter failed.
 * @param config the config to change.
 * @since 0.1.0
 */
MPT_NODISCARD MPT_API mpt_code MPT_CALL mpt_client_new(
    const struct mpt_config *config, struct mpt_client **client, struct mpt_outcome **outcome);

/**
 * Creates a second client that shares this one's connections and settings but has its own cancel flag: use it to
 * cancel a single call. This is cheap. Free both with mpt_client_free, in any order; cancelling one does not cancel
 * the other.
 *
 * @return a new client that is not cancelled. NULL if `client` is NULL, or after an internal error.
 * @param client the client.
 * @since 0.1.0
 */
MPT_NODISCARD MPT_API struct mpt_client *MPT_CALL mpt_client_clone(const struct mpt_client *client);

/**
 * Cancels every call under way on this client within 200 ms, whatever it is waiting for, and every later call at once.
 * They return MPT_CANCELLED, with an accurate outcome. This cannot be undone. Does nothing if `client` is NULL.
 *
 * @note Threads: any thread, at any time before the client is freed. Safe in a signal handler: it only sets a flag and
 * writes to a file descriptor.
 * @param client the client.
 * @since 0.1.0
 */
MPT_API void MPT_CALL mpt_client_cancel(const struct mpt_client *client);

/**
 * Frees a client. When the last of its clones is freed, its connections are closed and the API token is wiped from
 * memory. No call may be under way: cancel calls and wait for them first. Does nothing if `client` is NULL.
 * @param client the client.
 * @since 0.1.0
 */
MPT_API void MPT_CALL mpt_client_free(struct mpt_client *client);

/**
 * Deletes one token and blocks until its outcome is known, at most for the timeout in the config.
 *
 * Failed attempts are repeated where that is safe and can help. If the call fails, the outcome is
 * MPT_OUTCOME_NOT_DELETED, or MPT_OUTCOME_UNKNOWN if the token may have been deleted anyway. MPT_OUTCOME_NOT_DELETED
 * is reported only when it is certain.
 *
 * @param token_id UTF-8, 1 to 256 bytes, such as "TKN-1671-0642"; must not change during the call.
 * @param outcome may be NULL; otherwise always written: an outcome, to be freed with mpt_outcome_free.
 * @return MPT_OK if the token is dead (deleted or gone); otherwise any code except MPT_SKIPPED.
 * @param client the client.
 * @since 0.1.0
 */
MPT_NODISCARD MPT_API mpt_code MPT_CALL mpt_delete_token(
    const struct mpt_client *client, const char *token_id, struct mpt_outcome **outcome);

/**
 * Deletes one token, as mpt_delete_token does, with options for this call.
 *
 * @param token_id as in mpt_delete_token.
 * @param options NULL means all defaults.
 * @param outcome may be NULL; otherwise always written: an outcome, to be freed with mpt_outcome_free.
 * @return as mpt_delete_token. MPT_INVALID_ARGUMENT if an option is out of range; nothing was sent then.
 * @param client the client.
 * @since 0.1.0
 */
MPT_NODISCARD MPT_API mpt_code MPT_CALL mpt_delete_token_with(
    const struct mpt_client *client, const char *token_id, const struct mpt_delete_options *options,
    struct mpt_outcome **outcome);

/**
 * Checks whether a leaked token is provably dead. Sends a DELETE for the id inside the token value, with the value
 * itself as the credential. A deleted token no longer authenticates, so the API must respond 401. The same request
 * with the client's own API token must then get a 404 from the API, which shows that the 401 was about the value. If
 * the value is the client's own API token, this client must have seen the API accept it before. Use this only for
 * tokens that are to be deleted: these requests delete a token that still exists. A value that was truncated or
 * mistyped also gets a 401, so delete the token by its id first.
 *
 * @param token_value has the form "idt:TKN-XXXX-XXXX:\<secret>". It is copied, never shown, and wiped from memory
 * afterwards.
 * @param outcome may be NULL; otherwise always written: an outcome, to be freed with mpt_outcome_free.
 * mpt_outcome_is_proven says whether there is proof, and mpt_outcome_proof_basis what the proof rests on; the JSON has
 * the members "proven" and "basis".
 * @return MPT_OK if the token is dead: either proven dead, or deleted by this very request, in which case a second
 * call can prove it. MPT_INVALID_ARGUMENT if an argument is NULL or the value has another form; otherwise as
 * mpt_delete_token.
 * @param client the client.
 * @since 0.1.0
 */
MPT_NODISCARD MPT_API mpt_code MPT_CALL mpt_prove_deleted(
    const struct mpt_client *client, const char *token_value, struct mpt_outcome **outcome);

/**
 * Burns a leaked value: deletes its token with the value itself as the credential, then proves that it is dead. The API
 * must respond 401 to the value after it had accepted it, or after a request whose response was lost. The client's own
 * API token is not used: mpt_config_set_burn_only makes a client without one. That token may be burnt, too.
 *
 * @param token_value has the form "idt:TKN-XXXX-XXXX:\<secret>". It is copied, never shown, and wiped from memory
 * afterwards.
 * @param outcome may be NULL; otherwise always written: an outcome, to be freed with mpt_outcome_free.
 * mpt_outcome_is_proven says whether there is proof: a token can be deleted without one, for example if the network
 * fails in between. mpt_outcome_proof_basis says what the proof rests on.
 * @return MPT_OK if the token is dead (deleted or gone). MPT_DEAD_VALUE if the API's first word on the value was a 401:
 * it was dead already, or never was a value. MPT_FORBIDDEN and MPT_NOT_FOUND in the API's own form mean that the value is
 * alive. MPT_INVALID_ARGUMENT if an argument is NULL or the value has another form; otherwise as mpt_delete_token.
 * @param client the client.
 * @since 0.1.0
 */
MPT_NODISCARD MPT_API mpt_code MPT_CALL mpt_burn(
    const struct mpt_client *client, const char *token_value, struct mpt_outcome **outcome);

/**
 * Sets a function that is told what happens during calls: each attempt, each retry with the pause before it, and bugs.
 * While a config or client with such a function is there, the library prints nothing to standard error.
 *
 * @param level the least important level to be told: MPT_LOG_ERROR, MPT_LOG_WARN, MPT_LOG_INFO or MPT_LOG_DEBUG.
 * @param log the function; NULL, the default, means none.
 * @param user_data passed to the function each time.
 * @param free_user_data as in mpt_config_set_poll_owning; may be NULL.
 * @return MPT_OK, or MPT_INVALID_ARGUMENT if `config` is NULL, or if `level` is none of these and `log` is not NULL;
 * `user_data` is then freed at once, and mpt_client_new reports it.
 * @param config the config to change.
 * @since 0.1.0
 */
MPT_API mpt_code MPT_CALL mpt_config_set_log(
    struct mpt_config *config, int32_t level, mpt_log_callback log, void *user_data,
    mpt_free_callback free_user_data);

/**
 * Deletes many tokens and blocks until each has an outcome. Each id is tried once, even if the list contains it twice.
 * Calls run concurrently. The callback receives the outcomes in order of completion.
 *
 * The batch stops if two ids in a row get a 401 response (a 401 for one id alone is that id's), when the callback asks
 * for it, and when the server asks for a pause that is longer than `patience_ms` (and than the timeout of a call). It
 * then pulls no more ids, and calls under way finish. Ids that were pulled but not tried are reported with MPT_SKIPPED;
 * ids that were not pulled are not reported. `summary` in the options says how many these are, and why.
 * While the API does not answer, the batch waits for it, ten minutes by default: see `patience_ms`.
 *
 * @param token_ids `count` pointers, each as in mpt_delete_token; the text must not change during the call. May be NULL if
 * `count` is 0.
 * @param count how many ids there are.
 * @param options NULL means all defaults.
 * @param on_outcome may be NULL; is called for each outcome. If the batch cannot start, it receives an outcome without a token id that says why.
 * @return MPT_OK if every token is dead; otherwise the code of the first outcome reported that is not a success, or
 * MPT_SKIPPED if all reported tokens are dead but some ids were not reported. If the batch cannot start, nothing was
 * sent, and the result is MPT_INVALID_ARGUMENT (`client`, `token_ids` or an id is NULL, an id is not UTF-8, or an
 * option is out of range) or MPT_INVALID_CONFIG (the journal cannot be used).
 * @param client the client.
 * @param user_data passed to the function each time.
 * @since 0.1.0
 */
MPT_NODISCARD MPT_API mpt_code MPT_CALL mpt_delete_tokens(
    const struct mpt_client *client, const char *const *token_ids, size_t count,
    const struct mpt_batch_options *options, mpt_outcome_callback on_outcome, void *user_data);

/**
 * Burns many leaked values, each with itself as the credential, and proves that they are dead: mpt_burn for each of a
 * list, as mpt_delete_tokens does it.
 *
 * A 401 response is about one value, so it never stops the batch. The same value twice is one; two values of one id are
 * two credentials, and both are burnt. A text that is not a value is reported with MPT_INVALID_ARGUMENT and without a
 * token id, and the others go on. A journal holds ids only, and needs a client that can only burn
 * (mpt_config_set_burn_only). `missing_ok` and `allow_own_token` have no meaning here.
 *
 * @param values `count` pointers, each as in mpt_burn; the text must not change during the call. The copies are wiped from
 * memory when their calls are done. May be NULL if `count` is 0.
 * @param count how many values there are.
 * @param options as in mpt_delete_tokens.
 * @param on_outcome as in mpt_delete_tokens.
 * @return as mpt_delete_tokens.
 * @param client the client.
 * @param user_data passed to the function each time.
 * @since 0.1.0
 */
MPT_NODISCARD MPT_API mpt_code MPT_CALL mpt_burn_tokens(
    const struct mpt_client *client, const char *const *values, size_t count,
    const struct mpt_batch_options *options, mpt_outcome_callback on_outcome, void *user_data);

/**
 * Starts the same batch without a callback, for languages that cannot easily be called back. Take the outcomes with
 * mpt_batch_next; nothing is sent before its first call.
 *
 * @param token_ids as in mpt_delete_tokens; all are copied.
 * @param count as in mpt_delete_tokens; all are copied.
 * @param options as in mpt_delete_tokens; all are copied.
 * @param batch written unless it is NULL: the new batch, to be freed with mpt_batch_free, or NULL on failure. The client
 * may be freed before the batch. Cancelling the client cancels the batch's calls.
 * @param outcome may be NULL; otherwise always written: NULL on MPT_OK, or an outcome that says why the batch cannot
 * start, to be freed with mpt_outcome_free.
 * @return MPT_OK, or a code that says why the batch cannot start.
 * @param client the client.
 * @since 0.1.0
 */
MPT_NODISCARD MPT_API mpt_code MPT_CALL mpt_batch_new(
    const struct mpt_client *client, const char *const *token_ids, size_t count,
    const struct mpt_batch_options *options, struct mpt_batch **batch, struct mpt_outcome **outcome);

/**
 * Starts the batch of mpt_burn_tokens without a callback. Take the outcomes with mpt_batch_next; nothing is sent before
 * its first call.
 *
 * @param values as in mpt_burn_tokens; they are copied, and each copy is wiped from memory when its calls are done, or when
 * the batch is freed.
 * @param count how many values there are.
 * @param options as in mpt_delete_tokens.
 * @param batch as in mpt_batch_new.
 * @param outcome as in mpt_batch_new.
 * @return MPT_OK, or a code that says why the batch cannot start.
 * @param client the client.
 * @since 0.1.0
 */
MPT_NODISCARD MPT_API mpt_code MPT_CALL mpt_burn_batch_new(
    const struct mpt_client *client, const char *const *values, size_t count,
    const struct mpt_batch_options *options, struct mpt_batch **batch, struct mpt_outcome **outcome);

/**
 * Returns the next outcome in order of completion; blocks until there is one. Other calls of the batch continue in the
 * background, also between calls of this function.
 *
 * @return a new outcome, to be freed with mpt_outcome_free. NULL when there are no more, or if `batch` is NULL.
 * @param batch the batch.
 * @since 0.1.0
 */
MPT_NODISCARD MPT_API struct mpt_outcome *MPT_CALL mpt_batch_next(struct mpt_batch *batch);

/**
 * Stops a batch: it pulls no more ids, and calls under way finish. Ids that were pulled but not tried are reported with
 * MPT_SKIPPED. Keep calling mpt_batch_next until it returns NULL. Does nothing if `batch` is NULL.
 * @param batch the batch.
 * @since 0.1.0
 */
MPT_API void MPT_CALL mpt_batch_stop(struct mpt_batch *batch);

/**
 * Returns why a batch stopped before the end of its list, in a word: "unauthorized" (two ids in a row got a 401: the
 * API token is not accepted), "paused" (the server asked for a longer pause than the batch waits), "no_answer" (no
 * answer was conclusive for as long as `patience_ms`), "journal" (it cannot be written), "asked" (mpt_batch_stop) or
 * "cancelled". Ask when mpt_batch_next has returned NULL: ids that were not pulled have no outcome, and this is what
 * says so.
 *
 * @return text that belongs to the batch and is valid until the next call on it; NULL if it did not stop, or if `batch`
 * is NULL.
 * @param batch the batch.
 * @since 0.1.0
 */
MPT_NODISCARD MPT_API const char *MPT_CALL mpt_batch_stopped(const struct mpt_batch *batch);

/**
 * Returns the same as mpt_batch_stopped as a sentence that also says what to do, such as "the API answered 401 (the API
 * token is not accepted): check MPT_API_TOKEN".
 *
 * @return text that belongs to the batch and is valid until the next call on it; NULL if it did not stop, or if `batch`
 * is NULL.
 * @param batch the batch.
 * @since 0.1.0
 */
MPT_NODISCARD MPT_API const char *MPT_CALL mpt_batch_stopped_message(const struct mpt_batch *batch);

/**
 * @return the code that comes nearest to why a batch stopped: see `stopped_code` of mpt_batch_summary. MPT_OK if it did
 * not stop, or if `batch` is NULL.
 * @param batch the batch.
 * @since 0.1.0
 */
MPT_NODISCARD MPT_API mpt_code MPT_CALL mpt_batch_stopped_code(const struct mpt_batch *batch);

/**
 * @return how many ids were pulled and not tried, because the batch stopped: their outcomes have MPT_SKIPPED. 0 if
 * `batch` is NULL.
 * @param batch the batch.
 * @since 0.1.0
 */
MPT_NODISCARD MPT_API uint64_t MPT_CALL mpt_batch_skipped(const struct mpt_batch *batch);

/**
 * @return how many ids of the list were not pulled (so far): if the batch stopped, they have no outcome. 0 if `batch`
 * is NULL.
 * @param batch the batch.
 * @since 0.1.0
 */
MPT_NODISCARD MPT_API uint64_t MPT_CALL mpt_batch_not_pulled(const struct mpt_batch *batch);

/**
 * Writes what mpt_delete_tokens writes to `summary` of its options: the counts (so far), and why the batch stopped.
 *
 * @param summary written on MPT_OK. Set its `size` first, as MPT_BATCH_SUMMARY_INIT does.
 * @return MPT_OK, or MPT_INVALID_ARGUMENT if `batch` or `summary` is NULL, or if the size is not that of a version of
 * the struct.
 * @param batch the batch.
 * @since 0.1.0
 */
MPT_NODISCARD MPT_API mpt_code MPT_CALL mpt_batch_counts(
    const struct mpt_batch *batch, struct mpt_batch_summary *summary);

/**
 * Stops a batch, waits for the calls under way, and frees it. Outcomes that were not taken are lost. To make this
 * quick, cancel the client first. Does nothing if `batch` is NULL.
 * @param batch the batch.
 * @since 0.1.0
 */
MPT_API void MPT_CALL mpt_batch_free(struct mpt_batch *batch);

/**
 * Frees an outcome and its text. Do not call it on an outcome that a callback received. Does nothing if `outcome` is
 * NULL.
 * @param outcome the outcome.
 * @since 0.1.0
 */
MPT_API void MPT_CALL mpt_outcome_free(struct mpt_outcome *outcome);

/**
 * Copies an outcome: use it to keep one that a callback received.
 *
 * @return a new outcome, to be freed with mpt_outcome_free. NULL if `outcome` is NULL, or after an internal error.
 * @param outcome the outcome.
 * @since 0.1.0
 */
MPT_NODISCARD MPT_API struct mpt_outcome *MPT_CALL mpt_outcome_clone(const struct mpt_outcome *outcome);

/**
 * @return what is true of the token: MPT_OUTCOME_DELETED, MPT_OUTCOME_GONE (in both cases it is dead),
 * MPT_OUTCOME_NOT_DELETED or MPT_OUTCOME_UNKNOWN. Returns 0 for NULL.
 * @param outcome the outcome.
 * @since 0.1.0
 */
MPT_NODISCARD MPT_API int32_t MPT_CALL mpt_outcome_kind(const struct mpt_outcome *outcome);

/**
 * @return what happened: the code that the call returned. Returns MPT_INVALID_ARGUMENT for NULL.
 * @param outcome the outcome.
 * @since 0.1.0
 */
MPT_NODISCARD MPT_API mpt_code MPT_CALL mpt_outcome_code(const struct mpt_outcome *outcome);

/**
 * @return 1 if the token is proven dead: by mpt_prove_deleted, or by burning. Returns 0 if not, for outcomes of other
 * functions, and for NULL.
 * @param outcome the outcome.
 * @since 0.1.0
 */
MPT_NODISCARD MPT_API int32_t MPT_CALL mpt_outcome_is_proven(const struct mpt_outcome *outcome);

/**
 * @return what the proof of mpt_prove_deleted, or of burning, rests on. "control" means that the API answered the same
 * request with 404 when the client's own API token was used. "accepted_before" means that this client had seen the API
 * accept the value, and that the API itself now answered 401. "lost_answer" means that the response to an earlier
 * request with a value that was burnt was lost, and that the API itself now answered 401. Returns NULL if nothing is
 * proven, for outcomes of other functions, and for NULL.
 * @param outcome the outcome.
 * @since 0.1.0
 */
MPT_NODISCARD MPT_API const char *MPT_CALL mpt_outcome_proof_basis(const struct mpt_outcome *outcome);

/**
 * @return the whole outcome as one line of JSON; docs/outcome.schema.json describes it. It includes each attempt and
 * every member of the problem details. Returns "null" for NULL; never NULL.
 * @param outcome the outcome.
 * @since 0.1.0
 */
MPT_NODISCARD MPT_API const char *MPT_CALL mpt_outcome_json(const struct mpt_outcome *outcome);

/**
 * @return one sentence for people: what happened, what is true of the token and, after a failure, what to do. It has
 * no control characters, so it is safe to print to a terminal. Returns "" for NULL; never NULL.
 * @param outcome the outcome.
 * @since 0.1.0
 */
MPT_NODISCARD MPT_API const char *MPT_CALL mpt_outcome_message(const struct mpt_outcome *outcome);

/**
 * @return the token id as it was passed to the call; one that was refused is cut after 64 characters. Returns NULL if
 * the failure is not about one token.
 * @param outcome the outcome.
 * @since 0.1.0
 */
MPT_NODISCARD MPT_API const char *MPT_CALL mpt_outcome_token_id(const struct mpt_outcome *outcome);

/**
 * @return the HTTP status of the last response, 100 to 999. Returns 0 if there was no response.
 * @param outcome the outcome.
 * @since 0.1.0
 */
MPT_NODISCARD MPT_API int32_t MPT_CALL mpt_outcome_http_status(const struct mpt_outcome *outcome);

/**
 * @return the number of attempts. Returns 0 if the call failed before the first attempt.
 * @param outcome the outcome.
 * @since 0.1.0
 */
MPT_NODISCARD MPT_API uint32_t MPT_CALL mpt_outcome_attempts(const struct mpt_outcome *outcome);

/**
 * @return the number of calls made for the token. More than 1 if a batch put the token off and tried it again, because
 * nothing conclusive came of the calls before: mpt_outcome_attempts counts the attempts of all of them. Returns 0 if no
 * call was made, and for NULL.
 * @param outcome the outcome.
 * @since 0.1.0
 */
MPT_NODISCARD MPT_API uint32_t MPT_CALL mpt_outcome_rounds(const struct mpt_outcome *outcome);

/**
 * @return the title of the problem details as the server sent it, or NULL if there is none. It may contain any
 * characters, including control characters: to show text to people, use mpt_outcome_message.
 * @param outcome the outcome.
 * @since 0.1.0
 */
MPT_NODISCARD MPT_API const char *MPT_CALL mpt_outcome_title(const struct mpt_outcome *outcome);

/**
 * @return the detail of the problem details as the server sent it, or NULL if there is none. It may contain any
 * characters, as the title may.
 * @param outcome the outcome.
 * @since 0.1.0
 */
MPT_NODISCARD MPT_API const char *MPT_CALL mpt_outcome_detail(const struct mpt_outcome *outcome);

/**
 * @return 1 if trying again later can change the result: the obstacle is temporary, or nothing is known about the
 * token. Returns 0 if it cannot: the token is dead, or somebody must fix something first. Returns 0 for NULL.
 * @param outcome the outcome.
 * @since 0.1.0
 */
MPT_NODISCARD MPT_API int32_t MPT_CALL mpt_outcome_retryable(const struct mpt_outcome *outcome);

/**
 * @return how long the server asked to wait before the next attempt, in milliseconds, if the call did not wait that
 * long. Returns -1 otherwise.
 * @param outcome the outcome.
 * @since 0.1.0
 */
MPT_NODISCARD MPT_API int64_t MPT_CALL mpt_outcome_retry_after_ms(const struct mpt_outcome *outcome);

/**
 * @return the trace id that was sent with every attempt (W3C Trace Context): 32 hexadecimal digits. Returns NULL if
 * there was no attempt.
 * @param outcome the outcome.
 * @since 0.1.0
 */
MPT_NODISCARD MPT_API const char *MPT_CALL mpt_outcome_trace_id(const struct mpt_outcome *outcome);

/**
 * @return the server's own traceId, for its support. Returns NULL if the server sent none.
 * @param outcome the outcome.
 * @since 0.1.0
 */
MPT_NODISCARD MPT_API const char *MPT_CALL mpt_outcome_server_trace_id(const struct mpt_outcome *outcome);

/**
 * @return how long the whole call took, including pauses, in microseconds. Returns 0 for NULL.
 * @param outcome the outcome.
 * @since 0.1.0
 */
MPT_NODISCARD MPT_API uint64_t MPT_CALL mpt_outcome_elapsed_us(const struct mpt_outcome *outcome);

/**
 * @return when this became known, by the machine's clock, in milliseconds since 1970-01-01 00:00:00 UTC: when the last
 * response came, or when the call was given up. Returns 0 for NULL.
 * @param outcome the outcome.
 * @since 0.1.0
 */
MPT_NODISCARD MPT_API int64_t MPT_CALL mpt_outcome_settled_at_ms(const struct mpt_outcome *outcome);

/**
 * Returns the version of the running library, such as "0.1.0". MPT_VERSION is the version of the header.
 *
 * @return text that lives as long as the program; never NULL.
 * @note Threads: any, at any time.
 * @since 0.1.0
 */
MPT_NODISCARD MPT_API const char *MPT_CALL mpt_version(void);

/**
 * @return the ABI version of the running library. Programs that load the library by name at run time should compare it
 * with MPT_ABI_VERSION; for all others, the system's linker has already done so.
 *
 * @note Threads: any, at any time.
 * @since 0.1.0
 */
MPT_NODISCARD MPT_API uint32_t MPT_CALL mpt_abi_version(void);

/**
 * @return the version of the running library as one number that grows, as MPT_VERSION_NUMBER is that of the header:
 * 0xMMmmpp.
 *
 * @note Threads: any, at any time.
 * @since 0.1.0
 */
MPT_NODISCARD MPT_API uint32_t MPT_CALL mpt_version_number(void);

/**
 * @return 1 if the running library has a feature, and 0 if not, or if the name is NULL. The names are "batch",
 * "bind_address", "ca_pem", "client_certificate", "delete_options", "journal", "log", "patience", "proof", "resolve" and
 * "unix_socket" (not on Windows); later versions have others.
 *
 * @param name the name of the feature.
 * @note Threads: any, at any time.
 * @since 0.1.0
 */
MPT_NODISCARD MPT_API int32_t MPT_CALL mpt_has_feature(const char *name);

/**
 * Returns the name of a code, the same in every language and in JSON, such as "ok" or "not_found". Returns
 * "not_a_code" for any other number.
 *
 * @return text that lives as long as the program; never NULL.
 * @note Threads: any, at any time.
 * @param code the number, such as MPT_OK.
 * @since 0.1.0
 */
MPT_NODISCARD MPT_API const char *MPT_CALL mpt_code_name(mpt_code code);

/**
 * Returns one line that says when a code is returned. For what happened in one particular call, use
 * mpt_outcome_message.
 *
 * @return text that lives as long as the program; never NULL.
 * @note Threads: any, at any time.
 * @param code the number, such as MPT_OK.
 * @since 0.1.0
 */
MPT_NODISCARD MPT_API const char *MPT_CALL mpt_code_message(mpt_code code);

/**
 * Returns the name of a number from mpt_outcome_kind, the same in every language and in JSON: "deleted", "gone",
 * "not_deleted" or "unknown". Returns "not_an_outcome" for any other number.
 *
 * @return text that lives as long as the program; never NULL.
 * @note Threads: any, at any time.
 * @param kind the number, such as MPT_OUTCOME_DELETED.
 * @since 0.1.0
 */
MPT_NODISCARD MPT_API const char *MPT_CALL mpt_outcome_name(int32_t kind);

#ifdef __cplusplus
} /* extern "C" */
#endif /* __cplusplus */

#endif  /* MPT_TOKENS_H */

/* What the library was built with, checked where the language can. */
#if defined(__cplusplus) && __cplusplus >= 201103L
#define MPT_STATIC_ASSERT_(condition) static_assert(condition, #condition)
#elif !defined(__cplusplus) && defined(__STDC_VERSION__) && __STDC_VERSION__ >= 201112L
#define MPT_STATIC_ASSERT_(condition) _Static_assert(condition, #condition)
#endif
#ifdef MPT_STATIC_ASSERT_
MPT_STATIC_ASSERT_(sizeof(mpt_code) == 4);
MPT_STATIC_ASSERT_(offsetof(mpt_batch_options, journal) == 16);
MPT_STATIC_ASSERT_(sizeof(void *) != 8 || offsetof(mpt_batch_options, patience_ms) == 24);
MPT_STATIC_ASSERT_(sizeof(void *) != 8 || offsetof(mpt_batch_options, summary) == 32);
MPT_STATIC_ASSERT_(sizeof(void *) != 8 || sizeof(mpt_batch_options) == 40);
MPT_STATIC_ASSERT_(offsetof(mpt_batch_summary, stopped) == 80);
MPT_STATIC_ASSERT_(offsetof(mpt_batch_summary, not_found) == 624);
MPT_STATIC_ASSERT_(sizeof(mpt_batch_summary) == 648);
MPT_STATIC_ASSERT_(offsetof(mpt_delete_options, timeout_ms) == 16);
MPT_STATIC_ASSERT_(offsetof(mpt_delete_options, trace_parent) == 24);
MPT_STATIC_ASSERT_(sizeof(void *) != 8 || sizeof(mpt_delete_options) == 32);
MPT_STATIC_ASSERT_(offsetof(mpt_log_record, wait_ms) == 24);
MPT_STATIC_ASSERT_(sizeof(void *) != 8 || sizeof(mpt_log_record) == 56);
#undef MPT_STATIC_ASSERT_
#endif
