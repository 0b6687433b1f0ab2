/* What rustc calls under ThreadSanitizer, and the runtime of clang 14 does not have yet. It was added in LLVM 15, where
 * it does the same: it calls the functions that the runtime intercepts, and so each access is checked. */
#include <string.h>

void *__tsan_memcpy(void *to, const void *from, size_t size) { return memcpy(to, from, size); }

void *__tsan_memmove(void *to, const void *from, size_t size) { return memmove(to, from, size); }

void *__tsan_memset(void *at, int byte, size_t size) { return memset(at, byte, size); }
