/*
 * Drives every function of the library on every path of its code, against a sandbox:
 * MPT_API_BASE_URL and MPT_API_TOKEN say where, the first argument is a folder to write in.
 */
#include <mpt_tokens.h>
#include <pthread.h>
#include <time.h>

#include "check.h"

static const char *folder;

static mpt_client *new_client(void (*change)(mpt_config *)) {
    mpt_config *config = mpt_config_new_from_env();
    mpt_client *client = NULL;
    mpt_outcome *outcome = NULL;

    CHECK(mpt_config_set_backoff_ms(config, 1, 5) == MPT_OK);
    if (change != NULL) {
        change(config);
    }
    CHECK(mpt_client_new(config, &client, &outcome) == MPT_OK);
    CHECK(client != NULL && outcome == NULL);
    mpt_config_free(config);
    return client;
}

static void allow_own(mpt_config *config) { CHECK(mpt_config_set_allow_own_token(config, 1) == MPT_OK); }
static void missing_ok(mpt_config *config) { CHECK(mpt_config_set_missing_ok(config, 1) == MPT_OK); }
static void short_attempts(mpt_config *config) {
    CHECK(mpt_config_set_attempts(config, 1) == MPT_OK);
    CHECK(mpt_config_set_attempt_timeout_ms(config, 300) == MPT_OK);
    CHECK(mpt_config_set_connect_timeout_ms(config, 300) == MPT_OK);
    CHECK(mpt_config_set_timeout_ms(config, 400) == MPT_OK);
}

static void versions_and_names(void) {
    CHECK_TEXT(mpt_version(), MPT_VERSION);
    CHECK(mpt_abi_version() == MPT_ABI_VERSION);
    CHECK(MPT_VERSION_NUMBER == ((MPT_VERSION_MAJOR << 16) | (MPT_VERSION_MINOR << 8) | MPT_VERSION_PATCH));
    CHECK(MPT_VERSION_AT_LEAST(MPT_VERSION_MAJOR, MPT_VERSION_MINOR, MPT_VERSION_PATCH));
    CHECK(!MPT_VERSION_AT_LEAST(MPT_VERSION_MAJOR, MPT_VERSION_MINOR + 1, 0));
    CHECK(mpt_version_number() == MPT_VERSION_NUMBER);
#ifdef _WIN32
    CHECK(mpt_has_feature("unix_socket") == 0 && mpt_has_feature("log") == 1);
#else
    CHECK(mpt_has_feature("unix_socket") == 1 && mpt_has_feature("log") == 1);
#endif
    CHECK(mpt_has_feature("time_travel") == 0 && mpt_has_feature("") == 0 && mpt_has_feature(NULL) == 0);
    CHECK_TEXT(mpt_code_name(MPT_OK), "ok");
    CHECK_TEXT(mpt_code_name(MPT_NOT_FOUND), "not_found");
    CHECK_TEXT(mpt_code_name(MPT_INTERNAL), "internal");
    CHECK_TEXT(mpt_code_name(-1), "not_a_code");
    CHECK_TEXT(mpt_code_name(5), "not_a_code");
    CHECK_HAS(mpt_code_message(MPT_NOT_FOUND), "404");
    CHECK_TEXT(mpt_code_message(99999), "not a code of this version of the library");
    CHECK(mpt_code_name(MPT_OK) == mpt_code_name(MPT_OK));
    CHECK_TEXT(mpt_outcome_name(MPT_OUTCOME_DELETED), "deleted");
    CHECK_TEXT(mpt_outcome_name(MPT_OUTCOME_GONE), "gone");
    CHECK_TEXT(mpt_outcome_name(MPT_OUTCOME_NOT_DELETED), "not_deleted");
    CHECK_TEXT(mpt_outcome_name(MPT_OUTCOME_UNKNOWN), "unknown");
    CHECK_TEXT(mpt_outcome_name(0), "not_an_outcome");
}

static void null_is_fine_where_it_is_said(void) {
    mpt_config_free(NULL);
    mpt_client_free(NULL);
    mpt_client_cancel(NULL);
    mpt_outcome_free(NULL);
    mpt_batch_free(NULL);
    mpt_batch_stop(NULL);
    CHECK(mpt_batch_stopped(NULL) == NULL && mpt_batch_stopped_message(NULL) == NULL);
    CHECK(mpt_batch_stopped_code(NULL) == MPT_OK);
    CHECK(mpt_batch_skipped(NULL) == 0 && mpt_batch_not_pulled(NULL) == 0);
    CHECK(mpt_batch_counts(NULL, NULL) == MPT_INVALID_ARGUMENT);
    CHECK(mpt_client_clone(NULL) == NULL);
    CHECK(mpt_outcome_clone(NULL) == NULL);
    CHECK(mpt_batch_next(NULL) == NULL);
    CHECK(mpt_outcome_kind(NULL) == 0);
    CHECK(mpt_outcome_code(NULL) == MPT_INVALID_ARGUMENT);
    CHECK_TEXT(mpt_outcome_json(NULL), "null");
    CHECK_TEXT(mpt_outcome_message(NULL), "");
    CHECK(mpt_outcome_token_id(NULL) == NULL);
    CHECK(mpt_outcome_title(NULL) == NULL);
    CHECK(mpt_outcome_detail(NULL) == NULL);
    CHECK(mpt_outcome_trace_id(NULL) == NULL);
    CHECK(mpt_outcome_server_trace_id(NULL) == NULL);
    CHECK(mpt_outcome_http_status(NULL) == 0);
    CHECK(mpt_outcome_attempts(NULL) == 0);
    CHECK(mpt_outcome_rounds(NULL) == 0);
    CHECK(mpt_outcome_settled_at_ms(NULL) == 0);
    CHECK(mpt_outcome_retryable(NULL) == 0);
    CHECK(mpt_outcome_retry_after_ms(NULL) == -1);
    CHECK(mpt_outcome_elapsed_us(NULL) == 0);
    CHECK(mpt_outcome_is_proven(NULL) == 0);
    CHECK(mpt_outcome_proof_basis(NULL) == NULL);
}

/* Every setter: what it takes, and what it refuses. */
static void setters(void) {
    mpt_config *config = mpt_config_new();
    CHECK(config != NULL);
#define REFUSES_TEXT(setter)                                                                                           \
    CHECK(setter(NULL, "x") == MPT_INVALID_ARGUMENT);                                                                  \
    CHECK(setter(config, "\xff") == MPT_INVALID_ARGUMENT)
    REFUSES_TEXT(mpt_config_set_api_token);
    REFUSES_TEXT(mpt_config_set_base_url);
    REFUSES_TEXT(mpt_config_set_user_agent);
    REFUSES_TEXT(mpt_config_set_proxy);
    CHECK(mpt_config_set_api_token(config, NULL) == MPT_INVALID_ARGUMENT);
    CHECK(mpt_config_set_base_url(config, NULL) == MPT_INVALID_ARGUMENT);
    CHECK(mpt_config_set_user_agent(config, NULL) == MPT_INVALID_ARGUMENT);
    CHECK(mpt_config_set_ca_file(config, NULL) == MPT_INVALID_ARGUMENT);
    CHECK(mpt_config_set_ca_file(NULL, "x") == MPT_INVALID_ARGUMENT);
    CHECK(mpt_config_set_timeout_ms(NULL, 1) == MPT_INVALID_ARGUMENT);
    CHECK(mpt_config_set_attempt_timeout_ms(NULL, 1) == MPT_INVALID_ARGUMENT);
    CHECK(mpt_config_set_connect_timeout_ms(NULL, 1) == MPT_INVALID_ARGUMENT);
    CHECK(mpt_config_set_attempts(NULL, 1) == MPT_INVALID_ARGUMENT);
    CHECK(mpt_config_set_backoff_ms(NULL, 1, 1) == MPT_INVALID_ARGUMENT);
    CHECK(mpt_config_set_missing_ok(NULL, 1) == MPT_INVALID_ARGUMENT);
    CHECK(mpt_config_set_allow_own_token(NULL, 1) == MPT_INVALID_ARGUMENT);
    CHECK(mpt_config_set_allow_plain_http(NULL, 1) == MPT_INVALID_ARGUMENT);
    CHECK(mpt_config_set_ca_only(NULL, 1) == MPT_INVALID_ARGUMENT);
    CHECK(mpt_config_set_proxy(NULL, NULL) == MPT_INVALID_ARGUMENT);
    CHECK(mpt_config_set_proxy_from_env(NULL) == MPT_INVALID_ARGUMENT);
    mpt_config_free(config);

    config = mpt_config_new();
    CHECK(mpt_config_set_api_token(config, "Bearer secret") == MPT_OK);
    CHECK(mpt_config_set_base_url(config, "http://example.invalid/public/v1/") == MPT_OK);
    CHECK(mpt_config_set_user_agent(config, "driver/1.0") == MPT_OK);
    CHECK(mpt_config_set_proxy(config, "http://127.0.0.1:9") == MPT_OK);
    CHECK(mpt_config_set_proxy_from_env(config) == MPT_OK);
    CHECK(mpt_config_set_proxy(config, NULL) == MPT_OK);
    CHECK(mpt_config_set_timeout_ms(config, 86400000) == MPT_OK);
    CHECK(mpt_config_set_attempts(config, 100) == MPT_OK);
    CHECK(mpt_config_set_ca_only(config, 0) == MPT_OK);
    CHECK(mpt_config_set_allow_plain_http(config, 1) == MPT_OK);
    {
        mpt_client *client = NULL;
        CHECK(mpt_client_new(config, &client, NULL) == MPT_OK);
        CHECK(client != NULL);
        mpt_client_free(client);
    }
    mpt_config_free(config);
}

/* One thing wrong with a config: mpt_client_new says which, and shows no secret. */
static void refused(mpt_config *config, mpt_code code, const char *says) {
    mpt_client *client = (mpt_client *)folder; /* any address: it must be written over */
    mpt_outcome *outcome = NULL;

    CHECK(mpt_client_new(config, &client, &outcome) == code);
    CHECK(client == NULL);
    CHECK(mpt_outcome_code(outcome) == code);
    CHECK(mpt_outcome_kind(outcome) == MPT_OUTCOME_NOT_DELETED);
    CHECK(mpt_outcome_token_id(outcome) == NULL);
    CHECK_HAS(mpt_outcome_message(outcome), says);
    CHECK(strstr(mpt_outcome_json(outcome), "sesame") == NULL);
    mpt_outcome_free(outcome);
    CHECK(mpt_client_new(config, &client, NULL) == code);
    mpt_config_free(config);
}

static mpt_config *good_config(void) {
    mpt_config *config = mpt_config_new_from_env();
    CHECK(mpt_config_set_api_token(config, "open-sesame") == MPT_OK);
    return config;
}

static void configs_that_cannot_be_used(void) {
    mpt_config *config;
    mpt_outcome *outcome = NULL;

    refused(mpt_config_new(), MPT_INVALID_CONFIG, "token");
    config = good_config();
    mpt_config_set_base_url(config, "ftp://example.invalid");
    refused(config, MPT_INVALID_CONFIG, "URL");
    config = good_config();
    mpt_config_set_base_url(config, "http://example.invalid");
    refused(config, MPT_INVALID_CONFIG, "http");
    config = good_config();
    mpt_config_set_ca_file(config, "/no/such/\xff/file.pem");
#ifdef _WIN32
    refused(config, MPT_INVALID_ARGUMENT, "the path of the CA file is not UTF-8 from byte 9");
#else
    refused(config, MPT_INVALID_CONFIG, "CA file");
#endif
    config = good_config();
    mpt_config_set_ca_only(config, 1);
    refused(config, MPT_INVALID_CONFIG, "CA file");
    config = good_config();
    mpt_config_set_proxy(config, "socks5://127.0.0.1:1");
    refused(config, MPT_INVALID_CONFIG, "proxy");
    config = good_config();
    mpt_config_set_user_agent(config, "two\nlines");
    refused(config, MPT_INVALID_CONFIG, "user agent");
    config = good_config();
    mpt_config_set_attempts(config, 0);
    refused(config, MPT_INVALID_ARGUMENT, "attempts");
    config = good_config();
    mpt_config_set_timeout_ms(config, (uint64_t)-1);
    refused(config, MPT_INVALID_ARGUMENT, "timeout");

    /* A setter whose refusal nobody looked at must not end in calls to the real API. */
    config = good_config();
    mpt_config_set_base_url(config, NULL);
    mpt_config_set_attempts(config, 3);
    refused(config, MPT_INVALID_ARGUMENT, "base URL is a null pointer");
    config = good_config();
    mpt_config_set_api_token(config, "sesame\xff");
    refused(config, MPT_INVALID_ARGUMENT, "API token is not UTF-8 from byte 6");

    refused(NULL, MPT_INVALID_ARGUMENT, "config is a null pointer");
    config = good_config();
    CHECK(mpt_client_new(config, NULL, &outcome) == MPT_INVALID_ARGUMENT);
    CHECK_HAS(mpt_outcome_message(outcome), "null pointer");
    mpt_outcome_free(outcome);
    CHECK(mpt_client_new(NULL, NULL, NULL) == MPT_INVALID_ARGUMENT);
    mpt_config_free(config);
}

/* One call: its code, kind and status, and everything that must agree with them. */
static mpt_outcome *told(const mpt_client *client, const char *id, mpt_code code, int32_t kind, int32_t status) {
    mpt_outcome *outcome = NULL;
    const mpt_code returned = mpt_delete_token(client, id, &outcome);
    char part[64];

    CHECK(returned == code);
    if (returned != code) {
        fprintf(stderr, "  %s: %s\n", id, mpt_outcome_json(outcome));
    }
    CHECK(mpt_outcome_code(outcome) == returned);
    CHECK(mpt_outcome_kind(outcome) == kind);
    CHECK(mpt_outcome_http_status(outcome) == status);
    CHECK((mpt_outcome_kind(outcome) == MPT_OUTCOME_DELETED || mpt_outcome_kind(outcome) == MPT_OUTCOME_GONE) ==
          (returned == MPT_OK));
    /* Of a value that was given as an id, only the id is shown. */
    CHECK_TEXT(mpt_outcome_token_id(outcome), strchr(id, ':') == NULL ? id : "TKN-1-2:<redacted>");
    CHECK(strstr(mpt_outcome_json(outcome), "sandbox-secret") == NULL);
    CHECK(strlen(mpt_outcome_message(outcome)) > 0);
    CHECK(mpt_outcome_is_proven(outcome) == 0);
    sprintf(part, "\"outcome\":\"%s\"", mpt_outcome_name(kind));
    CHECK_HAS(mpt_outcome_json(outcome), part);
    sprintf(part, "\"code\":\"%s\"", mpt_code_name(code));
    CHECK_HAS(mpt_outcome_json(outcome), part);
    CHECK(mpt_outcome_json(outcome) == mpt_outcome_json(outcome));
    CHECK(mpt_delete_token(NULL, id, NULL) == MPT_INVALID_ARGUMENT);
    return outcome;
}

static void single_calls(void) {
    static const struct {
        const char *id;
        mpt_code code;
        int32_t kind;
        int32_t status;
    } cases[] = {
        {"TKN-ok-c1", MPT_OK, MPT_OUTCOME_DELETED, 204},
        {"TKN-answerlost-c1", MPT_OK, MPT_OUTCOME_GONE, 404},
        {"TKN-400-c1", MPT_BAD_REQUEST, MPT_OUTCOME_NOT_DELETED, 400},
        {"TKN-401-c1", MPT_UNAUTHORIZED, MPT_OUTCOME_NOT_DELETED, 401},
        {"TKN-403-c1", MPT_FORBIDDEN, MPT_OUTCOME_NOT_DELETED, 403},
        {"TKN-404-c1", MPT_NOT_FOUND, MPT_OUTCOME_NOT_DELETED, 404},
        {"TKN-409-c1", MPT_CONFLICT, MPT_OUTCOME_NOT_DELETED, 409},
        {"TKN-429~90-c1", MPT_RATE_LIMITED, MPT_OUTCOME_NOT_DELETED, 429},
        {"TKN-500.always-c1", MPT_SERVER_ERROR, MPT_OUTCOME_UNKNOWN, 500},
        {"TKN-307-c1", MPT_UNEXPECTED_RESPONSE, MPT_OUTCOME_NOT_DELETED, 307},
        {"TKN-302.always-c1", MPT_UNEXPECTED_RESPONSE, MPT_OUTCOME_UNKNOWN, 302},
        {"TKN-answer303-c1", MPT_OK, MPT_OUTCOME_GONE, 404},
        {"TKN-404kong-c1", MPT_UNEXPECTED_RESPONSE, MPT_OUTCOME_NOT_DELETED, 404},
        {"TKN-200.always-c1", MPT_UNEXPECTED_RESPONSE, MPT_OUTCOME_UNKNOWN, 200},
        {"TKN-requestlost.always-c1", MPT_CONNECTION_LOST, MPT_OUTCOME_UNKNOWN, 0},
        {"TKN-0000-0001", MPT_OWN_TOKEN, MPT_OUTCOME_NOT_DELETED, 0},
        {"", MPT_INVALID_TOKEN_ID, MPT_OUTCOME_NOT_DELETED, 0},
        {"..", MPT_INVALID_TOKEN_ID, MPT_OUTCOME_NOT_DELETED, 0},
        {"a/b", MPT_INVALID_TOKEN_ID, MPT_OUTCOME_NOT_DELETED, 0},
        {"TKN-1-2:sandbox-secret", MPT_INVALID_TOKEN_ID, MPT_OUTCOME_NOT_DELETED, 0},
        {"a?b", MPT_NOT_FOUND, MPT_OUTCOME_NOT_DELETED, 404},
    };
    mpt_client *client = new_client(NULL);
    mpt_outcome *outcome = NULL;
    size_t i;

    for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        mpt_outcome_free(told(client, cases[i].id, cases[i].code, cases[i].kind, cases[i].status));
    }

    outcome = told(client, "TKN-400-c2", MPT_BAD_REQUEST, MPT_OUTCOME_NOT_DELETED, 400);
    CHECK_TEXT(mpt_outcome_title(outcome), "Bad Request");
    CHECK(mpt_outcome_detail(outcome) != NULL);
    CHECK(mpt_outcome_server_trace_id(outcome) != NULL);
    CHECK(mpt_outcome_trace_id(outcome) != NULL && strlen(mpt_outcome_trace_id(outcome)) == 32);
    CHECK(mpt_outcome_attempts(outcome) == 1);
    CHECK(mpt_outcome_rounds(outcome) == 1);
    CHECK(mpt_outcome_settled_at_ms(outcome) / 1000 <= (int64_t)time(NULL));
    CHECK(mpt_outcome_settled_at_ms(outcome) / 1000 > (int64_t)time(NULL) - 600);
    CHECK_HAS(mpt_outcome_json(outcome), "\"at\":\"2");
    CHECK_HAS(mpt_outcome_json(outcome), "\"rounds\":1");
    CHECK(mpt_outcome_retryable(outcome) == 0);
    CHECK(mpt_outcome_retry_after_ms(outcome) == -1);
    CHECK(mpt_outcome_elapsed_us(outcome) > 0);
    {
        mpt_outcome *copy = mpt_outcome_clone(outcome);
        char *json = malloc(strlen(mpt_outcome_json(outcome)) + 1);
        strcpy(json, mpt_outcome_json(outcome));
        mpt_outcome_free(outcome);
        CHECK_TEXT(mpt_outcome_json(copy), json);
        mpt_outcome_free(copy);
        free(json);
    }

    outcome = told(client, "TKN-429~90-c2", MPT_RATE_LIMITED, MPT_OUTCOME_NOT_DELETED, 429);
    CHECK(mpt_outcome_retryable(outcome) == 1);
    CHECK(mpt_outcome_retry_after_ms(outcome) == 90000);
    mpt_outcome_free(outcome);

    outcome = told(client, "TKN-503.503.ok-c2", MPT_OK, MPT_OUTCOME_DELETED, 204);
    CHECK(mpt_outcome_attempts(outcome) == 3);
    CHECK(mpt_outcome_title(outcome) == NULL);
    mpt_outcome_free(outcome);

    /* A server that sends control characters, NUL among them. */
    outcome = told(client, "TKN-400control-c2", MPT_BAD_REQUEST, MPT_OUTCOME_NOT_DELETED, 400);
    CHECK(mpt_outcome_title(outcome) != NULL || mpt_outcome_detail(outcome) != NULL);
    CHECK(strchr(mpt_outcome_message(outcome), '\x1b') == NULL);
    mpt_outcome_free(outcome);

    outcome = NULL;
    CHECK(mpt_delete_token(client, NULL, &outcome) == MPT_INVALID_ARGUMENT);
    CHECK_HAS(mpt_outcome_message(outcome), "token id is a null pointer");
    CHECK(mpt_outcome_kind(outcome) == MPT_OUTCOME_NOT_DELETED);
    CHECK(mpt_outcome_trace_id(outcome) == NULL && mpt_outcome_token_id(outcome) == NULL);
    mpt_outcome_free(outcome);
    CHECK(mpt_delete_token(client, "TKN-\xc3", &outcome) == MPT_INVALID_ARGUMENT);
    CHECK_HAS(mpt_outcome_message(outcome), "not UTF-8 from byte 4");
    mpt_outcome_free(outcome);
    CHECK(mpt_delete_token(NULL, "x", &outcome) == MPT_INVALID_ARGUMENT);
    CHECK_HAS(mpt_outcome_message(outcome), "client is a null pointer");
    mpt_outcome_free(outcome);
    CHECK(mpt_delete_token(NULL, NULL, NULL) == MPT_INVALID_ARGUMENT);
    CHECK(mpt_delete_token(client, "TKN-ok-c3", NULL) == MPT_OK);
    mpt_client_free(client);

    client = new_client(missing_ok);
    mpt_outcome_free(told(client, "nobody", MPT_OK, MPT_OUTCOME_GONE, 404));
    mpt_client_free(client);
    client = new_client(short_attempts);
    mpt_outcome_free(told(client, "TKN-requestsilent.always-c1", MPT_TIMEOUT, MPT_OUTCOME_UNKNOWN, 0));
    mpt_client_free(client);
}

static void no_connection(void) {
    mpt_config *config = mpt_config_new_from_env();
    mpt_client *client = NULL;

    mpt_config_set_base_url(config, "http://127.0.0.1:1");
    mpt_config_set_attempts(config, 1);
    CHECK(mpt_client_new(config, &client, NULL) == MPT_OK);
    mpt_outcome_free(told(client, "TKN-ok-n1", MPT_CONNECT_FAILED, MPT_OUTCOME_NOT_DELETED, 0));
    mpt_client_free(client);
    mpt_config_set_base_url(config, "https://127.0.0.1:1");
    CHECK(mpt_client_new(config, &client, NULL) == MPT_OK);
    mpt_outcome_free(told(client, "TKN-ok-n1", MPT_CONNECT_FAILED, MPT_OUTCOME_NOT_DELETED, 0));
    mpt_client_free(client);
    mpt_config_free(config);
}

static void cancelled(void) {
    mpt_client *client = new_client(NULL);
    mpt_client *other = mpt_client_clone(client);

    CHECK(other != NULL);
    mpt_client_cancel(client);
    mpt_client_cancel(client);
    mpt_outcome_free(told(client, "TKN-ok-x1", MPT_CANCELLED, MPT_OUTCOME_NOT_DELETED, 0));
    mpt_client_free(client);
    mpt_outcome_free(told(other, "TKN-ok-x1", MPT_OK, MPT_OUTCOME_DELETED, 204));
    mpt_client_free(other);
}

struct asked {
    unsigned times;
    unsigned stop_after;
};

static int poll(void *user_data) {
    struct asked *asked = (struct asked *)user_data;

    asked->times += 1;
    return asked->times >= asked->stop_after;
}

static void asked_while_it_waits(void) {
    static const char *const ids[] = {"TKN-requestsilent.always-y3", "TKN-requestsilent.always-y4"};
    mpt_config *config = mpt_config_new_from_env();
    mpt_client *client = NULL;
    mpt_client *other;
    mpt_outcome *outcome;
    mpt_batch *running = NULL;
    struct asked asked = {0, 3};

    CHECK(mpt_config_set_poll(NULL, poll, &asked) == MPT_INVALID_ARGUMENT);
    CHECK(mpt_config_set_poll(config, poll, &asked) == MPT_OK);
    CHECK(mpt_client_new(config, &client, NULL) == MPT_OK);
    other = mpt_client_clone(client);
    mpt_outcome_free(told(client, "TKN-requestsilent.always-y1", MPT_CANCELLED, MPT_OUTCOME_UNKNOWN, 0));
    CHECK(asked.times == 3);
    mpt_outcome_free(told(client, "TKN-ok-y1", MPT_CANCELLED, MPT_OUTCOME_NOT_DELETED, 0));
    mpt_client_free(client);

    /* A clone asks as well, and was not cancelled with the other. */
    asked.times = 0;
    mpt_outcome_free(told(other, "TKN-requestsilent.always-y2", MPT_CANCELLED, MPT_OUTCOME_UNKNOWN, 0));
    CHECK(asked.times == 3);
    mpt_client_free(other);

    /* Later: both requests must have left by then. */
    asked.times = 0;
    asked.stop_after = 20;
    CHECK(mpt_client_new(config, &client, NULL) == MPT_OK);
    CHECK(mpt_batch_new(client, ids, 2, NULL, &running, NULL) == MPT_OK);
    while ((outcome = mpt_batch_next(running)) != NULL) {
        CHECK(mpt_outcome_code(outcome) == MPT_CANCELLED);
        CHECK(mpt_outcome_kind(outcome) == MPT_OUTCOME_UNKNOWN);
        mpt_outcome_free(outcome);
    }
    CHECK(asked.times >= 20);
    mpt_batch_free(running);
    mpt_client_free(client);

    /* Taken back before the client is made. */
    asked.times = 0;
    CHECK(mpt_config_set_poll(config, NULL, NULL) == MPT_OK);
    CHECK(mpt_config_set_attempts(config, 1) == MPT_OK);
    CHECK(mpt_config_set_attempt_timeout_ms(config, 300) == MPT_OK);
    CHECK(mpt_client_new(config, &client, NULL) == MPT_OK);
    mpt_outcome_free(told(client, "TKN-requestsilent.always-y5", MPT_TIMEOUT, MPT_OUTCOME_UNKNOWN, 0));
    CHECK(asked.times == 0);
    mpt_client_free(client);
    mpt_config_free(config);
}

struct batch_told {
    size_t calls;
    size_t dead;
    size_t skipped;
    size_t stop_after;
    mpt_outcome *kept;
};

static int on_outcome(const mpt_outcome *outcome, void *user_data) {
    struct batch_told *told_so_far = (struct batch_told *)user_data;

    told_so_far->calls += 1;
    told_so_far->dead += mpt_outcome_code(outcome) == MPT_OK;
    told_so_far->skipped += mpt_outcome_code(outcome) == MPT_SKIPPED;
    if (told_so_far->kept == NULL) {
        told_so_far->kept = mpt_outcome_clone(outcome);
    }
    return told_so_far->stop_after != 0 && told_so_far->calls >= told_so_far->stop_after;
}

static struct batch_told batch(const mpt_client *client, const char *const *ids, size_t count,
                               const mpt_batch_options *options, size_t stop_after, mpt_code code) {
    struct batch_told now = {0, 0, 0, 0, NULL};
    mpt_code returned;

    now.stop_after = stop_after;
    returned = mpt_delete_tokens(client, ids, count, options, on_outcome, &now);
    CHECK(returned == code);
    if (returned != code) {
        fprintf(stderr, "  returned %s: %s\n", mpt_code_name(returned), mpt_outcome_json(now.kept));
    }
    mpt_outcome_free(now.kept);
    now.kept = NULL;
    return now;
}

static void count_free(void *user_data) { *(int *)user_data += 1; }

/* What is given away is freed once, by the last who uses it. */
static void owned_user_data(void) {
    static const char *const ids[] = {"TKN-ok-owned"};
    struct asked never = {0, 0};
    int freed = 0;
    mpt_config *config = mpt_config_new_from_env();
    mpt_client *client = NULL;
    mpt_client *other;
    mpt_batch *batch = NULL;

    CHECK(mpt_config_set_poll_owning(NULL, poll, &freed, count_free) == MPT_INVALID_ARGUMENT && freed == 1);
    CHECK(mpt_config_set_poll_owning(config, NULL, &freed, count_free) == MPT_OK && freed == 2);
    CHECK(mpt_config_set_poll_owning(config, poll, &freed, count_free) == MPT_OK && freed == 2);
    CHECK(mpt_config_set_poll_owning(config, poll, &freed, count_free) == MPT_OK && freed == 3);
    CHECK(mpt_client_new(config, &client, NULL) == MPT_OK);
    CHECK(mpt_config_set_poll(config, poll, &never) == MPT_OK && freed == 3);
    other = mpt_client_clone(client);
    CHECK(mpt_batch_new(other, ids, 1, NULL, &batch, NULL) == MPT_OK);
    mpt_client_free(client);
    mpt_client_free(other);
    CHECK(freed == 3);
    mpt_batch_free(batch);
    CHECK(freed == 4);
    mpt_config_free(config);
}

static mpt_code told_with(const mpt_client *client, const char *id, const mpt_delete_options *options, int32_t kind) {
    mpt_outcome *outcome = NULL;
    const mpt_code code = mpt_delete_token_with(client, id, options, &outcome);

    CHECK(mpt_outcome_code(outcome) == code && mpt_outcome_kind(outcome) == kind);
    if (options != NULL && options->trace_parent != NULL && code == MPT_OK) {
        CHECK(strncmp(options->trace_parent + 3, mpt_outcome_trace_id(outcome), 32) == 0);
    }
    mpt_outcome_free(outcome);
    return code;
}

static void options_of_one_call(void) {
    mpt_delete_options options = MPT_DELETE_OPTIONS_INIT;
    mpt_client *client = new_client(NULL);
    struct {
        mpt_delete_options known;
        char later[5000];
    } longer = {MPT_DELETE_OPTIONS_INIT, {0}};

    CHECK(options.size == sizeof(mpt_delete_options) && options.trace_parent == NULL);
    CHECK(told_with(client, "TKN-ok-with1", NULL, MPT_OUTCOME_DELETED) == MPT_OK);
    CHECK(told_with(client, "TKN-ok-with1", &options, MPT_OUTCOME_NOT_DELETED) == MPT_NOT_FOUND);
    options.after_lost_answer = 1;
    CHECK(told_with(client, "TKN-ok-with1", &options, MPT_OUTCOME_GONE) == MPT_OK);
    options.after_lost_answer = 0;
    options.missing_ok = 1;
    options.trace_parent = "00-9e02a91b64ac56904703a3a69ea9101d-56be90a29d0b0b25-01";
    CHECK(told_with(client, "TKN-ok-with1", &options, MPT_OUTCOME_GONE) == MPT_OK);
    options.trace_parent = "00-0";
    CHECK(told_with(client, "TKN-ok-with2", &options, MPT_OUTCOME_NOT_DELETED) == MPT_INVALID_ARGUMENT);
    options.trace_parent = "\xff";
    CHECK(told_with(client, "TKN-ok-with2", &options, MPT_OUTCOME_NOT_DELETED) == MPT_INVALID_ARGUMENT);
    options.trace_parent = NULL;
    options.timeout_ms = 300;
    CHECK(told_with(client, "TKN-requestsilent.always-with3", &options, MPT_OUTCOME_UNKNOWN) == MPT_TIMEOUT);
    options.timeout_ms = 86400001;
    CHECK(told_with(client, "TKN-ok-with2", &options, MPT_OUTCOME_NOT_DELETED) == MPT_INVALID_ARGUMENT);
    options.timeout_ms = 0;
    options.size -= 1;
    CHECK(told_with(client, "TKN-ok-with2", &options, MPT_OUTCOME_NOT_DELETED) == MPT_INVALID_ARGUMENT);
    longer.known.size = (uint32_t)sizeof longer;
    CHECK(told_with(client, "TKN-ok-with2", &longer.known, MPT_OUTCOME_DELETED) == MPT_OK);
    longer.later[4999] = 1;
    CHECK(told_with(client, "TKN-ok-with4", &longer.known, MPT_OUTCOME_NOT_DELETED) == MPT_INVALID_ARGUMENT);
    CHECK(mpt_delete_token_with(NULL, "TKN-ok-with4", NULL, NULL) == MPT_INVALID_ARGUMENT);
    CHECK(mpt_delete_token_with(client, NULL, NULL, NULL) == MPT_INVALID_ARGUMENT);
    mpt_client_free(client);
    client = new_client(NULL);
    CHECK(told_with(client, "TKN-0000-0001", NULL, MPT_OUTCOME_NOT_DELETED) == MPT_OWN_TOKEN);
    mpt_client_free(client);
}

/* By a name that is given an address, from an address, and not over a socket that nobody listens on. */
static void ways_to_the_server(void) {
    char url[128];
    mpt_client *client = NULL;
    mpt_config *config = mpt_config_new_from_env();

    sprintf(url, "http://api.driver.test%s", strrchr(getenv("MPT_API_BASE_URL"), ':'));
    CHECK(mpt_config_set_base_url(config, url) == MPT_OK);
    CHECK(mpt_config_set_allow_plain_http(config, 1) == MPT_OK);
    CHECK(mpt_config_set_resolve(config, "api.driver.test", "127.0.0.1, 127.0.0.1") == MPT_OK);
    CHECK(mpt_config_set_bind_address(config, "127.0.0.1") == MPT_OK);
    CHECK(mpt_client_new(config, &client, NULL) == MPT_OK);
    mpt_outcome_free(told(client, "TKN-ok-way1", MPT_OK, MPT_OUTCOME_DELETED, 204));
    mpt_client_free(client);
    CHECK(mpt_config_set_unix_socket(config, folder) == MPT_OK);
    refused(config, MPT_INVALID_CONFIG, "a Unix socket and an address to connect from");

    config = mpt_config_new_from_env();
    CHECK(mpt_config_set_unix_socket(config, folder) == MPT_OK);
    CHECK(mpt_config_set_attempts(config, 1) == MPT_OK);
    CHECK(mpt_client_new(config, &client, NULL) == MPT_OK);
    mpt_outcome_free(told(client, "TKN-ok-way2", MPT_CONNECT_FAILED, MPT_OUTCOME_NOT_DELETED, 0));
    mpt_client_free(client);
    mpt_config_free(config);

    config = good_config();
    CHECK(mpt_config_set_resolve(config, "api.driver.test", "127.0.0.1,localhost") == MPT_INVALID_ARGUMENT);
    CHECK(mpt_config_set_resolve(config, NULL, "127.0.0.1") == MPT_INVALID_ARGUMENT);
    CHECK(mpt_config_set_bind_address(config, NULL) == MPT_INVALID_ARGUMENT);
    refused(config, MPT_INVALID_ARGUMENT, "`localhost` is not an IP address");
    config = good_config();
    CHECK(mpt_config_set_ca_pem(config, "no certificate") == MPT_OK);
    refused(config, MPT_INVALID_CONFIG, "the CA bundle");
    config = good_config();
    CHECK(mpt_config_set_client_certificate(config, "open-sesame", "open-sesame") == MPT_OK);
    refused(config, MPT_INVALID_CONFIG, "the client certificate");
    config = good_config();
    CHECK(mpt_config_set_ca_pem(config, NULL) == MPT_INVALID_ARGUMENT);
    CHECK(mpt_config_set_client_certificate(config, NULL, "x") == MPT_INVALID_ARGUMENT);
    CHECK(mpt_config_set_unix_socket(config, NULL) == MPT_INVALID_ARGUMENT);
    refused(config, MPT_INVALID_ARGUMENT, "the CA bundle is a null pointer");
}

struct logged {
    int records;
    int freed;
    mpt_log_record last;
    char message[256];
};

static void log_it(const mpt_log_record *record, void *user_data) {
    struct logged *logged = (struct logged *)user_data;

    CHECK(record->size == sizeof *record);
    CHECK(strncmp(record->token_id, "TKN-503", 7) == 0 && strlen(record->trace_id) == 32);
    logged->records += 1;
    logged->last = *record;
    strncpy(logged->message, record->message, sizeof logged->message - 1);
    if (record->event == MPT_EVENT_RETRY) {
        CHECK(record->level == MPT_LOG_INFO && record->attempt == 1 && record->wait_ms >= 0);
        CHECK(record->http_status == 503 && record->code == MPT_SERVER_ERROR);
        CHECK_HAS(record->message, "attempt 1 ended with server_error (503); the next one is in");
    }
}

static void free_logged(void *user_data) { ((struct logged *)user_data)->freed += 1; }

static void logs(void) {
    struct logged logged;
    mpt_client *client = NULL;
    mpt_config *config = mpt_config_new_from_env();

    memset(&logged, 0, sizeof logged);
    CHECK(mpt_config_set_log(NULL, MPT_LOG_DEBUG, log_it, &logged, free_logged) == MPT_INVALID_ARGUMENT);
    CHECK(logged.freed == 1);
    CHECK(mpt_config_set_log(config, MPT_LOG_DEBUG, log_it, &logged, free_logged) == MPT_OK);
    CHECK(mpt_client_new(config, &client, NULL) == MPT_OK);
    mpt_outcome_free(told(client, "TKN-503.ok-log1", MPT_OK, MPT_OUTCOME_DELETED, 204));
    CHECK(logged.records == 2 && logged.last.event == MPT_EVENT_ATTEMPT && logged.last.level == MPT_LOG_DEBUG);
    CHECK(logged.last.attempt == 2 && logged.last.wait_ms == -1 && logged.last.http_status == 204);
    CHECK_HAS(logged.message, "token `TKN-503.ok-log1`: attempt 2 ended with ok (204)");
    mpt_client_free(client);
    CHECK(mpt_config_set_log(config, MPT_LOG_INFO, log_it, &logged, free_logged) == MPT_OK && logged.freed == 2);
    CHECK(mpt_client_new(config, &client, NULL) == MPT_OK);
    mpt_outcome_free(told(client, "TKN-503.ok-log2", MPT_OK, MPT_OUTCOME_DELETED, 204));
    CHECK(logged.records == 3);
    CHECK(mpt_config_set_log(config, MPT_LOG_INFO, NULL, NULL, NULL) == MPT_OK && logged.freed == 2);
    mpt_client_free(client);
    CHECK(logged.freed == 3);
    CHECK(mpt_client_new(config, &client, NULL) == MPT_OK);
    mpt_outcome_free(told(client, "TKN-503.ok-log3", MPT_OK, MPT_OUTCOME_DELETED, 204));
    CHECK(logged.records == 3);
    mpt_client_free(client);
    /* A level that is none is refused, and the old function stays; with no function, none is needed. */
    CHECK(mpt_config_set_log(config, MPT_LOG_DEBUG, log_it, &logged, free_logged) == MPT_OK && logged.freed == 3);
    CHECK(mpt_config_set_log(config, 0, NULL, NULL, NULL) == MPT_OK && logged.freed == 4);
    CHECK(mpt_config_set_log(config, MPT_LOG_DEBUG, log_it, &logged, free_logged) == MPT_OK && logged.freed == 4);
    CHECK(mpt_config_set_log(config, MPT_LOG_DEBUG + 1, log_it, &logged, free_logged) == MPT_INVALID_ARGUMENT);
    CHECK(mpt_config_set_log(config, 0, log_it, &logged, free_logged) == MPT_INVALID_ARGUMENT && logged.freed == 6);
    refused(config, MPT_INVALID_ARGUMENT, "the level of the log is 5: expected 1 to 4");
    CHECK(logged.freed == 7);
}

static void batches(void) {
    static const char *const good[] = {"TKN-ok-b1", "TKN-answerlost-b2", "TKN-ok-b3", "TKN-ok-b1"};
    static const char *const mixed[] = {"TKN-ok-b4", "TKN-403.always-b5", "TKN-ok-b6"};
    static const char *const denied[] = {"TKN-401.always-b7", "TKN-401.always-b8", "TKN-ok-b9"};
    static const char *const denied_one[] = {"TKN-401.always-b12", "TKN-ok-b13", "TKN-ok-b14"};
    static const char *const holes[] = {"TKN-ok-b10", NULL};
    static const char *const not_text[] = {"TKN-ok-b10", "\xff"};
    static const char *const own[] = {"TKN-0000-0001", "TKN-ok-b11"};
    mpt_batch_options options = MPT_BATCH_OPTIONS_INIT;
    mpt_client *client = new_client(NULL);
    struct batch_told now;
    const char *many[40];
    char names[40][32];
    size_t i;

    CHECK(options.size == sizeof(mpt_batch_options) && options.journal == NULL);
    now = batch(client, good, 4, NULL, 0, MPT_OK);
    CHECK(now.calls == 3 && now.dead == 3);
    now = batch(client, mixed, 3, &options, 0, MPT_FORBIDDEN);
    CHECK(now.calls == 3 && now.dead == 2);
    now = batch(client, NULL, 0, &options, 0, MPT_OK);
    CHECK(now.calls == 0);
    CHECK(mpt_delete_tokens(client, good, 1, NULL, NULL, NULL) == MPT_NOT_FOUND);

    options.concurrency = 1;
    now = batch(client, denied, 3, &options, 0, MPT_UNAUTHORIZED);
    CHECK(now.calls == 2 && now.dead == 0);
    now = batch(client, denied_one, 3, &options, 0, MPT_UNAUTHORIZED);
    CHECK(now.calls == 3 && now.dead == 2);
    for (i = 0; i < 40; i++) {
        sprintf(names[i], "TKN-ok-s%lu", (unsigned long)i);
        many[i] = names[i];
    }
    now = batch(client, many, 40, &options, 1, MPT_SKIPPED);
    CHECK(now.calls < 40 && now.dead >= 1);
    options.concurrency = 16;
    options.missing_ok = 1;
    now = batch(client, many, 40, &options, 0, MPT_OK);
    CHECK(now.calls == 40 && now.dead == 40);

    /* Batches that cannot start: told once, by an outcome without a token id, and nothing was sent. */
    now = batch(NULL, good, 1, NULL, 0, MPT_INVALID_ARGUMENT);
    CHECK(now.calls == 1);
    now = batch(client, NULL, 1, NULL, 0, MPT_INVALID_ARGUMENT);
    CHECK(now.calls == 1);
    now = batch(client, holes, 2, NULL, 0, MPT_INVALID_ARGUMENT);
    CHECK(now.calls == 1);
    now = batch(client, not_text, 2, NULL, 0, MPT_INVALID_ARGUMENT);
    CHECK(now.calls == 1);
    now = batch(client, good, (size_t)-1, NULL, 0, MPT_INVALID_ARGUMENT);
    CHECK(now.calls == 1);
    CHECK(mpt_delete_tokens(client, holes, 2, NULL, NULL, NULL) == MPT_INVALID_ARGUMENT);
    options.concurrency = 257;
    batch(client, good, 4, &options, 0, MPT_INVALID_ARGUMENT);
    options.concurrency = 0;
    options.size = (uint32_t)sizeof options - 1;
    batch(client, good, 4, &options, 0, MPT_INVALID_ARGUMENT);
    options.size = 0;
    batch(client, good, 4, &options, 0, MPT_INVALID_ARGUMENT);
    options.size = 65537;
    batch(client, good, 4, &options, 0, MPT_INVALID_ARGUMENT);
    {
        mpt_batch *none = NULL;
        mpt_outcome *why = NULL;
        CHECK(mpt_batch_new(client, good, 4, &options, &none, &why) == MPT_INVALID_ARGUMENT);
        CHECK_HAS(mpt_outcome_message(why), "the size in the batch options is 65537: expected the size of the struct");
        CHECK_HAS(mpt_outcome_message(why), "at most 65536 in a later version");
        mpt_outcome_free(why);
    }
    mpt_outcome_free(told(client, "TKN-ok-b10", MPT_OK, MPT_OUTCOME_DELETED, 204));

    /* Callers that know no patience_ms: it is not read. */
    {
        struct {
            uint32_t size, concurrency;
            int32_t missing_ok, allow_own_token;
            const char *journal;
        } first = {sizeof first, 1, 1, 0, NULL};
        batch(client, good, 4, (const mpt_batch_options *)(const void *)&first, 0, MPT_OK);
        first.size += 1;
        batch(client, good, 4, (const mpt_batch_options *)(const void *)&first, 0, MPT_INVALID_ARGUMENT);
    }

    /* Callers that know more members than this library: fine as long as these are not set. */
    {
        struct {
            mpt_batch_options known;
            char later[65536 - sizeof(mpt_batch_options)];
        } longer = {MPT_BATCH_OPTIONS_INIT, {0}};
        longer.known.size = (uint32_t)sizeof longer;
        longer.known.missing_ok = 1;
        batch(client, good, 4, &longer.known, 0, MPT_OK);
        longer.known.size = (uint32_t)sizeof longer.known + 4097;
        batch(client, good, 4, &longer.known, 0, MPT_OK);
        longer.later[4096] = 1;
        batch(client, good, 4, &longer.known, 0, MPT_INVALID_ARGUMENT);
    }

    mpt_client_cancel(client);
    options.size = (uint32_t)sizeof options;
    options.missing_ok = 0;
    now = batch(client, many, 40, &options, 0, MPT_SKIPPED);
    CHECK(now.dead == 0 && now.calls == now.skipped);
    mpt_client_free(client);

    client = new_client(NULL);
    now = batch(client, own, 2, NULL, 0, MPT_OWN_TOKEN);
    CHECK(now.calls == 2 && now.dead == 1);
    mpt_client_free(client);
}

/* Why a batch stopped, and what it left, for both forms. */
static void batches_that_stop(void) {
    static const char *const denied[] = {"TKN-ok-w1", "TKN-401.always-w2", "TKN-401.always-w3", "TKN-ok-w4",
                                         "TKN-ok-w5"};
    static const char *const waits[] = {"TKN-429~9000-w6", "TKN-ok-w7", "TKN-ok-w8"};
    static const char *const good[] = {"TKN-ok-w9", "TKN-ok-w10", "TKN-ok-w9"};
    static const char why[] = "the API answered 401 (the API token is not accepted): check MPT_API_TOKEN";
    mpt_batch_options options = MPT_BATCH_OPTIONS_INIT;
    mpt_batch_summary summary = MPT_BATCH_SUMMARY_INIT;
    mpt_client *client = new_client(NULL);
    mpt_batch *running = NULL;
    mpt_outcome *outcome = NULL;
    struct batch_told now;
    size_t count = 0;

    CHECK(summary.size == sizeof(mpt_batch_summary) && options.summary == NULL);
    options.concurrency = 1;
    CHECK(mpt_batch_new(client, denied, 5, &options, &running, NULL) == MPT_OK);
    CHECK(mpt_batch_stopped(running) == NULL && mpt_batch_stopped_message(running) == NULL);
    CHECK(mpt_batch_stopped_code(running) == MPT_OK);
    CHECK(mpt_batch_skipped(running) == 0 && mpt_batch_not_pulled(running) == 5);
    while ((outcome = mpt_batch_next(running)) != NULL) {
        count += 1;
        mpt_outcome_free(outcome);
    }
    CHECK(count == 3);
    CHECK(strcmp(mpt_batch_stopped(running), "unauthorized") == 0);
    CHECK(strcmp(mpt_batch_stopped_message(running), why) == 0);
    CHECK(mpt_batch_stopped_code(running) == MPT_UNAUTHORIZED);
    CHECK(mpt_batch_skipped(running) == 0 && mpt_batch_not_pulled(running) == 2);
    CHECK(mpt_batch_counts(running, &summary) == MPT_OK && summary.total == 3 && summary.not_pulled == 2);
    CHECK(summary.stopped_code == MPT_UNAUTHORIZED && strcmp(summary.stopped_message, why) == 0);
    mpt_batch_free(running);

    CHECK(mpt_batch_new(client, good, 2, &options, &running, NULL) == MPT_OK);
    mpt_outcome_free(mpt_batch_next(running));
    mpt_batch_stop(running);
    CHECK(strcmp(mpt_batch_stopped(running), "asked") == 0);
    CHECK(mpt_batch_next(running) == NULL);
    CHECK(strcmp(mpt_batch_stopped(running), "asked") == 0);
    CHECK(mpt_batch_stopped_code(running) == MPT_SKIPPED && mpt_batch_not_pulled(running) == 1);
    mpt_batch_free(running);

    options.summary = &summary;
    now = batch(client, denied, 5, &options, 0, MPT_NOT_FOUND);
    CHECK(now.calls == 3 && summary.total == 3 && summary.not_deleted == 3 && summary.deleted == 0);
    CHECK(summary.not_pulled == 2 && summary.skipped == 0 && summary.stopped_code == MPT_UNAUTHORIZED);
    CHECK(strcmp(summary.stopped, "unauthorized") == 0 && strcmp(summary.stopped_message, why) == 0);
    CHECK(summary.size == sizeof summary && summary.not_found == 1 && summary.put_off == 0);
    now = batch(client, waits, 3, &options, 0, MPT_RATE_LIMITED);
    CHECK(now.skipped == 1 && summary.skipped == 1 && summary.not_pulled == 1);
    CHECK(strcmp(summary.stopped, "paused") == 0 && summary.stopped_code == MPT_RATE_LIMITED);
    options.missing_ok = 1;
    now = batch(client, good, 3, &options, 0, MPT_OK);
    CHECK(now.calls == 2 && summary.total == 2 && summary.duplicates == 1 && summary.not_pulled == 0);
    CHECK(summary.deleted + summary.gone == 2 && summary.unknown == 0 && summary.already_done == 0);
    CHECK(summary.stopped[0] == '\0' && summary.stopped_message[0] == '\0' && summary.stopped_code == MPT_OK);

    /* It is not for a batch that can be asked itself, and has a size that the library knows. */
    CHECK(mpt_batch_new(client, good, 3, &options, &running, NULL) == MPT_INVALID_ARGUMENT && running == NULL);
    summary.size = 8;
    batch(client, good, 3, &options, 0, MPT_INVALID_ARGUMENT);
    CHECK(summary.total == 2);

    /* Callers that know no later members of the summary: no byte behind theirs is written. */
    {
        mpt_batch_summary known = MPT_BATCH_SUMMARY_INIT;
        options.summary = &known;
        known.size = (uint32_t)offsetof(mpt_batch_summary, not_found);
        known.not_found = known.dead_values = known.put_off = 77;
        batch(client, good, 3, &options, 0, MPT_OK);
        CHECK(known.size == offsetof(mpt_batch_summary, not_found) && known.total == 2);
        CHECK(known.not_found == 77 && known.dead_values == 77 && known.put_off == 77);
        known.size += 8;
        batch(client, good, 3, &options, 0, MPT_INVALID_ARGUMENT);
        CHECK(known.dead_values == 77);
    }

    /* Callers that know patience_ms and no summary: it is not read. */
    {
        struct {
            uint32_t size, concurrency;
            int32_t missing_ok, allow_own_token;
            const char *journal;
            int64_t patience_ms;
        } second = {sizeof second, 1, 1, 0, NULL, 0};
        batch(client, good, 3, (const mpt_batch_options *)(const void *)&second, 0, MPT_OK);
    }
    mpt_client_free(client);
}

static void patience(void) {
    static const char *const failing[] = {"TKN-503.503.503.503-r1", "TKN-ok-r2"};
    static const char *const late[] = {"TKN-503.503-r3"};
    mpt_batch_options options = MPT_BATCH_OPTIONS_INIT;
    mpt_config *config = mpt_config_new_from_env();
    mpt_client *client = NULL;
    mpt_batch *running = NULL;
    mpt_outcome *outcome;
    struct batch_told now;

    mpt_config_set_attempts(config, 1);
    CHECK(mpt_client_new(config, &client, NULL) == MPT_OK);
    mpt_config_free(config);
    CHECK(options.patience_ms == 0);
    options.patience_ms = MPT_PATIENCE_NONE;
    now = batch(client, failing, 2, &options, 0, MPT_SERVER_ERROR);
    CHECK(now.calls == 2 && now.dead == 1);
    options.patience_ms = -2;
    batch(client, failing, 1, &options, 0, MPT_INVALID_ARGUMENT);
    options.patience_ms = INT64_MAX;
    batch(client, failing, 1, &options, 0, MPT_INVALID_ARGUMENT);

    /* Put off, and tried again. */
    options.patience_ms = 60000;
    CHECK(mpt_batch_new(client, late, 1, &options, &running, NULL) == MPT_OK);
    outcome = mpt_batch_next(running);
    CHECK(mpt_outcome_code(outcome) == MPT_OK);
    CHECK(mpt_outcome_rounds(outcome) == 3);
    CHECK(mpt_outcome_attempts(outcome) == 3);
    mpt_outcome_free(outcome);
    CHECK(mpt_batch_next(running) == NULL);
    mpt_batch_free(running);
    mpt_client_free(client);
}

static void journals(void) {
    static const char *const ids[] = {"TKN-ok-j1", "TKN-ok-j2"};
    mpt_batch_options options = MPT_BATCH_OPTIONS_INIT;
    mpt_client *client = new_client(NULL);
    char path[4096];
    struct batch_told now;

    sprintf(path, "%s/journal", folder);
    options.journal = path;
    now = batch(client, ids, 1, &options, 0, MPT_OK);
    CHECK(now.calls == 1);
    now = batch(client, ids, 2, &options, 0, MPT_OK);
    CHECK(now.calls == 1 && now.dead == 1);
    options.journal = folder;
    now = batch(client, ids, 2, &options, 0, MPT_INVALID_CONFIG);
    CHECK(now.calls == 1);
    mpt_client_free(client);
}

static void batches_that_are_asked(void) {
    static const char *const ids[] = {"TKN-ok-p1", "TKN-403.always-p2", "TKN-answerlost-p3"};
    mpt_client *client = new_client(NULL);
    mpt_batch *running = NULL;
    mpt_outcome *outcome = NULL;
    mpt_batch_options options = MPT_BATCH_OPTIONS_INIT;
    size_t dead = 0;
    size_t count = 0;

    CHECK(mpt_batch_new(client, ids, 3, NULL, &running, &outcome) == MPT_OK);
    CHECK(running != NULL && outcome == NULL);
    mpt_client_free(client); /* the batch keeps what it needs */
    while ((outcome = mpt_batch_next(running)) != NULL) {
        count += 1;
        dead += mpt_outcome_code(outcome) == MPT_OK;
        mpt_outcome_free(outcome);
    }
    CHECK(count == 3 && dead == 2);
    CHECK(mpt_batch_next(running) == NULL);
    mpt_batch_stop(running);
    mpt_batch_free(running);

    client = new_client(NULL);
    CHECK(mpt_batch_new(client, ids, 3, &options, &running, NULL) == MPT_OK);
    mpt_batch_stop(running);
    while ((outcome = mpt_batch_next(running)) != NULL) {
        CHECK(mpt_outcome_code(outcome) == MPT_SKIPPED);
        mpt_outcome_free(outcome);
    }
    mpt_batch_free(running);

    /* Ended in the middle, and before its begin. */
    CHECK(mpt_batch_new(client, ids, 3, NULL, &running, NULL) == MPT_OK);
    mpt_outcome_free(mpt_batch_next(running));
    mpt_batch_free(running);
    CHECK(mpt_batch_new(client, NULL, 0, NULL, &running, NULL) == MPT_OK);
    CHECK(mpt_batch_next(running) == NULL);
    mpt_batch_free(running);

    options.concurrency = 1000;
    CHECK(mpt_batch_new(client, ids, 3, &options, &running, &outcome) == MPT_INVALID_ARGUMENT);
    CHECK(running == NULL);
    CHECK_HAS(mpt_outcome_message(outcome), "concurrency");
    mpt_outcome_free(outcome);
    CHECK(mpt_batch_new(NULL, ids, 3, NULL, &running, NULL) == MPT_INVALID_ARGUMENT);
    CHECK(mpt_batch_new(client, ids, 3, NULL, NULL, NULL) == MPT_INVALID_ARGUMENT);
    mpt_client_free(client);
}

static void proofs(void) {
    mpt_client *client = new_client(NULL);
    mpt_outcome *outcome = NULL;

    /* Alive: deleted by the request for proof; then proven. */
    CHECK(mpt_prove_deleted(client, "idt:TKN-ok-q1:sandbox-secret", &outcome) == MPT_OK);
    CHECK(mpt_outcome_is_proven(outcome) == 0);
    CHECK(mpt_outcome_proof_basis(outcome) == NULL);
    CHECK(mpt_outcome_kind(outcome) == MPT_OUTCOME_DELETED);
    CHECK_HAS(mpt_outcome_json(outcome), "\"proven\":false");
    mpt_outcome_free(outcome);
    CHECK(mpt_prove_deleted(client, "idt:TKN-ok-q1:sandbox-secret", &outcome) == MPT_OK);
    CHECK(mpt_outcome_is_proven(outcome) == 1);
    CHECK_TEXT(mpt_outcome_proof_basis(outcome), "control");
    CHECK_HAS(mpt_outcome_json(outcome), "\"basis\":\"control\"");
    CHECK(mpt_outcome_kind(outcome) == MPT_OUTCOME_GONE);
    CHECK_TEXT(mpt_outcome_token_id(outcome), "TKN-ok-q1");
    CHECK_HAS(mpt_outcome_json(outcome), "\"proven\":true");
    CHECK(strstr(mpt_outcome_json(outcome), "sandbox-secret") == NULL);
    {
        mpt_outcome *copy = mpt_outcome_clone(outcome);
        CHECK(mpt_outcome_is_proven(copy) == 1);
        CHECK_TEXT(mpt_outcome_json(copy), mpt_outcome_json(outcome));
        mpt_outcome_free(copy);
    }
    mpt_outcome_free(outcome);
    CHECK(mpt_prove_deleted(client, "sesame", &outcome) == MPT_INVALID_ARGUMENT);
    CHECK(strstr(mpt_outcome_json(outcome), "sesame") == NULL);
    mpt_outcome_free(outcome);
    CHECK(mpt_prove_deleted(client, "", NULL) == MPT_INVALID_ARGUMENT);
    CHECK(mpt_prove_deleted(client, NULL, NULL) == MPT_INVALID_ARGUMENT);
    CHECK(mpt_prove_deleted(client, "\xff", NULL) == MPT_INVALID_ARGUMENT);
    CHECK(mpt_prove_deleted(NULL, "idt:TKN-ok-q1:sandbox-secret", NULL) == MPT_INVALID_ARGUMENT);
    mpt_client_free(client);
}

static void burn_only(mpt_config *config) { CHECK(mpt_config_set_burn_only(config, 1) == MPT_OK); }

static int count_dead(const mpt_outcome *outcome, void *user_data) {
    int *counts = (int *)user_data;
    counts[0] += 1;
    counts[1] += mpt_outcome_is_proven(outcome);
    counts[2] += mpt_outcome_code(outcome) == MPT_DEAD_VALUE;
    counts[3] += mpt_outcome_token_id(outcome) == NULL;
    CHECK(strstr(mpt_outcome_json(outcome), "sandbox-secret") == NULL);
    return 0;
}

/* Values are burnt with themselves as the credential; no API token is needed. */
static void burning(void) {
    static const char *const values[] = {"idt:TKN-ok-burn2:sandbox-secret", "idt:TKN-ok-burn3:sandbox-secret",
                                         "idt:TKN-ok-burn3:sandbox-secret", "idt:TKN-ok-burn1:sandbox-secret", "sesame"};
    mpt_client *client = new_client(burn_only);
    mpt_outcome *outcome = NULL;
    mpt_batch *batch = NULL;
    mpt_batch_options options = MPT_BATCH_OPTIONS_INIT;
    mpt_batch_summary summary = MPT_BATCH_SUMMARY_INIT;
    int counts[4] = {0, 0, 0, 0};

    CHECK(mpt_burn(client, "idt:TKN-ok-burn1:sandbox-secret", &outcome) == MPT_OK);
    CHECK(mpt_outcome_kind(outcome) == MPT_OUTCOME_DELETED);
    CHECK(mpt_outcome_is_proven(outcome) == 1);
    CHECK_TEXT(mpt_outcome_proof_basis(outcome), "accepted_before");
    CHECK_TEXT(mpt_outcome_token_id(outcome), "TKN-ok-burn1");
    CHECK_HAS(mpt_outcome_json(outcome), "\"proven\":true");
    CHECK(strstr(mpt_outcome_json(outcome), "sandbox-secret") == NULL);
    mpt_outcome_free(outcome);
    CHECK(mpt_burn(client, "idt:TKN-ok-burn1:sandbox-secret", &outcome) == MPT_DEAD_VALUE);
    CHECK(mpt_outcome_kind(outcome) == MPT_OUTCOME_NOT_DELETED);
    CHECK(mpt_outcome_is_proven(outcome) == 0);
    CHECK_HAS(mpt_outcome_message(outcome), "dead already, or never was one");
    mpt_outcome_free(outcome);
    CHECK(mpt_burn(client, "idt:TKN-answerlost-burn1:sandbox-secret", &outcome) == MPT_OK);
    CHECK(mpt_outcome_kind(outcome) == MPT_OUTCOME_GONE);
    CHECK_TEXT(mpt_outcome_proof_basis(outcome), "lost_answer");
    mpt_outcome_free(outcome);
    CHECK(mpt_burn(client, "idt:TKN-403-burn1:sandbox-secret", NULL) == MPT_FORBIDDEN);
    CHECK(mpt_burn(client, "sesame", NULL) == MPT_INVALID_ARGUMENT);
    CHECK(mpt_burn(client, NULL, NULL) == MPT_INVALID_ARGUMENT);
    CHECK(mpt_burn(NULL, values[0], NULL) == MPT_INVALID_ARGUMENT);
    CHECK(mpt_delete_token(client, "TKN-ok-burn2", NULL) == MPT_INVALID_CONFIG);

    options.summary = &summary;
    CHECK(mpt_burn_tokens(client, values, 5, &options, count_dead, counts) != MPT_OK);
    CHECK(counts[0] == 4 && counts[1] == 2 && counts[2] == 1 && counts[3] == 1);
    CHECK(summary.total == 4 && summary.deleted == 2 && summary.not_deleted == 2 && summary.dead_values == 1);
    CHECK(summary.not_found == 0 && summary.duplicates == 1 && summary.put_off == 0);
    CHECK(mpt_burn_tokens(client, NULL, 1, NULL, NULL, NULL) == MPT_INVALID_ARGUMENT);
    CHECK(mpt_burn_batch_new(client, values, 1, NULL, &batch, NULL) == MPT_OK);
    outcome = mpt_batch_next(batch);
    CHECK(mpt_outcome_code(outcome) == MPT_DEAD_VALUE);
    mpt_outcome_free(outcome);
    CHECK(mpt_batch_next(batch) == NULL);
    CHECK(mpt_batch_counts(batch, &summary) == MPT_OK && summary.size == sizeof summary);
    CHECK(summary.total == 1 && summary.not_deleted == 1 && summary.dead_values == 1 && summary.duplicates == 0);
    CHECK(summary.stopped_code == MPT_OK && summary.stopped[0] == '\0');
    CHECK(mpt_batch_counts(batch, NULL) == MPT_INVALID_ARGUMENT);
    summary.size = 100;
    CHECK(mpt_batch_counts(batch, &summary) == MPT_INVALID_ARGUMENT && summary.total == 1);
    mpt_batch_free(batch);
    CHECK(mpt_batch_new(client, values, 1, NULL, &batch, NULL) == MPT_INVALID_CONFIG);
    CHECK(batch == NULL);
    mpt_client_free(client);
}

/* Last: afterwards the token in use is dead. */
static void the_own_token(void) {
    mpt_client *client = new_client(allow_own);
    mpt_outcome *outcome = NULL;
    mpt_outcome_free(told(client, "TKN-0000-0001", MPT_OK, MPT_OUTCOME_DELETED, 204));
    CHECK(mpt_prove_deleted(client, "idt:TKN-0000-0001:sandbox-secret", &outcome) == MPT_OK);
    CHECK(mpt_outcome_is_proven(outcome) == 1);
    CHECK_TEXT(mpt_outcome_proof_basis(outcome), "accepted_before");
    mpt_outcome_free(outcome);
    mpt_outcome_free(told(client, "TKN-ok-z1", MPT_UNAUTHORIZED, MPT_OUTCOME_NOT_DELETED, 401));
    mpt_client_free(client);
}

/* A thread that Rust did not make; at its end the library has to let go of what it keeps for a thread. */
/* A message is text for a terminal, whatever the id was: C0, C1, bidirectional controls, and what has no width. */
static void ids_in_messages(void) {
    static const char *const ids[][2] = {
        {"a\x1b[2Jb", "a\\u{1b}[2Jb"},      {"a\rb", "a\\u{d}b"},
        {"a\x7f" "b", "a\\u{7f}b"},         {"a\xc2\x9b" "31m", "a\\u{9b}31m"},
        {"a\xe2\x80\xae" "b", "a\\u{202e}b"}, {"a\xe2\x80\x8b" "b", "a\\u{200b}b"},
        {".\xe2\x80\x8b.", ".\\u{200b}."}, {"a\xe2\x80\xa8" "b", "a\\u{2028}b"},
    };
    mpt_client *client = new_client(NULL);

    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
        mpt_outcome *outcome = NULL;
        CHECK(mpt_delete_token(client, ids[i][0], &outcome) != MPT_OK);
        CHECK_HAS(mpt_outcome_message(outcome), ids[i][1]);
        CHECK(strstr(mpt_outcome_message(outcome), ids[i][0]) == NULL);
        CHECK_TEXT(mpt_outcome_token_id(outcome), ids[i][0]);
        mpt_outcome_free(outcome);
    }
    mpt_client_free(client);
}

static void *everything(void *unused) {
    (void)unused;
    versions_and_names();
    null_is_fine_where_it_is_said();
    setters();
    configs_that_cannot_be_used();
    single_calls();
    ids_in_messages();
    no_connection();
    cancelled();
    asked_while_it_waits();
    owned_user_data();
    options_of_one_call();
    ways_to_the_server();
    logs();
    batches();
    batches_that_stop();
    patience();
    journals();
    batches_that_are_asked();
    proofs();
    burning();
    the_own_token();
    return NULL;
}

int main(int argc, char **argv) {
    pthread_t thread;

    if (argc != 2) {
        return 2;
    }
    folder = argv[1];
    CHECK(pthread_create(&thread, NULL, everything, NULL) == 0 && pthread_join(thread, NULL) == 0);
    return checks_done();
}
