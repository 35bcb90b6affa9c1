// SPDX-License-Identifier: BSD-2-Clause
/*
 * Runs a model (proof.h) under relacy: its schedulers choose who goes next and which store a load sees, its clocks say what
 * each thread knows. The code under check is compiled with gcc's -fsanitize=thread, which calls __tsan_read8() and so on
 * before each plain access; these are here, instead of the thread sanitizer's, and go to shadow.cpp.
 *
 * Memory always holds the newest value. An atomic gets a history when it is first used in an execution; what memory held then
 * is its first value, known to all. An atomic load may return an older one from the history. A plain write to an atomic ends
 * its history, for everybody who uses it afterwards without a race knows of that write.
 *
 * Usage: MODEL [--weaken NAME ORDER] [--preemptions N] [--executions N] [--long] [--history]
 * Prints `what TEXT`, `orders NAMES`, `broken TEXT` for a negative control, `order NAME ORDER TIMES` for each ordered access of the threads,
 * then `clean EXECUTIONS` or `found EXECUTION WHAT`, with code addresses as @HEX. Exits 0 when clean, 3 when not.
 */
#include "runtime.hpp"
#include "shadow.hpp"
#include <csignal>
#include <cstdarg>

namespace proof
{

struct word {
	rl::atomic_data *data;
	uint64_t value[rl::atomic_history_size];
	unsigned newest;
};

struct weakening {
	const char *name;
	proof_order order;
};

struct used_order {
	const char *name;
	proof_order order;
	uint64_t times;
};

static const char *const order_names[] = { "relaxed", "acquire", "release", "acq_rel", "seq_cst" };
static const rl::memory_order relacy_orders[] = { rl::mo_relaxed, rl::mo_acquire, rl::mo_release, rl::mo_acq_rel, rl::mo_seq_cst };
static weakening weak = { nullptr, PROOF_RELAXED };
static used_order used[64];
static unsigned used_count;
static struct { uintptr_t at; proof::granule granule; } strays[4];
static word words[4096];
static unsigned word_count;
static char report[512];

bool running, tracing;
uint64_t execution;

void found(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(report, sizeof(report), format, args);
	va_end(args);
	rl::ctx().fail_test(report, rl::test_result_user_assert_failed, RL_INFO);
	abort();                     // the line above does not return
}

unsigned me()
{
	return (unsigned)rl::ctx().threadx_->index_;
}

static const char *said(act what)
{
	return what == act::free ? "free" : what == act::read ? "read" : what == act::write ? "write" :
		what == act::atomic_read ? "atomic read" : "atomic write";
}

/* A plain write ends the history of the atomics that it overwrites. */
static void forget_atomics(granule *at, uint8_t bytes)
{
	if (at->atomic[0] && (bytes & 0x0f))
		at->atomic[0] = nullptr;
	if (at->atomic[1] && (bytes & 0xf0))
		at->atomic[1] = nullptr;
}

void touch(const void *address, size_t size, act what, uintptr_t from)
{
	uintptr_t at = (uintptr_t)address, end = at + size;

	if (!running)
		return;
	while (at < end) {
		uintptr_t next = (at & ~(uintptr_t)7) + 8;
		unsigned first = at & 7, past = end < next ? end & 7 : 8;
		uint8_t bytes = (uint8_t)((1u << past) - (1u << first));
		granule *g = shadow_at(at, execution);

		at = next;
		if (!g)
			continue;
		rl::thread_info_base *thread = rl::ctx().threadx_;
		thread->own_acq_rel_order_ += 1;
		conflict c = shadow_note(g, what, bytes, me(), thread->acq_rel_order_, from);
		if (tracing)
			printf("  thread %u: %s %p @%lx\n", me(), said(what), (void *)(next - 8 + first), from);
		if (c.with && c.freed)
			found("use after free: %s @%lx, freed @%lx", said(what), from, c.with->from);
		if (c.with)
			found("data race: %s @%lx, %s @%lx", said(what), from, said(c.with->what), c.with->from);
		if (what == act::write)
			forget_atomics(g, bytes);
	}
}

static uint64_t memory(const void *at, unsigned size)
{
	uint64_t value = 0;

	memcpy(&value, at, size);
	return value;
}

/* An atomic on a thread's stack, which it shows to others. */
static granule *stray_at(uintptr_t at)
{
	for (auto &stray : strays)
		if (stray.granule.execution != execution || stray.at == at) {
			if (stray.granule.execution != execution)
				stray = { at, {} };
			stray.granule.execution = execution;
			return &stray.granule;
		}
	fprintf(stderr, "proof: too many atomics on stacks\n");
	abort();
}

static word *word_at(const void *at, unsigned size)
{
	granule *g = shadow_at((uintptr_t)at, execution);

	if (!g)
		g = stray_at((uintptr_t)at & ~(uintptr_t)7);
	if (((uintptr_t)at & (size - 1)) || (size != 4 && size != 8)) {
		fprintf(stderr, "proof: an atomic of %u bytes at %p\n", size, at);
		abort();
	}
	word *&w = g->atomic[((uintptr_t)at & 4) != 0];
	if (!w) {
		if (word_count == sizeof(words) / sizeof(words[0])) {
			fprintf(stderr, "proof: too many atomics\n");
			abort();
		}
		w = &words[word_count++];
		w->data = rl::ctx().atomic_ctor(w);
		w->newest = rl::ctx().threadx_->atomic_init(w->data);
		never_seen(w->data, w->newest);
		w->value[w->newest] = memory(at, size);
	}
	return w;
}

static proof_order order_of(const char *name, proof_order order)
{
	unsigned i = 0;

	if (!*name)
		return order;
	while (i < used_count && used[i].name != name && strcmp(used[i].name, name) != 0)
		i++;
	if (i == used_count)
		used[used_count++] = { name, order, 0 };
	used[i].times++;
	return weak.name && strcmp(weak.name, name) == 0 ? weak.order : order;
}

/* A futex is an atomic that threads sleep on. */
void futex_wait(uint32_t *at, bool timed)
{
	rl::ctx().threadx_->atomic_wait(word_at(at, 4)->data, timed, false, RL_INFO);
}

long futex_wake(uint32_t *at, int count)
{
	return rl::ctx().threadx_->atomic_wake(word_at(at, 4)->data, count, RL_INFO);
}

static void trace(const char *what, const char *name, proof_order order, const void *at, uint64_t value, bool old)
{
	if (tracing)
		printf("  thread %u: %s %s %s %p: %#lx%s\n", me(), what, order_names[order], *name ? name : "-", at, value,
		       old ? " (an older one)" : "");
}

/* What comes newest is what it changes. */
static uint64_t change(const char *name, proof_order order, void *at, unsigned size, uint64_t value, bool add, uintptr_t from)
{
	word *w = nullptr;
	bool again;

	if (running) {
		order = order_of(name, order);
		rl::ctx().sched();
		touch(at, size, act::atomic_write, from);
		w = word_at(at, size);
		rl::thread_info_base *thread = rl::ctx().threadx_;
		w->newest = order == PROOF_RELAXED ? thread->atomic_rmw_relaxed(w->data, again) :
			order == PROOF_ACQUIRE ? thread->atomic_rmw_acquire(w->data, again) :
			order == PROOF_RELEASE ? thread->atomic_rmw_release(w->data, again) :
			thread->atomic_rmw_acq_rel(w->data, again);
	}
	uint64_t was = memory(at, size);
	value = add ? was + value : value;
	memcpy(at, &value, size);
	if (w) {
		w->value[w->newest] = memory(at, size);
		trace(add ? "add" : "exchange", name, order, at, w->value[w->newest], false);
	}
	return was;
}

}

using namespace proof;

#define FROM ((uintptr_t)__builtin_return_address(0) - 1 - (uintptr_t)&__executable_start)

extern "C" {

uint64_t proof_load(const char *name, proof_order order, const void *at, unsigned size)
{
	if (!running)
		return memory(at, size);
	order = order_of(name, order);
	rl::ctx().sched();
	touch(at, size, act::atomic_read, FROM);
	word *w = word_at(at, size);
	rl::thread_info_base *thread = rl::ctx().threadx_;
	unsigned index = order == PROOF_RELAXED ? thread->atomic_load_relaxed(w->data) :
		order == PROOF_ACQUIRE ? thread->atomic_load_acquire(w->data) : thread->atomic_load_seq_cst(w->data);
	trace("load", name, order, at, w->value[index], index != w->newest);
	return w->value[index];
}

void proof_store(const char *name, proof_order order, void *at, unsigned size, uint64_t value)
{
	if (running) {
		order = order_of(name, order);
		rl::ctx().sched();
		touch(at, size, act::atomic_write, FROM);
		word *w = word_at(at, size);
		rl::thread_info_base *thread = rl::ctx().threadx_;
		w->newest = order == PROOF_RELAXED ? thread->atomic_store_relaxed(w->data) :
			order == PROOF_RELEASE ? thread->atomic_store_release(w->data) : thread->atomic_store_seq_cst(w->data);
		w->value[w->newest] = size == 4 ? (uint32_t)value : value;
		trace("store", name, order, at, value, false);
	}
	memcpy(at, &value, size);
}

uint64_t proof_trade(const char *name, proof_order order, void *at, unsigned size, uint64_t value)
{
	return change(name, order, at, size, value, false, FROM);
}

uint64_t proof_add(const char *name, proof_order order, void *at, unsigned size, uint64_t value)
{
	return change(name, order, at, size, value, true, FROM);
}

void proof_expect(bool holds, const char *what)
{
	if (!holds)
		found("%s", what);
}

[[noreturn]] void __assert_fail(const char *what, const char *file, unsigned line, const char *) noexcept
{
	found("assertion %s:%u: %s", strrchr(file, '/') ? strrchr(file, '/') + 1 : file, line, what);
}

#define PLAIN(bytes)                                                                                    \
	void __tsan_read##bytes(void *at) { touch(at, bytes, act::read, FROM); }                        \
	void __tsan_write##bytes(void *at) { touch(at, bytes, act::write, FROM); }                      \
	void __tsan_unaligned_read##bytes(void *at) { touch(at, bytes, act::read, FROM); }              \
	void __tsan_unaligned_write##bytes(void *at) { touch(at, bytes, act::write, FROM); }            \
	void __tsan_volatile_read##bytes(void *at) { touch(at, bytes, act::read, FROM); }               \
	void __tsan_volatile_write##bytes(void *at) { touch(at, bytes, act::write, FROM); }
PLAIN(1) PLAIN(2) PLAIN(4) PLAIN(8) PLAIN(16)
void __tsan_read_range(void *at, size_t size) { touch(at, size, act::read, FROM); }
void __tsan_write_range(void *at, size_t size) { touch(at, size, act::write, FROM); }
void __tsan_func_entry(void *) {}
void __tsan_func_exit(void) {}
void __tsan_init(void) {}

}

namespace proof
{

void execution_begin()
{
	execution++;
	word_count = 0;
	running = false;
	memory_begin();
	if (proof_model.begin)
		proof_model.begin();
	running = true;
}

void execution_end()
{
	running = false;
	for (unsigned i = 0; i < word_count; i++)
		rl::ctx().atomic_dtor(words[i].data);
	memory_end();
	if (proof_model.end)
		proof_model.end();
}

static const char *what_was_found(rl::test_result_e result)
{
	return result == rl::test_result_deadlock ? "deadlock: nobody wakes a thread that sleeps" :
		result == rl::test_result_livelock ? "livelock: a thread does not end" :
		result == rl::test_result_user_assert_failed ? report : rl::test_result_str(result);
}

static void crashed(int number)
{
	printf("found %lu crash: signal %d\n", execution, number);
	fflush(stdout);
	_exit(3);
}

static void watch_for_crashes()
{
	static char stack[65536];
	stack_t other = {};
	struct sigaction action = {};

	other.ss_sp = stack;
	other.ss_size = sizeof(stack);
	sigaltstack(&other, nullptr);
	action.sa_handler = crashed;
	action.sa_flags = SA_ONSTACK;
	sigaction(SIGSEGV, &action, nullptr);
	sigaction(SIGBUS, &action, nullptr);
	sigaction(SIGFPE, &action, nullptr);
}

static proof_order order_named(const char *name)
{
	for (unsigned i = 0; i < sizeof(order_names) / sizeof(order_names[0]); i++)
		if (strcmp(order_names[i], name) == 0)
			return (proof_order)i;
	fprintf(stderr, "proof: no order is called %s\n", name);
	exit(2);
}

/* Run it; if something is found, and it is asked for, run that execution once more and show each step. */
static int search(rl::test_params &params, bool history)
{
	rl::test_result_e result = search_all(params);

	printf("what %s\n", proof_model.what);
	if (proof_model.orders)
		printf("orders %s\n", proof_model.orders);
	if (proof_model.broken)
		printf("broken %s\n", proof_model.broken);
	for (unsigned i = 0; i < used_count; i++)
		printf("order %s %s %lu\n", used[i].name, order_names[used[i].order], used[i].times);
	if (result == rl::test_result_success) {
		printf("clean %lu\n", params.stop_iteration);
		return 0;
	}
	if (history) {
		params.initial_state = params.final_state;
		tracing = true;
		search_all(params);
	}
	printf("found %lu %s\n", params.stop_iteration, what_was_found(result));
	return 3;
}

}

int main(int argc, char **argv)
{
	unsigned preemptions = proof_model.preemptions, executions = proof_model.executions;
	std::ostringstream quiet;
	bool history = false;
	rl::test_params params;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--weaken") == 0 && i + 2 < argc) {
			weak.name = argv[++i];
			weak.order = order_named(argv[++i]);
		} else if (strcmp(argv[i], "--preemptions") == 0 && i + 1 < argc) {
			preemptions = (unsigned)atoi(argv[++i]);
		} else if (strcmp(argv[i], "--executions") == 0 && i + 1 < argc) {
			executions = (unsigned)atoi(argv[++i]);
		} else if (strcmp(argv[i], "--long") == 0) {
			preemptions += preemptions != 0;
			executions *= 20;
		} else if (strcmp(argv[i], "--history") == 0) {
			history = true;
		} else {
			fprintf(stderr, "usage: %s [--weaken NAME ORDER] [--preemptions N] [--executions N] [--long] [--history]\n",
				argv[0]);
			return 2;
		}
	}
	params.output_stream = params.progress_stream = &quiet;
	params.search_type = preemptions ? rl::fair_context_bound_scheduler_type : rl::random_scheduler_type;
	params.context_bound = preemptions;
	params.iteration_count = executions ? executions : 1;
	params.execution_depth_limit = 20000;
	memory_open();
	watch_for_crashes();
	return search(params, history);
}
