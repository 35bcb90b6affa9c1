/* SPDX-License-Identifier: BSD-2-Clause */
/* Starts a thread with each handler, and never ends it: it runs until the host says so. */
#include "mine.h"
#include <pthread.h>
#include <unistd.h>

static void *wait_for_end(void *arg)
{
	while (!__atomic_load_n((int *)arg, __ATOMIC_ACQUIRE))
		usleep(1000);
	return NULL;
}

static int open_thread(void **ctx, const char *config, void *env, struct croom_error *err)
{
	pthread_t thread;
	int rc = pthread_create(&thread, NULL, wait_for_end, env);

	(void)ctx;
	(void)config;
	(void)err;
	if (rc == 0)
		pthread_detach(thread);
	return -rc;
}

static const struct croom_class mine = { .name = "mine", .help = "", CROOM_RUNS(mine), .open = open_thread };
CROOM_PLUGIN(thread, "1", "", NULL, { "printer", &mine });
