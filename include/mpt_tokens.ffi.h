/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The declarations of mpt_tokens.h for tools without a C preprocessor: cffi (ffi.cdef), LuaJIT (ffi.cdef), SWIG, PHP.
 * Made by `cargo xtask header`. mpt_tokens.h says what each function does, who owns what, and what threads may share.
 * MPT_BATCH_OPTIONS_INIT and MPT_DELETE_OPTIONS_INIT are not here: set `size` to the size of the struct, and the rest to
 * zero.
 */

enum {
    MPT_VERSION_MAJOR = 0,
    MPT_VERSION_MINOR = 1,
    MPT_VERSION_PATCH = 0,
    MPT_VERSION_NUMBER = 0x000100,
    MPT_OK = 0,
    MPT_INVALID_ARGUMENT = 1,
    MPT_INVALID_TOKEN_ID = 2,
    MPT_INVALID_CONFIG = 3,
    MPT_OWN_TOKEN = 4,
    MPT_BAD_REQUEST = 100,
    MPT_UNAUTHORIZED = 101,
    MPT_FORBIDDEN = 102,
    MPT_NOT_FOUND = 103,
    MPT_CONFLICT = 104,
    MPT_RATE_LIMITED = 105,
    MPT_SERVER_ERROR = 106,
    MPT_UNEXPECTED_RESPONSE = 107,
    MPT_DEAD_VALUE = 108,
    MPT_RESOLVE_FAILED = 200,
    MPT_CONNECT_FAILED = 201,
    MPT_TLS_FAILED = 202,
    MPT_PROXY_FAILED = 203,
    MPT_CONNECTION_LOST = 204,
    MPT_TIMEOUT = 205,
    MPT_CANCELLED = 206,
    MPT_SKIPPED = 207,
    MPT_INTERNAL = 300,
    MPT_OUTCOME_DELETED = 1,
    MPT_OUTCOME_GONE = 2,
    MPT_OUTCOME_NOT_DELETED = 3,
    MPT_OUTCOME_UNKNOWN = 4,
    MPT_LOG_ERROR = 1,
    MPT_LOG_WARN = 2,
    MPT_LOG_INFO = 3,
    MPT_LOG_DEBUG = 4,
    MPT_EVENT_ATTEMPT = 1,
    MPT_EVENT_RETRY = 2,
    MPT_EVENT_PANIC = 3,
    MPT_PATIENCE_NONE = (-1),
    MPT_ABI_VERSION = 1
};

typedef struct mpt_batch mpt_batch;
typedef struct mpt_client mpt_client;
typedef struct mpt_config mpt_config;
typedef struct mpt_outcome mpt_outcome;
typedef int32_t mpt_code;
typedef int (*mpt_poll_callback)(void *user_data);
typedef void (*mpt_free_callback)(void *user_data);
typedef struct mpt_delete_options {
    uint32_t size;
    int32_t missing_ok;
    int32_t allow_own_token;
    int32_t after_lost_answer;
    uint64_t timeout_ms;
    const char *trace_parent;
} mpt_delete_options;
typedef struct mpt_log_record {
    uint32_t size;
    int32_t level;
    int32_t event;
    mpt_code code;
    uint32_t attempt;
    int32_t http_status;
    int64_t wait_ms;
    const char *token_id;
    const char *trace_id;
    const char *message;
} mpt_log_record;
typedef void (*mpt_log_callback)(const struct mpt_log_record *record, void *user_data);
typedef struct mpt_batch_summary {
    uint32_t size;
    mpt_code stopped_code;
    uint64_t deleted;
    uint64_t gone;
    uint64_t not_deleted;
    uint64_t unknown;
    uint64_t skipped;
    uint64_t not_pulled;
    uint64_t duplicates;
    uint64_t already_done;
    uint64_t total;
    char stopped[32];
    char stopped_message[512];
    uint64_t not_found;
    uint64_t dead_values;
    uint64_t put_off;
} mpt_batch_summary;
typedef struct mpt_batch_options {
    uint32_t size;
    uint32_t concurrency;
    int32_t missing_ok;
    int32_t allow_own_token;
    const char *journal;
    int64_t patience_ms;
    struct mpt_batch_summary *summary;
} mpt_batch_options;
typedef int (*mpt_outcome_callback)(const struct mpt_outcome *outcome, void *user_data);
struct mpt_config *mpt_config_new(void);
struct mpt_config *mpt_config_new_from_env(void);
void mpt_config_free(struct mpt_config *config);
mpt_code mpt_config_set_api_token(struct mpt_config *config, const char *value);
mpt_code mpt_config_set_base_url(struct mpt_config *config, const char *url);
mpt_code mpt_config_set_timeout_ms(struct mpt_config *config, uint64_t milliseconds);
mpt_code mpt_config_set_attempt_timeout_ms(struct mpt_config *config, uint64_t milliseconds);
mpt_code mpt_config_set_connect_timeout_ms(struct mpt_config *config, uint64_t milliseconds);
mpt_code mpt_config_set_attempts(struct mpt_config *config, uint32_t attempts);
mpt_code mpt_config_set_backoff_ms(struct mpt_config *config, uint64_t base, uint64_t cap);
mpt_code mpt_config_set_missing_ok(struct mpt_config *config, int32_t yes);
mpt_code mpt_config_set_allow_own_token(struct mpt_config *config, int32_t yes);
mpt_code mpt_config_set_burn_only(struct mpt_config *config, int32_t yes);
mpt_code mpt_config_set_allow_plain_http(struct mpt_config *config, int32_t yes);
mpt_code mpt_config_set_user_agent(struct mpt_config *config, const char *product);
mpt_code mpt_config_set_ca_file(struct mpt_config *config, const char *path);
mpt_code mpt_config_set_ca_pem(struct mpt_config *config, const char *pem);
mpt_code mpt_config_set_client_certificate(
    struct mpt_config *config, const char *chain_pem, const char *key_pem);
mpt_code mpt_config_set_resolve(struct mpt_config *config, const char *host, const char *addresses);
mpt_code mpt_config_set_bind_address(struct mpt_config *config, const char *local);
mpt_code mpt_config_set_unix_socket(struct mpt_config *config, const char *path);
mpt_code mpt_config_set_ca_only(struct mpt_config *config, int32_t yes);
mpt_code mpt_config_set_proxy(struct mpt_config *config, const char *url);
mpt_code mpt_config_set_proxy_from_env(struct mpt_config *config);
mpt_code mpt_config_set_poll(struct mpt_config *config, mpt_poll_callback poll, void *user_data);
mpt_code mpt_config_set_poll_owning(
    struct mpt_config *config, mpt_poll_callback poll, void *user_data, mpt_free_callback free_user_data);
mpt_code mpt_client_new(
    const struct mpt_config *config, struct mpt_client **client, struct mpt_outcome **outcome);
struct mpt_client *mpt_client_clone(const struct mpt_client *client);
void mpt_client_cancel(const struct mpt_client *client);
void mpt_client_free(struct mpt_client *client);
mpt_code mpt_delete_token(
    const struct mpt_client *client, const char *token_id, struct mpt_outcome **outcome);
mpt_code mpt_delete_token_with(
    const struct mpt_client *client, const char *token_id, const struct mpt_delete_options *options,
    struct mpt_outcome **outcome);
mpt_code mpt_prove_deleted(
    const struct mpt_client *client, const char *token_value, struct mpt_outcome **outcome);
mpt_code mpt_burn(
    const struct mpt_client *client, const char *token_value, struct mpt_outcome **outcome);
mpt_code mpt_config_set_log(
    struct mpt_config *config, int32_t level, mpt_log_callback log, void *user_data,
    mpt_free_callback free_user_data);
mpt_code mpt_delete_tokens(
    const struct mpt_client *client, const char *const *token_ids, size_t count,
    const struct mpt_batch_options *options, mpt_outcome_callback on_outcome, void *user_data);
mpt_code mpt_burn_tokens(
    const struct mpt_client *client, const char *const *values, size_t count,
    const struct mpt_batch_options *options, mpt_outcome_callback on_outcome, void *user_data);
mpt_code mpt_batch_new(
    const struct mpt_client *client, const char *const *token_ids, size_t count,
    const struct mpt_batch_options *options, struct mpt_batch **batch, struct mpt_outcome **outcome);
mpt_code mpt_burn_batch_new(
    const struct mpt_client *client, const char *const *values, size_t count,
    const struct mpt_batch_options *options, struct mpt_batch **batch, struct mpt_outcome **outcome);
struct mpt_outcome *mpt_batch_next(struct mpt_batch *batch);
void mpt_batch_stop(struct mpt_batch *batch);
const char *mpt_batch_stopped(const struct mpt_batch *batch);
const char *mpt_batch_stopped_message(const struct mpt_batch *batch);
mpt_code mpt_batch_stopped_code(const struct mpt_batch *batch);
uint64_t mpt_batch_skipped(const struct mpt_batch *batch);
uint64_t mpt_batch_not_pulled(const struct mpt_batch *batch);
mpt_code mpt_batch_counts(
    const struct mpt_batch *batch, struct mpt_batch_summary *summary);
void mpt_batch_free(struct mpt_batch *batch);
void mpt_outcome_free(struct mpt_outcome *outcome);
struct mpt_outcome *mpt_outcome_clone(const struct mpt_outcome *outcome);
int32_t mpt_outcome_kind(const struct mpt_outcome *outcome);
mpt_code mpt_outcome_code(const struct mpt_outcome *outcome);
int32_t mpt_outcome_is_proven(const struct mpt_outcome *outcome);
const char *mpt_outcome_proof_basis(const struct mpt_outcome *outcome);
const char *mpt_outcome_json(const struct mpt_outcome *outcome);
const char *mpt_outcome_message(const struct mpt_outcome *outcome);
const char *mpt_outcome_token_id(const struct mpt_outcome *outcome);
int32_t mpt_outcome_http_status(const struct mpt_outcome *outcome);
uint32_t mpt_outcome_attempts(const struct mpt_outcome *outcome);
uint32_t mpt_outcome_rounds(const struct mpt_outcome *outcome);
const char *mpt_outcome_title(const struct mpt_outcome *outcome);
const char *mpt_outcome_detail(const struct mpt_outcome *outcome);
int32_t mpt_outcome_retryable(const struct mpt_outcome *outcome);
int64_t mpt_outcome_retry_after_ms(const struct mpt_outcome *outcome);
const char *mpt_outcome_trace_id(const struct mpt_outcome *outcome);
const char *mpt_outcome_server_trace_id(const struct mpt_outcome *outcome);
uint64_t mpt_outcome_elapsed_us(const struct mpt_outcome *outcome);
int64_t mpt_outcome_settled_at_ms(const struct mpt_outcome *outcome);
const char *mpt_version(void);
uint32_t mpt_abi_version(void);
uint32_t mpt_version_number(void);
int32_t mpt_has_feature(const char *name);
const char *mpt_code_name(mpt_code code);
const char *mpt_code_message(mpt_code code);
const char *mpt_outcome_name(int32_t kind);
