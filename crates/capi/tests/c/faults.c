/* Faults on purpose, one by its name: each shows that the checker which must find it was on. */
#include <mpt_tokens.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

static int shared_by_threads;

static void *race(void *unused) {
    (void)unused;
    shared_by_threads += 1;
    return NULL;
}

static mpt_outcome *outcome_of_nothing(void) {
    mpt_outcome *outcome = NULL;
    mpt_delete_token(NULL, "x", &outcome);
    return outcome;
}

int main(int argc, char **argv) {
    const char *fault = argc > 1 ? argv[1] : "";
    if (strcmp(fault, "none") == 0) {
        mpt_outcome_free(outcome_of_nothing());
    } else if (strcmp(fault, "leak") == 0) {
        mpt_outcome *leaked = outcome_of_nothing();
        leaked = NULL;
        (void)leaked;
    } else if (strcmp(fault, "use-after-free") == 0) {
        mpt_outcome *outcome = outcome_of_nothing();
        mpt_outcome_free(outcome);
        printf("%d\n", (int)mpt_outcome_code(outcome));
    } else if (strcmp(fault, "overflow") == 0) {
        volatile int most = 0x7fffffff;
        volatile int more = most + argc;
        printf("%d\n", more);
    } else if (strcmp(fault, "race") == 0) {
        pthread_t first;
        pthread_t second;
        pthread_create(&first, NULL, race, NULL);
        pthread_create(&second, NULL, race, NULL);
        pthread_join(first, NULL);
        pthread_join(second, NULL);
        printf("%d\n", shared_by_threads);
    } else {
        return 2;
    }
    return 0;
}
