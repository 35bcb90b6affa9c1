// SPDX-License-Identifier: BSD-2-Clause
#include "shadow.hpp"
#include <cstdio>
#include <cstdlib>

namespace proof
{

struct region {
	uintptr_t base;
	size_t bytes, twice;         // twice: bytes or 0
	granule *granules;
};

static region regions[16];
static unsigned region_count;

void shadow_cover(const void *base, size_t bytes, bool twice)
{
	if (region_count == sizeof(regions) / sizeof(regions[0])) {
		fprintf(stderr, "proof: too many regions\n");
		abort();
	}
	uintptr_t first = (uintptr_t)base & ~(uintptr_t)7;
	size_t length = ((uintptr_t)base + bytes - first + 7) / 8 * 8;
	// Pages that are never touched cost nothing.
	granule *granules = static_cast<granule *>(calloc(length / 8, sizeof(granule)));
	regions[region_count++] = { first, length, twice ? length : 0, granules };
}

granule *shadow_at(uintptr_t address, uint64_t execution)
{
	for (unsigned i = 0; i < region_count; i++) {
		const region &r = regions[i];
		size_t offset = address - r.base;

		if (offset >= r.bytes + r.twice)
			continue;
		granule *found = &r.granules[(offset >= r.bytes ? offset - r.bytes : offset) / 8];
		if (found->execution != execution) {
			found->execution = execution;
			found->count = 0;
			found->atomic[0] = found->atomic[1] = nullptr;
		}
		return found;
	}
	return nullptr;
}

static bool conflicting(act a, act b)
{
	bool a_writes = a == act::write || a == act::atomic_write || a == act::free;
	bool b_writes = b == act::write || b == act::atomic_write || b == act::free;
	bool both_atomic = (a == act::atomic_read || a == act::atomic_write) && (b == act::atomic_read || b == act::atomic_write);

	return (a_writes || b_writes) && !both_atomic;
}

conflict shadow_note(granule *at, act what, uint8_t bytes, unsigned thread, const size_t *clock, uintptr_t from)
{
	bool owns = what == act::write || what == act::free;
	unsigned kept = 0;

	for (unsigned i = 0; i < at->count; i++) {
		const access &was = at->seen[i];

		if (was.bytes & bytes) {
			if (was.what == act::free)
				return { &was, true };
			if (was.thread != thread && clock[was.thread] < was.when && conflicting(was.what, what))
				return { &was, false };
		}
		// What comes before this one, and covers no more, says nothing that this one does not say.
		bool covered = (was.bytes & ~bytes) == 0 && (owns || (was.thread == thread && was.what == what));
		if (!covered)
			at->seen[kept++] = was;
	}
	at->count = kept;
	if (at->count == sizeof(at->seen) / sizeof(at->seen[0])) {
		fprintf(stderr, "proof: too many different accesses to one word\n");
		abort();
	}
	at->seen[at->count++] = { what, (uint8_t)thread, bytes, clock[thread], from };
	return { nullptr, false };
}

}
