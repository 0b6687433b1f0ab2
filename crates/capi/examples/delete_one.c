/*
 * Deletes one token, and says what is true of it.
 *
 *     cc delete_one.c $(pkg-config --cflags --libs mpt_tokens) -o delete_one
 *     MPT_API_TOKEN=... ./delete_one TKN-1671-0642
 *
 * The exit status is 0 if the token is dead, 1 if it certainly is not, 2 if nothing was tried, and 3 if it is unknown:
 * then run it again.
 */
#include <mpt_tokens.h>
#include <stdio.h>

int main(int argc, char **argv) {
    mpt_config *config;
    mpt_client *client = NULL;
    mpt_outcome *outcome = NULL;
    mpt_code code;
    int status;

    if (argc != 2) {
        fprintf(stderr, "usage: %s TOKEN-ID\n", argv[0]);
        return 2;
    }

    config = mpt_config_new_from_env();
    code = mpt_client_new(config, &client, &outcome);
    mpt_config_free(config);
    if (code != MPT_OK) {
        fprintf(stderr, "%s\n", mpt_outcome_message(outcome));
        mpt_outcome_free(outcome);
        return 2;
    }

    code = mpt_delete_token(client, argv[1], &outcome);
    printf("%s\n", mpt_outcome_json(outcome));
    switch (mpt_outcome_kind(outcome)) {
    case MPT_OUTCOME_DELETED:
    case MPT_OUTCOME_GONE:
        status = 0;
        break;
    case MPT_OUTCOME_NOT_DELETED:
        status = 1;
        break;
    default:
        status = 3;
        break;
    }
    if (code != MPT_OK) {
        fprintf(stderr, "%s\n", mpt_outcome_message(outcome));
    }

    mpt_outcome_free(outcome);
    mpt_client_free(client);
    return status;
}
