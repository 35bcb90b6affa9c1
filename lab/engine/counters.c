/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Hardware counters of this thread, read in user space with rdpmc where the kernel maps them, else by read(). Each
 * event has a descriptor of its own: a machine often has some and not others, and a group fails as a whole.
 */
#include "lab.h"
#include <errno.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

const char *const lab_counter_name[LAB_COUNTERS] = { "cycles", "instructions", "branch misses", "L1 misses", "LLC misses" };

static struct event {
	int fd;
	const struct perf_event_mmap_page *page;
} event[LAB_COUNTERS] = { { -1, NULL }, { -1, NULL }, { -1, NULL }, { -1, NULL }, { -1, NULL } };

static const struct { uint32_t type; uint64_t config; } what[LAB_COUNTERS] = {
	{ PERF_TYPE_HARDWARE, PERF_COUNT_HW_CPU_CYCLES },
	{ PERF_TYPE_HARDWARE, PERF_COUNT_HW_INSTRUCTIONS },
	{ PERF_TYPE_HARDWARE, PERF_COUNT_HW_BRANCH_MISSES },
	{ PERF_TYPE_HW_CACHE, PERF_COUNT_HW_CACHE_L1D | PERF_COUNT_HW_CACHE_OP_READ << 8 | PERF_COUNT_HW_CACHE_RESULT_MISS << 16 },
	{ PERF_TYPE_HARDWARE, PERF_COUNT_HW_CACHE_MISSES },
};

static int open_event(enum lab_counter counter)
{
	struct perf_event_attr attr = { .size = sizeof(attr), .type = what[counter].type, .config = what[counter].config,
		.exclude_kernel = 1, .exclude_hv = 1 };
	void *page;
	int fd = (int)syscall(SYS_perf_event_open, &attr, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);

	if (fd < 0)
		return -errno;
	page = mmap(NULL, (size_t)sysconf(_SC_PAGESIZE), PROT_READ, MAP_SHARED, fd, 0);
	event[counter].fd = fd;
	event[counter].page = page == MAP_FAILED ? NULL : page;
	return 0;
}

const char *lab_counters_start(void)
{
	static char why[160];
	int first = 0, rc, opened = 0;

	for (int i = 0; i < LAB_COUNTERS; i++) {
		rc = open_event((enum lab_counter)i);
		if (rc == 0)
			opened++;
		else if (!first)
			first = rc;
	}
	if (opened)
		return NULL;
	if (first == -EACCES || first == -EPERM)
		snprintf(why, sizeof(why), "perf_event_open: %s; as root, or with kernel.perf_event_paranoid at 2 or below", strerror(-first));
	else
		snprintf(why, sizeof(why), "perf_event_open: %s; a virtual machine often has none", strerror(-first));
	return why;
}

bool lab_counter_there(enum lab_counter counter)
{
	return event[counter].fd >= 0;
}

#if defined(__x86_64__)
static uint64_t rdpmc(uint32_t index)
{
	uint32_t low, high;

	__asm__ volatile("rdpmc" : "=a"(low), "=d"(high) : "c"(index));
	return (uint64_t)high << 32 | low;
}

/* As linux/perf_event.h describes it: the page's lock says whether offset and index belong together. */
static bool read_page(const struct perf_event_mmap_page *page, uint64_t *value)
{
	uint32_t lock, index;

	do {
		lock = __atomic_load_n(&page->lock, __ATOMIC_ACQUIRE);
		index = page->index;
		*value = (uint64_t)page->offset;
		if (!page->cap_user_rdpmc || index == 0)
			return false;
		/* Sign-extended from the counter's width. */
		*value += (uint64_t)((int64_t)(rdpmc(index - 1) << (64 - page->pmc_width)) >> (64 - page->pmc_width));
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
	} while (__atomic_load_n(&page->lock, __ATOMIC_RELAXED) != lock);
	return true;
}
#else
static bool read_page(const struct perf_event_mmap_page *page, uint64_t *value)
{
	(void)page;
	(void)value;
	return false;
}
#endif

void lab_counters_read(uint64_t value[LAB_COUNTERS])
{
	for (int i = 0; i < LAB_COUNTERS; i++) {
		value[i] = 0;
		if (event[i].fd < 0 || (event[i].page && read_page(event[i].page, &value[i])))
			continue;
		if (read(event[i].fd, &value[i], sizeof(value[i])) != sizeof(value[i]))
			value[i] = 0;
	}
}

uint64_t lab_interrupts(void)
{
	FILE *file = fopen("/proc/interrupts", "r");
	uint64_t sum = 0;
	char line[4096];

	if (!file)
		return 0;
	while (fgets(line, sizeof(line), file)) {
		char *at = line, *name = strtok_r(line, " ", &at);

		/* Function calls, rescheduling, TLB shootdowns: what membarrier() and a wake-up send. */
		if (!name || (strcmp(name, "CAL:") && strcmp(name, "RES:") && strcmp(name, "TLB:")))
			continue;
		for (int cpu = 0; (name = strtok_r(NULL, " ", &at)) && *name >= '0' && *name <= '9'; cpu++)
			if (cpu == lab.cpu[0] || cpu == lab.cpu[1])
				sum += strtoull(name, NULL, 10);
	}
	fclose(file);
	return sum;
}
