/* The conformance runner of the C library: see README.md beside this file. */
#define _POSIX_C_SOURCE 200809L

#include <mpt_tokens.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef _WIN32
#include <sys/types.h>

/* POSIX's, which Windows does not have. The ends of lines are turned into what C expects. */
static ssize_t getline(char **line, size_t *size, FILE *from) {
    size_t length = 0;
    int byte;
    while ((byte = getc(from)) != EOF) {
        if (length + 2 > *size) {
            *size = *size == 0 ? 4096 : *size * 2;
            *line = realloc(*line, *size);
            if (*line == NULL) {
                exit(1);
            }
        }
        (*line)[length++] = (char)byte;
        if (byte == '\n') {
            break;
        }
    }
    if (length > 0) {
        (*line)[length] = '\0';
    }
    return length == 0 ? -1 : (ssize_t)length;
}
#endif

#define MAX_IDS 10000

/* What a line asks for. The texts are in the line itself. */
struct request {
    const char *ids[MAX_IDS];
    size_t count;
    int batch;
    int burn;
    const char *cancel;
    unsigned long stop_after;
    uint64_t backoff_base;
    mpt_batch_options options;
};

static struct request request;
static unsigned long told;

static void tell(const char *name, const char *value) {
    printf("%s=", name);
    for (; value != NULL && *value != '\0'; value++) {
        printf("%%%02X", (unsigned)(unsigned char)*value);
    }
}

static void tell_number(const char *name, double number, int is_there) {
    char text[32] = "";
    if (is_there) {
        snprintf(text, sizeof text, "%g", number);
    }
    tell(name, text);
}

static void tell_outcome(const mpt_outcome *outcome, const char *raised) {
    int32_t status = mpt_outcome_http_status(outcome);
    int64_t retry_after = mpt_outcome_retry_after_ms(outcome);
    char settled_at[32];
    tell("id", mpt_outcome_token_id(outcome));
    tell("&outcome", mpt_outcome_name(mpt_outcome_kind(outcome)));
    tell("&code", mpt_code_name(mpt_outcome_code(outcome)));
    tell_number("&http_status", status, status > 0);
    tell_number("&attempts", mpt_outcome_attempts(outcome), 1);
    tell_number("&rounds", mpt_outcome_rounds(outcome), 1);
    snprintf(settled_at, sizeof settled_at, "%lld", (long long)mpt_outcome_settled_at_ms(outcome));
    tell("&settled_at_ms", settled_at);
    tell("&title", mpt_outcome_title(outcome));
    tell("&detail", mpt_outcome_detail(outcome));
    tell("&message", mpt_outcome_message(outcome));
    tell_number("&retryable", mpt_outcome_retryable(outcome), 1);
    tell_number("&retry_after", (double)retry_after / 1000, retry_after >= 0);
    tell("&trace_id", mpt_outcome_trace_id(outcome));
    tell("&raised", raised);
    tell("&shown", mpt_outcome_json(outcome));
    putchar('\n');
}

/* Percent-decodes in place. */
static void decode(char *text) {
    char *out = text;
    for (; *text != '\0'; text++) {
        if (*text == '%') {
            const char digits[3] = {text[1], text[2], '\0'};
            char byte = (char)strtoul(digits, NULL, 16);
            /* C ends its strings at NUL: U+0001 is refused for the same reason. */
            *out++ = byte == '\0' ? '\1' : byte;
            text += 2;
        } else {
            *out++ = *text;
        }
    }
    *out = '\0';
}

static void take(mpt_config *config, const char *name, const char *value) {
    unsigned long number = strtoul(value, NULL, 10);
    if (strcmp(name, "call") == 0) {
        request.batch = strstr(value, "batch") != NULL;
        request.burn = strstr(value, "burn") != NULL;
    } else if (strcmp(name, "id") == 0 && request.count < MAX_IDS) {
        request.ids[request.count++] = value;
    } else if (strcmp(name, "cancel") == 0) {
        request.cancel = value;
    } else if (strcmp(name, "stop_after") == 0) {
        request.stop_after = number;
    } else if (strcmp(name, "concurrency") == 0) {
        request.options.concurrency = (uint32_t)number;
    } else if (strcmp(name, "patience_ms") == 0) {
        request.options.patience_ms = number == 0 ? MPT_PATIENCE_NONE : (int64_t)number;
    } else if (strcmp(name, "backoff_base_ms") == 0) {
        request.backoff_base = number;
    } else if (strcmp(name, "backoff_cap_ms") == 0) {
        mpt_config_set_backoff_ms(config, request.backoff_base, number);
    } else if (strcmp(name, "attempts") == 0) {
        mpt_config_set_attempts(config, (uint32_t)number);
    } else if (strcmp(name, "timeout_ms") == 0) {
        mpt_config_set_timeout_ms(config, number);
    } else if (strcmp(name, "attempt_timeout_ms") == 0) {
        mpt_config_set_attempt_timeout_ms(config, number);
    } else if (strcmp(name, "connect_timeout_ms") == 0) {
        mpt_config_set_connect_timeout_ms(config, number);
    } else if (strcmp(name, "burn_only") == 0) {
        mpt_config_set_burn_only(config, (int32_t)number);
    } else if (strcmp(name, "missing_ok") == 0) {
        mpt_config_set_missing_ok(config, (int32_t)number);
    } else if (strcmp(name, "allow_own_token") == 0) {
        mpt_config_set_allow_own_token(config, (int32_t)number);
    } else if (strcmp(name, "api_token") == 0) {
        mpt_config_set_api_token(config, value);
    } else if (strcmp(name, "base_url") == 0) {
        mpt_config_set_base_url(config, value);
    } else if (strcmp(name, "ca_file") == 0) {
        mpt_config_set_ca_file(config, value);
    } else if (strcmp(name, "proxy") == 0) {
        mpt_config_set_proxy(config, value);
    } else {
        fprintf(stderr, "nobody knows %s\n", name);
        exit(1);
    }
}

static void *cancel_when_told(void *client) {
    char line[16];
    if (fgets(line, sizeof line, stdin) != NULL) {
        mpt_client_cancel(client);
    }
    return NULL;
}

static int on_outcome(const mpt_outcome *outcome, void *user_data) {
    (void)user_data;
    tell_outcome(outcome, mpt_outcome_token_id(outcome) == NULL ? "mpt_code" : "");
    return ++told == request.stop_after;
}

static void call(mpt_client *client) {
    pthread_t canceller;
    int during = request.cancel != NULL && strcmp(request.cancel, "during") == 0;
    size_t i;
    if (during) {
        pthread_create(&canceller, NULL, cancel_when_told, client);
    } else if (request.cancel != NULL) {
        mpt_client_cancel(client);
    }
    if (request.batch) {
        mpt_code code;
        mpt_batch_summary summary = MPT_BATCH_SUMMARY_INIT;
        request.options.summary = &summary;
        told = 0;
        code = (request.burn ? mpt_burn_tokens : mpt_delete_tokens)(client, request.ids, request.count, &request.options,
                                                                    on_outcome, NULL);
        (void)code; /* each outcome is told */
        request.options.summary = NULL;
        if (summary.stopped_code != MPT_OK) {
            tell("stopped", summary.stopped);
            tell("&stopped_code", mpt_code_name(summary.stopped_code));
            tell("&stopped_message", summary.stopped_message);
            tell_number("&skipped", (double)summary.skipped, 1);
            tell_number("&not_pulled", (double)summary.not_pulled, 1);
            putchar('\n');
        }
    }
    for (i = 0; i < request.count && !request.batch; i++) {
        mpt_outcome *outcome = NULL;
        mpt_code code = request.burn ? mpt_burn(client, request.ids[i], &outcome)
                                     : mpt_delete_token(client, request.ids[i], &outcome);
        tell_outcome(outcome, code == MPT_OK ? "" : "mpt_code");
        mpt_outcome_free(outcome);
    }
    if (during) {
        pthread_join(canceller, NULL);
    }
}

int main(void) {
    char *line = NULL;
    size_t size = 0;
    ssize_t length;
    while ((length = getline(&line, &size, stdin)) > 0) {
        mpt_config *config = mpt_config_new_from_env();
        mpt_client *client = NULL;
        mpt_outcome *outcome = NULL;
        char *rest = line;
        char *pair;
        line[length - 1] = '\0';
        memset(&request, 0, sizeof request);
        request.options.size = sizeof request.options;
        while ((pair = strtok_r(rest, "&", &rest)) != NULL) {
            char *value = strchr(pair, '=');
            *value++ = '\0';
            decode(value);
            take(config, pair, value);
        }
        if (mpt_client_new(config, &client, &outcome) == MPT_OK) {
            call(client);
        } else {
            tell_outcome(outcome, "mpt_code");
        }
        mpt_outcome_free(outcome);
        mpt_client_free(client);
        mpt_config_free(config);
        putchar('\n');
        fflush(stdout);
    }
    free(line);
    return 0;
}
