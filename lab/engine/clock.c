/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a tick is, and what a cycle is. The two have nothing to do with each other: the time stamp counter runs at
 * its own constant rate, the core at what the governor, the temperature and the hypervisor allow at the moment.
 */
#include "lab.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct lab lab;

static double monotonic_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC_RAW, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

/* Both clocks at one moment: the closest of several tries. */
static double together(uint64_t *ticks)
{
	double best = 1e18, at = 0;

	for (int i = 0; i < 64; i++) {
		double before = monotonic_ns(), after;
		uint64_t now = lab_ticks();

		after = monotonic_ns();
		if (after - before < best) {
			best = after - before;
			at = (before + after) / 2;
			*ticks = now;
		}
	}
	return at;
}

uint64_t lab_additions(unsigned count)
{
	uint64_t start = lab_ticks(), sum = count;

	for (unsigned i = 0; i < count; i += 16)
		/* One a cycle on every machine that the library runs on; the loop's own work fits beside them. */
#if defined(__x86_64__)
		__asm__ volatile(".rept 16\n\taddq %1, %0\n\t.endr" : "+r"(sum) : "r"((uint64_t)i));
#elif defined(__aarch64__)
		__asm__ volatile(".rept 16\n\tadd %0, %0, %1\n\t.endr" : "+r"(sum) : "r"((uint64_t)i));
#else
		for (int k = 0; k < 16; k++) {
			sum += i;
			LAB_KEEP(sum);
		}
#endif
	LAB_KEEP(sum);
	return lab_ticks() - start;
}

void lab_clock_start(void)
{
	uint64_t ticks[2], best = UINT64_MAX, cost = UINT64_MAX;
	struct timespec pause = { .tv_nsec = 50 * 1000 * 1000 };
	double at = together(&ticks[0]);

	nanosleep(&pause, NULL);
	at = together(&ticks[1]) - at;
	lab.ticks_per_ns = (double)(ticks[1] - ticks[0]) / at;
	for (int i = 0; i < 200; i++) {
		uint64_t took = lab_additions(160000), a = lab_ticks(), b = lab_ticks();

		best = took < best ? took : best;
		cost = b - a < cost ? b - a : cost;
	}
	lab.core_hz = 160000 / lab_ns(best) * 1e9;
	lab.ticks_cost_ns = lab_ns(cost);
}

void *lab_alloc(size_t bytes)
{
	void *at = aligned_alloc(4096, (bytes + 4095) / 4096 * 4096);

	if (!at)
		lab_die("out of memory: %zu bytes", bytes);
	memset(at, 0, (bytes + 4095) / 4096 * 4096);
	return at;
}

void lab_die(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fputs("engine: ", stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	va_end(args);
	exit(1);
}
