/*
 * Deletes many tokens with a line of progress for each, and stops on Ctrl-C without leaving a token in doubt.
 *
 *     cc delete_many.c $(pkg-config --cflags --libs mpt_tokens) -o delete_many
 *     MPT_API_TOKEN=... ./delete_many TKN-1671-0642 TKN-1671-0643
 *
 * The exit status is 0 if every token is dead, 1 if one is not, 2 if nothing was tried, 3 if one is unknown.
 */
#include <mpt_tokens.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

struct progress {
    size_t done;
    size_t count;
    int unknown;
};

/* Set once, before the signal can arrive. */
static const mpt_client *client_to_cancel;

static void on_interrupt(int signal_number) {
    (void)signal_number;
    mpt_client_cancel(client_to_cancel); /* may be called from a signal handler */
}

/* Runs on the thread that called mpt_delete_tokens, once for each token, as they complete. */
static int on_outcome(const mpt_outcome *outcome, void *user_data) {
    struct progress *progress = (struct progress *)user_data;
    int32_t kind = mpt_outcome_kind(outcome);

    progress->done += 1;
    progress->unknown |= kind == MPT_OUTCOME_UNKNOWN;
    printf("%lu/%lu %s: %s\n", (unsigned long)progress->done, (unsigned long)progress->count,
           mpt_outcome_name(kind), mpt_outcome_message(outcome));
    fflush(stdout);
    return 0; /* anything else would stop the batch */
}

int main(int argc, char **argv) {
    struct progress progress = {0, 0, 0};
#ifndef _WIN32
    struct sigaction action;
#endif
    mpt_batch_options options = MPT_BATCH_OPTIONS_INIT;
    mpt_config *config;
    mpt_client *client = NULL;
    mpt_outcome *outcome = NULL;
    mpt_code code;

    if (argc < 2) {
        fprintf(stderr, "usage: %s TOKEN-ID...\n", argv[0]);
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

    client_to_cancel = client;
#ifdef _WIN32
    signal(SIGINT, on_interrupt);
#else
    memset(&action, 0, sizeof action);
    action.sa_handler = on_interrupt;
    sigaction(SIGINT, &action, NULL);
#endif

    progress.count = (size_t)(argc - 1);
    options.concurrency = 4;
    code = mpt_delete_tokens(client, (const char *const *)(argv + 1), progress.count, &options, on_outcome, &progress);

    /* After Ctrl-C, tokens that were never started are not reported: they are not deleted, and `code` is not MPT_OK. */
    signal(SIGINT, SIG_DFL);
    mpt_client_free(client);
    return progress.unknown ? 3 : code == MPT_OK ? 0 : 1;
}
