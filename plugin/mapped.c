/* SPDX-License-Identifier: BSD-2-Clause */
/* Looking at what is mapped, as the dynamic linker tells it, and keeping it in memory. */
#include "plugin-impl.h"
#include <errno.h>
#include <link.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct search {
	const char *name;
	struct plugin_map *map;
	bool found;
};

static void add_range(struct plugin_map *map, const struct dl_phdr_info *info, const ElfW(Phdr) *segment)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), start = info->dlpi_addr + segment->p_vaddr;

	if (segment->p_type != PT_LOAD || map->ranges == PLUGIN_RANGES)
		return;
	map->range[map->ranges++] = (struct plugin_range){ start & ~(page - 1), (start + segment->p_memsz + page - 1) & ~(page - 1),
							   segment->p_flags & PF_X };
}

static int look(struct dl_phdr_info *info, size_t size, void *arg)
{
	struct search *search = arg;

	(void)size;
	if (strcmp(info->dlpi_name, search->name))
		return 0;
	search->found = true;
	if (search->map) {
		search->map->ranges = 0;
		for (unsigned i = 0; i < info->dlpi_phnum; i++)
			add_range(search->map, info, &info->dlpi_phdr[i]);
	}
	return 1;
}

bool plugin_mapped(const char *linker_name, struct plugin_map *map)
{
	struct search search = { linker_name, map, false };

	dl_iterate_phdr(look, &search);
	return search.found;
}

uint64_t plugin_bytes(const struct plugin_map *map)
{
	uint64_t bytes = 0;

	for (unsigned i = 0; i < map->ranges; i++)
		bytes += map->range[i].end - map->range[i].start;
	return bytes;
}

/* A page that is there now may be taken away later; still, the first call finds it. */
static void touch(const struct plugin_range *range)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);

	for (uintptr_t at = range->start; at < range->end; at += page)
		(void)*(const volatile char *)at;
}

bool plugin_lock(const struct plugin_map *map, char *why, size_t size)
{
	int error = 0;

	for (unsigned i = 0; i < map->ranges; i++) {
		const struct plugin_range *range = &map->range[i];

		if (mlock((const void *)range->start, range->end - range->start) == 0)
			continue;
		error = errno;
		touch(range);
	}
	if (error)
		snprintf(why, size, "its pages are in memory and not locked there: %s%s", strerror(error),
			 error == ENOMEM || error == EPERM || error == EAGAIN ? "; raise RLIMIT_MEMLOCK (ulimit -l)" : "");
	return error == 0;
}
