/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Included before everything else (-include) by test/cross/code.py: each atomic access leaves two comments in the
 * assembly, with the file and line that it stands in, around the instructions that it became.
 *
 * It sits under croom/wire.h, at the builtins, so that an access is found however it is spelled. CROSS_ACQUIRE and so
 * on put another order in its place, for the gate to refuse.
 */
#ifndef CROSS_MARKS_H
#define CROSS_MARKS_H

#ifndef CROSS_ACQUIRE
#define CROSS_ACQUIRE __ATOMIC_ACQUIRE
#endif
#ifndef CROSS_RELEASE
#define CROSS_RELEASE __ATOMIC_RELEASE
#endif
#ifndef CROSS_SEQ_LOAD
#define CROSS_SEQ_LOAD __ATOMIC_SEQ_CST
#endif
#ifndef CROSS_SEQ_STORE
#define CROSS_SEQ_STORE __ATOMIC_SEQ_CST
#endif
#ifndef CROSS_RELAXED_LOAD
#define CROSS_RELAXED_LOAD __ATOMIC_RELAXED
#endif
#ifndef CROSS_RELAXED_STORE
#define CROSS_RELAXED_STORE __ATOMIC_RELAXED
#endif

#define CROSS_LOAD(order) \
	((order) == __ATOMIC_SEQ_CST ? CROSS_SEQ_LOAD : (order) == __ATOMIC_ACQUIRE ? CROSS_ACQUIRE : CROSS_RELAXED_LOAD)
#define CROSS_STORE(order) \
	((order) == __ATOMIC_SEQ_CST ? CROSS_SEQ_STORE : (order) == __ATOMIC_RELEASE ? CROSS_RELEASE : CROSS_RELAXED_STORE)

#define CROSS_TEXT_(number) #number
#define CROSS_TEXT(number) CROSS_TEXT_(number)
/* The compiler keeps these in their order among accesses to memory, so that nothing else gets between two of them. */
#define CROSS_MARK(what) __asm__ volatile("# cross " what " " __FILE__ ":" CROSS_TEXT(__LINE__) : : : "memory")

#define __atomic_load_n(at, order) __extension__({                                          \
	__typeof__(at) cross_at_ = (at);                                                     \
	CROSS_MARK("load");                                                                  \
	__typeof__(__atomic_load_n(cross_at_, __ATOMIC_RELAXED)) cross_value_ =              \
		__atomic_load_n(cross_at_, CROSS_LOAD(order));                               \
	CROSS_MARK("end");                                                                   \
	cross_value_;                                                                        \
})
#define __atomic_store_n(at, value, order) __extension__({                                  \
	__typeof__(at) cross_at_ = (at);                                                     \
	__typeof__(*cross_at_) cross_value_ = (value);                                       \
	CROSS_MARK("store");                                                                 \
	__atomic_store_n(cross_at_, cross_value_, CROSS_STORE(order));                       \
	CROSS_MARK("end");                                                                   \
})

#define __atomic_fetch_add(at, value, order) __extension__({                                \
	__typeof__(at) cross_at_ = (at);                                                     \
	__typeof__(*cross_at_) cross_value_ = (value);                                       \
	CROSS_MARK("add");                                                                   \
	cross_value_ = __atomic_fetch_add(cross_at_, cross_value_, order);                   \
	CROSS_MARK("end");                                                                   \
	cross_value_;                                                                        \
})

#define __atomic_exchange_n(at, value, order) __extension__({                               \
	__typeof__(at) cross_at_ = (at);                                                     \
	__typeof__(*cross_at_) cross_value_ = (value);                                       \
	CROSS_MARK("trade");                                                                 \
	cross_value_ = __atomic_exchange_n(cross_at_, cross_value_, order);                  \
	CROSS_MARK("end");                                                                   \
	cross_value_;                                                                        \
})

#endif
