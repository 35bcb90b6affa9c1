// SPDX-License-Identifier: BSD-2-Clause
/* See scarce.h. Each call here fails when it is its turn, and else is the one that the next library has under its name. */
#include "scarce.h"
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

/* Called before the sanitizers are ready, so not to be looked at by them. */
#define UNSEEN __attribute__((no_sanitize("address", "undefined", "thread")))
#define INSTEAD __attribute__((visibility("default"))) UNSEEN

enum { EARLY = 64 * 1024 };

static struct scarce own, *orders = &own;
static bool ordered;                    /* by a file: all threads count */
static __thread bool mine;

UNSEEN static bool lacks(const char *call, size_t bytes)
{
	int64_t how = __atomic_load_n(&orders->how, __ATOMIC_ACQUIRE), at = orders->at, seen;
	bool fails;

	if (how == SCARCE_NOT || !(ordered || mine))
		return false;
	seen = __atomic_add_fetch(&orders->seen, 1, __ATOMIC_RELAXED);
	fails = how == SCARCE_ONE ? seen == at : how == SCARCE_ON ? seen >= at : (int64_t)bytes >= at;
	if (fails) {
		__atomic_add_fetch(&orders->failed, 1, __ATOMIC_RELAXED);
		for (size_t i = 0; i < sizeof(orders->last) - 1 && (i == 0 || call[i - 1]); i++)
			orders->last[i] = call[i];
		errno = ENOMEM;
	}
	return fails;
}

void scarce_begin(enum scarce_how how, long at)
{
	mine = true;
	orders->at = at;
	orders->seen = orders->failed = 0;
	__atomic_store_n(&orders->how, how, __ATOMIC_RELEASE);
}

long scarce_end(void)
{
	__atomic_store_n(&orders->how, SCARCE_NOT, __ATOMIC_RELEASE);
	mine = false;
	return (long)orders->failed;
}

long scarce_seen(void)
{
	return (long)orders->seen;
}

const char *scarce_last(void)
{
	return orders->last;
}

/* The loader itself allocates while it looks a name up for the first time. */
static char early[EARLY] __attribute__((aligned(16)));
static size_t early_used;
static __thread volatile bool finding;  /* the compiler thinks that dlsym() does not come back here */

UNSEEN static void *early_bytes(size_t bytes)
{
	void *at = early + early_used;

	early_used += (bytes + 15) & ~(size_t)15;
	if (early_used > EARLY)
		abort();
	return at;
}

UNSEEN static bool is_early(const void *at)
{
	return (const char *)at >= early && (const char *)at < early + EARLY;
}

UNSEEN static void *find(void **real, const char *name)
{
	if (!*real) {
		finding = true;
		*real = dlsym(RTLD_NEXT, name);
		finding = false;
	}
	return *real;
}

/* Declares `real`, which is the call itself. */
#define REAL(name, type, ...)                                           \
	static void *found_##name;                                      \
	type (*real)(__VA_ARGS__) = (type (*)(__VA_ARGS__))(uintptr_t)find(&found_##name, #name)

INSTEAD void *malloc(size_t bytes)
{
	if (finding)
		return early_bytes(bytes);
	REAL(malloc, void *, size_t);
	return lacks("malloc", bytes) ? NULL : real(bytes);
}

INSTEAD void *calloc(size_t count, size_t bytes)
{
	if (finding)
		return early_bytes(count * bytes);
	REAL(calloc, void *, size_t, size_t);
	return lacks("calloc", count * bytes) ? NULL : real(count, bytes);
}

INSTEAD void free(void *at)
{
	/* The loader's own, of some bytes, may stay. */
	if (finding || is_early(at))
		return;
	REAL(free, void, void *);
	real(at);
}

INSTEAD void *realloc(void *old, size_t bytes)
{
	REAL(realloc, void *, void *, size_t);
	if (lacks("realloc", bytes))
		return NULL;
	if (is_early(old)) {
		void *new = malloc(bytes);

		if (new)
			memcpy(new, old, bytes < (size_t)(early + EARLY - (char *)old) ? bytes : (size_t)(early + EARLY - (char *)old));
		return new;
	}
	return real(old, bytes);
}

INSTEAD void *reallocarray(void *old, size_t count, size_t bytes)
{
	REAL(reallocarray, void *, void *, size_t, size_t);
	return lacks("reallocarray", count * bytes) ? NULL : real(old, count, bytes);
}

INSTEAD void *aligned_alloc(size_t align, size_t bytes)
{
	REAL(aligned_alloc, void *, size_t, size_t);
	return lacks("aligned_alloc", bytes) ? NULL : real(align, bytes);
}

INSTEAD int posix_memalign(void **at, size_t align, size_t bytes)
{
	REAL(posix_memalign, int, void **, size_t, size_t);
	return lacks("posix_memalign", bytes) ? ENOMEM : real(at, align, bytes);
}

/* A sanitizer has these two for itself, and then they do not come to malloc(). */
INSTEAD char *strndup(const char *text, size_t most)
{
	size_t length = strnlen(text, most);
	char *copy = malloc(length + 1);

	if (copy) {
		memcpy(copy, text, length);
		copy[length] = 0;
	}
	return copy;
}

INSTEAD char *strdup(const char *text)
{
	return strndup(text, SIZE_MAX);
}

INSTEAD void *mmap(void *at, size_t bytes, int access, int flags, int fd, off_t offset)
{
	REAL(mmap, void *, void *, size_t, int, int, int, off_t);
	return lacks("mmap", bytes) ? MAP_FAILED : real(at, bytes, access, flags, fd, offset);
}

INSTEAD int memfd_create(const char *name, unsigned flags)
{
	REAL(memfd_create, int, const char *, unsigned);
	return lacks("memfd_create", 0) ? -1 : real(name, flags);
}

INSTEAD int ftruncate(int fd, off_t bytes)
{
	REAL(ftruncate, int, int, off_t);
	return lacks("ftruncate", (size_t)bytes) ? -1 : real(fd, bytes);
}

INSTEAD int pthread_create(pthread_t *thread, const pthread_attr_t *how, void *(*run)(void *), void *arg)
{
	REAL(pthread_create, int, pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
	return lacks("pthread_create", 0) ? EAGAIN : real(thread, how, run, arg);
}

INSTEAD int open(const char *path, int flags, ...)
{
	REAL(open, int, const char *, int, ...);
	mode_t mode = 0;
	va_list more;

	va_start(more, flags);
	if (flags & O_CREAT)
		mode = va_arg(more, mode_t);
	va_end(more);
	return lacks("open", 0) ? -1 : real(path, flags, mode);
}

INSTEAD int socket(int domain, int type, int protocol)
{
	REAL(socket, int, int, int, int);
	return lacks("socket", 0) ? -1 : real(domain, type, protocol);
}

INSTEAD int accept4(int fd, __SOCKADDR_ARG address, socklen_t *restrict size, int flags)
{
	REAL(accept4, int, int, struct sockaddr *, socklen_t *, int);
	return lacks("accept4", 0) ? -1 : real(fd, address.__sockaddr__, size, flags);
}

INSTEAD int epoll_create1(int flags)
{
	REAL(epoll_create1, int, int);
	return lacks("epoll_create1", 0) ? -1 : real(flags);
}

INSTEAD int epoll_ctl(int epoll, int what, int fd, struct epoll_event *event)
{
	REAL(epoll_ctl, int, int, int, int, struct epoll_event *);
	return what == EPOLL_CTL_ADD && lacks("epoll_ctl", 0) ? -1 : real(epoll, what, fd, event);
}

INSTEAD int eventfd(unsigned count, int flags)
{
	REAL(eventfd, int, unsigned, int);
	return lacks("eventfd", 0) ? -1 : real(count, flags);
}

INSTEAD int timerfd_create(clockid_t clock, int flags)
{
	REAL(timerfd_create, int, clockid_t, int);
	return lacks("timerfd_create", 0) ? -1 : real(clock, flags);
}

/* Orders by file: it is there, as large as struct scarce, before the program starts. */
__attribute__((constructor)) UNSEEN static void take_orders(void)
{
	const char *path = getenv("SCARCE");
	int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
	void *at;

	if (!path)
		return;
	at = mmap(NULL, sizeof(*orders), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (fd < 0 || at == MAP_FAILED)
		abort();
	close(fd);
	ordered = true;
	orders = at;
}
