// SPDX-License-Identifier: BSD-2-Clause
/* What the library does at the limits that a shell sets: ulimit -f, -n. */
#include "../check.h"
#include <croom/ring.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* In a process of its own: a limit that is too low may end it. Returns what it exited with, or minus the signal. */
static int under(__rlimit_resource_t which, rlim_t limit, int (*act)(void))
{
	pid_t child;
	int status;

	fflush(stdout);
	child = fork();
	if (child == 0) {
		struct rlimit both = { limit, limit };

		_exit(setrlimit(which, &both) ? 99 : act());
	}
	if (child < 0 || waitpid(child, &status, 0) != child)
		return 98;
	return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

enum { RING = 1 << 20, RECORD = 1000 };

/* Open it, and send through it several times what it holds: records over its end, too. 0 or an errno. */
static int run_ring(void)
{
	struct croom_ring *ring;
	int rc = croom_ring_open(&ring, RING);

	if (rc)
		return -rc;
	for (int i = 0; i < 5 * RING / RECORD; i++) {
		unsigned char *to = croom_ring_reserve(ring, RECORD);
		const unsigned char *from;
		size_t length;

		if (!to)
			return 97;
		memset(to, i & 255, RECORD);
		croom_ring_commit(ring, RECORD);
		croom_ring_publish(ring);
		from = croom_ring_fetch(ring) ? croom_ring_peek(ring, &length) : NULL;
		if (!from || length != RECORD || from[0] != (i & 255) || memcmp(from, from + 1, RECORD - 1))
			return 97;
		croom_ring_next(ring);
		croom_ring_release(ring);
	}
	/* Both halves are the same memory, to the last byte. */
	for (size_t i = 0; i < RING; i += 511) {
		ring->base[i] = (unsigned char)(i % 251);
		if (ring->base[RING + i] != i % 251)
			return 96;
	}
	croom_ring_close(ring);
	return 0;
}

/* What a ring does where it can make no file as large as it is. */
static bool maps_memory_twice(void)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	void *at = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	void *again = mremap(at, 0, page, MREMAP_MAYMOVE);

	munmap(at, page);
	if (again == MAP_FAILED)
		return false;
	munmap(again, page);
	return true;
}

static void a_ring_is_no_file(void)
{
	if (!maps_memory_twice()) {
		SKIP("shared memory cannot be mapped once more here: an emulator that has no mremap() from 0 bytes, as qemu-user");
		CHECK_EQ(under(RLIMIT_FSIZE, 0, run_ring), ENOMEM);
		CHECK_EQ(under(RLIMIT_FSIZE, RLIM_INFINITY, run_ring), 0);
		return;
	}
	CHECK_EQ(under(RLIMIT_FSIZE, RING - 1, run_ring), 0);
	CHECK_EQ(under(RLIMIT_FSIZE, RING, run_ring), 0);
	CHECK_EQ(under(RLIMIT_FSIZE, 0, run_ring), 0);
}

static void a_ring_without_a_descriptor_is_an_error(void)
{
	CHECK_EQ(under(RLIMIT_NOFILE, 3, run_ring), EMFILE);
}

static void a_ring_larger_than_the_address_space_is_an_error(void)
{
	struct croom_ring *ring;

	CHECK_EQ(croom_ring_open(&ring, (size_t)1 << 60), -ENOMEM);
	CHECK(!ring);
}

int main(void)
{
	RUN(a_ring_is_no_file);
	RUN(a_ring_without_a_descriptor_is_an_error);
	RUN(a_ring_larger_than_the_address_space_is_an_error);
	return check_result();
}
