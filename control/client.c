/* SPDX-License-Identifier: BSD-2-Clause */
/* Clients: accepting, buffers, one message after the other, and what to do with those that misbehave. */
#include "server.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

int64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

static bool busy(const struct client *client)
{
	return client->wait_revision || client->watch_ns;
}

/* Read only from a client that is not being answered; write only when something waits. */
void client_interest(struct croom_control *control, struct client *client)
{
	struct epoll_event event = { .data.ptr = client };

	event.events = (uint32_t)(busy(client) || client->closing ? EPOLLRDHUP : EPOLLIN | EPOLLRDHUP);
	if (client->out_used > client->out_sent)
		event.events |= EPOLLOUT;
	epoll_ctl(control->epoll, EPOLL_CTL_MOD, client->fd, &event);
}

void client_flush(struct client *client)
{
	while (client->out_sent < client->out_used) {
		ssize_t done = send(client->fd, client->out + client->out_sent, client->out_used - client->out_sent,
				    MSG_NOSIGNAL | MSG_DONTWAIT);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0) {
			if (errno != EAGAIN)
				client->closing = true, client->out_sent = client->out_used;
			else if (!client->stuck_ns)
				client->stuck_ns = now_ns();
			break;
		}
		client->stuck_ns = 0;
		client->out_sent += (size_t)done;
	}
	if (client->out_sent == client->out_used)
		client->out_sent = client->out_used = 0;
}

void client_send(struct client *client, json_t *message)
{
	char *text = message ? json_dumps(message, JSON_COMPACT) : NULL;
	size_t length = text ? strlen(text) + 1 : 0;
	char *out;

	json_decref(message);
	if (!text || client->out_used + length > OUT_MAX || !(out = realloc(client->out, client->out_used + length))) {
		/* It does not read, or there is no memory: either way it cannot be answered. */
		client->closing = true;
	} else {
		client->out = out;
		memcpy(client->out + client->out_used, text, length);
		client->out_used += length;
		client_flush(client);
	}
	free(text);
}

void client_free(struct croom_control *control, struct client *client)
{
	struct client **at = &control->clients;

	while (*at != client)
		at = &(*at)->next;
	*at = client->next;
	control->count--;
	close(client->fd);
	free(client->in);
	free(client->out);
	free(client->rates);
	free(client);
}

/* Tell why in one message, without waiting, and hang up. */
static void turn_away(int fd, const char *error, const char *message)
{
	json_t *text = json_pack("{s:s, s:{s:s}}", "error", error, "parameters", "message", message);
	char *line = text ? json_dumps(text, JSON_COMPACT) : NULL;

	if (line && send(fd, line, strlen(line) + 1, MSG_NOSIGNAL | MSG_DONTWAIT) < 0) {
		/* It has gone already, which is all the same. */
	}
	free(line);
	json_decref(text);
	close(fd);
}

/* The one that has said nothing for longest, if that is long enough. */
static struct client *silent(const struct croom_control *control)
{
	struct client *oldest = NULL;

	for (struct client *client = control->clients; client; client = client->next)
		if (!client->spoke && (!oldest || client->since_ns < oldest->since_ns))
			oldest = client;
	return oldest && now_ns() - oldest->since_ns > SILENT_NS ? oldest : NULL;
}

static void client_new(struct croom_control *control, int fd, const struct ucred *peer)
{
	struct client *client = calloc(1, sizeof(*client));
	struct epoll_event event = { .events = EPOLLIN | EPOLLRDHUP, .data.ptr = client };

	if (!client || epoll_ctl(control->epoll, EPOLL_CTL_ADD, fd, &event)) {
		free(client);
		close(fd);
		return;
	}
	client->fd = fd;
	client->uid = peer->uid;
	client->pid = peer->pid;
	client->since_ns = now_ns();
	client->next = control->clients;
	control->clients = client;
	control->count++;
}

/* Out of descriptors: without this the listener would stay readable and the loop would spin. */
static void hang_up_one(struct croom_control *control)
{
	int fd;

	close(control->spare);
	fd = accept4(control->listener, NULL, NULL, SOCK_CLOEXEC);
	if (fd >= 0)
		turn_away(fd, "org.croom.Room.TooManyClients", "this process has no file descriptor left; try again later");
	control->spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

void client_accept(struct croom_control *control)
{
	/* Bounded, so that a flood of connections does not keep the loop from everybody else. */
	for (int i = 0; i < 64; i++) {
		int fd = accept4(control->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		struct ucred peer = { 0 };
		socklen_t size = sizeof(peer);

		if (fd < 0) {
			if (errno == EMFILE || errno == ENFILE)
				hang_up_one(control);
			return;
		}
		if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) || (peer.uid != 0 && peer.uid != getuid())) {
			turn_away(fd, "org.croom.Room.NotPermitted",
				  "only root and the user who runs this program may control it");
			continue;
		}
		if (control->count >= control->clients_max) {
			struct client *oldest = silent(control);

			if (oldest)
				client_free(control, oldest);
		}
		if (control->count >= control->clients_max) {
			turn_away(fd, "org.croom.Room.TooManyClients", "too many clients; try again when one has gone");
			continue;
		}
		client_new(control, fd, &peer);
	}
}

/* How deep the text nests, before a parser recurses over it. Brackets in strings do not count. */
static bool too_deep(const char *text, size_t length)
{
	int depth = 0;
	bool string = false;

	for (size_t i = 0; i < length; i++) {
		if (string) {
			if (text[i] == '\\')
				i++;
			else if (text[i] == '"')
				string = false;
		} else if (text[i] == '"') {
			string = true;
		} else if (text[i] == '{' || text[i] == '[') {
			if (++depth > DEPTH_MAX)
				return true;
		} else if (text[i] == '}' || text[i] == ']') {
			depth--;
		}
	}
	return false;
}

static void refuse(struct client *client, const char *why)
{
	reply_error(client, "org.varlink.service.InvalidParameter", json_pack("{s:s, s:s}", "parameter", "message", "message", why));
	client->closing = true;
}

static void one_message(struct croom_control *control, struct client *client, const char *text, size_t length)
{
	json_error_t error;
	json_t *message;

	client->spoke = true;
	if (too_deep(text, length)) {
		refuse(client, "the message nests deeper than 32 levels");
		return;
	}
	message = json_loadb(text, length, JSON_REJECT_DUPLICATES, &error);
	if (!json_is_object(message))
		refuse(client, message ? "the message is not an object" : error.text);
	else
		method_call(control, client, message);
	json_decref(message);
}

/* Every whole message that is there, until one has to be waited for. */
static void take_messages(struct croom_control *control, struct client *client)
{
	size_t start = 0;
	char *end;

	while (!busy(client) && !client->closing && client->in_used > start &&
	       (end = memchr(client->in + start, 0, client->in_used - start))) {
		one_message(control, client, client->in + start, (size_t)(end - client->in) - start);
		start = (size_t)(end - client->in) + 1;
	}
	if (start) {
		client->in_used -= start;
		memmove(client->in, client->in + start, client->in_used);
	}
	if (client->in_used >= IN_MAX && !busy(client) && !client->closing) {
		refuse(client, "the message is longer than 262144 bytes");
		client->in_used = 0;
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

void client_ready(struct croom_control *control, struct client *client, uint32_t events)
{
	bool gone = (events & (EPOLLHUP | EPOLLERR)) != 0 || (busy(client) && (events & EPOLLRDHUP));

	if (events & EPOLLOUT)
		client_flush(client);
	if ((events & EPOLLIN) && !busy(client) && !client->closing)
		gone |= !read_some(client);
	take_messages(control, client);
	if (gone || (client->closing && client->out_used == 0))
		client_free(control, client);
	else
		client_interest(control, client);
}
