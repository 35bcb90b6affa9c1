// SPDX-License-Identifier: BSD-2-Clause
/*
 * Code that is loaded, swapped in, swapped out and unloaded while the lanes run: what a plugin loader does, without
 * one. A loader of plugins would be one more actor, a row in actor.c.
 *
 * The class goes before its code. A room lets it go when no handler of it is open: then no lane is in its code nor ever
 * will be, and a rollback to it is refused.
 *
 * Code may be mapped where other code was. On processors that do not keep the instruction stream coherent the loader
 * would have to see to that; this one does not, and is meant for x86.
 */
#include "swap.h"
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

/* In, a while, out, until no handler of it is open. False: the run ended first, and the code has to stay. */
static bool use(struct crew *self, croom_run_fn *run, unsigned slot)
{
	struct croom_error err;
	char handler[48];
	uint64_t revision;
	int rc = class_library_add(slot, "library", run);

	if (rc)
		found(FOUND_ANSWER, "to register a library's class had to be 0, and was %d", rc);
	snprintf(handler, sizeof(handler), "library:%llu", (big)stamp_new());
	swap_one(self, slot, handler, &revision);
	crew_rest(&self->luck, 2000);
	for (unsigned i = 0;; i++) {
		rc = croom_room_class_remove(torture.room, slot_name(slot), "library", &err);
		if (rc != -EBUSY && rc != -EAGAIN)
			break;
		/* It sits there, or somebody has rolled back to it, or a lane is late. */
		if (i % 16 == 0) {
			snprintf(handler, sizeof(handler), "blue:%llu", (big)stamp_new());
			swap_one(self, slot, handler, &revision);
		}
		if (torture_over())
			return false;
		crew_rest(&self->luck, 300);
	}
	if (rc)
		found(FOUND_ANSWER, "to remove a library's class had to be 0 or busy, and was %d: %s", rc, err.text);
	return rc == 0;
}

/* A copy is another library to the loader, so it goes to another place, now and then to one where another was. */
static bool once(struct crew *self, const char *from, const char *to, unsigned slot)
{
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
	if (run)
		goes = use(self, run, slot);
	else
		found(FOUND_DISTURBED, "%s", dlerror());
	if (goes)
		dlclose(handle);
	torture_done(ACTOR_LIBRARY, goes);
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
