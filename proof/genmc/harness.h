/* SPDX-License-Identifier: BSD-2-Clause */
/* The program around round(): once for GenMC, ROUNDS times otherwise. Include it after what is checked. */
#ifndef HARNESS_H
#define HARNESS_H

#include <assert.h>
#include <pthread.h>

static void begin(void);           /* everything as new */
static void *one(void *none);      /* the two threads */
static void *other(void *none);
static void end(void);             /* what must hold when both have ended */

#ifdef GENMC
enum { ROUNDS = 1 };
#else
enum { ROUNDS = 1000 };
const char *weak_name;
#endif

int main(int argc, char **argv)
{
	pthread_t thread[2];

#ifdef GENMC
	(void)argc;
	(void)argv;
#else
	weak_name = argc > 1 ? argv[1] : NULL;
#endif
	for (int i = 0; i < ROUNDS; i++) {
		begin();
		pthread_create(&thread[0], NULL, one, NULL);
		pthread_create(&thread[1], NULL, other, NULL);
		pthread_join(thread[0], NULL);
		pthread_join(thread[1], NULL);
		end();
	}
	return 0;
}

#endif
