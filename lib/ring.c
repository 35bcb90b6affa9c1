/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The memory of a byte ring: one memfd mapped twice in a row, so that the end of the ring is followed by its
 * beginning. The rest is inline in croom/ring.h. One thread owns each index; if the other stops anywhere, this one
 * sees a ring that is full or empty.
 */
#include <croom/ring.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static int map_twice(unsigned char **base, size_t size)
{
	int fd = memfd_create("croom-ring", MFD_CLOEXEC), rc = 0;
	unsigned char *at;

	if (fd < 0)
		return -errno;
	at = mmap(NULL, 2 * size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (at == MAP_FAILED) {
		rc = -ENOMEM;
	} else if (ftruncate(fd, (off_t)size) ||
		   mmap(at, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED | MAP_POPULATE, fd, 0) == MAP_FAILED ||
		   mmap(at + size, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED | MAP_POPULATE, fd, 0) == MAP_FAILED) {
		rc = -errno;
		munmap(at, 2 * size);
	}
	close(fd);
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
