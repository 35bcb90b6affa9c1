// SPDX-License-Identifier: BSD-2-Clause
/*
 * Code that is loaded, swapped in, swapped out and unloaded while the lanes run. What the real plugin loader will do is
 * one more row in actor.c; this does with dlopen() and the room's calls what they allow today.
 *
 * A room has no way to take a class back, so there is one class for each address at which the function was ever mapped,
 * and it is used again when it is mapped there again. open() refuses while the code is not there (a rollback may ask
 * for it at any time). The code is unloaded when every handler in it is closed: then no lane is in it nor ever will be.
 *
 * The same address may be mapped anew with the same code. On processors that do not keep the instruction stream
 * coherent the loader would have to see to that; this one does not, and is meant for x86.
 */
#include "torture.h"
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

struct library {
	croom_run_fn *run;             /* where it is, when it is there */
	char name[16];                 /* of the class */
	int here;                      /* may be opened */
	int held;                      /* handlers that are open */
};

static struct library libraries[LIBRARIES_MAX];
static unsigned libraries_count;

/* In open() and close(), with the room's mutex held; atomic for the actor, which asks without. */
void library_holds(struct library *library, int change)
{
	__atomic_add_fetch(&library->held, change, __ATOMIC_ACQ_REL);
}

bool library_gone(const struct library *library)
{
	return !__atomic_load_n(&library->here, __ATOMIC_ACQUIRE);
}

/* The file beside the program. */
static int original(char *path)
{
	char self[PATH_MAX];
	ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (length < 0)
		return -errno;
	self[length] = 0;
	snprintf(path, PATH_MAX, "%.4000s/libtorture-handler.so", dirname(self));
	return 0;
}

/* Signals come all the time, also without SA_RESTART. */
static int opened(const char *path, int flags)
{
	int fd;

	do
		fd = open(path, flags | O_CLOEXEC, 0700);
	while (fd < 0 && errno == EINTR);
	return fd;
}

static int copy(const char *from, const char *to)
{
	int in = opened(from, O_RDONLY), out = opened(to, O_WRONLY | O_CREAT | O_TRUNC), rc = 0;
	struct stat stat = { 0 };
	off_t at = 0;

	if (in < 0 || out < 0 || fstat(in, &stat))
		rc = -errno;
	while (rc == 0 && at < stat.st_size) {
		ssize_t went = sendfile(out, in, &at, (size_t)(stat.st_size - at));

		if (went == 0)
			rc = -EIO;
		else if (went < 0 && errno != EINTR)
			rc = -errno;
	}
	if (in >= 0)
		close(in);
	if (out >= 0)
		close(out);
	return rc;
}

static struct library *library_at(croom_run_fn *run, unsigned slot)
{
	struct library *library = &libraries[libraries_count];

	for (unsigned i = 0; i < libraries_count; i++)
		if (libraries[i].run == run)
			return &libraries[i];
	if (libraries_count == LIBRARIES_MAX)
		return NULL;
	library->run = run;
	snprintf(library->name, sizeof(library->name), "lib%u", libraries_count);
	if (class_library_add(slot, library->name, run, library)) {
		found(FOUND_ANSWER, "the class of a library was refused");
		return NULL;
	}
	libraries_count++;
	return library;
}

/* In, a while, out, until nobody holds it. False: the run ended first, and the library has to stay. */
static bool use(struct crew *self, struct library *library, unsigned slot)
{
	char handler[32];
	uint64_t revision;
	int waited = 0;

	__atomic_store_n(&library->here, 1, __ATOMIC_RELEASE);
	snprintf(handler, sizeof(handler), "%s:%llu", library->name,
		 (big)__atomic_add_fetch(&torture.stamps, 1, __ATOMIC_RELAXED));
	swap_one(self, slot, handler, &revision);
	crew_rest(&self->luck, 2000);
	__atomic_store_n(&library->here, 0, __ATOMIC_RELEASE);
	while (__atomic_load_n(&library->held, __ATOMIC_ACQUIRE)) {
		/* Somebody may have rolled back to it before it was refused; and lanes may be late. */
		if (waited++ % 16 == 0) {
			snprintf(handler, sizeof(handler), "blue:%llu",
				 (big)__atomic_add_fetch(&torture.stamps, 1, __ATOMIC_RELAXED));
			swap_one(self, slot, handler, &revision);
		}
		if (torture_over())
			return false;
		crew_rest(&self->luck, 300);
		croom_room_retired(torture.room);
	}
	return true;
}

/* A copy is another library to the loader, so it goes to another place, now and then to one where another was. */
static bool once(struct crew *self, const char *from, const char *to, unsigned slot)
{
	struct library *library;
	croom_run_fn *run;
	bool goes = true;
	void *handle;
	int rc = copy(from, to);

	if (rc) {
		found(FOUND_DISTURBED, "%s cannot be copied to %s: %s", from, to, strerror(-rc));
		return false;
	}
	handle = dlopen(to, RTLD_NOW | RTLD_LOCAL);
	unlink(to);
	if (!handle) {
		found(FOUND_DISTURBED, "%s", dlerror());
		return false;
	}
	*(void **)&run = dlsym(handle, "torture_library_run");
	library = run ? library_at(run, slot) : NULL;
	if (library)
		goes = use(self, library, slot);
	if (goes)
		dlclose(handle);
	torture_done(ACTOR_LIBRARY, library != NULL);
	return goes;
}

void library_body(struct crew *self)
{
	const char *tmp = getenv("TMPDIR");
	char from[PATH_MAX], folder[PATH_MAX], to[PATH_MAX + 16];
	int rc = original(from);

	snprintf(folder, sizeof(folder), "%.4000s/croomtorture-XXXXXX", tmp ? tmp : "/tmp");
	if (rc || !mkdtemp(folder)) {
		found(FOUND_DISTURBED, "no folder for the copies of %s: %s", from, strerror(rc ? -rc : errno));
		return;
	}
	for (unsigned i = 0; !torture_over(); i++) {
		snprintf(to, sizeof(to), "%s/%u.so", folder, i);
		if (!once(self, from, to, torture.set.slots - 1))
			break;
		crew_rest(&self->luck, 3000);
	}
	rmdir(folder);
}
