/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The memory of a byte ring: one memfd mapped twice in a row, so that the end of the ring is followed by its
 * beginning. The rest is inline in croom/ring.h. One thread owns each index; if the other stops anywhere, this one
 * sees a ring that is full or empty.
 */
#include <croom/ring.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

enum { ACCESS = PROT_READ | PROT_WRITE, HOW = MAP_SHARED | MAP_FIXED | MAP_POPULATE };

static int map_file(unsigned char *at, size_t size)
{
	int fd = memfd_create("croom-ring", MFD_CLOEXEC), rc = 0;

	if (fd < 0)
		return -errno;
	if (ftruncate(fd, (off_t)size) || mmap(at, size, ACCESS, HOW, fd, 0) == MAP_FAILED ||
	    mmap(at + size, size, ACCESS, HOW, fd, 0) == MAP_FAILED)
		rc = -errno;
	close(fd);
	return rc;
}

/* Without a file. Not the first choice: emulators do not know this use of mremap(), and nobody sees whose memory it is. */
static int map_shared(unsigned char *at, size_t size)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	if (mmap(at, size, ACCESS, HOW | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ||
	    mremap(at, 0, size, MREMAP_MAYMOVE | MREMAP_FIXED, at + size) == MAP_FAILED)
		return -errno;
	for (size_t i = 0; i < size; i += page)
		*(volatile unsigned char *)(at + size + i) = 0;
	return 0;
}

/* A file above the limit on their sizes, a memfd, too, is not an error but a SIGXFSZ that ends the process. */
static bool may_be_file(size_t size)
{
	struct rlimit limit;

	return getrlimit(RLIMIT_FSIZE, &limit) || limit.rlim_cur >= size;
}

static int map_twice(unsigned char **base, size_t size)
{
	unsigned char *at = mmap(NULL, 2 * size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	int rc;

	if (at == MAP_FAILED)
		return -ENOMEM;
	rc = may_be_file(size) ? map_file(at, size) : map_shared(at, size);
	if (rc)
		munmap(at, 2 * size);
	*base = at;
	return rc;
}

int croom_ring_open_at(struct croom_ring **out, size_t bytes, uint64_t start)
{
	size_t size = (size_t)sysconf(_SC_PAGESIZE);
	struct croom_ring *ring;
	int rc;

	*out = NULL;
	if (bytes == 0 || bytes > SIZE_MAX / 4 || start % 8)
		return -EINVAL;
	while (size < bytes)
		size *= 2;
	ring = aligned_alloc(128, sizeof(*ring));
	if (!ring)
		return -ENOMEM;
	memset(ring, 0, sizeof(*ring));
	rc = map_twice(&ring->base, size);
	if (rc) {
		free(ring);
		return rc;
	}
	ring->size = size;
	ring->mask = size - 1;
	ring->head = ring->tail_seen = ring->published = start;
	ring->tail = ring->head_seen = ring->released = start;
	*out = ring;
	return 0;
}

int croom_ring_open(struct croom_ring **ring, size_t bytes)
{
	return croom_ring_open_at(ring, bytes, 0);
}

void croom_ring_close(struct croom_ring *ring)
{
	if (!ring)
		return;
	munmap(ring->base, 2 * ring->size);
	free(ring);
}
