/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which threads a plugin has started and not ended: their code must not go. The C library keeps what a thread was started with in
 * the same block as the head of its robust mutexes, and where that is the kernel tells. Read through /proc/self/mem: the
 * block may go at any time.
 */
#include "plugin-impl.h"
#include <ctype.h>
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* Words behind the head; the start routine and its argument, one behind the other, are the 108th and 109th in glibc 2.36. */
enum { WORDS = 128, ARGUMENT_WORDS = 8 };

/*
 * A thread that was only just made, or that is about to be gone, has no head: ask again soon. The kernel's own helpers (io_uring)
 * and what was made by clone(2) never have one: nothing can be known of these, and they are taken for somebody else's.
 */
enum answer { NO, YES, UNKNOWN };
enum { PAUSES = 50, PAUSE_NS = 1000000 };

static bool within(const struct plugin_map *map, uintptr_t address, bool code)
{
	for (unsigned i = 0; i < map->ranges; i++)
		if (address >= map->range[i].start && address < map->range[i].end && (!code || map->range[i].code))
			return true;
	return false;
}

/*
 * Libraries start threads for others: a std::thread begins in the C++ library, with an object whose virtual functions are those of
 * who made it; what GLib and the address sanitizer begin with has the function to call among its first words.
 */
static bool started_with(int memory, const struct plugin_map *map, uintptr_t routine, uintptr_t argument)
{
	uintptr_t word[ARGUMENT_WORDS];
	bool leads = false;
	Dl_info info;
	ssize_t got;

	if (argument == 0 || argument % sizeof(word[0]))
		return false;
	got = pread(memory, word, sizeof(word), (off_t)argument);
	for (ssize_t i = 0; i < got / (ssize_t)sizeof(word[0]); i++)
		leads |= within(map, word[i], i > 0);
	return leads && dladdr((const void *)routine, &info) != 0;
}

static enum answer started_by(int memory, const struct plugin_map *map, pid_t thread)
{
	uintptr_t word[WORDS], head = 0;
	size_t length = 0;
	ssize_t got;

	if (syscall(SYS_get_robust_list, thread, &head, &length))
		return NO;
	if (head == 0)
		return UNKNOWN;
	got = pread(memory, word, sizeof(word), (off_t)head);
	for (ssize_t i = 0; i < got / (ssize_t)sizeof(word[0]); i++)
		if (within(map, word[i], true) || (i && started_with(memory, map, word[i - 1], word[i])))
			return YES;
	return NO;
}

static void thread_name(pid_t thread, char *name, size_t size)
{
	char path[64];
	ssize_t length;
	int fd;

	snprintf(path, sizeof(path), "/proc/self/task/%d/comm", (int)thread);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	length = fd < 0 ? -1 : read(fd, name, size - 1);
	if (fd >= 0)
		close(fd);
	name[length > 0 ? length : 0] = 0;
	name[strcspn(name, "\n")] = 0;
}

static enum answer look(DIR *tasks, int memory, const struct plugin_map *map, char *why, size_t size)
{
	enum answer all = NO;
	struct dirent *task;
	char name[32];

	rewinddir(tasks);
	while ((task = readdir(tasks))) {
		enum answer one = isdigit((unsigned char)task->d_name[0]) ? started_by(memory, map, atoi(task->d_name)) : NO;

		if (one == YES) {
			thread_name(atoi(task->d_name), name, sizeof(name));
			snprintf(why, size, "thread %s (%s), which it started, still runs", task->d_name, name);
			return YES;
		}
		all = one == UNKNOWN ? UNKNOWN : all;
	}
	return all;
}

bool plugin_thread_runs(const struct plugin_map *map, char *why, size_t size)
{
	const struct timespec pause = { 0, PAUSE_NS };
	DIR *tasks = opendir("/proc/self/task");
	int memory = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
	enum answer answer = UNKNOWN;

	/* Without a look it cannot be known that there is none. */
	if (!tasks || memory < 0) {
		snprintf(why, size, "whether a thread of it still runs cannot be seen: /proc: %s", strerror(errno));
		answer = YES;
	}
	for (int i = 0; i < PAUSES && answer == UNKNOWN; i++) {
		answer = look(tasks, memory, map, why, size);
		if (answer == UNKNOWN)
			nanosleep(&pause, NULL);
	}
	if (tasks)
		closedir(tasks);
	if (memory >= 0)
		close(memory);
	return answer == YES;
}
