/* The function by which gcc's unwinder finds what was loaded at an address. Debian's unwinder is made for glibc, which
   has it; musl has dl_iterate_phdr, by which it is written here. On a system that is musl's own nothing of this is
   needed: its gcc has an unwinder for it. */
#define _GNU_SOURCE
#include <link.h>
#include <pthread.h>
#include <stddef.h>

/* What the unwinder takes of threads where a program has it. It asks for one function and then calls all: in a static
   program, those that nothing else names would be missing, and a panic would call address 0. */
static void (*const threads[])(void) __attribute__((used)) = {
    (void (*)(void))pthread_getspecific, (void (*)(void))pthread_key_create,
    (void (*)(void))pthread_mutex_lock,  (void (*)(void))pthread_mutex_unlock,
    (void (*)(void))pthread_once,        (void (*)(void))pthread_setspecific,
};

/* As glibc's dlfcn.h declares it for x86-64. */
struct dl_find_object {
    unsigned long long flags;
    void *map_start;
    void *map_end;
    void *link_map;
    void *eh_frame;
    unsigned long long reserved[7];
};

struct search {
    ElfW(Addr) address;
    struct dl_find_object *found;
};

static int look(struct dl_phdr_info *info, size_t size, void *data)
{
    struct search *search = data;
    const ElfW(Phdr) *frames = NULL;
    int inside = 0;

    (void)size;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *header = &info->dlpi_phdr[i];
        ElfW(Addr) start = info->dlpi_addr + header->p_vaddr;
        if (header->p_type == PT_GNU_EH_FRAME) {
            frames = header;
        } else if (header->p_type == PT_LOAD && search->address - start < header->p_memsz) {
            search->found->map_start = (void *)start;
            search->found->map_end = (void *)(start + header->p_memsz);
            inside = 1;
        }
    }
    if (!inside || frames == NULL) {
        return 0;
    }
    search->found->flags = 0;
    search->found->link_map = NULL;
    search->found->eh_frame = (void *)(info->dlpi_addr + frames->p_vaddr);
    return 1;
}

int _dl_find_object(void *address, struct dl_find_object *found)
{
    struct search search = {(ElfW(Addr))address, found};
    return dl_iterate_phdr(look, &search) == 1 ? 0 : -1;
}
