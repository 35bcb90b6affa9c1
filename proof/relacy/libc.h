/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the code under check gets instead of the C library; -include'd before everything else. Memory is the checker's, so
 * that it sees copies and frees; time and randomness are always the same; whoever would wait lets others go first.
 */
#ifndef PROOF_LIBC_H
#define PROOF_LIBC_H

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

void *proof_malloc(size_t size);
void *proof_calloc(size_t count, size_t size);
void *proof_realloc(void *at, size_t size);
void *proof_aligned_alloc(size_t alignment, size_t size);
char *proof_strdup(const char *text);
void proof_free(void *at);
void *proof_memcpy(void *to, const void *from, size_t size);
void *proof_memset(void *to, int value, size_t size);
int proof_memcmp(const void *a, const void *b, size_t size);
void *proof_mmap(void *at, size_t size, int protection, int flags, int fd, off_t offset);
int proof_clock_gettime(int clock, struct timespec *now);
int proof_nanosleep(const struct timespec *pause, struct timespec *left);
ssize_t proof_getrandom(void *to, size_t size, unsigned flags);
long proof_futex(long number, uint32_t *word, int operation, uint32_t value, const struct timespec *timeout, void *, int);
int proof_mutex_lock(pthread_mutex_t *mutex);
int proof_mutex_unlock(pthread_mutex_t *mutex);
int proof_cond_wait(pthread_cond_t *condition, pthread_mutex_t *mutex);
int proof_cond_timedwait(pthread_cond_t *condition, pthread_mutex_t *mutex, const struct timespec *until);
int proof_cond_broadcast(pthread_cond_t *condition);
int proof_thread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *), void *argument);
int proof_thread_join(pthread_t thread, void **result);
int proof_thread_tryjoin(pthread_t thread, void **result);
void proof_pause(void);

/* Nothing to do, and that went well. */
static inline int proof_fine(int first, ...)
{
	return first * 0;
}

#define malloc proof_malloc
#define calloc proof_calloc
#define realloc proof_realloc
#define aligned_alloc proof_aligned_alloc
#undef strdup
#define strdup proof_strdup
#define free proof_free
#undef memcpy
#define memcpy proof_memcpy
#undef memset
#define memset proof_memset
#define memcmp proof_memcmp
#define mmap proof_mmap
#define munmap(at, size) proof_fine(0, at, size)
#define memfd_create(name, flags) (1000)
#define ftruncate(fd, size) proof_fine(0, fd, size)
#define clock_gettime proof_clock_gettime
#define nanosleep proof_nanosleep
#define usleep(us) __extension__({ proof_pause(); 0; })
#define getrandom proof_getrandom
#define syscall proof_futex
#define sched_yield() __extension__({ proof_pause(); 0; })
#define __builtin_ia32_pause proof_pause
#define pthread_mutex_init(mutex, attributes) proof_fine(0, mutex)
#define pthread_mutex_destroy(mutex) proof_fine(0, mutex)
#define pthread_mutex_lock proof_mutex_lock
#define pthread_mutex_unlock proof_mutex_unlock
#define pthread_cond_init(condition, attributes) proof_fine(0, condition)
#define pthread_cond_destroy(condition) proof_fine(0, condition)
#define pthread_cond_wait proof_cond_wait
#define pthread_cond_timedwait proof_cond_timedwait
#define pthread_cond_broadcast proof_cond_broadcast
#define pthread_cond_signal proof_cond_broadcast
#define pthread_create proof_thread_create
#define pthread_join proof_thread_join
#define pthread_tryjoin_np proof_thread_tryjoin
#define pthread_setname_np(thread, name) proof_fine(0, thread, name)
#define pthread_sigmask(how, set, old) proof_fine(0, how, set, old)

/* What is told to people. */
#undef printf
#define printf(...) proof_fine(0, __VA_ARGS__)
#undef fprintf
#define fprintf(...) proof_fine(0, __VA_ARGS__)

#endif
