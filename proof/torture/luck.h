/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Chance that can be had again: a generator per thread, all seeded from --seed. (The threads' order is the kernel's, so
 * a seed repeats the odds and the choices of a run, not the run.)
 */
#ifndef TORTURE_LUCK_H
#define TORTURE_LUCK_H

#include <stdint.h>

struct luck {
	uint64_t state;   /* never 0 */
};

static inline uint64_t luck_next(struct luck *luck)
{
	luck->state ^= luck->state >> 12;
	luck->state ^= luck->state << 25;
	luck->state ^= luck->state >> 27;
	return luck->state * UINT64_C(0x2545f4914f6cdd1d);
}

/* 0 to n - 1. */
static inline uint32_t luck_below(struct luck *luck, uint32_t n)
{
	return (uint32_t)((luck_next(luck) >> 32) * n >> 32);
}

/* One generator per number; neighbours have nothing in common. */
static inline struct luck luck_of(uint64_t seed, uint64_t number)
{
	uint64_t x = seed + (number + 1) * UINT64_C(0x9e3779b97f4a7c15);

	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	x ^= x >> 31;
	return (struct luck){ x ? x : 1 };
}

#endif
