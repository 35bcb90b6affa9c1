/* SPDX-License-Identifier: BSD-2-Clause */
/* Preloaded into croomtap: an allocation by the thread that TRAP_THREAD names ("lane" without it) ends the process. */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

/* glibc's own, under the names that it has for programs which replace malloc(). */
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *old, size_t size);
extern void __libc_free(void *old);

static void trap(const char *call)
{
	const char *wanted = getenv("TRAP_THREAD");
	char name[16] = "";

	prctl(PR_GET_NAME, name);
	if (strcmp(name, wanted ? wanted : "lane") != 0)
		return;
	if (write(STDERR_FILENO, "TRAP: ", 6) < 0 || write(STDERR_FILENO, call, strlen(call)) < 0)
		abort();
	abort();
}

EXPORT void *malloc(size_t size)
{
	trap("malloc");
	return __libc_malloc(size);
}

EXPORT void *calloc(size_t count, size_t size)
{
	trap("calloc");
	return __libc_calloc(count, size);
}

EXPORT void *realloc(void *old, size_t size)
{
	trap("realloc");
	return __libc_realloc(old, size);
}

EXPORT void free(void *old)
{
	if (old)
		trap("free");
	__libc_free(old);
}
