/*
 * fork, and a signal whose handler cancels. With the argument `threads`, also fork from a second thread, and while a
 * batch has threads: what the others keep for themselves is then lost to the child, as these threads are, which a checker
 * of memory takes for a leak.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <mpt_tokens.h>

#include <pthread.h>
#include <signal.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/syscall.h>
#endif

#include "check.h"

static mpt_client *new_client(void) {
    mpt_config *config = mpt_config_new_from_env();
    mpt_client *client = NULL;

    CHECK(mpt_client_new(config, &client, NULL) == MPT_OK);
    mpt_config_free(config);
    return client;
}

static void deletes(const mpt_client *client, const char *name) {
    char texts[4][32];
    const char *ids[4];
    mpt_outcome *outcome = NULL;
    int i;

    for (i = 0; i < 4; i++) {
        sprintf(texts[i], "TKN-ok-%s%d", name, i);
        ids[i] = texts[i];
    }
    CHECK(mpt_delete_token(client, ids[0], &outcome) == MPT_OK);
    /* One attempt: no connection was taken that another process reads from, too. */
    CHECK(mpt_outcome_attempts(outcome) == 1);
    mpt_outcome_free(outcome);
    CHECK(mpt_delete_tokens(client, ids + 1, 3, NULL, NULL, NULL) == MPT_OK);
}

/* A child that uses the client of its parent, and one of its own, while the parent goes on. */
static void forks(mpt_client *client, const char *name) {
    char id[32];
    int status = 0;
    pid_t child;

    fflush(stdout);
    child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        mpt_client *own;
        sprintf(id, "%schild", name);
        deletes(client, id);
        /* The cancel of this process is not that of its parent, which goes on. */
        mpt_client_cancel(client);
        CHECK(mpt_delete_token(client, "TKN-ok-alive", NULL) == MPT_CANCELLED);
        mpt_client_free(client);
        own = new_client();
        sprintf(id, "%sown", name);
        deletes(own, id);
        mpt_client_free(own);
        /* Nothing of the parent's is printed again; what is lost is told by a checker of this process. */
        exit(checks_failed == 0 && checks_passed > 10 ? 42 : 1);
    }
    sprintf(id, "%sparent", name);
    deletes(client, id);
    CHECK(waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 42);
    sprintf(id, "%safter", name);
    deletes(client, id);
}

/* A fork that runs no handler of pthread_atfork: the child and the parent must not share a connection even then. */
static void forks_without_handlers(const mpt_client *client) {
#ifdef __linux__
    mpt_outcome *outcome = NULL;
    int status = 0;
    pid_t child;

    CHECK(mpt_delete_token(client, "TKN-ok-rawbefore", NULL) == MPT_OK);
    fflush(stdout);
#ifdef SYS_fork
    child = (pid_t)syscall(SYS_fork);
#else
    child = (pid_t)syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);
#endif
    CHECK(child >= 0);
    if (child == 0) {
        /* Two at once on one connection, and each may read the response to the other. */
        CHECK(mpt_delete_token(client, "TKN-slow~300-rawchild", &outcome) == MPT_OK);
        CHECK(mpt_outcome_attempts(outcome) == 1);
        mpt_outcome_free(outcome);
        _exit(checks_failed == 0 ? 42 : 1);
    }
    CHECK(mpt_delete_token(client, "TKN-slow~300-rawparent", &outcome) == MPT_OK);
    CHECK(mpt_outcome_attempts(outcome) == 1);
    mpt_outcome_free(outcome);
    CHECK(waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 42);
#else
    (void)client;
#endif
}

/* A process that has not called the library yet: the child and the parent each begin with it. */
static void forks_before_the_first_call(void) {
    int status = 0;
    pid_t child = fork();

    CHECK(child >= 0);
    if (child == 0) {
        mpt_client *client = new_client();
        deletes(client, "beforechild");
        mpt_client_free(client);
        exit(checks_failed == 0 ? 42 : 1);
    }
    CHECK(waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 42);
}

struct forker {
    mpt_client *client;
};

/* fork from a thread that is not the first, and that Rust did not make. */
static void *forks_on_a_thread(void *user_data) {
    forks(((struct forker *)user_data)->client, "thread");
    return NULL;
}

/* In the child the batch has ended: its threads are not there, and nothing waits for them. */
static void forks_during_a_batch(const mpt_client *client) {
    static const char *const ids[] = {"TKN-ok-b1", "TKN-slow~300-b2", "TKN-slow~300-b3", "TKN-slow~300-b4"};
    mpt_batch *batch = NULL;
    mpt_outcome *outcome;
    int status = 0;
    int told = 0;
    pid_t child;

    CHECK(mpt_batch_new(client, ids, 4, NULL, &batch, NULL) == MPT_OK);
    mpt_outcome_free(mpt_batch_next(batch));
    fflush(stdout);
    child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        alarm(60);
        CHECK(mpt_batch_next(batch) == NULL);
        mpt_batch_stop(batch);
        mpt_batch_free(batch);
        deletes(client, "duringchild");
        exit(checks_failed == 0 ? 42 : 1);
    }
    while ((outcome = mpt_batch_next(batch)) != NULL) {
        CHECK(mpt_outcome_code(outcome) == MPT_OK);
        mpt_outcome_free(outcome);
        told += 1;
    }
    CHECK(told == 3);
    mpt_batch_free(batch);
    CHECK(waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 42);
}

static const mpt_client *cancelled_by_signal;

static void on_signal(int signal_number) {
    (void)signal_number;
    mpt_client_cancel(cancelled_by_signal);
}

/* The handler runs on the very thread that is inside mpt_delete_tokens, after the first outcome. */
static int interrupt(const mpt_outcome *outcome, void *user_data) {
    int *told = (int *)user_data;
    const mpt_code expected = *told == 0 ? MPT_OK : MPT_CANCELLED;

    CHECK(mpt_outcome_code(outcome) == expected || mpt_outcome_code(outcome) == MPT_SKIPPED);
    if (*told == 0) {
        CHECK(raise(SIGUSR1) == 0);
    }
    *told += 1;
    return 0;
}

static void signals(void) {
    static const char *const ids[] = {"TKN-ok-s1", "TKN-ok-s2", "TKN-ok-s3"};
    mpt_batch_options options = MPT_BATCH_OPTIONS_INIT;
    mpt_client *client = new_client();
    struct sigaction action;
    int told = 0;

    memset(&action, 0, sizeof action);
    action.sa_handler = on_signal;
    CHECK(sigaction(SIGUSR1, &action, NULL) == 0);
    cancelled_by_signal = client;
    options.concurrency = 1;
    CHECK(mpt_delete_tokens(client, ids, 3, &options, interrupt, &told) != MPT_INVALID_ARGUMENT);
    CHECK(told >= 1);
    CHECK(mpt_delete_token(client, ids[2], NULL) == MPT_CANCELLED);
    action.sa_handler = SIG_DFL;
    CHECK(sigaction(SIGUSR1, &action, NULL) == 0);
    mpt_client_free(client);
}

int main(int argc, char **argv) {
    struct forker forker;
    pthread_t thread;

    forks_before_the_first_call();
    forker.client = new_client();
    forks(forker.client, "unused"); /* no connection yet */
    forks(forker.client, "used");   /* a connection in the pool */
    if (argc == 2 && strcmp(argv[1], "threads") == 0) {
        CHECK(pthread_create(&thread, NULL, forks_on_a_thread, &forker) == 0 && pthread_join(thread, NULL) == 0);
        forks_during_a_batch(forker.client);
        forks_without_handlers(forker.client);
    }
    mpt_client_free(forker.client);
    signals();
    return checks_done();
}
