// SPDX-License-Identifier: BSD-2-Clause
/* The parts of the runtime: runtime.cpp (orders, plain accesses, main), libc.cpp (memory, time, locks), suite.cpp (relacy). */
#ifndef PROOF_RUNTIME_HPP
#define PROOF_RUNTIME_HPP

// Relacy's own checks of itself, such as that an execution is the same when it is run again.
#define RL_DO_ASSERT 1
#include <relacy/relacy.hpp>
#undef new
#undef delete
#undef malloc
#undef calloc
#undef realloc
#undef free
#undef assert
#undef errno
#undef $

extern "C" {
#include "checked.h"
#define _Noreturn [[noreturn]]
#include "proof.h"
extern char __executable_start;
}

#include "shadow.hpp"
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace proof
{

extern bool running;                 // the threads run: what is done now counts
extern bool tracing;
extern uint64_t execution;

[[noreturn]] void found(const char *format, ...) __attribute__((format(printf, 1, 2)));
unsigned me();
void touch(const void *address, size_t size, act what, uintptr_t from);

void futex_wait(uint32_t *at, bool timed);
long futex_wake(uint32_t *at, int count);

/* runtime.cpp, called by the suite around each execution. */
void execution_begin();
void execution_end();

/* libc.cpp */
void memory_open();
void memory_begin();
void memory_end();

/* suite.cpp */
rl::test_result_e search_all(rl::test_params &params);
void never_seen(rl::atomic_data *data, unsigned index);

}

#endif
