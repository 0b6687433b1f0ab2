/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/**
 * @file mpt_tokens.h
 * Delete API tokens of the SoftwareONE Marketplace, and know that they are dead.
 *
 * Made from crates/capi by `cargo xtask header`: change it there. docs/abi.md says what may change and when.
 *
 * Objects: mpt_config, mpt_client, mpt_batch and mpt_outcome are known by their addresses only. Each function that hands
 * one out says so; the caller then owns it, and ends it once with its own _free, which takes NULL. A `const` object is
 * not changed by the call. Memory is never shared with malloc and free.
 *
 * Text: UTF-8 ended by NUL. Text given to a function is copied or only read until it returns. `const char *` results
 * belong to the library or to an object and are never to be freed.
 *
 * Misuse: NULL where a value is needed, text that is not UTF-8 and numbers out of range give MPT_INVALID_ARGUMENT.
 * Addresses that are neither NULL nor valid, and objects that are used after their end, cannot be known: undefined.
 * A bug in the library itself gives MPT_INTERNAL: no Rust panic leaves it, but its message goes to standard error.
 *
 * Threads: what may be shared is said at each type; a function with no word of its own keeps to that of its first
 * argument. The library starts no thread that outlives its call or batch (but for a look-up of a name that the system
 * does not let go of), sets no signal handler and prints nothing else. It may be called from any thread, loaded with
 * dlopen (once loaded it stays), and used before and after fork in both processes; no call may be under way on an
 * object while the process forks, if the child is to use that object.
 */

#ifndef MPT_TOKENS_H
#define MPT_TOKENS_H

#include <stddef.h>
#include <stdint.h>

/** The version of this header; mpt_version tells that of the library that runs. */
#define MPT_VERSION "0.1.0"
#define MPT_VERSION_MAJOR 0
#define MPT_VERSION_MINOR 1
#define MPT_VERSION_PATCH 0
/** The version as one number that grows, for the preprocessor: 0xMMmmpp. */
#define MPT_VERSION_NUMBER 0x000100

/** What happened: see mpt_code. After each, the outcome that it comes with. @{ */
/** success. Outcome: deleted / gone. */
#define MPT_OK 0
/** a null pointer, text that is not UTF-8, or an impossible option. Outcome: not_deleted. */
#define MPT_INVALID_ARGUMENT 1
/**
 * the token id is empty, `.` or `..`; has `/`, `\`, `%`, `;` or a control character; is longer than 256
 * bytes; or is a token value. Outcome: not_deleted.
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
 * the API answered 404 in its own form: problem details with a `type` or a `title`, whose `status` is
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

/** What is true of the token: see mpt_outcome_kind. @{ */
/** The API confirmed the deletion. */
#define MPT_OUTCOME_DELETED 1
/** Not there any more: it was deleted by an attempt whose answer was lost, or was missing and that was accepted. */
#define MPT_OUTCOME_GONE 2
/** Surely not deleted by this call. */
#define MPT_OUTCOME_NOT_DELETED 3
/** May have been deleted: ask again. */
#define MPT_OUTCOME_UNKNOWN 4
/** @} */

/** The initial value of a mpt_batch_options: its size, and the default in every other member. */
#define MPT_BATCH_OPTIONS_INIT { sizeof(mpt_batch_options), 0, 0, 0, NULL }

/**
 * The version of the binary interface: the number in the name of the shared library. It grows only when a program
 * that was built against an older one would no longer work; docs/abi.md says what may change without that.
 */
#define MPT_ABI_VERSION 1

/**
 * A batch under way. Made by mpt_batch_new, ended by mpt_batch_free.
 *
 * Threads: may be used by one thread at a time, not always the same.
 */
typedef struct mpt_batch mpt_batch;

/**
 * Deletes tokens. Made by mpt_client_new or mpt_client_clone, ended by mpt_client_free.
 *
 * It does not change and pools its connections: make one and keep it.
 *
 * Threads: may be used by any number of threads at once, and in a child after fork, which opens connections of its
 * own; ended by one, when no other uses it.
 */
typedef struct mpt_client mpt_client;

/**
 * How a client is to behave. Made by mpt_config_new or mpt_config_new_from_env, ended by mpt_config_free.
 *
 * Threads: may be used by one thread at a time; different configs have nothing in common.
 */
typedef struct mpt_config mpt_config;

/**
 * All that is known after a call. Handed out by the call, ended by mpt_outcome_free.
 *
 * The accessors take NULL. Text that they return belongs to the outcome and lives as long as it does; it is UTF-8, and
 * where the server sent a NUL character in it, U+FFFD stands there.
 *
 * Threads: may be read by any number of threads at once; ended by one, when no other reads it.
 */
typedef struct mpt_outcome mpt_outcome;

/**
 * What happened to a call: MPT_OK or one of the codes above. Its numbers never change their meaning.
 */
typedef int32_t mpt_code;

/**
 * Asked while a call, mpt_batch_next or mpt_batch_free waits, about every 50 ms and whenever a signal interrupts the
 * wait; `user_data` is what the caller gave. Other than 0: the client is cancelled, as by mpt_client_cancel.
 *
 * Threads: it runs on the thread that called, inside the call. It must return (no longjmp, no C++ exception), and may
 * use nothing of the library but mpt_client_cancel, and the _free of objects that no call uses.
 */
typedef int (*mpt_poll_callback)(void *user_data);

/**
 * How a batch is done. Begin with MPT_BATCH_OPTIONS_INIT, or with zeros and `size`: 0 in a member is its default, and
 * members that a later version adds will keep to that. A size that is too small, and a member that is set and that the
 * running library does not know, are refused with MPT_INVALID_ARGUMENT.
 */
typedef struct mpt_batch_options {
    /**
     * sizeof(mpt_batch_options).
     */
    uint32_t size;
    /**
     * How many calls may run at once, 1 to 256; 0 for 8. With 1 they run on the calling thread.
     */
    uint32_t concurrency;
    /**
     * Other than 0: a token that the API does not know is a success from the first attempt on. 0: as the client does.
     */
    int32_t missing_ok;
    /**
     * Other than 0: the token in use may be deleted; it goes last then. 0: as the client does.
     */
    int32_t allow_own_token;
    /**
     * The path of a write-ahead record, or NULL for none: what is about to be deleted is on disk before a request
     * leaves. Where the file exists, the batch resumes: tokens known to be dead are neither asked nor reported again.
     * It belongs to one base URL and one API token: another one's is refused with MPT_INVALID_CONFIG. A damaged line is
     * skipped, and a token that it may have been about is MPT_OUTCOME_UNKNOWN where the API does not know it. One that can no
     * longer be written stops the batch.
     */
    const char *journal;
} mpt_batch_options;

/**
 * Told about one token. The outcome is lent: it ends when the callback returns (mpt_outcome_clone keeps it).
 * `user_data` is what the caller gave.
 *
 * Returns: 0 to go on; anything else to pull no more ids, as mpt_batch_stop.
 * Threads: it runs on the thread that called. It may use the library, and it must return: no longjmp, and a C++
 * exception that leaves it ends the program.
 */
typedef int (*mpt_outcome_callback)(const struct mpt_outcome *outcome, void *user_data);

#ifdef __cplusplus
extern "C" {
#endif /* __cplusplus */

/**
 * A config with the defaults: no API token yet, which must be set; https://api.platform.softwareone.com; no proxy.
 * Reads nothing from the environment.
 *
 * Returns: a new config; give it to mpt_config_free. NULL only after an internal failure.
 */
struct mpt_config *mpt_config_new(void);

/**
 * A config from the environment: the API token from MPT_API_TOKEN, the base URL from MPT_API_BASE_URL, the proxy from
 * HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY (or their lower-case names). What is not set, or empty, stays at its
 * default; what is set with a setter afterwards stands instead.
 *
 * Returns: a new config; give it to mpt_config_free. NULL only after an internal failure.
 * Threads: no other thread may change the environment meanwhile.
 */
struct mpt_config *mpt_config_new_from_env(void);

/**
 * Ends a config; its copy of the API token is wiped from memory. The clients made from it live on. NULL is fine.
 */
void mpt_config_free(struct mpt_config *config);

/**
 * The API token that authenticates every call: required. A pasted "Bearer " before it is dropped. It is copied; the
 * library never shows it, and wipes its copies when config and clients end.
 *
 * This and every other setter: text is copied, so that it need not live longer than the call. Returns MPT_OK;
 * MPT_INVALID_ARGUMENT where `config` is NULL, or where text is NULL or not UTF-8. A refusal is also kept:
 * mpt_client_new then returns it, so that the result of a setter need not be looked at. Whether a value can be used is
 * said by mpt_client_new too.
 */
mpt_code mpt_config_set_api_token(struct mpt_config *config,
                                  const char *value);

/**
 * Where the API is; by default https://api.platform.softwareone.com. A trailing "/", "/public" or "/public/v1" is
 * accepted; user info, a query and a fragment are not.
 */
mpt_code mpt_config_set_base_url(struct mpt_config *config,
                                 const char *url);

/**
 * The limit of a whole call in milliseconds: resolving, connecting, TLS, sending, waiting, reading and pausing, over
 * all attempts. 1 to 86,400,000 (a day); 60,000 by default.
 */
mpt_code mpt_config_set_timeout_ms(struct mpt_config *config,
                                   uint64_t milliseconds);

/**
 * The limit of one attempt in milliseconds, within that of the call. 1 to 86,400,000; 20,000 by default.
 */
mpt_code mpt_config_set_attempt_timeout_ms(struct mpt_config *config, uint64_t milliseconds);

/**
 * The limit of opening a connection in milliseconds: resolving, connecting, the proxy, TLS. 1 to 86,400,000; 5,000 by
 * default.
 */
mpt_code mpt_config_set_connect_timeout_ms(struct mpt_config *config,
                                           uint64_t milliseconds);

/**
 * How often a call is tried, 1 to 100; 4 by default. Only what is safe and can help is tried again.
 */
mpt_code mpt_config_set_attempts(struct mpt_config *config, uint32_t attempts);

/**
 * The bounds of the pause before another attempt, in milliseconds: a random part of `base` after the first attempt, of
 * twice that after the second, and so on, never more than `cap`. Each 0 to 86,400,000; 200 and 10,000 by default. A
 * server that asks for a longer pause gets it.
 */
mpt_code mpt_config_set_backoff_ms(struct mpt_config *config,
                                   uint64_t base,
                                   uint64_t cap);

/**
 * Whether a token that the API does not know is a success (MPT_OUTCOME_GONE) from the first attempt on: 0 no (the
 * default), else yes.
 */
mpt_code mpt_config_set_missing_ok(struct mpt_config *config,
                                   int32_t yes);

/**
 * Whether the token in use may be deleted: 0 no (the default: such a call is refused before anything is sent), else
 * yes.
 */
mpt_code mpt_config_set_allow_own_token(struct mpt_config *config,
                                        int32_t yes);

/**
 * Whether plain http may be spoken with a host that is not loopback, the API token travelling unencrypted: 0 no (the
 * default), else yes.
 */
mpt_code mpt_config_set_allow_plain_http(struct mpt_config *config,
                                         int32_t yes);

/**
 * The program's own part of the User-Agent, such as "my-job/1.0": up to 256 visible ASCII characters. It goes before
 * "mpt-tokens/<version>".
 */
mpt_code mpt_config_set_user_agent(struct mpt_config *config,
                                   const char *product);

/**
 * A PEM file of certificate authorities to trust beside the platform's (a company's proxy, say). The path may be any
 * bytes; the file is read by mpt_client_new.
 */
mpt_code mpt_config_set_ca_file(struct mpt_config *config,
                                const char *path);

/**
 * Whether only the authorities of mpt_config_set_ca_file are trusted, and not the platform's: 0 no (the default), else
 * yes. Without a CA file mpt_client_new then refuses.
 */
mpt_code mpt_config_set_ca_only(struct mpt_config *config,
                                int32_t yes);

/**
 * The URL of an HTTP proxy, such as "http://proxy.example:3128", or NULL for no proxy at all. By default none, or
 * that of the environment where the config was made from it. Stands instead of mpt_config_set_proxy_from_env.
 */
mpt_code mpt_config_set_proxy(struct mpt_config *config,
                              const char *url);

/**
 * The proxy that HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY name when mpt_client_new is called; never for
 * loopback. mpt_config_new_from_env has done this already.
 */
mpt_code mpt_config_set_proxy_from_env(struct mpt_config *config);

/**
 * A function to be asked whether to go on, for runtimes with one thread that must look for signals and interrupts
 * themselves; NULL, the default, for none. Programs that can call mpt_client_cancel from a thread or a signal handler
 * need none. It and `user_data` must live as long as the clients made from this config, their clones and batches.
 */
mpt_code mpt_config_set_poll(struct mpt_config *config,
                             mpt_poll_callback poll,
                             void *user_data);

/**
 * Makes a client from a config, which is only read, and may be changed, used again and ended afterwards. No connection
 * is opened yet.
 *
 * `client`: always written where it is not NULL: the new client, to be given to mpt_client_free, or NULL.
 * `outcome`: may be NULL; else always written: NULL after MPT_OK, or an outcome whose message says what cannot be
 * used, to be given to mpt_outcome_free.
 * Returns: MPT_OK; MPT_INVALID_CONFIG where the API token, the base URL, the proxy, the CA file or the user agent
 * cannot be used; MPT_INVALID_ARGUMENT where `config` or `client` is NULL, a number is out of its range, or a setter
 * was refused.
 */
mpt_code mpt_client_new(const struct mpt_config *config,
                        struct mpt_client **client,
                        struct mpt_outcome **outcome);

/**
 * A second client with the connections and the settings of this one, and a cancel of its own: what one call needs to
 * be cancelled by itself. Cheap. Each of the two lives until it is given to mpt_client_free, in any order; cancelling
 * one does not cancel the other.
 *
 * Returns: a new client, not cancelled. NULL for NULL, and after an internal failure.
 */
struct mpt_client *mpt_client_clone(const struct mpt_client *client);

/**
 * Ends every call under way on this client within 200 ms, whatever it waits for, and every later one at once: they
 * return MPT_CANCELLED, with the true outcome. It cannot be taken back. NULL is fine.
 *
 * Threads: any, at any time, while the client lives. May be called from a signal handler: it sets a flag and writes to
 * a descriptor.
 */
void mpt_client_cancel(const struct mpt_client *client);

/**
 * Ends a client; its connections are closed with the last of its clones, and the API token is wiped from memory. No
 * call may be under way on it: cancel and wait for them first. NULL is fine.
 */
void mpt_client_free(struct mpt_client *client);

/**
 * Deletes one token, and blocks until the matter is settled: at the longest for the timeout of the config.
 *
 * It is tried again where that is safe and can help. After a failure the outcome is MPT_OUTCOME_NOT_DELETED, or
 * MPT_OUTCOME_UNKNOWN where the token may have been deleted all the same; it is never wrong about that.
 *
 * `token_id`: UTF-8, 1 to 256 bytes, such as "TKN-1671-0642"; must not change during the call.
 * `outcome`: may be NULL; else always written: an outcome, to be given to mpt_outcome_free.
 * Returns: MPT_OK where the token is dead (deleted or gone); every other code but MPT_SKIPPED.
 */
mpt_code mpt_delete_token(const struct mpt_client *client,
                          const char *token_id,
                          struct mpt_outcome **outcome);

/**
 * Asks for proof that a leaked token is dead: sends the DELETE for the id inside its value, with the value itself as the
 * credential. A deleted token can no longer be used for authentication, so that the answer must be 401. The same request
 * with the client's own API token must then be answered 404 by the API: so it is the value that the 401 is about. Where
 * the two are one, the value must have been accepted before by this client. Only for values whose token is to die: one
 * that is still there is deleted by these very requests. A value that was cut off or mistyped never was one, and is
 * answered 401, too: delete the token by its id first.
 *
 * `token_value`: of the form "idt:TKN-XXXX-XXXX:<secret>"; copied, never shown, wiped from memory afterwards.
 * `outcome`: may be NULL; else always written: an outcome, to be given to mpt_outcome_free. mpt_outcome_is_proven tells
 * whether there is proof, mpt_outcome_proof_basis what it rests on; its JSON has the members "proven" and "basis".
 * Returns: MPT_OK where the token is dead: proven, or deleted by this very request, and then worth another call for
 * proof. MPT_INVALID_ARGUMENT where an argument is NULL or the value has another form; else as mpt_delete_token.
 */
mpt_code mpt_prove_deleted(const struct mpt_client *client,
                           const char *token_value,
                           struct mpt_outcome **outcome);

/**
 * Deletes many tokens, and blocks until each of them is settled. Every id is tried once, also where it is there twice;
 * many calls run at once. A callback tells the outcomes in order of completion.
 *
 * An answer of 401 stops the batch, and so do a server that wants no calls for more than ten minutes (or the timeout of
 * a call, where that is longer) and the callback: no more ids are pulled, what is under way finishes, and what was pulled
 * and not tried is told with MPT_SKIPPED; ids that were not pulled are not told.
 *
 * `token_ids`: `count` addresses, each as in mpt_delete_token; none may change during the call. NULL where `count` is 0.
 * `options`: may be NULL, for all defaults.
 * `on_outcome`: may be NULL. Where the batch cannot start, it is told that by an outcome without a token id.
 * Returns: MPT_OK where every token is dead; else the code of the first one told that is not, or MPT_SKIPPED where all
 * told are dead and there are others. Nothing was sent where the batch cannot start: MPT_INVALID_ARGUMENT (`client`,
 * an id or `token_ids` is NULL or not UTF-8, or an option is out of its range), MPT_INVALID_CONFIG (the journal cannot
 * be used).
 */
mpt_code mpt_delete_tokens(const struct mpt_client *client,
                           const char *const *token_ids,
                           size_t count,
                           const struct mpt_batch_options *options,
                           mpt_outcome_callback on_outcome,
                           void *user_data);

/**
 * The same without a callback, for languages that would rather ask than be called: the outcomes are taken with
 * mpt_batch_next. Nothing is sent before that.
 *
 * `token_ids`, `options`: as in mpt_delete_tokens; both are copied.
 * `batch`: always written where it is not NULL: the new batch, to be given to mpt_batch_free, or NULL. It keeps what it
 * needs of the client, which may be ended before it; cancelling the client ends the calls of the batch.
 * `outcome`: may be NULL; else always written: NULL after MPT_OK, or an outcome that says why the batch cannot start,
 * to be given to mpt_outcome_free.
 * Returns: MPT_OK, or the code of a batch that cannot start.
 */
mpt_code mpt_batch_new(const struct mpt_client *client,
                       const char *const *token_ids,
                       size_t count,
                       const struct mpt_batch_options *options,
                       struct mpt_batch **batch,
                       struct mpt_outcome **outcome);

/**
 * The next outcome, in order of completion; blocks until there is one. Meanwhile, and until the next call of this
 * function, other calls of the batch go on.
 *
 * Returns: a new outcome, to be given to mpt_outcome_free. NULL when there are no more, and for NULL.
 */
struct mpt_outcome *mpt_batch_next(struct mpt_batch *batch);

/**
 * Pulls no more ids. What is under way finishes, and what was pulled and not tried is told with MPT_SKIPPED: go on with
 * mpt_batch_next until it returns NULL. NULL is fine.
 */
void mpt_batch_stop(struct mpt_batch *batch);

/**
 * Ends a batch: pulls no more ids, and waits for the calls under way, whose outcomes are lost if they were not taken
 * (cancel the client first where that must be quick). NULL is fine.
 */
void mpt_batch_free(struct mpt_batch *batch);

/**
 * Ends an outcome and its text. NULL is fine. One that a callback was lent must not be ended.
 */
void mpt_outcome_free(struct mpt_outcome *outcome);

/**
 * A copy that lives by itself: what a callback needs to keep an outcome.
 *
 * Returns: a new outcome; give it to mpt_outcome_free. NULL for NULL, and after an internal failure.
 */
struct mpt_outcome *mpt_outcome_clone(const struct mpt_outcome *outcome);

/**
 * What is true of the token: MPT_OUTCOME_DELETED, MPT_OUTCOME_GONE (both: it is dead), MPT_OUTCOME_NOT_DELETED or
 * MPT_OUTCOME_UNKNOWN. 0 for NULL.
 */
int32_t mpt_outcome_kind(const struct mpt_outcome *outcome);

/**
 * What happened: the code that the call returned. MPT_INVALID_ARGUMENT for NULL.
 */
mpt_code mpt_outcome_code(const struct mpt_outcome *outcome);

/**
 * Whether mpt_prove_deleted has proof that the token is dead: 1 yes, 0 no. 0 for every other outcome, and for NULL.
 */
int32_t mpt_outcome_is_proven(const struct mpt_outcome *outcome);

/**
 * What the proof of mpt_prove_deleted rests on: "control" where the same request with the client's own API token was
 * answered 404 by the API; "accepted_before" where the value itself had been accepted by this client, and the 401 is the
 * API's. NULL where nothing is proven, for every other outcome, and for NULL.
 */
const char *mpt_outcome_proof_basis(const struct mpt_outcome *outcome);

/**
 * The whole outcome as one line of JSON, as docs/outcome.schema.json describes it: also each attempt, and every member
 * of the problem details. "null" for NULL; never NULL itself.
 */
const char *mpt_outcome_json(const struct mpt_outcome *outcome);

/**
 * One sentence for a person: what happened, what is true of the token and, after a failure, what to do. It has no
 * control characters, so that it can go to a terminal as it is. "" for NULL; never NULL itself.
 */
const char *mpt_outcome_message(const struct mpt_outcome *outcome);

/**
 * The token id of the call, as it was given. NULL where the failure has nothing to do with one token.
 */
const char *mpt_outcome_token_id(const struct mpt_outcome *outcome);

/**
 * The HTTP status of the last answer, 100 to 999; 0 where no attempt was answered.
 */
int32_t mpt_outcome_http_status(const struct mpt_outcome *outcome);

/**
 * How many attempts were made; 0 where the call was refused before anything was tried.
 */
uint32_t mpt_outcome_attempts(const struct mpt_outcome *outcome);

/**
 * The title of the problem details, as the server wrote it; NULL where there is none. It may have any characters,
 * control characters too: to show it to a person, use mpt_outcome_message.
 */
const char *mpt_outcome_title(const struct mpt_outcome *outcome);

/**
 * The detail of the problem details, likewise.
 */
const char *mpt_outcome_detail(const struct mpt_outcome *outcome);

/**
 * Whether asking again later can change the result: 1 yes (what stands in the way passes by itself, or nothing is known
 * of the token), 0 no (the token is dead, or somebody must do something first). 0 for NULL.
 */
int32_t mpt_outcome_retryable(const struct mpt_outcome *outcome);

/**
 * How long the server asked to wait before the next attempt, in milliseconds, where that wait was not spent; -1 where
 * it did not ask.
 */
int64_t mpt_outcome_retry_after_ms(const struct mpt_outcome *outcome);

/**
 * The trace id that went out with every attempt (W3C Trace Context): 32 hexadecimal digits. NULL where nothing was
 * tried.
 */
const char *mpt_outcome_trace_id(const struct mpt_outcome *outcome);

/**
 * The server's own traceId, to give to its support; NULL where it gave none.
 */
const char *mpt_outcome_server_trace_id(const struct mpt_outcome *outcome);

/**
 * How long the whole call took, pauses included, in microseconds.
 */
uint64_t mpt_outcome_elapsed_us(const struct mpt_outcome *outcome);

/**
 * The version of the library that runs, such as "0.1.0": compare it with MPT_VERSION, that of the header.
 *
 * Returns: text that lives as long as the program; never NULL.
 * Threads: any, at any time.
 */
const char *mpt_version(void);

/**
 * The ABI version of the library that runs. A program that loads the library by name at run time compares it with
 * MPT_ABI_VERSION; the system's linker has done so for all others.
 *
 * Threads: any, at any time.
 */
uint32_t mpt_abi_version(void);

/**
 * The name of a code, the same in every language and in JSON: "ok", "not_found"... "not_a_code" for a number that is
 * none.
 *
 * Returns: text that lives as long as the program; never NULL.
 * Threads: any, at any time.
 */
const char *mpt_code_name(mpt_code code);

/**
 * One line that says when a code is given. mpt_outcome_message tells more: what happened to this very call.
 *
 * Returns: text that lives as long as the program; never NULL.
 * Threads: any, at any time.
 */
const char *mpt_code_message(mpt_code code);

/**
 * The name of the number that mpt_outcome_kind returns, the same in every language and in JSON: "deleted", "gone",
 * "not_deleted" or "unknown"; "not_an_outcome" for any other.
 *
 * Returns: text that lives as long as the program; never NULL.
 * Threads: any, at any time.
 */
const char *mpt_outcome_name(int32_t kind);

#ifdef __cplusplus
} /* extern "C" */
#endif /* __cplusplus */

#endif  /* MPT_TOKENS_H */
