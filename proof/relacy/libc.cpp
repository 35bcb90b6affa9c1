// SPDX-License-Identifier: BSD-2-Clause
/* What libc.h puts in the place of the C library. */
#include "runtime.hpp"
#include <linux/futex.h>
#include <sys/mman.h>

#define FROM ((uintptr_t)__builtin_return_address(0) - 1 - (uintptr_t)&__executable_start)

namespace proof
{

/* Memory: from the front, nothing is used twice in an execution. Before each block its size. */
static const size_t arena_bytes = 1 << 20, block_head = 64;
static unsigned char *arena;
static size_t arena_used;

/* Rings: kept from one execution to the next. */
struct twice {
	unsigned char *at;
	size_t bytes;
};
static twice rings[8];
static unsigned ring_count, rings_used;

struct lock {
	const void *at;
	rl::generic_mutex_data *mutex;
	rl::condvar_data *condition;
};
static lock locks[16];
static unsigned lock_count;
static int64_t now_ns;
static bool exited;

extern "C" char __data_start, _end;

void memory_open()
{
	arena = static_cast<unsigned char *>(mmap(nullptr, arena_bytes, PROT_READ | PROT_WRITE,
						  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	shadow_cover(arena, arena_bytes, false);
	shadow_cover(&__data_start, (size_t)(&_end - &__data_start), false);
}

void memory_begin()
{
	// Never the same as what a program would like to find there.
	memset(arena, 0xa5, arena_used);
	arena_used = 0;
	rings_used = 0;
	lock_count = 0;
	now_ns = 1000000000;
	exited = proof_sleeps_end = false;
}

void memory_end()
{
	for (unsigned i = 0; i < lock_count; i++) {
		if (locks[i].mutex)
			rl::ctx().mutex_dtor(locks[i].mutex);
		if (locks[i].condition)
			rl::ctx().condvar_dtor(locks[i].condition);
	}
}

static void *take(size_t alignment, size_t bytes)
{
	size_t at = (arena_used + block_head + alignment - 1) / alignment * alignment;

	if (at + bytes + block_head > arena_bytes) {
		fprintf(stderr, "proof: an execution wants more memory than there is\n");
		abort();
	}
	memcpy(arena + at - sizeof(size_t), &bytes, sizeof(bytes));
	arena_used = at + bytes;
	return arena + at;
}

static size_t size_of(const void *at)
{
	size_t bytes;

	memcpy(&bytes, static_cast<const unsigned char *>(at) - sizeof(bytes), sizeof(bytes));
	return bytes;
}

static void *map_ring(size_t bytes)
{
	for (; rings_used < ring_count; rings_used++)
		if (rings[rings_used].bytes == bytes)
			return rings[rings_used++].at;
	if (ring_count == sizeof(rings) / sizeof(rings[0])) {
		fprintf(stderr, "proof: too many rings\n");
		abort();
	}
	int fd = memfd_create("ring", 0);
	unsigned char *at = static_cast<unsigned char *>(mmap(nullptr, 2 * bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));

	if (fd < 0 || at == MAP_FAILED || ftruncate(fd, (off_t)bytes) ||
	    mmap(at, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0) == MAP_FAILED ||
	    mmap(at + bytes, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0) == MAP_FAILED) {
		perror("proof: a ring");
		abort();
	}
	close(fd);
	shadow_cover(at, bytes, true);
	rings[ring_count++] = { at, bytes };
	rings_used = ring_count;
	return at;
}

static lock *lock_at(const void *at)
{
	for (unsigned i = 0; i < lock_count; i++)
		if (locks[i].at == at)
			return &locks[i];
	if (lock_count == sizeof(locks) / sizeof(locks[0])) {
		fprintf(stderr, "proof: too many locks\n");
		abort();
	}
	locks[lock_count] = { at, nullptr, nullptr };
	return &locks[lock_count++];
}

static rl::generic_mutex_data *mutex_at(const void *at)
{
	lock *l = lock_at(at);

	if (!l->mutex)
		l->mutex = rl::ctx().mutex_ctor(false, false, false, false);
	return l->mutex;
}

static rl::condvar_data *condition_at(const void *at)
{
	lock *l = lock_at(at);

	if (!l->condition)
		l->condition = rl::ctx().condvar_ctor(false);
	return l->condition;
}

struct held : rl::mutex_wrapper {
	rl::generic_mutex_data *mutex;

	explicit held(rl::generic_mutex_data *m) : mutex(m) {}
	void lock(rl::debug_info_param info) const override { mutex->lock_exclusive(false, info); }
	void unlock(rl::debug_info_param info) const override { mutex->unlock_exclusive(info); }
};

static int wait_for(pthread_cond_t *condition, pthread_mutex_t *mutex, bool timed)
{
	held lock(mutex_at(mutex));

	return condition_at(condition)->wait(lock, timed, RL_INFO) == rl::sema_wakeup_reason_timeout ? ETIMEDOUT : 0;
}

}

using namespace proof;

extern "C" {

bool proof_sleeps_end;

void *proof_aligned_alloc(size_t alignment, size_t size) { return take(alignment, size); }
void *proof_malloc(size_t size) { return take(16, size); }

void *proof_calloc(size_t count, size_t size)
{
	void *at = take(16, count * size);

	memset(at, 0, count * size);
	return at;
}

void *proof_realloc(void *at, size_t size)
{
	void *to = take(16, size);

	if (at) {
		memcpy(to, at, size_of(at) < size ? size_of(at) : size);
		touch(at, size_of(at), act::free, FROM);
	}
	return to;
}

char *proof_strdup(const char *text)
{
	size_t size = strlen(text) + 1;

	return static_cast<char *>(memcpy(take(16, size), text, size));
}

/* Whoever reads it from now on, or has read it without our knowing, made a mistake. */
void proof_free(void *at)
{
	if (at)
		touch(at, size_of(at), act::free, FROM);
}

void *proof_memcpy(void *to, const void *from, size_t size)
{
	touch(from, size, act::read, FROM);
	touch(to, size, act::write, FROM);
	return memcpy(to, from, size);
}

void *proof_memset(void *to, int value, size_t size)
{
	touch(to, size, act::write, FROM);
	return memset(to, value, size);
}

int proof_memcmp(const void *a, const void *b, size_t size)
{
	touch(a, size, act::read, FROM);
	touch(b, size, act::read, FROM);
	return memcmp(a, b, size);
}

void *proof_mmap(void *at, size_t size, int protection, int flags, int, off_t)
{
	if (flags & MAP_FIXED)
		return at;           // half of a ring, which is there already
	if (protection == PROT_NONE)
		return map_ring(size / 2);
	at = take(64, size);
	return memset(at, 0, size);
}

int proof_clock_gettime(int, struct timespec *now)
{
	now_ns += 1000;
	now->tv_sec = now_ns / 1000000000;
	now->tv_nsec = now_ns % 1000000000;
	return 0;
}

ssize_t proof_getrandom(void *to, size_t size, unsigned)
{
	memset(to, 0x5b, size);
	return (ssize_t)size;
}

void proof_pause(void)
{
	if (running)
		proof_yield();
	if (exited)
		proof_leave();
}

void proof_exit(void)
{
	exited = true;
}

int proof_nanosleep(const struct timespec *, struct timespec *)
{
	proof_pause();
	return 0;
}

long proof_futex(long, uint32_t *at, int operation, uint32_t value, const struct timespec *timeout, void *, int)
{
	rl::ctx().sched();
	if (operation == FUTEX_WAKE_PRIVATE)
		return futex_wake(at, (int)value);
	if (*at != value)
		return -1;
	futex_wait(at, timeout && (proof_sleeps_end || timeout->tv_nsec < 1000000));
	return 0;
}

int proof_mutex_lock(pthread_mutex_t *mutex)
{
	if (running)
		mutex_at(mutex)->lock_exclusive(false, RL_INFO);
	return 0;
}

int proof_mutex_unlock(pthread_mutex_t *mutex)
{
	if (running)
		mutex_at(mutex)->unlock_exclusive(RL_INFO);
	return 0;
}

int proof_cond_wait(pthread_cond_t *condition, pthread_mutex_t *mutex)
{
	return wait_for(condition, mutex, false);
}

int proof_cond_timedwait(pthread_cond_t *condition, pthread_mutex_t *mutex, const struct timespec *)
{
	return wait_for(condition, mutex, true);
}

int proof_cond_broadcast(pthread_cond_t *condition)
{
	if (running)
		condition_at(condition)->notify_all(RL_INFO);
	return 0;
}

}
