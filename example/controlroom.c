/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The RFC's own program, whole: a ControlRoom of three function pointers over a StringRegistry. A producer sends
 * messages through an SPSC ring; the consumer loads handler_fn, audit_fn and push_metrics_fn with acquire and calls
 * what it finds; the control thread stores others with release when a signal says so.
 *
 *	controlroom                         plays by itself: a signal every half second, then the account
 *	controlroom --signals               runs until Ctrl-C; kill -USR1 PID: next handler, -USR2: audit on or off,
 *	                                    -HUP: metrics on or off
 *	controlroom --messages N --rate N   how many (0: no end), and how many a second
 *
 * What a bare wire leaves to the program: nobody says when the old function is no longer inside a call, so only
 * code and data that are never freed may sit here; each pointer changes by itself, without a context of its own;
 * there is no name, no proof that a change is in force and no way back. <croom/room.h> is for that, and lines.c
 * beside this file shows it.
 */
#define _GNU_SOURCE 1                  /* pthread_tryjoin_np() */
#include <croom/ring.h>
#include <croom/strings.h>
#include <croom/wire.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

typedef struct croom_strings StringRegistry;

struct message {
	uint64_t number;
	uint32_t symbol;                   /* an id in the registry */
	int32_t price;
};

struct metrics {
	uint64_t handled, audited;
};

/* Three wires. NULL means off. The control thread sets them, the consumer gets them; see doc/ORDERING.md, `wire`. */
struct ControlRoom {
	void (*handler_fn)(const StringRegistry *registry, const struct message *message);
	void (*audit_fn)(const StringRegistry *registry, const struct message *message);
	void (*push_metrics_fn)(const struct metrics *metrics);
};

static struct ControlRoom room;
static StringRegistry *registry;       /* the producer writes it, the handlers read it while it grows */
static struct croom_ring *ring;
static uint64_t messages = 400, rate = 100, produced;
static int stop;                       /* a request: relaxed */
static struct metrics metrics;         /* the consumer's */
static int64_t total;                  /* the consumer's, of strategy_total() */

static const char *name_of(const StringRegistry *names, const struct message *message)
{
	size_t length;

	return croom_strings_get(names, message->symbol, &length);   /* no lock, while the producer interns */
}

/* stdio is slow and takes a lock: good enough to show an order. croomtap gives its lines to a writer thread. */
static void print_text(const StringRegistry *names, const struct message *message)
{
	printf("%llu %s %d\n", (unsigned long long)message->number, name_of(names, message), message->price);
}

static void print_json(const StringRegistry *names, const struct message *message)
{
	printf("{\"number\":%llu,\"symbol\":\"%s\",\"price\":%d}\n", (unsigned long long)message->number,
	       name_of(names, message), message->price);
}

/* A strategy instead of a format: keep the sum, show one message in ten. */
static void strategy_total(const StringRegistry *names, const struct message *message)
{
	total += message->price;
	if (message->number % 10 == 0)
		printf("total %lld at message %llu, %s\n", (long long)total, (unsigned long long)message->number,
		       name_of(names, message));
}

static void audit(const StringRegistry *names, const struct message *message)
{
	metrics.audited++;
	fprintf(stderr, "audit: message %llu is of %s\n", (unsigned long long)message->number, name_of(names, message));
}

static void push_metrics(const struct metrics *now)
{
	fprintf(stderr, "metrics: %llu handled, %llu audited\n", (unsigned long long)now->handled,
		(unsigned long long)now->audited);
}

/* Everything that can be in handler_fn, in the order of SIGUSR1. */
static void (*const handlers[])(const StringRegistry *, const struct message *) = { print_text, print_json, strategy_total };
enum { HANDLERS = sizeof(handlers) / sizeof(handlers[0]) };

static void pause_ns(long ns)
{
	struct timespec pause = { .tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000 };

	nanosleep(&pause, NULL);
}

static void *produce(void *arg)
{
	static const char *const symbols[] = { "EURUSD", "GBPUSD", "USDJPY", "AUDCAD", "EURCHF" };
	struct message *to;

	/* relaxed: a request to end. */
	while ((messages == 0 || produced < messages) && !croom_get_relaxed(&stop)) {
		const char *symbol = symbols[produced % 5];

		to = croom_ring_try_reserve(ring, sizeof(*to));
		if (to) {
			to->number = ++produced;
			to->price = (int32_t)(produced * 7919 % 1000);
			if (croom_strings_intern(registry, symbol, strlen(symbol), &to->symbol))
				abort();           /* five names do not fill it */
			croom_ring_commit(ring, sizeof(*to));
			croom_ring_publish(ring);
		}
		/* A full ring: wait here. Nothing is lost, and the consumer is not disturbed. */
		pause_ns((long)(1000000000 / rate));
	}
	return arg;
}

/* The data path: three loads and up to three calls for each message. */
static void consume(const struct message *message)
{
	void (*handler_fn)(const StringRegistry *, const struct message *) = croom_wire_get(&room.handler_fn);
	void (*audit_fn)(const StringRegistry *, const struct message *) = croom_wire_get(&room.audit_fn);
	void (*push_metrics_fn)(const struct metrics *) = croom_wire_get(&room.push_metrics_fn);

	metrics.handled++;
	if (handler_fn)
		handler_fn(registry, message);
	if (audit_fn)
		audit_fn(registry, message);
	if (push_metrics_fn && message->number % rate == 0)
		push_metrics_fn(&metrics);
}

static void *consume_all(void *arg)
{
	const int *over = arg;
	const struct message *message;
	size_t length;
	int last;

	do {
		/*
		 * pair: controlroom.over -- acquire; the release is in main(), below. Looked at before the ring: what is on
		 * the ring when it is set is all there will be.
		 */
		last = croom_get_acquire(controlroom.over.consume, over);
		while (croom_ring_fetch(ring)) {
			while ((message = croom_ring_peek(ring, &length))) {
				consume(message);
				croom_ring_next(ring);
			}
			croom_ring_release(ring);
			fflush(stdout);
		}
		pause_ns(200000);
	} while (!last);
	return NULL;
}

/* The control side: what a signal changes. One thread takes them all, so no handler interrupts the data path. */
static void control(int number)
{
	static unsigned current;

	if (number == SIGUSR1) {
		croom_wire_set(&room.handler_fn, handlers[++current % HANDLERS]);
		fprintf(stderr, "control: handler %u of %d\n", current % HANDLERS + 1, HANDLERS);
	} else if (number == SIGUSR2) {
		croom_wire_set(&room.audit_fn, croom_wire_get(&room.audit_fn) ? NULL : audit);
		fprintf(stderr, "control: audit %s\n", croom_wire_get(&room.audit_fn) ? "on" : "off");
	} else if (number == SIGHUP) {
		croom_wire_set(&room.push_metrics_fn, croom_wire_get(&room.push_metrics_fn) ? NULL : push_metrics);
		fprintf(stderr, "control: metrics %s\n", croom_wire_get(&room.push_metrics_fn) ? "on" : "off");
	}
}

static int read_options(int argc, char **argv, int *by_itself)
{
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--signals") == 0) {
			*by_itself = 0;
			messages = 0;
		} else if (strcmp(argv[i], "--messages") == 0 && i + 1 < argc) {
			messages = strtoull(argv[++i], NULL, 10);
		} else if (strcmp(argv[i], "--rate") == 0 && i + 1 < argc && atoi(argv[i + 1]) > 0) {
			rate = strtoull(argv[++i], NULL, 10);
		} else {
			fprintf(stderr, "usage: controlroom [--signals] [--messages N] [--rate N]\n");
			return 2;
		}
	}
	return 0;
}

int main(int argc, char **argv)
{
	static const int turn[] = { SIGUSR1, SIGUSR2, SIGHUP, SIGUSR1, SIGUSR2, SIGHUP, SIGUSR1 };
	const struct timespec half = { .tv_nsec = 500000000 };
	pthread_t producer, consumer;
	int by_itself = 1, over = 0, number;
	size_t turns = 0;
	sigset_t set;

	if (read_options(argc, argv, &by_itself))
		return 2;
	sigemptyset(&set);
	for (size_t i = 0; i < 5; i++)
		sigaddset(&set, (const int[]){ SIGUSR1, SIGUSR2, SIGHUP, SIGINT, SIGTERM }[i]);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	if (croom_ring_open(&ring, 1 << 16) || croom_strings_open(&registry, 1024, 65536))
		return 1;
	croom_wire_set(&room.handler_fn, print_text);
	pthread_create(&consumer, NULL, consume_all, &over);
	pthread_create(&producer, NULL, produce, NULL);
	do {
		number = sigtimedwait(&set, NULL, &half);
		if (number > 0)
			control(number);
		else if (by_itself && turns < sizeof(turn) / sizeof(turn[0]))
			control(turn[turns++]);
	} while (number != SIGINT && number != SIGTERM && pthread_tryjoin_np(producer, NULL));
	if (number == SIGINT || number == SIGTERM) {
		croom_set_relaxed(&stop, 1);   /* relaxed: a request to end */
		pthread_join(producer, NULL);
	}
	/* pair: controlroom.over -- release; the acquire is in consume_all(), above. The last message is on the ring. */
	croom_set_release(controlroom.over.main, &over, 1);
	pthread_join(consumer, NULL);
	fprintf(stderr, "%llu produced, %llu handled\n", (unsigned long long)produced, (unsigned long long)metrics.handled);
	croom_ring_close(ring);
	croom_strings_close(registry);
	return produced == metrics.handled ? 0 : 1;
}
