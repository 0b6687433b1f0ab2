/* bcryptprimitives.dll for wine 8, which has none. Rust's standard library takes its random numbers from there; the
   system has had them in advapi32 for longer, and so has wine. */
#include <windows.h>

BOOLEAN NTAPI SystemFunction036(PVOID, ULONG);

__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE data, SIZE_T size)
{
    return SystemFunction036(data, (ULONG)size);
}
