/*
 * Makes a client and a call on a thread with a small stack: small_stack KIB URL CA-FILE TOKEN-ID. Prints the code.
 */
#include <mpt_tokens.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

static void *run(void *given) {
    char **arguments = (char **)given;
    mpt_config *config = mpt_config_new_from_env();
    mpt_client *client = NULL;
    mpt_outcome *outcome = NULL;
    mpt_code code;

    mpt_config_set_base_url(config, arguments[2]);
    mpt_config_set_attempts(config, 1);
    if (arguments[3][0] != '\0') {
        mpt_config_set_ca_file(config, arguments[3]);
        mpt_config_set_ca_only(config, 1);
    }
    code = mpt_client_new(config, &client, &outcome);
    if (code == MPT_OK) {
        code = mpt_delete_token(client, arguments[4], &outcome);
    }
    fprintf(stderr, "%s\n", mpt_outcome_json(outcome));
    printf("%ld\n", (long)code);
    mpt_outcome_free(outcome);
    mpt_client_free(client);
    mpt_config_free(config);
    return NULL;
}

int main(int argc, char **argv) {
    pthread_attr_t attributes;
    pthread_t thread;
    if (argc != 5 || pthread_attr_init(&attributes) != 0 ||
        pthread_attr_setstacksize(&attributes, (size_t)atoi(argv[1]) * 1024) != 0 ||
        pthread_create(&thread, &attributes, run, argv) != 0) {
        fputs("no thread\n", stderr);
        return 1;
    }
    return pthread_join(thread, NULL);
}
