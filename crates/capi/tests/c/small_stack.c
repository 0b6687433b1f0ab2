/*
 * Makes a client and a call on a thread with a small stack: small_stack KIB URL CA-FILE TOKEN-ID [JOURNAL]. Prints the
 * code. With a journal, it makes every other kind of call, too.
 */
#include <mpt_tokens.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#define FAIL(what) (fprintf(stderr, "line %d: %s\n", __LINE__, what), exit(1))

static int on_outcome(const mpt_outcome *outcome, void *user_data) {
    (void)user_data;
    fprintf(stderr, "%s\n", mpt_outcome_json(outcome));
    return 0;
}

static void on_record(const mpt_log_record *record, void *user_data) {
    (void)user_data;
    fprintf(stderr, "%s\n", record->message);
}

static void everything(const mpt_client *client, const char *journal) {
    static const char *const first[] = {"TKN-ok-stack1", "TKN-answerlost-stack2", "TKN-ok-stack1"};
    static const char *const second[] = {"TKN-ok-stack3"};
    mpt_batch_options options = MPT_BATCH_OPTIONS_INIT;
    mpt_batch_summary summary = MPT_BATCH_SUMMARY_INIT;
    mpt_delete_options one = MPT_DELETE_OPTIONS_INIT;
    mpt_outcome *outcome = NULL;
    mpt_batch *batch = NULL;

    /* On the calling thread, and on others. */
    options.concurrency = 1;
    options.journal = journal;
    options.summary = &summary;
    if (mpt_delete_tokens(client, first, 3, &options, on_outcome, NULL) != MPT_OK || summary.total != 2) {
        FAIL("the batch");
    }
    options.concurrency = 4;
    options.summary = NULL;
    if (mpt_batch_new(client, second, 1, &options, &batch, &outcome) != MPT_OK) {
        FAIL(mpt_outcome_message(outcome));
    }
    while ((outcome = mpt_batch_next(batch)) != NULL) {
        on_outcome(outcome, NULL);
        mpt_outcome_free(outcome);
    }
    mpt_batch_free(batch);
    if (mpt_prove_deleted(client, "idt:TKN-ok-stack1:sandbox-secret", &outcome) != MPT_OK) {
        FAIL(mpt_outcome_message(outcome));
    }
    mpt_outcome_free(outcome);
    if (mpt_burn(client, "idt:TKN-ok-stack1:sandbox-secret", &outcome) != MPT_DEAD_VALUE) {
        FAIL(mpt_outcome_message(outcome));
    }
    mpt_outcome_free(outcome);
    one.timeout_ms = 20000;
    if (mpt_delete_token_with(client, "TKN-ok-stack1", &one, NULL) != MPT_NOT_FOUND) {
        FAIL("a call with options");
    }
}

static void *run(void *given) {
    char **arguments = (char **)given;
    mpt_config *config = mpt_config_new_from_env();
    mpt_client *client = NULL;
    mpt_outcome *outcome = NULL;
    mpt_code code;

    mpt_config_set_base_url(config, arguments[2]);
    mpt_config_set_attempts(config, 1);
    mpt_config_set_log(config, MPT_LOG_DEBUG, on_record, NULL, NULL);
    if (arguments[3][0] != '\0') {
        mpt_config_set_ca_file(config, arguments[3]);
        mpt_config_set_ca_only(config, 1);
    }
    code = mpt_client_new(config, &client, &outcome);
    if (code == MPT_OK) {
        code = mpt_delete_token(client, arguments[4], &outcome);
    }
    fprintf(stderr, "%s\n", mpt_outcome_json(outcome));
    if (arguments[5] != NULL) {
        everything(client, arguments[5]);
    }
    printf("%ld\n", (long)code);
    mpt_outcome_free(outcome);
    mpt_client_free(client);
    mpt_config_free(config);
    return NULL;
}

int main(int argc, char **argv) {
    pthread_attr_t attributes;
    pthread_t thread;
    if (argc < 5 || argc > 6 || pthread_attr_init(&attributes) != 0 ||
        pthread_attr_setstacksize(&attributes, (size_t)atoi(argv[1]) * 1024) != 0 ||
        pthread_create(&thread, &attributes, run, argv) != 0) {
        fputs("no thread\n", stderr);
        return 1;
    }
    return pthread_join(thread, NULL);
}
