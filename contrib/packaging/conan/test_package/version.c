#include <mpt_tokens.h>
#include <stdio.h>
#include <string.h>

int main(void) {
    printf("mpt_tokens %s, ABI %lu\n", mpt_version(), (unsigned long)mpt_abi_version());
    return strcmp(mpt_version(), MPT_VERSION) != 0 || mpt_abi_version() != MPT_ABI_VERSION;
}
