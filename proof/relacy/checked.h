/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The ordered accesses of croom/wire.h as the checker has them (-DCROOM_CHECKED='"checked.h"'): each goes to the model of
 * memory in runtime.cpp, with its name and with the order that the real macro has. There the order of one name can be
 * weakened for a run.
 */
#ifndef PROOF_CHECKED_H
#define PROOF_CHECKED_H

#include <stdint.h>

enum proof_order { PROOF_RELAXED, PROOF_ACQUIRE, PROOF_RELEASE, PROOF_ACQ_REL, PROOF_SEQ_CST };

uint64_t proof_load(const char *name, enum proof_order order, const void *at, unsigned size);
void proof_store(const char *name, enum proof_order order, void *at, unsigned size, uint64_t value);
uint64_t proof_trade(const char *name, enum proof_order order, void *at, unsigned size, uint64_t value);
uint64_t proof_add(const char *name, enum proof_order order, void *at, unsigned size, uint64_t value);

/* The comma makes a plain value of it: its type has no const. */
#define PROOF_TYPE(p) __typeof__((void)0, *(p))
#define PROOF_LOAD(name, order, p) ((PROOF_TYPE(p))proof_load(name, order, (p), sizeof(*(p))))
#define PROOF_STORE(name, order, p, v) proof_store(name, order, (p), sizeof(*(p)), (uint64_t)(PROOF_TYPE(p))(v))
/* A statement expression: nobody has to use what it returns. */
#define PROOF_CHANGE(how, name, order, p, v) \
	__extension__({ (PROOF_TYPE(p))how(name, order, (p), sizeof(*(p)), (uint64_t)(PROOF_TYPE(p))(v)); })

#define croom_get_acquire(name, p) PROOF_LOAD(#name, PROOF_ACQUIRE, p)
#define croom_set_release(name, p, v) PROOF_STORE(#name, PROOF_RELEASE, p, v)
#define croom_get_seq(name, p) PROOF_LOAD(#name, PROOF_SEQ_CST, p)
#define croom_set_seq(name, p, v) PROOF_STORE(#name, PROOF_SEQ_CST, p, v)
#define croom_trade_acquire(name, p, v) PROOF_CHANGE(proof_trade, #name, PROOF_ACQUIRE, p, v)
#define croom_trade_release(name, p, v) PROOF_CHANGE(proof_trade, #name, PROOF_RELEASE, p, v)
#define croom_get_relaxed(p) PROOF_LOAD("", PROOF_RELAXED, p)
#define croom_set_relaxed(p, v) PROOF_STORE("", PROOF_RELAXED, p, v)
#define croom_add_relaxed(p, v) PROOF_CHANGE(proof_add, "", PROOF_RELAXED, p, v)

#endif
