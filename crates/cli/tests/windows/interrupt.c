/*
 * Starts a program, and sends it Ctrl-C for each line of standard input: `interrupt PROGRAM ARGS...`. It has the
 * program's exit status. Arguments have no spaces and no quotes. Windows only; `cargo xtask test windows` runs it under
 * wine, whose version 8 can send neither Ctrl-Break nor the closing of the window.
 */
#include <windows.h>

#include <stdio.h>
#include <string.h>

/* The events reach this program, too. A handler, other than an ignored Ctrl-C, is not inherited. */
static BOOL WINAPI stay(DWORD event) {
    (void)event;
    return TRUE;
}

static DWORD WINAPI interrupt(void *unused) {
    char line[16];
    (void)unused;
    while (fgets(line, sizeof line, stdin) != NULL) {
        if (!GenerateConsoleCtrlEvent(CTRL_C_EVENT, 0)) {
            fprintf(stderr, "no event: error %lu\n", GetLastError());
        }
    }
    return 0;
}

int main(int argc, char **argv) {
    STARTUPINFOA start;
    PROCESS_INFORMATION process;
    DWORD status = 0;
    char line[4096] = "";
    int i;
    if (argc < 2) {
        return 2;
    }
    for (i = 1; i < argc; i++) {
        strcat(strcat(line, argv[i]), " ");
    }
    memset(&start, 0, sizeof start);
    start.cb = sizeof start;
    start.dwFlags = STARTF_USESTDHANDLES;
    start.hStdInput = INVALID_HANDLE_VALUE;
    start.hStdOutput = GetStdHandle(STD_OUTPUT_HANDLE);
    start.hStdError = GetStdHandle(STD_ERROR_HANDLE);
    /* An event goes to all that share a console: to nobody but these two. */
    FreeConsole();
    AllocConsole();
    /* Whoever started it may have had Ctrl-C ignored. */
    SetConsoleCtrlHandler(NULL, FALSE);
    SetConsoleCtrlHandler(stay, TRUE);
    if (!CreateProcessA(NULL, line, NULL, NULL, TRUE, 0, NULL, NULL, &start, &process)) {
        fprintf(stderr, "it does not start: error %lu\n", GetLastError());
        return 2;
    }
    CreateThread(NULL, 0, interrupt, NULL, 0, NULL);
    WaitForSingleObject(process.hProcess, INFINITE);
    GetExitCodeProcess(process.hProcess, &status);
    return (int)status;
}
