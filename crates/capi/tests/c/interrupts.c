/*
 * Linked to an example with `-Wl,--wrap`: stands between it and the library, and sends it SIGINT at the place that
 * INTERRUPT_AT names. A client that is cancelled after it was freed ends the program with SIGABRT, whether or not the
 * memory has been used for something else.
 */
#include <mpt_tokens.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

mpt_code __real_mpt_client_new(const mpt_config *config, mpt_client **client, mpt_outcome **outcome);
mpt_code __real_mpt_delete_token(const mpt_client *client, const char *token_id, mpt_outcome **outcome);
mpt_code __real_mpt_delete_tokens(const mpt_client *client, const char *const *token_ids, size_t count,
                                  const mpt_batch_options *options, mpt_outcome_callback on_outcome, void *user_data);
void __real_mpt_client_cancel(const mpt_client *client);
void __real_mpt_client_free(mpt_client *client);

mpt_code __wrap_mpt_client_new(const mpt_config *config, mpt_client **client, mpt_outcome **outcome);
mpt_code __wrap_mpt_delete_token(const mpt_client *client, const char *token_id, mpt_outcome **outcome);
mpt_code __wrap_mpt_delete_tokens(const mpt_client *client, const char *const *token_ids, size_t count,
                                  const mpt_batch_options *options, mpt_outcome_callback on_outcome, void *user_data);
void __wrap_mpt_client_cancel(const mpt_client *client);
void __wrap_mpt_client_free(mpt_client *client);

static const mpt_client *freed;

static void reached(const char *place) {
    const char *wanted = getenv("INTERRUPT_AT");
    if (wanted != NULL && strcmp(place, wanted) == 0) {
        raise(SIGINT);
    }
}

static void at_exit(void) { reached("exit"); }

mpt_code __wrap_mpt_client_new(const mpt_config *config, mpt_client **client, mpt_outcome **outcome) {
    mpt_code code;
    atexit(at_exit);
    reached("before the client");
    code = __real_mpt_client_new(config, client, outcome);
    return code;
}

mpt_code __wrap_mpt_delete_token(const mpt_client *client, const char *token_id, mpt_outcome **outcome) {
    mpt_code code;
    reached("before the call");
    code = __real_mpt_delete_token(client, token_id, outcome);
    reached("after the call");
    return code;
}

mpt_code __wrap_mpt_delete_tokens(const mpt_client *client, const char *const *token_ids, size_t count,
                                  const mpt_batch_options *options, mpt_outcome_callback on_outcome, void *user_data) {
    mpt_code code;
    reached("before the call");
    code = __real_mpt_delete_tokens(client, token_ids, count, options, on_outcome, user_data);
    reached("after the call");
    return code;
}

void __wrap_mpt_client_cancel(const mpt_client *client) {
    if (client != NULL && client == freed) {
        fputs("a client was cancelled after it was freed\n", stderr);
        abort();
    }
    __real_mpt_client_cancel(client);
}

void __wrap_mpt_client_free(mpt_client *client) {
    freed = client;
    __real_mpt_client_free(client);
    reached("after the client");
}
