/* A program with two static libraries that were made with Rust. Prints what delete_one.c does. */
#include <mpt_tokens.h>
#include <stdio.h>

int other_catches_a_panic(void);

int main(int argc, char **argv) {
    mpt_config *config = mpt_config_new_from_env();
    mpt_client *client = NULL;
    mpt_outcome *outcome = NULL;
    mpt_code code;

    if (argc != 2 || other_catches_a_panic() != 1) {
        fputs("the other library did not catch its panic\n", stderr);
        return 2;
    }
    code = mpt_client_new(config, &client, NULL);
    mpt_config_free(config);
    if (code != MPT_OK) {
        return 2;
    }
    code = mpt_delete_token(client, argv[1], &outcome);
    printf("%s\n", mpt_outcome_json(outcome));
    mpt_outcome_free(outcome);
    mpt_client_free(client);
    return code == MPT_OK && other_catches_a_panic() == 1 ? 0 : 1;
}
