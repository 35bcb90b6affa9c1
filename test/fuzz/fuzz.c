/* SPDX-License-Identifier: BSD-2-Clause */
#include "fuzz.h"
#include <fcntl.h>
#include <unistd.h>

/* Opened before anything can close stderr. */
static int report = -1;

__attribute__((constructor)) static void keep_report(void)
{
	report = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 100);
}

void fuzz_not_true(const char *file, int line, const char *what)
{
	dprintf(report, "\n%s:%d: not true: %s\n", file, line, what);
	abort();
}

void fuzz_wrong(const char *what, const char *bytes, size_t length)
{
	dprintf(report, "\nwrong: %s (%zu)\n", what, length);
	if (bytes && write(report, bytes, length < 4000 ? length : 4000) > 0)
		dprintf(report, "\n");
	abort();
}
