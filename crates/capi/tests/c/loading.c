/*
 * The library, loaded while the program runs: `loading again LIBRARY`, or `loading twice LIBRARY COPY`.
 * Nothing of it is linked.
 */
#include <mpt_tokens.h>

#ifdef _WIN32
#include <windows.h>
#else
#include <dlfcn.h>
#endif
#include <pthread.h>

#include "check.h"

/* Each system's own way to load a library. */
#ifdef _WIN32
static void *open_library(const char *path) {
    return (void *)LoadLibraryA(path);
}

static void *open_if_loaded(const char *path) {
    HMODULE library = NULL;
    return GetModuleHandleExA(0, path, &library) ? (void *)library : NULL;
}

static int close_library(void *library) {
    return FreeLibrary((HMODULE)library) != 0;
}

static void find(void *library, const char *name, void *function) {
    FARPROC found = GetProcAddress((HMODULE)library, name);
    CHECK(found != NULL);
    memcpy(function, &found, sizeof found);
}
#else
static void *open_library(const char *path) {
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) {
        fprintf(stderr, "%s\n", dlerror());
    }
    return library;
}

static void *open_if_loaded(const char *path) {
    return dlopen(path, RTLD_NOW | RTLD_NOLOAD);
}

static int close_library(void *library) {
    return dlclose(library) == 0;
}

static void find(void *library, const char *name, void *function) {
    void *found = dlsym(library, name);
    CHECK(found != NULL);
    memcpy(function, &found, sizeof found);
}
#endif

struct library {
    void *handle;
    const char *(*version)(void);
    uint32_t (*abi_version)(void);
    const char *(*code_name)(mpt_code code);
    mpt_config *(*config_new_from_env)(void);
    void (*config_free)(mpt_config *config);
    mpt_code (*client_new)(const mpt_config *config, mpt_client **client, mpt_outcome **outcome);
    void (*client_cancel)(const mpt_client *client);
    void (*client_free)(mpt_client *client);
    mpt_code (*delete_token)(const mpt_client *client, const char *token_id, mpt_outcome **outcome);
    mpt_code (*delete_tokens)(const mpt_client *client, const char *const *token_ids, size_t count,
                              const mpt_batch_options *options, mpt_outcome_callback on_outcome, void *user_data);
    const char *(*outcome_json)(const mpt_outcome *outcome);
    void (*outcome_free)(mpt_outcome *outcome);
};

#define FIND(member) find(library.handle, "mpt_" #member, &library.member)

static struct library load(const char *path) {
    struct library library;

    library.handle = open_library(path);
    if (library.handle == NULL) {
        fprintf(stderr, "%s cannot be loaded\n", path);
        exit(2);
    }
    FIND(version);
    FIND(abi_version);
    FIND(code_name);
    FIND(config_new_from_env);
    FIND(config_free);
    FIND(client_new);
    FIND(client_cancel);
    FIND(client_free);
    FIND(delete_token);
    FIND(delete_tokens);
    FIND(outcome_json);
    FIND(outcome_free);
    CHECK_TEXT(library.version(), MPT_VERSION);
    CHECK(library.abi_version() == MPT_ABI_VERSION);
    return library;
}

static mpt_client *new_client(const struct library *library) {
    mpt_config *config = library->config_new_from_env();
    mpt_client *client = NULL;

    CHECK(library->client_new(config, &client, NULL) == MPT_OK);
    library->config_free(config);
    return client;
}

/* One call, and a batch, which has threads of its own. */
static void call(const struct library *library, const mpt_client *client, const char *name) {
    char texts[4][32];
    const char *ids[4];
    mpt_outcome *outcome = NULL;
    int i;

    for (i = 0; i < 4; i++) {
        sprintf(texts[i], "TKN-ok-%s%d", name, i);
        ids[i] = texts[i];
    }
    CHECK(library->delete_token(client, ids[0], &outcome) == MPT_OK);
    CHECK_HAS(library->outcome_json(outcome), ids[0]);
    library->outcome_free(outcome);
    CHECK(library->delete_tokens(client, ids + 1, 3, NULL, NULL, NULL) == MPT_OK);
}

struct user {
    const struct library *library;
    pthread_barrier_t used;
    pthread_barrier_t closed;
};

/* It has used the library, which is closed before it ends: what the library keeps for a thread is let go of then. */
static void *use_and_outlive(void *user_data) {
    struct user *user = (struct user *)user_data;
    mpt_client *client = new_client(user->library);

    call(user->library, client, "thread");
    user->library->client_free(client);
    pthread_barrier_wait(&user->used);
    pthread_barrier_wait(&user->closed);
    return NULL;
}

static void again(const char *path) {
    struct library library = load(path);
    mpt_client *client = new_client(&library);
    const char *const version = library.version();
    struct user user;
    pthread_t thread;
    void *still;
    int started;

    user.library = &library;
    pthread_barrier_init(&user.used, NULL, 2);
    pthread_barrier_init(&user.closed, NULL, 2);
    started = pthread_create(&thread, NULL, use_and_outlive, &user) == 0;
    pthread_barrier_wait(&user.used);
    call(&library, client, "first");
    CHECK(close_library(library.handle));
    still = open_if_loaded(path);
    CHECK(still != NULL); /* it stays loaded */
    pthread_barrier_wait(&user.closed);
    CHECK(started && pthread_join(thread, NULL) == 0);

    library = load(path);
    CHECK(library.version() == version);
    call(&library, client, "second"); /* a client from before */
    library.client_free(client);
    client = new_client(&library);
    call(&library, client, "third");
    library.client_free(client);
    CHECK(close_library(library.handle));
    CHECK(close_library(still));
    pthread_barrier_destroy(&user.used);
    pthread_barrier_destroy(&user.closed);
}

/* Two copies with nothing in common: neither sees the objects, the threads and the cancel of the other. */
static void twice(const char *path, const char *copy) {
    const struct library one = load(path);
    const struct library two = load(copy);
    mpt_client *first = new_client(&one);
    mpt_client *second = new_client(&two);

    CHECK(one.handle != two.handle && one.delete_token != two.delete_token);
    CHECK(one.code_name(MPT_OK) != two.code_name(MPT_OK));
    call(&one, first, "one");
    call(&two, second, "two");
    one.client_cancel(first);
    CHECK(one.delete_token(first, "TKN-ok-alive", NULL) == MPT_CANCELLED);
    call(&two, second, "still");
    one.client_free(first);
    CHECK(close_library(one.handle));
    call(&two, second, "after");
    two.client_free(second);
    CHECK(close_library(two.handle));
}

int main(int argc, char **argv) {
    if (argc == 3 && strcmp(argv[1], "again") == 0) {
        again(argv[2]);
    } else if (argc == 4 && strcmp(argv[1], "twice") == 0) {
        twice(argv[2], argv[3]);
    } else {
        return 2;
    }
    return checks_done();
}
