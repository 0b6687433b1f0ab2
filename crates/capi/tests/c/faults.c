/* Faults on purpose, one by its name: each shows that the checker which must find it was on. */
#include <mpt_tokens.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int shared_by_threads;

static void *race(void *unused) {
    (void)unused;
    shared_by_threads += 1;
    return NULL;
}

/* Told by two threads at once. */
static int race_in_callback(const mpt_outcome *outcome, void *user_data) {
    (void)outcome;
    (void)user_data;
    shared_by_threads += 1;
    return 0;
}

static void *call_back(void *unused) {
    (void)unused;
    if (mpt_delete_tokens(NULL, NULL, 0, NULL, race_in_callback, NULL) == MPT_OK) {
        abort();
    }
    return NULL;
}

static void two_threads(void *(*run)(void *)) {
    pthread_t first;
    pthread_t second;
    pthread_create(&first, NULL, run, NULL);
    pthread_create(&second, NULL, run, NULL);
    pthread_join(first, NULL);
    pthread_join(second, NULL);
    printf("%d\n", shared_by_threads);
}

static mpt_outcome *outcome_of_nothing(void) {
    mpt_outcome *outcome = NULL;
    if (mpt_delete_token(NULL, "x", &outcome) == MPT_OK) {
        abort();
    }
    return outcome;
}

/* Several, in a function that has ended: the address of one alone may still lie about on the stack. */
static void leak(void) {
    int i;
    for (i = 0; i < 8; i++) {
        mpt_outcome *leaked = outcome_of_nothing();
        (void)leaked;
    }
}

int main(int argc, char **argv) {
    const char *fault = argc > 1 ? argv[1] : "";
    if (strcmp(fault, "none") == 0) {
        mpt_outcome_free(outcome_of_nothing());
    } else if (strcmp(fault, "leak") == 0) {
        leak();
    } else if (strcmp(fault, "use-after-free") == 0) {
        mpt_outcome *outcome = outcome_of_nothing();
        mpt_outcome_free(outcome);
        printf("%d\n", (int)mpt_outcome_code(outcome));
    } else if (strcmp(fault, "overflow") == 0) {
        volatile int most = 0x7fffffff;
        volatile int more = most + argc;
        printf("%d\n", more);
    } else if (strcmp(fault, "race") == 0) {
        two_threads(race);
    } else if (strcmp(fault, "race-in-callback") == 0) {
        two_threads(call_back);
    } else {
        return 2;
    }
    return 0;
}
