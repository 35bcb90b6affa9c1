// SPDX-License-Identifier: BSD-2-Clause
/* A model as a test suite of relacy's: threads that are there from the start, and such that pthread_create() makes. */
#include "runtime.hpp"

namespace proof
{

static void (*forget_seen)(rl::atomic_data *data, unsigned index);
static jmp_buf leave[PROOF_THREADS_MAX];

struct spawned {
	void *(*run)(void *);
	void *argument;
};
static spawned spawn[PROOF_THREADS_MAX];
static unsigned spawn_count;

template <int N> static void forget_seen_by(rl::atomic_data *data, unsigned index)
{
	auto &record = static_cast<rl::atomic_data_impl<N> *>(data)->history_[index % rl::atomic_history_size];

	for (auto &when : record.first_seen_order_)
		when = (rl::timestamp_t)-1;
}

/* Relacy leaves there what the memory held before. */
void never_seen(rl::atomic_data *data, unsigned index)
{
	forget_seen(data, index);
}

template <int S, int D> struct suite : rl::test_suite<suite<S, D>, S> {
	static const rl::thread_id_t dynamic_thread_count = D;

	void before()
	{
		spawn_count = 0;
		execution_begin();
	}

	void thread(unsigned index)
	{
		if (_setjmp(leave[index]) == 0)
			proof_model.thread[index]();
	}

	void after()
	{
		execution_end();
	}
};

template <int S, int D> static rl::test_result_e search_suite(rl::test_params &params)
{
	rl::ostringstream state;
	rl::test_result_e result;

	forget_seen = forget_seen_by<S + D>;
	result = params.search_type == rl::random_scheduler_type ?
		rl::run_test<suite<S, D>, rl::random_scheduler<S + D>>(params, state, false) :
		rl::run_test<suite<S, D>, rl::context_bound_scheduler<S + D>>(params, state, false);
	params.final_state = state.str();
	return result;
}

rl::test_result_e search_all(rl::test_params &params)
{
	unsigned threads = 0;

	while (threads < PROOF_THREADS_MAX && proof_model.thread[threads])
		threads++;
	switch (threads * 10 + proof_model.spawned) {
	case 20: return search_suite<2, 0>(params);
	case 30: return search_suite<3, 0>(params);
	case 40: return search_suite<4, 0>(params);
	case 11: return search_suite<1, 1>(params);
	case 12: return search_suite<1, 2>(params);
	case 13: return search_suite<1, 3>(params);
	case 21: return search_suite<2, 1>(params);
	}
	fprintf(stderr, "proof: no suite for %u threads and %u more; add a line here\n", threads, proof_model.spawned);
	exit(2);
}

static void *spawned_run(void *at)
{
	spawned *thread = static_cast<spawned *>(at);

	if (_setjmp(leave[me()]) == 0)
		thread->run(thread->argument);
	return nullptr;
}

}

using namespace proof;

extern "C" {

void proof_yield(void)
{
	rl::ctx().yield(1, RL_INFO);
}

[[noreturn]] void proof_leave(void)
{
	_longjmp(leave[me()], 1);
}

int proof_thread_create(pthread_t *thread, const pthread_attr_t *, void *(*run)(void *), void *argument)
{
	spawn[spawn_count] = { run, argument };
	*thread = (pthread_t)rl::ctx().create_thread(spawned_run, &spawn[spawn_count++]);
	return 0;
}

int proof_thread_join(pthread_t thread, void **)
{
	((rl::win_waitable_object *)thread)->wait(false, false, RL_INFO);
	return 0;
}

int proof_thread_tryjoin(pthread_t thread, void **)
{
	proof_yield();
	return ((rl::win_waitable_object *)thread)->wait(true, false, RL_INFO) == rl::sema_wakeup_reason_success ? 0 : EBUSY;
}

}
