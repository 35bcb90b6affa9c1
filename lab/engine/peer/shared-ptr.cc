// SPDX-License-Identifier: BSD-2-Clause
// What C++ 20 offers: std::atomic<std::shared_ptr>. A reader takes a reference per call; the last one frees.
#include "peer.h"
#include <atomic>
#include <memory>

namespace {

struct handler {
	lab_run_fn *run;
	lab_context ctx;
};

struct self {
	alignas(128) std::atomic<std::shared_ptr<handler>> current;
	std::weak_ptr<handler> old;
};

struct local {
	char none;
};

LAB_INLINE local begin(self *)
{
	return local{};
}

LAB_INLINE void end(self *, local *)
{
}

LAB_INLINE int call(self *at, local *, void *record)
{
	std::shared_ptr<handler> held = at->current.load(std::memory_order_acquire);

	return held->run(&held->ctx, record);
}

#include "loops.h"

std::shared_ptr<handler> make(lab_run_fn *run, uint64_t id)
{
	return std::make_shared<handler>(handler{ run, { 1, id } });
}

void publish(void *arg, uint64_t id)
{
	self *at = static_cast<self *>(arg);
	lab_run_fn *run = at->current.load(std::memory_order_relaxed)->run;

	at->old = at->current.exchange(make(run, id), std::memory_order_acq_rel);
}

void unused(void *arg)
{
	self *at = static_cast<self *>(arg);

	while (!at->old.expired())
		lab_relax();
}

void *open_self(lab_run_fn *run)
{
	self *at = new self;

	at->current.store(make(run, 1));
	return at;
}

void close_self(void *arg)
{
	delete static_cast<self *>(arg);
}

void nothing(void *)
{
}

}

extern "C" {
extern const lab_peer lab_peer_shared_ptr;
const lab_peer lab_peer_shared_ptr = { "atomic<shared_ptr>", false, open_self, close_self, nothing, nothing, LAB_LOOPS, nullptr,
	publish, unused };
}
