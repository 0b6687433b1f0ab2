/* Makes as many warm calls as the first argument says, and prints how many allocations they made. */

#include <stdio.h>
#include <stdlib.h>

#include "mpt_tokens.h"

/* What glibc's own functions are called where a program brings its own. */
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *memory, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);

/* Calls are made on one thread. */
static volatile unsigned long allocations = 0;

void *malloc(size_t size) {
    allocations++;
    return __libc_malloc(size);
}

void *calloc(size_t count, size_t size) {
    allocations++;
    return __libc_calloc(count, size);
}

void *realloc(void *memory, size_t size) {
    allocations++;
    return __libc_realloc(memory, size);
}

int posix_memalign(void **memory, size_t alignment, size_t size) {
    allocations++;
    *memory = __libc_memalign(alignment, size);
    return *memory == NULL ? 12 : 0;
}

static int delete_one(mpt_client *client) {
    mpt_outcome *outcome = NULL;
    mpt_code code = mpt_delete_token(client, "TKN-1671-0642", &outcome);
    int deleted = code == MPT_OK && mpt_outcome_kind(outcome) == MPT_OUTCOME_DELETED;
    if (!deleted) {
        fprintf(stderr, "%s\n", mpt_outcome_message(outcome));
    }
    mpt_outcome_free(outcome);
    return deleted;
}

int main(int argc, char **argv) {
    long calls = argc > 1 ? strtol(argv[1], NULL, 10) : 0;
    mpt_config *config = mpt_config_new_from_env();
    mpt_client *client = NULL;
    mpt_code code = mpt_client_new(config, &client, NULL);
    long i;
    unsigned long before;
    mpt_config_free(config);
    if (code != MPT_OK) {
        fprintf(stderr, "there is no client: %d\n", code);
        return 1;
    }
    /* The first calls open the connection, and fill what is kept from call to call. */
    for (i = 0; i < 20; i++) {
        if (!delete_one(client)) {
            return 1;
        }
    }
    before = allocations;
    for (i = 0; i < calls; i++) {
        if (!delete_one(client)) {
            return 1;
        }
    }
    printf("%lu\n", allocations - before);
    mpt_client_free(client);
    return 0;
}
