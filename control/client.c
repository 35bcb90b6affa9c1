/* SPDX-License-Identifier: BSD-2-Clause */
/* Clients: accepting, buffers, one message after the other, and what to do with those that misbehave. */
#include "server.h"
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { UNKNOWN = 65534 };                          /* who has no number in our user namespace: policy/ gives him no role */
enum { TURN = 64 };                                /* messages of one client before the others have their turn */
#define IDLE_NS INT64_C(1000000000)
#define REST_NS INT64_C(60000000000)               /* who asked nothing for so long may have to go for a newcomer */
#define STUCK_NS INT64_C(30000000000)              /* who does not read for so long is dropped */
#define LISTENER_REST_NS INT64_C(100000000)

int64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

/* It is being answered: nothing is begun for it, and so it has one reply in memory at most. */
static bool busy(const struct client *client)
{
	return client->wait_revision || client->unloading || client->watch_ns || client->out_used;
}

/* Requests may pile up to IN_MAX bytes while it is being answered; then it has to wait with more. */
static bool reads(const struct client *client)
{
	return !client->closing && !client->ended && client->in_used < IN_MAX;
}

/* That both sides have closed comes without being asked for. */
static void client_interest(struct croom_control *control, struct client *client)
{
	struct epoll_event event = { .data.ptr = client };

	if (reads(client))
		event.events = EPOLLIN;
	if (client->out_used)
		event.events |= EPOLLOUT;
	if (event.events != client->interest)
		epoll_ctl(control->epoll, EPOLL_CTL_MOD, client->fd, &event);
	client->interest = event.events;
}

int64_t client_next_ns(const struct client *client, int64_t now)
{
	int64_t next = client->more ? now : INT64_MAX;

	if (client->wait_revision || client->unloading)
		next = now + 1000000;
	if (client->watch_ns && client->watch_next_ns < next)
		next = client->watch_next_ns;
	if (client->stuck_ns && client->stuck_ns + STUCK_NS < next)
		next = client->stuck_ns + STUCK_NS;
	return next;
}

/* The reply is sent, or nobody wants it. */
static void out_done(struct client *client)
{
	free(client->out);
	client->out = NULL;
	client->out_sent = client->out_used = 0;
	client->stuck_ns = 0;
}

static void client_flush(struct client *client)
{
	while (client->out_sent < client->out_used) {
		ssize_t done = send(client->fd, client->out + client->out_sent, client->out_used - client->out_sent,
				    MSG_NOSIGNAL | MSG_DONTWAIT);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0 && errno == EAGAIN) {
			if (!client->stuck_ns)
				client->stuck_ns = now_ns();
			return;
		}
		if (done < 0) {
			client->closing = true;
			break;
		}
		client->stuck_ns = 0;
		client->out_sent += (size_t)done;
	}
	out_done(client);
}

void client_send(struct client *client, json_t *message)
{
	size_t length;
	char *text = message ? message_write(message, &length) : NULL;

	json_decref(message);
	if (!text || client->out_used) {
		/* There is no memory for an answer. (Or one is still there, which busy() rules out.) */
		free(text);
		client->closing = true;
		return;
	}
	client->out = text;
	client->out_used = length;
	client_flush(client);
}

void client_free(struct croom_control *control, struct client *client)
{
	struct client **at = &control->clients;

	while (*at != client) {
		assert(*at);
		at = &(*at)->next;
	}
	*at = client->next;
	control->count--;
	close(client->fd);
	free(client->in);
	free(client->out);
	free(client->rates);
	unload_gone(control, client);
	free(client);
}

/* Tell why in one message, without waiting and without memory. Neither word holds what JSON would write otherwise. */
static void tell(int fd, const char *error, const char *message)
{
	char text[256];
	int length = snprintf(text, sizeof(text), "{\"error\":\"%s\",\"parameters\":{\"message\":\"%s\"}}", error, message);

	assert(length > 0 && (size_t)length < sizeof(text));
	if (send(fd, text, (size_t)length + 1, MSG_NOSIGNAL | MSG_DONTWAIT) < 0) {
		/* It has gone already, which is all the same. */
	}
}

static void turn_away(int fd, const char *error, const char *message)
{
	tell(fd, error, message);
	close(fd);
}

/* What makes a client one to give up for a newcomer; the later, the sooner. */
enum worth { STAYS, RESTS, WASTES };

static enum worth worth(const struct client *client, enum croom_role newcomer, int64_t now)
{
	bool silent = !client->spoke && !client->out_used;
	bool half = client->in_used && !busy(client) && !client->more && now - client->since_ns > IDLE_NS;
	bool deaf = client->stuck_ns && now - client->stuck_ns > IDLE_NS;

	if (silent || half || deaf)
		return WASTES;
	/* However many watch, who may do more gets in. */
	if (client->role < newcomer)
		return RESTS;
	return !busy(client) && !client->more && now - client->since_ns > REST_NS ? RESTS : STAYS;
}

/*
 * The one to give up for a newcomer: the oldest of those that have not said anything yet, or that for a second have
 * not finished their message or not read their reply; else the one that has asked nothing for the longest, and for
 * more than a minute: otherwise as many clients as there may be, asking once each, would keep the operator out. So would
 * those that watch, if they did not have to go for one of a higher role.
 */
static struct client *idlest(const struct croom_control *control, enum croom_role newcomer, int64_t now)
{
	struct client *found = NULL;
	enum worth least = STAYS;

	for (struct client *client = control->clients; client; client = client->next) {
		enum worth its = worth(client, newcomer, now);

		if (its == STAYS || its < least || (its == least && client->since_ns >= found->since_ns))
			continue;
		found = client;
		least = its;
	}
	return found;
}

/* Is there room for one more client, perhaps because another one had to go? */
static bool make_room(struct croom_control *control, enum croom_role newcomer)
{
	struct client *client;

	while (control->count >= control->clients_max && (client = idlest(control, newcomer, now_ns()))) {
		/*
		 * Its message may have come since: whoever speaks at once gets an answer, and stays, unless the newcomer may do
		 * more. That one does not wait until the others fall silent.
		 */
		if (!client->ended && !client->out_used &&
		    (!client_ready(control, client, EPOLLIN) || worth(client, newcomer, now_ns()) == STAYS))
			continue;
		if (!client->out_used)
			tell(client->fd, "org.croom.Room.TooManyClients", "too many clients; this one has to go for another");
		client_free(control, client);
	}
	return control->count < control->clients_max;
}

static void client_new(struct croom_control *control, int fd, const struct ucred *peer, enum croom_role role)
{
	struct client *client = calloc(1, sizeof(*client));
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = client };

	if (!client || epoll_ctl(control->epoll, EPOLL_CTL_ADD, fd, &event)) {
		free(client);
		close(fd);
		return;
	}
	client->fd = fd;
	client->uid = peer->uid;
	client->pid = peer->pid;
	client->role = role;
	client->since_ns = now_ns();
	client->interest = EPOLLIN;
	client->next = control->clients;
	control->clients = client;
	control->count++;
}

static void listen_to(struct croom_control *control, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.ptr = &control->listener };

	epoll_ctl(control->epoll, EPOLL_CTL_MOD, control->listener, &event);
}

/* It waits, and nothing can be done for it: without a rest the listener would stay readable and the loop would spin. */
static void listener_rest(struct croom_control *control)
{
	listen_to(control, 0);
	control->rest_until_ns = now_ns() + LISTENER_REST_NS;
}

void client_listen_again(struct croom_control *control)
{
	control->rest_until_ns = 0;
	listen_to(control, EPOLLIN);
}

/* Out of descriptors: take it with the one that is kept for that, and say so. */
static void hang_up_one(struct croom_control *control)
{
	int fd;

	if (control->spare >= 0)
		close(control->spare);
	fd = accept4(control->listener, NULL, NULL, SOCK_CLOEXEC);
	if (fd >= 0)
		turn_away(fd, "org.croom.Room.TooManyClients", "this process has no file descriptor left; try again later");
	control->spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		listener_rest(control);
}

/* Nothing of the policy's own is in the text, which goes into JSON as it is. */
static void not_permitted(struct croom_control *control, int fd, const struct ucred *peer)
{
	char command[64], text[240];
	struct croom_origin origin = { peer->uid, peer->pid, command };

	permit_program(peer->pid, command, sizeof(command));
	if (control->policy && peer->uid == UNKNOWN)
		snprintf(text, sizeof(text), "user %u has no role here: the kernel shows this number for anybody who has none, and no "
			 "policy can name it; come as another user, or with a group that the policy names", peer->uid);
	else if (control->policy)
		snprintf(text, sizeof(text), "the policy gives user %u no role here; an admin can add to it: viewer uid %u",
			 peer->uid, peer->uid);
	else
		snprintf(text, sizeof(text), "only root and the user who runs this program may control it");
	permit_refused(control, &origin, text);
	turn_away(fd, "org.croom.Room.NotPermitted", text);
}

void client_accept(struct croom_control *control)
{
	/* Bounded, so that a flood of connections does not keep the loop from everybody else. */
	for (int i = 0; i < 64; i++) {
		int fd = accept4(control->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		struct ucred peer = { 0 };
		socklen_t size = sizeof(peer);
		enum croom_role role;

		if (fd < 0) {
			if (errno == EMFILE || errno == ENFILE)
				hang_up_one(control);
			else if (errno == ENOMEM || errno == ENOBUFS)
				listener_rest(control);
			return;
		}
		role = getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) ? CROOM_NOBODY : permit_role(control, fd, &peer);
		if (role == CROOM_NOBODY) {
			not_permitted(control, fd, &peer);
			continue;
		}
		if (!make_room(control, role)) {
			turn_away(fd, "org.croom.Room.TooManyClients", "too many clients; try again when one has gone");
			continue;
		}
		client_new(control, fd, &peer, role);
	}
}

static void refuse(struct client *client, const char *why)
{
	client->oneway = false;
	reply_error(client, "org.varlink.service.InvalidParameter",
		    json_pack("{s:s, s:o}", "parameter", "message", "message", show_string(why)));
	client->closing = true;
}

static void one_message(struct croom_control *control, struct client *client, char *text, size_t length)
{
	char why[WHY_MAX];
	json_t *message;

	client->spoke = true;
	client->since_ns = now_ns();
	message = message_read(text, length, why);
	if (json_is_object(message))
		method_call(control, client, message);
	else if (message || *why)
		refuse(client, message ? "the message is not an object" : why);
	else
		client->closing = true;   /* no memory: nothing is wrong with the message */
	json_decref(message);
}

/* The whole messages that are there, until one has to be waited for or others have to have their turn. */
static void take_messages(struct croom_control *control, struct client *client)
{
	size_t start = 0;
	char *end = NULL;
	int turn = 0;

	while (!busy(client) && !client->closing && client->in_used > start &&
	       (end = memchr(client->in + start, 0, client->in_used - start)) && turn++ < TURN) {
		one_message(control, client, client->in + start, (size_t)(end - client->in) - start);
		start = (size_t)(end - client->in) + 1;
	}
	client->more = turn > TURN && !busy(client) && !client->closing;
	if (start) {
		client->in_used -= start;
		memmove(client->in, client->in + start, client->in_used);
	}
	if (client->in_used == IN_MAX && !busy(client) && !client->closing && !client->more) {
		refuse(client, "the message is longer than 262144 bytes");
		client->in_used = 0;
	}
	if (client->in_used == 0) {
		free(client->in);
		client->in = NULL;
		client->in_room = 0;
	}
}

static bool read_some(struct client *client)
{
	ssize_t got;

	if (client->in_room - client->in_used < 4096 && client->in_room < IN_MAX) {
		size_t room = client->in_room ? client->in_room * 2 : 4096;
		char *in = realloc(client->in, room);

		if (!in)
			return false;
		client->in = in;
		client->in_room = room;
	}
	got = recv(client->fd, client->in + client->in_used, client->in_room - client->in_used, MSG_DONTWAIT);
	if (got > 0)
		client->in_used += (size_t)got;
	return got > 0 || (got < 0 && (errno == EAGAIN || errno == EINTR));
}

/* Nobody is there any more, or nothing is left to do for it. */
static bool finished(const struct client *client, uint32_t events)
{
	if (events & EPOLLERR)
		return true;
	/* Both ways are closed: no answer would be read. What it sent before that is still done. */
	if ((events & EPOLLHUP) && (busy(client) || client->closing))
		return true;
	return !client->out_used && (client->closing || (client->ended && !busy(client) && !client->more));
}

bool client_ready(struct croom_control *control, struct client *client, uint32_t events)
{
	if (events & EPOLLOUT)
		client_flush(client);
	if ((events & EPOLLIN) && reads(client))
		client->ended = !read_some(client);
	take_messages(control, client);
	if (client->stuck_ns && now_ns() - client->stuck_ns >= STUCK_NS) {
		out_done(client);
		client->closing = true;
	}
	if (finished(client, events)) {
		client_free(control, client);
		return false;
	}
	client_interest(control, client);
	return true;
}
