/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The harness of the lab: time, placement, the second thread, and the lines that come out (see ../README.md).
 *
 * The main thread measures and is pinned to lab.cpu[0]; one helper thread, pinned to lab.cpu[1], runs the other
 * half of what takes two. Between two samples both threads look whether they were disturbed and where they are.
 */
#ifndef LAB_H
#define LAB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#ifdef __cplusplus
extern "C" {
#endif

struct lab {
	bool quick;
	int cpu[2];            /* the same twice on a machine with one */
	double ticks_per_ns;   /* of lab_ticks() */
	double core_hz;        /* from a loop of dependent additions: one a cycle */
	double ticks_cost_ns;  /* of two lab_ticks() in a row */
};
extern struct lab lab;

/* clock.c */
void lab_clock_start(void);
/* A control loop: this many additions, each of which waits for the one before. Returns its ticks. */
uint64_t lab_additions(unsigned count);

/* The time stamp counter where there is one that a process may read; not cycles. Ordered after what is before it. */
static inline uint64_t lab_ticks(void)
{
#if defined(__x86_64__)
	uint32_t low, high;

	__asm__ volatile("lfence\n\trdtsc\n\tlfence" : "=a"(low), "=d"(high) : : "memory");
	return (uint64_t)high << 32 | low;
#elif defined(__aarch64__)
	uint64_t ticks;

	__asm__ volatile("isb\n\tmrs %0, cntvct_el0" : "=r"(ticks) : : "memory");
	return ticks;
#else
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
#endif
}

static inline double lab_ns(uint64_t ticks)
{
	return (double)ticks / lab.ticks_per_ns;
}

/* Wait in a loop without filling the memory pipeline with loads that a foreign store then throws away. */
static inline void lab_relax(void)
{
#if defined(__x86_64__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("isb" ::: "memory");
#else
	__asm__ volatile("" ::: "memory");
#endif
}

/* Everything before is done before anything after begins. */
static inline void lab_serialise(void)
{
#if defined(__x86_64__)
	__asm__ volatile("lfence" ::: "memory");
#elif defined(__aarch64__)
	__asm__ volatile("isb" ::: "memory");
#else
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
#endif
}

#define LAB_KEEP(value) __asm__ volatile("" : : "r"(value) : "memory")
#define LAB_FORGET() __asm__ volatile("" ::: "memory")
#define LAB_LOOP __attribute__((noinline, aligned(64)))
/* Whether a compiler pulls an adapter into its loop must not decide who wins. */
#define LAB_INLINE static inline __attribute__((always_inline))

/* Memory on lines of its own; the lab gives up when there is none. */
void *lab_alloc(size_t bytes);
void lab_die(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));

/* pair.c: the second thread. */
/* Two processors that this process may run on, of two cores if there are; the same twice where there is one. */
void lab_choose_cpus(void);
void lab_pair_start(void);
void lab_pin(int cpu);
/* Run both at once, from a common start: helper(arg) on the other thread, main_part(arg) here. Returns when both did. */
void lab_pair(void (*helper)(void *arg), void (*main_part)(void *arg), void *arg);
/* Let the helper run alone while the caller goes on; then wait for it. */
void lab_helper_start(void (*helper)(void *arg), void *arg);
bool lab_helper_done(void);
void lab_helper_wait(void);
/* A cache line there and back between the two threads, ns, the median of many. */
double lab_round_trip(void);

/* Around what is measured. The end says why it is not to be believed; NULL: it is. Then it is done again, TRIES times. */
enum { LAB_TRIES = 3 };
struct lab_guard {
	long switches[2];
	double round_trip_ns;
};
/* Context switches against this thread's will. */
long lab_switches(void);
void lab_guard_begin(struct lab_guard *guard, bool two_threads);
const char *lab_guard_end(struct lab_guard *guard, bool two_threads);
/* Take this many times the control loop's time as its usual one, from now on: for tests. */
void lab_guard_usual(double times);

/* emit.c: what comes out. */
struct lab_case;
struct lab_case *lab_case_open(const char *suite, const char *unit, const char *better, const char *reference, unsigned rounds,
			       const char *name, ...) __attribute__((format(printf, 6, 7)));
/* Returns the subject's number. */
unsigned lab_case_subject(struct lab_case *one, const char *name, bool ours);
void lab_case_sample(struct lab_case *one, unsigned subject, unsigned round, double value);
/* The samples of this round are not to be believed: counts why, and makes them null until they are taken again. */
void lab_case_drop(struct lab_case *one, unsigned round, const char *why);
/* One sample alone was dropped, and not set. */
void lab_case_dropped(struct lab_case *one, const char *why);
void lab_case_round_trip(struct lab_case *one, unsigned round, double ns);
void lab_case_number(struct lab_case *one, const char *key, double value);
void lab_case_counter(struct lab_case *one, unsigned subject, const char *name, double value);
/* Write it as a line and free it. */
void lab_case_close(struct lab_case *one);

/* Counts per bucket; 64 to an octave, so an edge is within 1.6 %. */
enum { LAB_OCTAVE = 64, LAB_BUCKETS = 64 * LAB_OCTAVE };
struct lab_counts {
	uint64_t bucket[LAB_BUCKETS];
	uint64_t max;
};

static inline unsigned lab_bucket(uint64_t value)
{
	unsigned top;

	if (value < LAB_OCTAVE)
		return (unsigned)value;
	top = 63u - (unsigned)__builtin_clzll(value);
	return (top - 5) * LAB_OCTAVE + (unsigned)(value >> (top - 6) & (LAB_OCTAVE - 1));
}

/* The first value that is not in this bucket any more. */
uint64_t lab_bucket_edge(unsigned bucket);

static inline void lab_count(struct lab_counts *counts, uint64_t value)
{
	counts->bucket[lab_bucket(value)]++;
	if (value > counts->max)
		counts->max = value;
}

struct lab_subject_counts {
	const char *name;
	bool ours;
	const struct lab_counts *counts;   /* in ticks */
	double calls, swaps;               /* params */
};
void lab_distribution(const char *suite, const char *name, const char *reference, const struct lab_subject_counts *subjects,
		      unsigned count);
void lab_skip(const char *suite, const char *what, const char *why);
/* A check of the data failed. The run goes on and ends with 1. */
void lab_failed(const char *suite, const char *what, const char *why, ...) __attribute__((format(printf, 3, 4)));
void lab_progress(const char *suite, unsigned done, unsigned of, const char *what);
void lab_machine(void);
extern bool lab_wrong;

/* counters.c: cycles and their kind, where the kernel and the machine let a process count them. */
enum lab_counter { LAB_CYCLES, LAB_INSTRUCTIONS, LAB_BRANCH_MISSES, LAB_L1_MISSES, LAB_LLC_MISSES, LAB_COUNTERS };
extern const char *const lab_counter_name[LAB_COUNTERS];
/* NULL when there are counters, else why not. */
const char *lab_counters_start(void);
bool lab_counter_there(enum lab_counter counter);
void lab_counters_read(uint64_t value[LAB_COUNTERS]);
/* Interrupts by which one core stops another, so far, on both of ours. */
uint64_t lab_interrupts(void);

/* The suites. */
void suite_call(void);
void suite_swap(void);
void suite_tails(void);
void suite_ring(void);
void suite_strings(void);
void suite_scale(void);

#ifdef __cplusplus
}
#endif
#endif
