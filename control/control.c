/* SPDX-License-Identifier: BSD-2-Clause */
/* Opening, the loop, the thread, closing. */
#include "server.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

enum { EVENTS = 64 };

/* Another thread has changed something that wants to be looked at before the timer goes off. */
static void wake(void *env)
{
	const struct croom_control *control = env;
	const uint64_t one = 1;

	/* It fails when it is readable already. */
	if (write(control->wake, &one, sizeof(one)) < 0)
		return;
}

static int add_event(struct croom_control *control, int fd, void *who)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = who };

	return epoll_ctl(control->epoll, EPOLL_CTL_ADD, fd, &event);
}

static char *own_name(void)
{
	char name[64] = "";
	FILE *comm = fopen("/proc/self/comm", "re");
	size_t length;

	if (comm) {
		length = fread(name, 1, sizeof(name) - 1, comm);
		name[length] = 0;
		name[strcspn(name, "\n")] = 0;
		fclose(comm);
	}
	return strdup(name);
}

static int open_all(struct croom_control *control, const struct croom_control_options *options, struct croom_error *err)
{
	int rc;

	control->program = options && options->program ? strdup(options->program) : own_name();
	control->clients_max = options && options->clients_max ? options->clients_max : CLIENTS_DEFAULT;
	if (control->clients_max > CLIENTS_LIMIT)
		control->clients_max = CLIENTS_LIMIT;
	control->policy = options ? options->policy : NULL;
	rc = socket_open(control, options ? options->path : NULL, err);
	if (rc)
		return rc;
	control->epoll = epoll_create1(EPOLL_CLOEXEC);
	control->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	control->spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
	control->stop = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	control->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (!control->program)
		return croom_error_set(err, -ENOMEM, CROOM_ERROR_OTHER, NULL, "out of memory");
	/* The listener and the timer are told from clients by these addresses. */
	if (control->epoll < 0 || control->timer < 0 || control->spare < 0 || control->stop < 0 || control->wake < 0 ||
	    add_event(control, control->listener, &control->listener) || add_event(control, control->timer, &control->timer) ||
	    add_event(control, control->wake, &control->wake))
		return croom_error_set(err, -errno, CROOM_ERROR_OTHER, NULL, "cannot serve %s: %s", control->path, strerror(errno));
	control->plugins = options ? options->plugins : NULL;
	control->journal = options ? options->journal : NULL;
	if (control->journal && add_event(control, croom_journal_fd(control->journal), &control->journal))
		return croom_error_set(err, -errno, CROOM_ERROR_OTHER, NULL, "cannot serve %s: %s", control->path, strerror(errno));
	croom_room_tick_wanted(control->room, wake, control);
	return 0;
}

int croom_control_open(struct croom_control **out, struct croom_room *room, const struct croom_control_options *options,
		       struct croom_error *err)
{
	struct croom_control *control = calloc(1, sizeof(*control));
	int rc;

	*out = NULL;
	if (!control)
		return croom_error_set(err, -ENOMEM, CROOM_ERROR_OTHER, NULL, "out of memory");
	control->room = room;
	control->listener = control->lock = control->epoll = control->timer = control->spare = control->stop = control->wake = -1;
	rc = open_all(control, options, err);
	if (rc) {
		croom_control_close(control);
		return rc;
	}
	*out = control;
	return 0;
}

const char *croom_control_path(const struct croom_control *control)
{
	return control->path;
}

int croom_control_fd(const struct croom_control *control)
{
	return control->epoll;
}

/* When the timer has to go off next: for a client, or for the room. 0: never. */
static int64_t next_ns(struct croom_control *control, int64_t now)
{
	int64_t tick_ms = croom_room_tick(control->room);
	int64_t next = tick_ms < 0 ? INT64_MAX : now + tick_ms * 1000000;

	if (control->rest_until_ns && control->rest_until_ns < next)
		next = control->rest_until_ns;
	if (permit_next_ns(control) < next)
		next = permit_next_ns(control);
	for (const struct client *client = control->clients; client; client = client->next) {
		int64_t wanted = client_next_ns(client, now);

		if (wanted < next)
			next = wanted;
	}
	return next == INT64_MAX ? 0 : next;
}

static void set_timer(struct croom_control *control)
{
	int64_t next = next_ns(control, now_ns());
	struct itimerspec when = { .it_value = { .tv_sec = next / 1000000000, .tv_nsec = next % 1000000000 } };

	timerfd_settime(control->timer, TFD_TIMER_ABSTIME, &when, NULL);
}

static void on_timer(struct croom_control *control)
{
	struct client *client = control->clients, *next;
	int64_t now = now_ns();
	uint64_t times;

	if (read(control->timer, &times, sizeof(times)) < 0)
		return;
	if (control->rest_until_ns && control->rest_until_ns <= now)
		client_listen_again(control);
	for (; client; client = next) {
		next = client->next;
		if (client->wait_revision || client->unloading)
			method_poll(control, client, now);
		else if (client->watch_ns)
			watch_tick(control, client, now);
		else if (client_next_ns(client, now) > now)
			continue;
		/* What it sent meanwhile is taken up, and it is closed if that is due. */
		client_ready(control, client, 0);
	}
}

int croom_control_dispatch(struct croom_control *control)
{
	struct epoll_event event[EVENTS];
	int count = epoll_wait(control->epoll, event, EVENTS, 0);
	bool timer = false, listener = false, woken = false, journal = false;
	uint64_t times;

	if (count < 0)
		return errno == EINTR ? 0 : -errno;
	/* Clients first: what the others do may free one whose event is still in the list. */
	for (int i = 0; i < count; i++) {
		if (event[i].data.ptr == &control->listener)
			listener = true;
		else if (event[i].data.ptr == &control->timer)
			timer = true;
		else if (event[i].data.ptr == &control->wake)
			woken = true;
		else if (event[i].data.ptr == &control->journal)
			journal = true;
		else
			client_ready(control, event[i].data.ptr, event[i].events);
	}
	if (timer)
		on_timer(control);
	if (journal)
		croom_journal_tick(control->journal);
	/* Emptied before set_timer() looks at the room: what comes after is another event. */
	if (woken && read(control->wake, &times, sizeof(times)) < 0)
		return 0;
	if (listener)
		client_accept(control);
	permit_tell(control, now_ns());
	set_timer(control);
	return 0;
}

static void *serve(void *arg)
{
	struct croom_control *control = arg;
	struct pollfd ready[2] = { { .fd = control->epoll, .events = POLLIN }, { .fd = control->stop, .events = POLLIN } };

	for (;;) {
		if (poll(ready, 2, -1) < 0 && errno != EINTR)
			return NULL;
		if (ready[1].revents)
			return NULL;
		if (croom_control_dispatch(control))
			return NULL;
	}
}

int croom_control_start(struct croom_control *control)
{
	sigset_t all, old;
	int rc;

	/* The host's signals are the host's. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	rc = pthread_create(&control->thread, NULL, serve, control);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	control->threaded = rc == 0;
	return -rc;
}

void croom_control_close(struct croom_control *control)
{
	const uint64_t one = 1;

	if (!control)
		return;
	if (control->threaded && write(control->stop, &one, sizeof(one)) == sizeof(one))
		pthread_join(control->thread, NULL);
	croom_room_tick_wanted(control->room, NULL, NULL);
	permit_end(control);
	while (control->clients)
		client_free(control, control->clients);
	socket_close(control);
	const int fds[] = { control->epoll, control->timer, control->spare, control->stop, control->wake };
	for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
		if (fds[i] >= 0)
			close(fds[i]);
	free(control->program);
	free(control);
}
