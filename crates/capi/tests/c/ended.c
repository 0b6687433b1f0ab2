/* Threads that end in a call: `exit` (pthread_exit in a poll), `batch` (in an outcome callback) and `cancel`
   (pthread_cancel) abort the process, as docs/c.md says. `shielded` has cancelling switched off during the call. */

#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <string.h>

#include "mpt_tokens.h"

static const char *how;
static const char *id;
static mpt_client *client;
static mpt_code code;
static sem_t begins, asked;

static int is(const char *name) { return strcmp(how, name) == 0; }

static int MPT_CALL ask(void *user_data) {
    (void)user_data;
    if (is("exit")) pthread_exit(NULL);
    return 0;
}

static int MPT_CALL each(const mpt_outcome *outcome, void *user_data) {
    (void)outcome;
    (void)user_data;
    pthread_exit(NULL);
}

static void *run(void *nothing) {
    int state;
    if (is("shielded")) pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
    sem_post(&begins);
    if (is("batch")) {
        code = mpt_delete_tokens(client, &id, 1, NULL, each, NULL);
    } else {
        code = mpt_delete_token(client, id, NULL);
    }
    if (is("shielded")) {
        sem_wait(&asked);
        pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &state);
        pthread_testcancel();
    }
    return nothing;
}

int main(int count, char **arguments) {
    mpt_config *config = mpt_config_new_from_env();
    pthread_t thread;
    void *end = NULL;
    if (count != 3) return 2;
    how = arguments[1];
    id = arguments[2];
    if (is("exit") && mpt_config_set_poll(config, ask, NULL) != MPT_OK) return 3;
    if (mpt_client_new(config, &client, NULL) != MPT_OK) return 3;
    mpt_config_free(config);
    if (sem_init(&begins, 0, 0) != 0 || sem_init(&asked, 0, 0) != 0) return 3;
    if (pthread_create(&thread, NULL, run, NULL) != 0) return 3;
    sem_wait(&begins);
    if (is("cancel") || is("shielded")) pthread_cancel(thread);
    sem_post(&asked);
    pthread_join(thread, &end);
    printf("%s, code %d\n", end == PTHREAD_CANCELED ? "cancelled" : "ended", (int)code);
    mpt_client_free(client);
    return 0;
}
