/* Checks that count, and go on after a failure. For one thread at a time: nothing guards the counts. */
#ifndef CHECK_H
#define CHECK_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static unsigned long checks_passed;
static unsigned long checks_failed;

static inline void check(int good, const char *what, const char *file, int line) {
    if (good) {
        checks_passed += 1;
    } else {
        checks_failed += 1;
        fprintf(stderr, "%s:%d: not so: %s\n", file, line, what);
    }
}

static inline void check_text(const char *is, const char *expected, const char *what, const char *file, int line) {
    int good = is != NULL && expected != NULL ? strcmp(is, expected) == 0 : is == expected;
    check(good, what, file, line);
    if (!good) {
        fprintf(stderr, "  is       %s\n  expected %s\n", is ? is : "NULL", expected ? expected : "NULL");
    }
}

#define CHECK(condition) check((condition) != 0, #condition, __FILE__, __LINE__)
#define CHECK_TEXT(is, expected) check_text((is), (expected), #is, __FILE__, __LINE__)
#define CHECK_HAS(text, part) check((text) != NULL && strstr((text), (part)) != NULL, #text " has " #part, __FILE__, __LINE__)

static inline int checks_done(void) {
    printf("%lu checks\n", checks_passed + checks_failed);
    return checks_failed == 0 && checks_passed > 0 ? 0 : 1;
}

#endif
