// SPDX-License-Identifier: BSD-2-Clause
/* The threads of a run: begin, end, and a list of those that are alive, so that others can pick one and disturb it. */
#include "points.h"
#include "torture.h"
#include <errno.h>
#include <string.h>
#include <time.h>

enum { CREW_MAX = CROOM_LANES_MAX + 64 };

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct crew *alive[CREW_MAX];
static unsigned alive_count;
static uint64_t started;
static __thread const char *my_name = "main";

const char *crew_name(void)
{
	return my_name;
}

static void *crew_run(void *arg)
{
	struct crew *crew = arg;

	my_name = crew->name;
	crew->body(crew);
	pthread_mutex_lock(&mutex);
	crew->alive = false;
	alive[crew->place] = alive[--alive_count];
	alive[crew->place]->place = crew->place;
	pthread_mutex_unlock(&mutex);
	points_thread_end();
	return NULL;
}

int crew_start(struct crew *crew, const char *name, void (*body)(struct crew *), void *of)
{
	int rc = EAGAIN;

	pthread_mutex_lock(&mutex);
	crew->name = name;
	crew->body = body;
	crew->of = of;
	crew->luck = luck_of(torture.set.seed, started++);
	/* Under the mutex, so that nobody picks it before `thread` is written. */
	if (alive_count < CREW_MAX)
		rc = pthread_create(&crew->thread, NULL, crew_run, crew);
	if (rc == 0) {
		crew->alive = true;
		crew->place = alive_count;
		alive[alive_count++] = crew;
	}
	pthread_mutex_unlock(&mutex);
	if (rc) {
		/* Nobody waits for it. */
		crew->body = NULL;
		fprintf(stderr, "croomtorture: cannot start the thread %s: %s\n", name, strerror(rc));
	}
	return -rc;
}

void crew_wait(struct crew *crew)
{
	pthread_join(crew->thread, NULL);
}

void crew_pick(struct luck *luck, void (*call)(struct crew *one, struct luck *luck))
{
	pthread_mutex_lock(&mutex);
	if (alive_count)
		call(alive[luck_below(luck, alive_count)], luck);
	pthread_mutex_unlock(&mutex);
}

void crew_rest(struct luck *luck, unsigned max_us)
{
	uint32_t us = luck_below(luck, max_us + 1);

	for (; us && !torture_over(); us = us > 5000 ? us - 5000 : 0) {
		struct timespec pause = { .tv_nsec = (us > 5000 ? 5000 : (long)us) * 1000 };

		nanosleep(&pause, NULL);
	}
}
