/*
 * Preloaded: the allocation number FAIL_AT of the process fails, and no other. Says at the end whether there was one.
 */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

void *__libc_malloc(size_t);
void *__libc_calloc(size_t, size_t);
void *__libc_realloc(void *, size_t);
void *__libc_memalign(size_t, size_t);

static long left;

__attribute__((constructor)) static void begin(void) {
    const char *at = getenv("FAIL_AT");
    left = at == NULL ? 0 : atol(at);
}

__attribute__((destructor)) static void end(void) {
    if (__atomic_load_n(&left, __ATOMIC_SEQ_CST) > 0) {
        (void)!write(2, "no allocation failed\n", 21);
    }
}

static int fails(void) {
    if (__atomic_sub_fetch(&left, 1, __ATOMIC_SEQ_CST) != 0) {
        return 0;
    }
    errno = ENOMEM;
    return 1;
}

void *malloc(size_t size) {
    return fails() ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size) {
    return fails() ? NULL : __libc_calloc(count, size);
}

void *realloc(void *old, size_t size) {
    return fails() ? NULL : __libc_realloc(old, size);
}

int posix_memalign(void **out, size_t alignment, size_t size) {
    if (fails()) {
        return ENOMEM;
    }
    *out = __libc_memalign(alignment, size);
    return *out == NULL ? ENOMEM : 0;
}
