// SPDX-License-Identifier: BSD-2-Clause
/*
 * What was done to each 8 bytes of the memory under check, in this execution, and by whom: from that and from what each
 * thread knows of the others (relacy's vector clocks) follows whether two accesses race.
 *
 * Known are the checker's own memory, the program's static variables, and rings that are mapped twice, whose second half is
 * the first. A thread's stack is its own.
 */
#ifndef PROOF_SHADOW_HPP
#define PROOF_SHADOW_HPP

#include <cstddef>
#include <cstdint>

namespace proof
{

enum class act : uint8_t { read, write, atomic_read, atomic_write, free };

struct access {
	act what;
	uint8_t thread;
	uint8_t bytes;               // which of the eight
	size_t when;                 // on the thread's own clock
	uintptr_t from;              // the code that did it
};

struct word;                         // an atomic, runtime.cpp

struct granule {
	uint64_t execution;
	unsigned count;
	access seen[12];
	word *atomic[2];             // the one that begins here, the one that begins 4 bytes later
};

/* The other access, when this one races with it or comes after a free; and which of the two. */
struct conflict {
	const access *with;
	bool freed;
};

/* Granules for memory that begins here; `twice`: the same once more right behind. */
void shadow_cover(const void *base, size_t bytes, bool twice);

/* The granule of an address in this execution; NULL: not under check. */
granule *shadow_at(uintptr_t address, uint64_t execution);

/* One access by a thread that knows `clock`; writes it down. Within one granule. */
conflict shadow_note(granule *at, act what, uint8_t bytes, unsigned thread, const size_t *clock, uintptr_t from);

}

#endif
