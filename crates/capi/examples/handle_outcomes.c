/*
 * Deletes one token, and handles each outcome and the most important codes.
 *
 *     cc handle_outcomes.c $(pkg-config --cflags --libs mpt_tokens) -o handle_outcomes
 *     MPT_API_TOKEN=... ./handle_outcomes TKN-1671-0642
 */
#include <mpt_tokens.h>
#include <stdio.h>

static void not_deleted(mpt_code code, const mpt_outcome *outcome) {
    switch (code) {
    case MPT_UNAUTHORIZED:
        printf("the API token is not accepted: set another MPT_API_TOKEN\n");
        break;
    case MPT_FORBIDDEN:
        printf("the API token may not do this: ask somebody who may\n");
        break;
    case MPT_NOT_FOUND:
        printf("there is no such token: check the id\n");
        break;
    case MPT_RATE_LIMITED:
        if (mpt_outcome_retry_after_ms(outcome) >= 0) {
            printf("too many requests: try again in %ld ms\n", (long)mpt_outcome_retry_after_ms(outcome));
            break;
        }
        printf("too many requests: try again later\n");
        break;
    case MPT_OWN_TOKEN:
        printf("this is the token in use: mpt_config_set_allow_own_token lets it be deleted\n");
        break;
    default:
        printf("%s\n", mpt_outcome_message(outcome));
        break;
    }
}

int main(int argc, char **argv) {
    mpt_config *config = mpt_config_new_from_env();
    mpt_client *client = NULL;
    mpt_outcome *outcome = NULL;
    mpt_code code;
    int status = 1;

    mpt_config_set_timeout_ms(config, 30000);
    mpt_config_set_user_agent(config, "handle-outcomes/1.0");
    /* The error of a setter is also reported here. */
    code = mpt_client_new(config, &client, &outcome);
    if (code == MPT_OK) {
        code = mpt_delete_token(client, argc > 1 ? argv[1] : NULL, &outcome);
    }

    switch (mpt_outcome_kind(outcome)) {
    case MPT_OUTCOME_DELETED:
        printf("deleted, after %lu attempts\n", (unsigned long)mpt_outcome_attempts(outcome));
        status = 0;
        break;
    case MPT_OUTCOME_GONE:
        printf("gone: an earlier attempt deleted it, and its answer was lost\n");
        status = 0;
        break;
    case MPT_OUTCOME_NOT_DELETED:
        not_deleted(code, outcome);
        break;
    default:
        printf("may be deleted: run this again; trace id for support: %s\n",
               mpt_outcome_trace_id(outcome) ? mpt_outcome_trace_id(outcome) : "none");
        status = 3;
        break;
    }

    mpt_outcome_free(outcome);
    mpt_client_free(client);
    mpt_config_free(config);
    return status;
}
