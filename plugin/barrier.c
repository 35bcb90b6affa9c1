/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * New code may come to lie where other code was. A processor that has fetched instructions there ahead of time need not notice
 * that the pages were exchanged (Arm says so outright), and no order of loads and stores makes it: each has to throw away
 * what it fetched. The kernel does that for every thread of the process, and returns when it is done.
 */
#include "plugin-impl.h"
#include <errno.h>
#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

static int ask(int command)
{
	return (int)syscall(SYS_membarrier, command, 0, 0);
}

bool plugin_barrier_have(void)
{
	return ask(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE) == 0;
}

int plugin_barrier(void)
{
	return ask(MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE) ? -errno : 0;
}
