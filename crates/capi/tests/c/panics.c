/*
 * A panic inside the library as it ships, and beside it one in another Rust library (the first argument).
 *
 * The library is not made to panic for this: the program takes the clock away. Rust's standard library has no answer to
 * a monotonic clock that cannot be read, and panics in the middle of whatever asked for the time. For mpt_delete_token,
 * mpt_prove_deleted and mpt_burn that is inside core, which catches it, and knows the token id; for mpt_delete_tokens and
 * mpt_batch_new it is on the way into core, so that the entry point itself has to catch it. So it is for the very first call
 * of a thread, which asks for the time to seed its random numbers.
 */
#define _DEFAULT_SOURCE
#include <mpt_tokens.h>

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "check.h"

static volatile int clock_is_broken;

/* Stands instead of the C library's, for the library too. */
int clock_gettime(clockid_t clock, struct timespec *now) {
    if (clock_is_broken) {
        errno = EINVAL;
        return -1;
    }
    return (int)syscall(SYS_clock_gettime, clock, now);
}

static int count(const mpt_outcome *outcome, void *user_data) {
    CHECK(mpt_outcome_code(outcome) == MPT_INTERNAL);
    CHECK(mpt_outcome_kind(outcome) == MPT_OUTCOME_UNKNOWN);
    *(int *)user_data += 1;
    return 0;
}

static void ours_panics(const mpt_client *client) {
    static const char *const ids[] = {"TKN-ok-k1", "TKN-ok-k2"};
    mpt_outcome *outcome = NULL;
    mpt_batch *batch = (mpt_batch *)&outcome; /* any address: it must be written over */
    int told = 0;

    clock_is_broken = 1;
    CHECK(mpt_delete_token(client, ids[0], &outcome) == MPT_INTERNAL);
    CHECK(mpt_outcome_code(outcome) == MPT_INTERNAL);
    CHECK(mpt_outcome_kind(outcome) == MPT_OUTCOME_UNKNOWN);
    CHECK_TEXT(mpt_outcome_token_id(outcome), ids[0]);
    mpt_outcome_free(outcome);
    CHECK(mpt_delete_token(client, ids[0], NULL) == MPT_INTERNAL);
    CHECK(mpt_prove_deleted(client, "idt:TKN-ok-k1:sandbox-secret", &outcome) == MPT_INTERNAL);
    CHECK(mpt_outcome_is_proven(outcome) == 0);
    CHECK(strstr(mpt_outcome_json(outcome), "sandbox-secret") == NULL);
    mpt_outcome_free(outcome);
    CHECK(mpt_burn(client, "idt:TKN-ok-k1:sandbox-secret", &outcome) == MPT_INTERNAL);
    CHECK(strstr(mpt_outcome_json(outcome), "sandbox-secret") == NULL);
    mpt_outcome_free(outcome);
    CHECK(mpt_delete_tokens(client, ids, 2, NULL, count, &told) == MPT_INTERNAL);
    CHECK(told == 1);
    CHECK(mpt_delete_tokens(client, ids, 2, NULL, NULL, NULL) == MPT_INTERNAL);
    CHECK(mpt_batch_new(client, ids, 2, NULL, &batch, &outcome) == MPT_INTERNAL);
    CHECK(batch == NULL && mpt_outcome_code(outcome) == MPT_INTERNAL);
    mpt_outcome_free(outcome);
    clock_is_broken = 0;
}

/* A thread that has not called yet. */
static void *first_call_panics(void *user_data) {
    const mpt_client *client = (const mpt_client *)user_data;

    clock_is_broken = 1;
    CHECK(mpt_delete_token(client, "TKN-ok-k5", NULL) == MPT_INTERNAL);
    clock_is_broken = 0;
    return NULL;
}

/* After a panic the same client works as before. */
static int ours_works(void *user_data) {
    const mpt_client *client = (const mpt_client *)user_data;
    static const char *const ids[] = {"TKN-answerlost-k3", "TKN-ok-k4"};
    static int times;
    char id[32];

    times += 1;
    sprintf(id, "TKN-ok-k%d", 100 + times);
    CHECK(mpt_delete_token(client, id, NULL) == MPT_OK);
    CHECK(mpt_delete_tokens(client, ids, times == 1 ? 2 : 0, NULL, NULL, NULL) == MPT_OK);
    return 7;
}

static void log_it(const mpt_log_record *record, void *user_data) {
    CHECK(record->level == MPT_LOG_ERROR && record->event == MPT_EVENT_PANIC && record->code == MPT_INTERNAL);
    CHECK_HAS(record->message, " panicked at ");
    *(int *)user_data += 1;
}

/* Whoever takes the log hears of the panic; nothing is printed then. */
static void ours_panics_into_a_log(void) {
    mpt_config *config = mpt_config_new_from_env();
    mpt_client *client = NULL;
    int told = 0;

    CHECK(mpt_config_set_log(config, MPT_LOG_ERROR, log_it, &told, NULL) == MPT_OK);
    CHECK(mpt_client_new(config, &client, NULL) == MPT_OK);
    mpt_config_free(config);
    clock_is_broken = 1;
    CHECK(mpt_delete_token(client, "TKN-ok-k6", NULL) == MPT_INTERNAL);
    clock_is_broken = 0;
    CHECK(told > 0);
    mpt_client_free(client);
}

int main(int argc, char **argv) {
    void *other = argc == 2 ? dlopen(argv[1], RTLD_NOW | RTLD_LOCAL) : NULL;
    int (*other_catches_a_panic)(void) = NULL;
    int (*other_calls_from_a_thread)(int (*call)(void *), void *user_data) = NULL;
    mpt_config *config = mpt_config_new_from_env();
    mpt_client *client = NULL;
    pthread_t thread;

    if (other == NULL) {
        return 2;
    }
    *(void **)&other_catches_a_panic = dlsym(other, "other_catches_a_panic");
    *(void **)&other_calls_from_a_thread = dlsym(other, "other_calls_from_a_thread");
    CHECK(mpt_client_new(config, &client, NULL) == MPT_OK);
    mpt_config_free(config);

    CHECK(ours_works(client) == 7);
    CHECK(other_catches_a_panic() == 1);
    ours_panics(client);
    CHECK(ours_works(client) == 7);
    CHECK(pthread_create(&thread, NULL, first_call_panics, client) == 0 && pthread_join(thread, NULL) == 0);
    CHECK(other_catches_a_panic() == 1);
    CHECK(other_calls_from_a_thread(ours_works, client) == 7);
    ours_panics(client);
    CHECK(ours_works(client) == 7);

    ours_panics_into_a_log();
    mpt_client_free(client);
    CHECK(dlclose(other) == 0);
    return checks_done();
}
