/*
 * The peers of `cargo xtask bench` in C, by their names: libmpt_tokens and libcurl. Each makes as many warm calls as each
 * line of standard input asks for, and tells the seconds of wall and of processor time that they took.
 *
 * libcurl is loaded where it is: its headers are not needed. What is declared here is its ABI.
 */
#define _POSIX_C_SOURCE 200809L

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "mpt_tokens.h"

enum {
    OPT_URL = 10002,
    OPT_TIMEOUT = 13,
    OPT_HTTPHEADER = 10023,
    OPT_CUSTOMREQUEST = 10036,
    OPT_NOSIGNAL = 99,
    OPT_PROXY = 10004,
    OPT_WRITEFUNCTION = 20011,
    INFO_RESPONSE_CODE = 0x200000 + 2
};

typedef void *(*curl_init)(void);
typedef int (*curl_option)(void *handle, int option, ...);
typedef int (*curl_perform)(void *handle);
typedef void *(*curl_append)(void *list, const char *line);
typedef char *(*curl_version_text)(void);

static mpt_client *client;
static void *handle;
static curl_perform perform;
static curl_option getinfo;

static double now(clockid_t clock) {
    struct timespec time;
    clock_gettime(clock, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static int call_ours(void) {
    mpt_outcome *outcome = NULL;
    mpt_code code = mpt_delete_token(client, "TKN-1671-0642", &outcome);
    if (code != MPT_OK) {
        fprintf(stderr, "%s\n", mpt_outcome_message(outcome));
    }
    mpt_outcome_free(outcome);
    return code == MPT_OK;
}

static int call_curl(void) {
    long status = 0;
    return perform(handle) == 0 && getinfo(handle, INFO_RESPONSE_CODE, &status) == 0 && status == 204;
}

static int set_up_ours(void) {
    mpt_config *config = mpt_config_new_from_env();
    mpt_code code = mpt_client_new(config, &client, NULL);
    mpt_config_free(config);
    return code == MPT_OK;
}

static size_t nothing(const void *data, size_t size, size_t count, void *user_data) {
    (void)data;
    (void)user_data;
    return size * count;
}

/* A function of libcurl; ISO C has no cast from an object to a function. */
static void find(void *library, const char *name, void *function) {
    void *found = dlsym(library, name);
    if (found == NULL) {
        fprintf(stderr, "%s\n", dlerror());
        exit(1);
    }
    memcpy(function, &found, sizeof found);
}

static int set_up_curl(int only_version) {
    static char url[512], credential[512];
    curl_init init;
    curl_option set;
    curl_append append;
    curl_version_text version;
    void *headers = NULL;
    void *library = dlopen("libcurl.so.4", RTLD_NOW);
    if (library == NULL) {
        fprintf(stderr, "%s\n", dlerror());
        return 0;
    }
    find(library, "curl_easy_init", &init);
    find(library, "curl_easy_setopt", &set);
    find(library, "curl_easy_perform", &perform);
    find(library, "curl_easy_getinfo", &getinfo);
    find(library, "curl_slist_append", &append);
    find(library, "curl_version", &version);
    if (only_version) {
        printf("%s\n", version());
        return 1;
    }
    snprintf(url, sizeof url, "%s/public/v1/accounts/api-tokens/TKN-1671-0642", getenv("MPT_API_BASE_URL"));
    snprintf(credential, sizeof credential, "authorization: Bearer %s", getenv("MPT_API_TOKEN"));
    headers = append(headers, credential);
    headers = append(headers, "accept: application/json, application/problem+json");
    headers = append(headers, "traceparent: 00-9e02a91b64ac56904703a3a69ea9101d-56be90a29d0b0b25-00");
    handle = init();
    return set(handle, OPT_URL, url) == 0 && set(handle, OPT_CUSTOMREQUEST, "DELETE") == 0
        && set(handle, OPT_HTTPHEADER, headers) == 0 && set(handle, OPT_NOSIGNAL, 1L) == 0
        && set(handle, OPT_PROXY, "") == 0 && set(handle, OPT_TIMEOUT, 60L) == 0
        && set(handle, OPT_WRITEFUNCTION, nothing) == 0;
}

int main(int argc, char **argv) {
    char line[64];
    int curl = argc > 1 && strcmp(argv[1], "libcurl") == 0;
    if (argc > 1 && strcmp(argv[1], "libcurl-version") == 0) {
        return !set_up_curl(1);
    }
    if (!(curl ? set_up_curl(0) : set_up_ours())) {
        fprintf(stderr, "cannot set up\n");
        return 1;
    }
    while (fgets(line, sizeof line, stdin) != NULL) {
        long calls = strtol(line, NULL, 10), i;
        double wall = now(CLOCK_MONOTONIC), cpu = now(CLOCK_PROCESS_CPUTIME_ID);
        for (i = 0; i < calls; i++) {
            if (!(curl ? call_curl() : call_ours())) {
                fprintf(stderr, "a call failed\n");
                return 1;
            }
        }
        printf("%.9f %.9f\n", now(CLOCK_MONOTONIC) - wall, now(CLOCK_PROCESS_CPUTIME_ID) - cpu);
        fflush(stdout);
    }
    return 0;
}
