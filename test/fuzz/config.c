/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What an operator may write after SLOT=: hostile names of slots and classes, and configs to the open() of every class of
 * croomtap; then packets, ticks and figures go through what was put in.
 *
 * Input: lines SLOT=CLASS[:CONFIG], or SLOT and CLASS without the "="; an empty line, or the end, makes one swap of those
 * before it. A line "<" is a rollback. Files are made in a folder of our own, whatever the path; nothing is looked up and
 * nothing is sent beyond this machine.
 */
#include "../../tap/sink-impl.h"
#include "fuzz.h"
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

enum { FILES = 16, CHANGES = 12, RING = 1 << 20 };

static struct tap tap;
static const struct croom_panel *panel;
static char folder[] = "/tmp/croom-fuzz-XXXXXX";
static bool playing;

static bool is_device(const char *path)
{
	return strcmp(path, "/dev/null") == 0 || strcmp(path, "/dev/full") == 0;
}

/* Devices stay what they are, some folders are not there, all else is one of a few files. */
static const char *place(const char *path, char *other, size_t size)
{
	unsigned hash = 0;

	if (!playing || is_device(path))
		return path;
	for (const char *at = path; *at; at++)
		hash = hash * 31 + (unsigned char)*at;
	if (strstr(path, "no/") || !*path)
		snprintf(other, size, "%s/no/%u", folder, hash % FILES);
	else
		snprintf(other, size, "%s/%u", folder, hash % FILES);
	return path[0] && path[strlen(path) - 1] == '/' ? folder : other;
}

int __real_open64(const char *path, int flags, ...);
int __wrap_open64(const char *path, int flags, ...);
int __wrap_open64(const char *path, int flags, ...)
{
	char other[100];
	va_list more;
	unsigned mode;

	va_start(more, flags);
	mode = flags & O_CREAT ? va_arg(more, unsigned) : 0;
	va_end(more);
	return __real_open64(place(path, other, sizeof(other)), flags, mode);
}

int __real_stat64(const char *path, struct stat *about);
int __wrap_stat64(const char *path, struct stat *about);
int __wrap_stat64(const char *path, struct stat *about)
{
	char other[100];

	return __real_stat64(place(path, other, sizeof(other)), about);
}

int __real_rename(const char *from, const char *to);
int __wrap_rename(const char *from, const char *to);
int __wrap_rename(const char *from, const char *to)
{
	char one[100], other[100];

	MUST(!playing || (!is_device(from) && !is_device(to)));
	return __real_rename(place(from, one, sizeof(one)), place(to, other, sizeof(other)));
}

int __real_unlink(const char *path);
int __wrap_unlink(const char *path);
int __wrap_unlink(const char *path)
{
	char other[100];

	MUST(!playing || !is_device(path));
	return __real_unlink(place(path, other, sizeof(other)));
}

char *__real_realpath(const char *path, char *to);
char *__wrap_realpath(const char *path, char *to);
char *__wrap_realpath(const char *path, char *to)
{
	if (!playing)
		return __real_realpath(path, to);
	if (strlen(path) % 2 == 0 || (to && strlen(path) >= PATH_MAX))
		return NULL;
	return to ? strcpy(to, path) : strdup(path);
}

int __real_connect(int fd, const struct sockaddr *to, socklen_t size);
int __wrap_connect(int fd, const struct sockaddr *to, socklen_t size);
int __wrap_connect(int fd, const struct sockaddr *to, socklen_t size)
{
	const struct sockaddr_in *v4 = (const void *)to;

	if (playing && (v4->sin_family != AF_INET || v4->sin_addr.s_addr != htonl(INADDR_LOOPBACK) || v4->sin_port != htons(9))) {
		errno = ENETUNREACH;
		return -1;
	}
	return __real_connect(fd, to, size);
}

/* In place of the C library's, for libpcap, too: no name server is asked. */
int getaddrinfo(const char *host, const char *service, const struct addrinfo *hints, struct addrinfo **found)
{
	static int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
	struct addrinfo only = hints ? *hints : (struct addrinfo){ 0 };

	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
	if (host && strncmp(host, "local", 5) == 0)
		host = "127.0.0.1";
	only.ai_flags |= host ? AI_NUMERICHOST : 0;
	return real(host, service, &only, found);
}

int getnetbyname_r(const char *name, struct netent *net, char *buffer, size_t size, struct netent **result, int *error)
{
	(void)name;
	(void)net;
	(void)buffer;
	(void)size;
	*result = NULL;
	*error = HOST_NOT_FOUND;
	return 0;
}

static void clean_up(void)
{
	char name[100];

	playing = false;
	for (unsigned i = 0; i < FILES; i++) {
		snprintf(name, sizeof(name), "%s/%u", folder, i);
		unlink(name);
	}
	rmdir(folder);
}

/* Paths come from the fuzzer: that nothing is made where they lead is not to be taken on trust. */
static void check_walls(void)
{
	const char *probe = "/dev/shm/croom-fuzz-probe";
	int fd;

	playing = true;
	fd = tap_open_append(probe, NULL);
	playing = false;
	MUST(fd >= 0 && access(probe, F_OK));
	close(fd);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	int sink = open("/dev/null", O_WRONLY | O_CLOEXEC);

	(void)argc;
	(void)argv;
	MUST(mkdtemp(folder));
	atexit(clean_up);
	check_walls();
	tap.env = (struct tap_env){ .linktype = DLT_EN10MB, .snaplen = 262144, .netmask = 0xffffff, .interface = "fuzz",
				    .output = "there" };
	tap.options = (struct tap_options){ .room = "fuzz", .default_printer = "text", .write_file = "-" };
	MUST(croom_ring_open(&tap.ring, RING) == 0 && croom_strings_open(&tap.env.strings, 1 << 16, 4 << 20) == 0);
	MUST(tap_writer_start(&tap.writer) == 0 && tap_sink_open_main(&tap.out, tap.writer, "-", sink, false) == 0);
	tap.env.writer = tap.writer;
	return 0;
}

static void run(const struct tap_packet *packet)
{
	tap_event event = { .kind = TAP_PACKET, .number = 1, .packet = *packet, .panel = panel, .out = tap.out,
			    .now_ns = tap_ns(packet->sec, packet->nsec) };
	tap_item item = { .packet = packet, .number = 1, .out = tap.out };
	tap_decision decision = { .number = 1, .revision = panel->revision, .packet = packet };
	tap_probe probe = { .number = 1, .revision = panel->revision, .packet = packet };
	tap_counters counters = { .received = 1, .revision = panel->revision };

	croom_slot_call(filter, panel, &event);
	croom_slot_call(strategy, panel, &event);
	croom_slot_call(printer, panel, &item);
	croom_slot_call(audit, panel, &decision);
	croom_slot_call(diag, panel, &probe);
	croom_slot_call(metrics, panel, &counters);
}

/* As the lane does before it leaves a panel. */
static void leave(void)
{
	tap_event event = { .kind = TAP_FLUSH, .number = 1, .panel = panel, .out = tap.out };
	tap_probe probe = { .number = 1, .revision = panel->revision, .lost_ring = 1, .last = true };

	croom_slot_call(strategy, panel, &event);
	croom_slot_call(diag, panel, &probe);
	tap_sinks_flush(tap.writer);
	panel = croom_lane_observe(tap.lane, panel);
}

static void exercise(void)
{
	static const uint8_t syn[] = "\x02\0\0\0\0\2\2\0\0\0\0\1\x08\0\x45\0\0\x28\0\1\0\0\x40\6\0\0\x0a\0\0\1\x0a\0\0\2"
		"\x10\0\0\x50\0\0\0\1\0\0\0\0\x50\2\xff\xff\0\0\0";
	const struct tap_packet packets[] = { { syn, sizeof(syn) - 1, sizeof(syn) - 1, 1700000000, 5, DLT_EN10MB },
					      { syn, 20, 60, 1700000001, 5, DLT_EN10MB } };

	leave();
	run(&packets[0]);
	run(&packets[1]);
	leave();
}

static void swap(const struct croom_change *changes, unsigned count)
{
	const struct croom_swap_options now = { .wait_ms = 0 };
	uint64_t revision = croom_room_revision(tap.room);
	struct croom_error err;
	int rc = croom_room_swap(tap.room, changes, count, &now, NULL, &err);

	MUST(rc <= 0 && err.code == rc && (rc == 0) == (err.text[0] == 0));
	MUST(croom_room_revision(tap.room) == revision + (rc == 0));
	if (rc && err.kind == CROOM_ERROR_BAD_CONFIG)
		MUST(err.subject[0] && err.offset >= -1);
	if (rc == 0)
		exercise();
}

static void roll_back(void)
{
	const struct croom_swap_options now = { .wait_ms = 0 };

	if (croom_room_rollback(tap.room, 0, &now, NULL, NULL) == 0)
		exercise();
}

static void play(char *text)
{
	struct croom_change change[CHANGES];
	unsigned count = 0;
	char *rest = text;

	while (rest) {
		char *line = strsep(&rest, "\n"), *equals = strchr(line, '=');

		if (strcmp(line, "<") == 0) {
			roll_back();
		} else if (*line && count < CHANGES) {
			change[count++] = (struct croom_change){ line, equals ? equals + 1 : "" };
			if (equals)
				*equals = 0;
		}
		if (count && (!*line || !rest)) {
			swap(change, count);
			count = 0;
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);

	MUST(text && tap_room_open(&tap) == 0);
	memcpy(text, data, size);
	text[size] = 0;
	panel = croom_lane_unpark(tap.lane);
	playing = true;
	play(text);
	leave();
	croom_lane_park(tap.lane);
	croom_room_close(tap.room);
	croom_plugins_close(tap.plugins);
	playing = false;
	free(text);
	return 0;
}
