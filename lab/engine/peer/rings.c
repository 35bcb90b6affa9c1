/* SPDX-License-Identifier: BSD-2-Clause */
/* Which queues take part, in every size. LAB_HAVE_... comes from the build, which says what it found. */
#include "ring.h"

#define SIZES(X, name) X(name##_8) X(name##_64) X(name##_256) X(name##_1500)
#ifdef LAB_HAVE_CK
#define CK(X) SIZES(X, ck)
#else
#define CK(X)
#endif
#ifdef LAB_HAVE_DPDK
#define DPDK(X) SIZES(X, dpdk)
#else
#define DPDK(X)
#endif
#ifdef LAB_HAVE_BOOST
#define BOOST(X) SIZES(X, boost)
#else
#define BOOST(X)
#endif
#define ALL(X) SIZES(X, items) SIZES(X, items_prefetch) SIZES(X, bytes) BOOST(X) CK(X) DPDK(X)

#define DECLARE(name) extern const struct lab_ring lab_ring_##name;
#define LIST(name) &lab_ring_##name,

ALL(DECLARE)

const struct lab_ring *const lab_rings[] = { ALL(LIST) };
const unsigned lab_rings_count = sizeof(lab_rings) / sizeof(lab_rings[0]);

void lab_rings_missing(void)
{
#ifndef LAB_HAVE_CK
	lab_skip("ring", "ck_ring", "libck-dev was not there when the lab was built");
#endif
#ifndef LAB_HAVE_DPDK
	lab_skip("ring", "DPDK rte_ring", "libdpdk-dev was not there when the lab was built");
#endif
#ifndef LAB_HAVE_BOOST
	lab_skip("ring", "boost::lockfree::spsc_queue", "libboost-dev was not there when the lab was built");
#endif
}
