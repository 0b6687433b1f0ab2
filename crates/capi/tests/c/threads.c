/* Sixteen threads on one client, one of which cancels while the others call. */
#include <mpt_tokens.h>
#include <pthread.h>

#include "check.h"

enum { THREADS = 16, CALLS = 8 };

static const mpt_client *client;
static pthread_barrier_t all_called_once;

struct caller {
    int number;
    int dead;
    int cancelled;
    int other;
};

static void *call(void *user_data) {
    struct caller *caller = (struct caller *)user_data;
    int i;

    for (i = 0; i < CALLS; i++) {
        char id[32];
        mpt_outcome *outcome = NULL;
        sprintf(id, "TKN-ok-t%dn%d", caller->number, i);
        switch (mpt_delete_token(client, id, &outcome)) {
        case MPT_OK:
            caller->dead += 1;
            break;
        case MPT_CANCELLED:
            caller->cancelled += 1;
            break;
        default:
            caller->other += 1;
            fprintf(stderr, "%s\n", mpt_outcome_json(outcome));
            break;
        }
        mpt_outcome_free(outcome);
        if (i == 0) {
            pthread_barrier_wait(&all_called_once);
            if (caller->number == 0) {
                mpt_client_cancel(client);
            }
        }
    }
    return NULL;
}

int main(void) {
    mpt_config *config = mpt_config_new_from_env();
    mpt_client *made = NULL;
    pthread_t threads[THREADS];
    struct caller callers[THREADS];
    int i;

    CHECK_TEXT(mpt_version(), MPT_VERSION);
    CHECK(mpt_client_new(config, &made, NULL) == MPT_OK);
    mpt_config_free(config);
    client = made;
    pthread_barrier_init(&all_called_once, NULL, THREADS);
    memset(callers, 0, sizeof callers);
    for (i = 0; i < THREADS; i++) {
        callers[i].number = i;
        pthread_create(&threads[i], NULL, call, &callers[i]);
    }
    for (i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        CHECK(callers[i].dead >= 1);
        CHECK(callers[i].other == 0);
        CHECK(callers[i].dead + callers[i].cancelled == CALLS);
    }
    CHECK(callers[0].cancelled == CALLS - 1);
    pthread_barrier_destroy(&all_called_once);
    mpt_client_free(made);
    return checks_done();
}
