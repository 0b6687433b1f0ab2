/*
 * What a program's own sizes do to the library, in a process with little memory: nothing is sized by the caller alone.
 * The sandbox of the test is in the environment.
 */
#include <mpt_tokens.h>

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "check.h"

#define LONG (64u << 20)

static mpt_client *client_with(const char *api_token, mpt_code expected) {
    mpt_config *config = mpt_config_new_from_env();
    mpt_client *client = NULL;
    mpt_outcome *outcome = NULL;
    if (api_token != NULL) {
        mpt_config_set_api_token(config, api_token);
    }
    CHECK(mpt_client_new(config, &client, &outcome) == expected);
    CHECK((client != NULL) == (expected == MPT_OK));
    CHECK(outcome == NULL || strlen(mpt_outcome_message(outcome)) < 200);
    mpt_outcome_free(outcome);
    mpt_config_free(config);
    return client;
}

int main(void) {
    struct rlimit limit = {192u << 20, 192u << 20};
    char *text = malloc(LONG);
    mpt_config *config;
    mpt_client *client;
    mpt_batch *batch = NULL;
    mpt_outcome *outcome = NULL;
    const char *const *ids = (const char *const *)(const void *)&text;

    CHECK(text != NULL);
    memset(text, 'a', LONG);
    text[LONG - 1] = '\0';
    /* What there is now, and less than a second copy of the text. */
    CHECK(setrlimit(RLIMIT_AS, &limit) == 0);

    config = mpt_config_new();
    CHECK(mpt_config_set_api_token(config, text) == MPT_INVALID_ARGUMENT);
    CHECK(mpt_config_set_base_url(config, text) == MPT_INVALID_ARGUMENT);
    CHECK(mpt_config_set_user_agent(config, text) == MPT_INVALID_ARGUMENT);
    CHECK(mpt_config_set_ca_file(config, text) == MPT_INVALID_ARGUMENT);
    CHECK(mpt_config_set_proxy(config, text) == MPT_INVALID_ARGUMENT);
    mpt_config_free(config);

    CHECK(client_with(text, MPT_INVALID_ARGUMENT) == NULL);
    /* The longest text that is taken. */
    text[64u << 10] = '\0';
    mpt_client_free(client_with(text, MPT_OK));
    text[64u << 10] = 'a';

    client = client_with(NULL, MPT_OK);
    CHECK(mpt_delete_token(client, text, &outcome) == MPT_INVALID_TOKEN_ID);
    CHECK(strlen(mpt_outcome_token_id(outcome)) < 100);
    mpt_outcome_free(outcome);
    CHECK(mpt_prove_deleted(client, text, &outcome) == MPT_INVALID_ARGUMENT);
    mpt_outcome_free(outcome);
    CHECK(mpt_delete_tokens(client, ids, 1, NULL, NULL, NULL) == MPT_INVALID_TOKEN_ID);
    CHECK(mpt_batch_new(client, ids, 1, NULL, &batch, NULL) == MPT_OK);
    outcome = mpt_batch_next(batch);
    CHECK(mpt_outcome_code(outcome) == MPT_INVALID_TOKEN_ID);
    mpt_outcome_free(outcome);
    mpt_batch_free(batch);
    /* More ids than there is memory for: refused before the list is read. */
    CHECK(mpt_delete_tokens(client, ids, (size_t)1 << 40, NULL, NULL, NULL) == MPT_INVALID_ARGUMENT);
    CHECK(mpt_batch_new(client, ids, (size_t)1 << 40, NULL, &batch, NULL) == MPT_INVALID_ARGUMENT);
    CHECK(batch == NULL);

    CHECK(mpt_delete_token(client, "TKN-ok-0001", NULL) == MPT_OK);
    mpt_client_free(client);
    free(text);
    return checks_done();
}
