/* SPDX-License-Identifier: BSD-2-Clause */
/* Finding rooms and talking varlink to them: JSON objects that end with NUL. */
#include "ctl.h"
#include <croom/control.h>
#include <dirent.h>
#include <errno.h>
#include <glob.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { MESSAGE_MAX = 16 * 1024 * 1024 };

int64_t ctl_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000) + now.tv_nsec / 1000000;
}

static void set_patience(int fd, int which, int64_t ms)
{
	struct timeval patience = { .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 };

	setsockopt(fd, SOL_SOCKET, which, &patience, sizeof(patience));
}

int ctl_connect_path(const char *path, int64_t patience_ms)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd;

	if (strlen(path) >= sizeof(address.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	strcpy(address.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0) {
		/* A process that is stopped accepts as many as its backlog takes, and then connect() waits, too. */
		set_patience(fd, SO_SNDTIMEO, patience_ms);
		set_patience(fd, SO_RCVTIMEO, patience_ms);
	}
	if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address))) {
		int error = errno;

		close(fd);
		errno = error;
		fd = -1;
	}
	return fd;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct room_socket *)a)->name, ((const struct room_socket *)b)->name);
}

/*
 * The runtime directory, "" when its name is too long; one that is not there is none. False, and told: somebody who is
 * neither we nor root could put things into it. Root may look at a user's, when told to.
 */
static bool trusted_directory(const struct ctl *ctl, char *directory, size_t size, int *code)
{
	struct stat is;

	if (croom_control_directory(directory, size))
		directory[0] = 0;
	/* Not through a link: where that leads, everybody may be allowed to make sockets. */
	if (lstat(directory, &is))
		return true;
	if (getuid() != 0 && is.st_uid != getuid() && is.st_uid != 0)
		*code = ctl_fail(ctl, NOT_PERMITTED, "org.croom.Room.NotPermitted",
				 "%s belongs to another user: what answers there may be anything", directory);
	else if (!S_ISDIR(is.st_mode) || (is.st_mode & 022))
		*code = ctl_fail(ctl, NOT_PERMITTED, "org.croom.Room.NotPermitted",
				 "%s is no directory that only its owner can write to: what answers there may be anything", directory);
	else
		return true;
	return false;
}

/* A policy has opened the directory once, and what is in it now has none, or one that does not name us. */
static bool closed_rooms(void)
{
	bool closed = false;
	glob_t found;

	if (glob("/run/croom/*.socket", 0, NULL, &found))
		return false;
	for (size_t i = 0; i < found.gl_pathc && !closed; i++)
		closed = access(found.gl_pathv[i], W_OK) && errno == EACCES;
	globfree(&found);
	return closed;
}

const char *ctl_elsewhere(void)
{
	if (getuid() == 0)
		return "; a user's room needs --socket PATH, such as /run/user/1000/croom/NAME.socket";
	if (access("/run/croom", F_OK) == 0 && (access("/run/croom", R_OK | X_OK) || closed_rooms()))
		return "; root's rooms, in /run/croom, need sudo";
	return "";
}

/* Where root's rooms are, one of which a policy may have opened to us; NULL: that is not for us to look at. */
static const char *roots_directory(void)
{
	const char *own = getenv("CROOM_RUNTIME_DIR");
	struct stat is;

	if (getuid() == 0 || (own && *own) || lstat("/run/croom", &is) || !S_ISDIR(is.st_mode) || is.st_uid != 0 ||
	    (is.st_mode & 022) || access("/run/croom", R_OK | X_OK))
		return NULL;
	return "/run/croom";
}

static int rooms_in(const struct ctl *ctl, const char *directory, struct room_socket *rooms, int max, int *code)
{
	struct dirent *entry;
	DIR *open_directory;
	int count = 0;

	open_directory = opendir(directory);
	if (!open_directory && (errno == EACCES || errno == EPERM)) {
		*code = ctl_fail(ctl, NOT_PERMITTED, "org.croom.Room.NotPermitted", "no permission to look into %s", directory);
		return -1;
	}
	if (!open_directory)
		return 0;
	while (count < max && (entry = readdir(open_directory))) {
		size_t length = strlen(entry->d_name);
		struct room_socket *room = &rooms[count];
		int fd;

		if (length < 8 || length - 7 >= sizeof(room->name) || strcmp(entry->d_name + length - 7, ".socket"))
			continue;
		if ((size_t)snprintf(room->path, sizeof(room->path), "%s/%s", directory, entry->d_name) >= sizeof(room->path))
			continue;
		memcpy(room->name, entry->d_name, length - 7);
		room->name[length - 7] = 0;
		/* One that nobody serves any more is of a process that was killed; one that is stopped may still go on. */
		fd = ctl_connect_path(room->path, PROBE_MS);
		if (fd < 0 && errno != EAGAIN)
			continue;
		if (fd >= 0)
			close(fd);
		count++;
	}
	closedir(open_directory);
	qsort(rooms, (size_t)count, sizeof(rooms[0]), by_name);
	return count;
}

int ctl_rooms(const struct ctl *ctl, struct room_socket *rooms, int max, int *code)
{
	char directory[100];
	int count = trusted_directory(ctl, directory, sizeof(directory), code) ? rooms_in(ctl, directory, rooms, max, code) : -1;

	return count == 0 && roots_directory() ? rooms_in(ctl, roots_directory(), rooms, max, code) : count;
}

int ctl_fail(const struct ctl *ctl, int code, const char *name, const char *format, ...)
{
	char text[700], shown[700];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (ctl->json) {
		json_t *error = json_pack("{s:s, s:{s:o}}", "error", name, "parameters", "message", json_text(text));

		print_json(error, JSON_INDENT(2));
		json_decref(error);
	} else {
		fprintf(stderr, "croomctl: %s\n", clean(text, shown, sizeof(shown)));
	}
	return code;
}

static int connect_one(struct ctl *ctl, const char *path, const char *name, int *code)
{
	int fd = ctl_connect_path(path, ctl->patience_ms), error = errno;

	snprintf(ctl->found, sizeof(ctl->found), "%s", name);
	if (fd >= 0)
		return fd;
	if (error == EAGAIN) {
		*code = ctl_fail(ctl, FAILED, "org.croom.ctl.NoReply", "room %s does not answer; is its program stopped?", name);
		return -1;
	}
	if (error == EACCES || error == EPERM)
		*code = ctl_fail(ctl, NOT_PERMITTED, "org.croom.Room.NotPermitted",
				 "no permission for %s: only root and the user who runs the program may control it", path);
	else
		*code = ctl_fail(ctl, NO_ROOM, "org.croom.ctl.NoRoom", "no room %s (%s: %s); `croomctl ls` shows those there are%s",
				 name, path, strerror(error), ctl->socket ? "" : ctl_elsewhere());
	return -1;
}

/* A socket that nobody serves is of a program that died; its black box is told of. */
static void tell_of_dead(const char *directory, char *text, size_t size)
{
	char path[200];
	glob_t found;

	text[0] = 0;
	snprintf(path, sizeof(path), "%s/*.blackbox", directory);
	if (glob(path, 0, NULL, &found))
		return;
	for (size_t i = 0; i < found.gl_pathc && !*text; i++) {
		int length = (int)(strlen(found.gl_pathv[i]) - strlen(".blackbox")), fd;

		if ((size_t)snprintf(path, sizeof(path), "%.*s.socket", length, found.gl_pathv[i]) >= sizeof(path))
			continue;
		fd = ctl_connect_path(path, PROBE_MS);
		if (fd >= 0)
			close(fd);
		else if (errno == ECONNREFUSED)
			snprintf(text, size, "; one has died: see `croomctl blackbox %s`", found.gl_pathv[i]);
	}
	globfree(&found);
}

int ctl_connect(struct ctl *ctl, int *code)
{
	struct room_socket rooms[64];
	char directory[100], path[200], names[400] = "", dead[300];
	int count;

	if (ctl->socket)
		return connect_one(ctl, ctl->socket, ctl->socket, code);
	if (!trusted_directory(ctl, directory, sizeof(directory), code))
		return -1;
	if (ctl->room) {
		snprintf(path, sizeof(path), "%s/%s.socket", directory, ctl->room);
		if (roots_directory() && access(path, F_OK))
			snprintf(path, sizeof(path), "%s/%s.socket", roots_directory(), ctl->room);
		return connect_one(ctl, path, ctl->room, code);
	}
	count = ctl_rooms(ctl, rooms, 64, code);
	if (count < 0)
		return -1;
	if (count == 1)
		return connect_one(ctl, rooms[0].path, rooms[0].name, code);
	if (count == 0) {
		tell_of_dead(directory, dead, sizeof(dead));
		*code = ctl_fail(ctl, NO_ROOM, "org.croom.ctl.NoRoom",
				 "no room is running (looked in %s); start one, for example `croomtap -i eth0`%s%s", directory, dead,
				 ctl_elsewhere());
		return -1;
	}
	for (int i = 0; i < count; i++) {
		size_t used = strlen(names);

		snprintf(names + used, sizeof(names) - used, "%s%s", i ? ", " : "", rooms[i].name);
	}
	*code = ctl_fail(ctl, USAGE, "org.croom.ctl.WhichRoom", "%d rooms are running; say which with --room: %s", count, names);
	return -1;
}

bool ctl_send(int fd, json_t *message)
{
	char *text = json_dumps(message, JSON_COMPACT);
	size_t length = text ? strlen(text) + 1 : 0, sent = 0;

	while (text && sent < length) {
		ssize_t done = send(fd, text + sent, length - sent, MSG_NOSIGNAL);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			break;
		sent += (size_t)done;
	}
	free(text);
	return length && sent == length;
}

/* As recv(). One byte a second is no answer either. */
static ssize_t receive_until(int fd, struct reader *reader)
{
	if (reader->until_ms) {
		int64_t left_ms = reader->until_ms - ctl_now_ms();

		if (left_ms <= 0) {
			errno = EAGAIN;
			return -1;
		}
		set_patience(fd, SO_RCVTIMEO, left_ms);
	}
	return recv(fd, reader->data + reader->used, 65536, 0);
}

json_t *ctl_receive(int fd, struct reader *reader)
{
	for (;;) {
		char *end = reader->used > reader->start ?
			memchr(reader->data + reader->start, 0, reader->used - reader->start) : NULL;
		ssize_t got;
		char *data;

		if (end) {
			json_t *message = json_loads(reader->data + reader->start, 0, NULL);

			reader->start = (size_t)(end - reader->data) + 1;
			reader->why = json_is_object(message) ? NULL : "says something that is not varlink";
			if (reader->why) {
				json_decref(message);
				return NULL;
			}
			return message;
		}
		if (reader->start)
			memmove(reader->data, reader->data + reader->start, reader->used - reader->start);
		reader->used -= reader->start;
		reader->start = 0;
		reader->why = "says more than can be an answer";
		if (reader->used > MESSAGE_MAX || !(data = realloc(reader->data, reader->used + 65536)))
			return NULL;
		reader->data = data;
		got = receive_until(fd, reader);
		if (got < 0 && errno == EINTR)
			continue;
		reader->again = got < 0 && errno == EAGAIN;
		reader->why = reader->again ? "does not answer; is its program stopped?" : "hung up without an answer; did it end?";
		if (got <= 0)
			return NULL;
		reader->used += (size_t)got;
	}
}

int ctl_error(const struct ctl *ctl, const json_t *reply)
{
	const char *name = json_string_value(json_object_get(reply, "error"));
	const json_t *parameters = json_object_get(reply, "parameters");
	const char *message = json_string_value(json_object_get(parameters, "message"));
	char buffer[700];
	int code = REFUSED;

	if (strcmp(name, "org.croom.Room.NotObserved") == 0)
		code = NOT_OBSERVED;
	else if (strcmp(name, "org.croom.Room.NotPermitted") == 0)
		code = NOT_PERMITTED;
	if (ctl->json)
		print_json(reply, JSON_INDENT(2));
	else
		fprintf(stderr, "croomctl: %s\n", clean(message ? message : name, buffer, sizeof(buffer)));
	return code;
}

/* A request that nobody waits for any more is carried out like any other. */
static bool only_looks(const char *method)
{
	static const char *const looks[] = { "List", "History", "Trial", "Plugins", "At", "Journal" };
	const char *name = strrchr(method, '.') + 1;

	for (size_t i = 0; i < sizeof(looks) / sizeof(looks[0]); i++)
		if (strcmp(name, looks[i]) == 0)
			return true;
	return false;
}

json_t *ctl_call(struct ctl *ctl, const char *method, json_t *parameters, int *code)
{
	struct reader reader = { 0 };
	json_t *message, *reply, *result = NULL;
	int fd = ctl_connect(ctl, code);

	if (fd < 0) {
		json_decref(parameters);
		return NULL;
	}
	reader.until_ms = ctl_now_ms() + ctl->patience_ms;
	message = json_pack("{s:s, s:o}", "method", method, "parameters", parameters);
	/* Who was turned away cannot send any more, but can read why. */
	ctl_send(fd, message);
	reply = ctl_receive(fd, &reader);
	if (!reply) {
		*code = ctl_fail(ctl, FAILED, "org.croom.ctl.NoReply", "room %s %s%s", ctl->found, reader.why,
				 reader.again && !only_looks(method) ? " When it goes on, what was asked is done all the same" : "");
	} else if (json_is_string(json_object_get(reply, "error"))) {
		*code = ctl_error(ctl, reply);
	} else if (!json_is_object(json_object_get(reply, "parameters"))) {
		*code = ctl_fail(ctl, FAILED, "org.croom.ctl.NoReply", "room %s says something that is not varlink", ctl->found);
	} else {
		result = json_incref(json_object_get(reply, "parameters"));
		*code = DONE;
	}
	json_decref(message);
	json_decref(reply);
	free(reader.data);
	close(fd);
	return result;
}
