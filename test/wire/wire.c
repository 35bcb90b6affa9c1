// SPDX-License-Identifier: BSD-2-Clause
/* A wire alone: any pointer type, NULL is off, and what was written before the set is seen after the get. */
#include "../check.h"
#include <croom/wire.h>
#include <pthread.h>
#include <stdlib.h>

typedef int handler_fn(int);

static int twice(int x)
{
	return 2 * x;
}

static int thrice(int x)
{
	return 3 * x;
}

static void carries_functions_and_data(void)
{
	handler_fn *handler = NULL;
	int number = 5, *wire = NULL;
	const char *text = NULL;

	CHECK(croom_wire_get(&handler) == NULL);
	croom_wire_set(&handler, twice);
	CHECK_EQ(croom_wire_get(&handler)(21), 42);
	croom_wire_set(&handler, thrice);
	CHECK_EQ(croom_wire_get(&handler)(21), 63);
	croom_wire_set(&wire, &number);
	CHECK_EQ(*croom_wire_get(&wire), 5);
	croom_wire_set(&text, "off");
	CHECK(strcmp(croom_wire_get(&text), "off") == 0);
}

static void is_off_when_null(void)
{
	handler_fn *handler = twice;

	croom_wire_set(&handler, NULL);
	CHECK(croom_wire_get(&handler) == NULL);
	croom_wire_set(&handler, (handler_fn *)0);
	CHECK(croom_wire_get(&handler) == NULL);
}

struct message {
	int a, b;
};

static struct message *wire;
static int stop;

static void *reader(void *arg)
{
	long *torn = arg;

	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		const struct message *message = croom_wire_get(&wire);

		if (message && message->a + 1 != message->b)
			(*torn)++;
	}
	return NULL;
}

/* The messages are never freed here: a wire does not say when the reader is done with one. */
static void shows_all_that_was_written_before(void)
{
	enum { MESSAGES = 100000 };
	struct message *message = calloc(MESSAGES, sizeof(*message));
	pthread_t thread;
	long torn = 0;

	pthread_create(&thread, NULL, reader, &torn);
	for (int i = 0; i < MESSAGES; i++) {
		message[i].a = i;
		message[i].b = i + 1;
		croom_wire_set(&wire, &message[i]);
	}
	__atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	CHECK_EQ(torn, 0);
	free(message);
}

int main(void)
{
	RUN(carries_functions_and_data);
	RUN(is_off_when_null);
	RUN(shows_all_that_was_written_before);
	return check_result();
}
