/* SPDX-License-Identifier: BSD-2-Clause */
/* Who takes part. LAB_HAVE_... comes from the build, which says what it found. */
#include "peer.h"
#include <string.h>

#define PEERS(X)              \
	X(empty)              \
	X(direct)             \
	X(plain)              \
	X(wire)               \
	X(wire_off)           \
	X(slot)               \
	X(where)              \
	X(observe)            \
	X(observe_32)         \
	X(guard)              \
	X(guard_64)           \
	X(profile)            \
	X(seqlock)            \
	X(table)              \
	X(table_cas)          \
	X(mutex)              \
	X(rwlock)             \
	X(membarrier)
#ifdef LAB_HAVE_VARIANTS
#define VARIANTS(X)           \
	X(direct_retpoline)   \
	X(plain_retpoline)    \
	X(wire_retpoline)     \
	X(slot_retpoline)     \
	X(direct_cet)         \
	X(plain_cet)          \
	X(wire_cet)           \
	X(slot_cet)
#else
#define VARIANTS(X)
#endif
#ifdef LAB_HAVE_URCU
#define URCU(X) X(urcu_qsbr) X(urcu_memb) X(urcu_bp)
#else
#define URCU(X)
#endif
#ifdef LAB_HAVE_CK
#define CK(X) X(ck_epoch)
#else
#define CK(X)
#endif
#ifdef LAB_HAVE_SHARED_PTR
#define SHARED_PTR(X) X(shared_ptr)
#else
#define SHARED_PTR(X)
#endif
#define ALL(X) PEERS(X) VARIANTS(X) URCU(X) CK(X) SHARED_PTR(X)

#define DECLARE(name) extern const struct lab_peer lab_peer_##name;
#define LIST(name) &lab_peer_##name,

ALL(DECLARE)

const struct lab_peer *const lab_peers[] = { ALL(LIST) };
const unsigned lab_peers_count = sizeof(lab_peers) / sizeof(lab_peers[0]);

const struct lab_peer *lab_peer_named(const char *name)
{
	for (unsigned i = 0; i < lab_peers_count; i++)
		if (strcmp(lab_peers[i]->name, name) == 0)
			return lab_peers[i];
	return NULL;
}

void lab_peers_missing(const char *suite)
{
	(void)suite;
#ifndef LAB_HAVE_URCU
	lab_skip(suite, "liburcu", "liburcu-dev was not there when the lab was built");
#endif
#ifndef LAB_HAVE_CK
	lab_skip(suite, "ck_epoch", "libck-dev was not there when the lab was built");
#endif
#ifndef LAB_HAVE_SHARED_PTR
	lab_skip(suite, "atomic<shared_ptr>", "the C++ library has no std::atomic<std::shared_ptr>");
#endif
#ifndef LAB_HAVE_VARIANTS
	lab_skip(suite, "retpolines and CET", "gcc on x86-64 only");
#endif
}
