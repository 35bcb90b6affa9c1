// SPDX-License-Identifier: BSD-2-Clause
/*
 * Every class of croomtap's slots while memory runs out: a swap to it is refused with a word on it for each allocation that
 * its open() makes, alone and with all that follow. Then the room holds what it held, no descriptor, thread or file is left
 * behind, and the same swap works as soon as there is memory. So do the tap's own rooms and rings at its start.
 */
#include "../check.h"
#include "../../tap/tap.h"
#include "scarce.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static struct tap tap;
static char folder[] = "/tmp/croom-faults-XXXXXX";

static void must(int rc, const char *what)
{
	if (rc == 0)
		return;
	printf("not ok the scene cannot be set: %s: %s\n", what, strerror(rc < 0 ? -rc : errno));
	exit(1);
}

static int start(void)
{
	int rc = croom_ring_open(&tap.ring, 1 << 16);

	rc = rc ? rc : croom_strings_open(&tap.env.strings, 1024, 65536);
	rc = rc ? rc : tap_writer_start(&tap.writer);
	tap.env.writer = tap.writer;
	return rc ? rc : tap_room_open(&tap);
}

static void stop(void)
{
	croom_room_close(tap.room);
	croom_plugins_close(tap.plugins);
	if (tap.writer)
		tap_writer_stop(tap.writer);
	free(tap.writer);   /* croomtap itself asks it for figures until it ends */
	croom_strings_close(tap.env.strings);
	croom_ring_close(tap.ring);
	tap.room = NULL;
	tap.plugins = NULL;
	tap.writer = NULL;
	tap.env.strings = NULL;
	tap.ring = NULL;
}

static void prepare(void)
{
	memset(&tap, 0, sizeof(tap));
	tap.options.room = "scarce";
	tap.options.write_file = "-";
	tap.options.blackbox = "none";     /* test/faults/room.c has it */
	tap.options.handler[printer_slot] = "text";
	tap.env = (struct tap_env){ .linktype = DLT_EN10MB, .snaplen = 262144, .interface = "eth0", .output = "-" };
}

/* What there is of the kernel's: descriptors, threads, files in the folder. */
static int entries(const char *path)
{
	DIR *directory = opendir(path);
	int count = 0;

	while (directory && readdir(directory))
		count++;
	if (directory)
		closedir(directory);
	return count;
}

struct left {
	int descriptors, threads, files;
	uint64_t revision;
	char handlers[400];
};

static int add_handler(void *env, const struct croom_slot_view *slot)
{
	struct left *left = env;
	size_t used = strlen(left->handlers);

	snprintf(left->handlers + used, sizeof(left->handlers) - used, "%s=%s since %llu;", slot->name, slot->handler,
		 (unsigned long long)slot->since_revision);
	return 0;
}

static void look(struct left *left)
{
	memset(left, 0, sizeof(*left));
	must(croom_room_each_slot(tap.room, add_handler, left), "slots");
	left->revision = croom_room_revision(tap.room);
	left->descriptors = entries("/proc/self/fd");
	left->threads = entries("/proc/self/task");
	left->files = entries(folder);
}

/* A thread that was joined may still be listed for a moment. */
static void check_same(const struct left *before, const char *handler)
{
	struct left now;

	look(&now);
	for (int i = 0; i < 10000 && now.threads > before->threads; i++) {
		usleep(1000);
		look(&now);
	}
	/* So it may have been then. */
	if (now.threads < before->threads)
		now.threads = before->threads;
	CHECK_EQ(now.revision, before->revision);
	CHECK_EQ(now.descriptors, before->descriptors);
	CHECK_EQ(now.threads, before->threads);
	CHECK_EQ(now.files, before->files);
	CHECK(strcmp(now.handlers, before->handlers) == 0);
	if (memcmp(&now, before, sizeof(now)))
		printf("# with %s, %s\n", handler, scarce_last());
}

static int swap(const char *slot, const char *handler, struct croom_error *err)
{
	const struct croom_change change = { slot, handler };
	const struct croom_swap_options publish = { .wait_ms = 0 };

	return croom_room_swap(tap.room, &change, 1, &publish, NULL, err);
}

/* One class; its file is there afterwards only where the swap went well. */
static void try_class(const char *slot, const char *empty, const char *handler, long least)
{
	for (enum scarce_how how = SCARCE_ONE; how <= SCARCE_ON; how++) {
		long failed = 1, n;

		for (n = 1; failed && n < 100; n++) {
			struct croom_error err = { 0 };
			struct left before;
			int rc;

			look(&before);
			scarce_begin(how, n);
			rc = swap(slot, handler, &err);
			failed = scarce_end();
			CHECK(failed || rc == 0);
			if (rc == 0)
				continue;
			CHECK(rc == -ENOMEM || (rc == -EAGAIN && strcmp(scarce_last(), "pthread_create") == 0));
			CHECK(strstr(err.text, "emory") || strstr(err.text, "thread"));
			if (rc != -ENOMEM && rc != -EAGAIN)
				printf("# %s, %ld: %s says %d, %s\n", handler, n, scarce_last(), rc, err.text);
			check_same(&before, handler);
			CHECK_EQ(swap(slot, handler, &err), 0);
			CHECK_EQ(swap(slot, empty, &err), 0);
			for (const char *name = "audit\0metrics\0link\0"; *name; name += strlen(name) + 1) {
				char path[100];

				snprintf(path, sizeof(path), "%s/%s", folder, name);
				unlink(path);
			}
		}
		CHECK_EQ(failed, 0);
		CHECK(n - 1 > least);
		CHECK_EQ(swap(slot, empty, NULL), 0);
	}
}

static void strategies(void)
{
	try_class("strategy", "each", "sample:2", 3);
	try_class("strategy", "each", "flows:2s", 3);
	try_class("strategy", "each", "top:3", 3);
}

static void printers(void)
{
	static const char *const names[] = { "text", "json", "csv", "pcap", "pcapng" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		try_class("printer", "none", names[i], 3);
}

static void audits(void)
{
	char handler[100];

	snprintf(handler, sizeof(handler), "file:%s/audit", folder);
	try_class("audit", "off", handler, 10);
}

/* A lane that does not move keeps them all open, and there are places for so many. */
static void more_outputs_than_there_may_be(void)
{
	struct croom_error err;
	struct left before;
	char handler[100];
	int rc = 0, count;

	croom_lane_unpark(tap.lane);
	for (count = 0; count < 60 && rc == 0; count++) {
		snprintf(handler, sizeof(handler), "file:%s/audit-%d", folder, count);
		look(&before);
		rc = swap("audit", handler, &err);
	}
	CHECK_EQ(rc, -ENFILE);
	CHECK(strstr(err.text, "no room for another output"));
	CHECK(count > 30);
	check_same(&before, handler);
	croom_lane_park(tap.lane);
	CHECK_EQ(swap("audit", "off", NULL), 0);
	CHECK_EQ(swap("audit", handler, NULL), 0);
	CHECK_EQ(swap("audit", "off", NULL), 0);
	while (count--) {
		snprintf(handler, sizeof(handler), "%s/audit-%d", folder, count);
		CHECK_EQ(unlink(handler), 0);
	}
}

static void diagnoses(void)
{
	try_class("diag", "off", "latency:1s", 9);
	try_class("diag", "off", "drops", 9);
	try_class("diag", "off", "malformed", 9);
}

static void metrics_of_each_kind(void)
{
	char handler[100];

	snprintf(handler, sizeof(handler), "file:%s/metrics", folder);
	try_class("metrics", "off", handler, 8);
	try_class("metrics", "off", "statsd:127.0.0.1:9", 5);
	try_class("metrics", "off", "statsd:[::1]:9", 5);
}

/* A link to a file stays one, although the path that it leads to could not be held in memory. */
static void metrics_behind_a_link(void)
{
	char handler[100], link[100], file[100];
	tap_counters counters = { .received = 1 };
	struct stat about;

	snprintf(handler, sizeof(handler), "file:%s/link", folder);
	snprintf(link, sizeof(link), "%s/link", folder);
	snprintf(file, sizeof(file), "%s/behind", folder);
	for (long failed = 1, n = 1; failed && n < 100; n++) {
		FILE *made = fopen(file, "w");
		char where[100];
		int rc;

		must(made ? fclose(made) : -1, "file");
		must(symlink(file, link), "link");
		scarce_begin(SCARCE_ONE, n);
		rc = swap("metrics", handler, NULL);
		failed = scarce_end();
		CHECK(rc == 0 || failed);
		/* There is something to be written at the end. */
		croom_slot_call(metrics, croom_lane_unpark(tap.lane), &counters);
		croom_lane_park(tap.lane);
		CHECK_EQ(swap("metrics", "off", NULL), 0);
		CHECK(rc || (stat(file, &about) == 0 && about.st_size > 0));
		CHECK(readlink(link, where, sizeof(where)) == (ssize_t)strlen(file));
		unlink(link);
		unlink(file);
	}
}

static void ended_by_another(void)
{
	_exit(42);
}

/*
 * Filters, each in a process of its own. Here an allocation fails whether there is memory or not, and for some of its own
 * libpcap then ends the process; bpf_open() sees to it that it comes to these only when there is memory.
 */

/* What a bpf filter has in its context is the program. */
static bool same_program(const struct bpf_program *wanted)
{
	const struct croom_panel *panel = croom_lane_unpark(tap.lane);
	const struct bpf_program *is = croom_panel_entry(panel, filter_slot)->ctx;
	bool same = is && is->bf_len == wanted->bf_len &&
		memcmp(is->bf_insns, wanted->bf_insns, is->bf_len * sizeof(is->bf_insns[0])) == 0;

	croom_lane_park(tap.lane);
	return same;
}

/* 0: no nth was needed; 1: it was, and all is well; 9: it is not. Names are looked up by what takes no memory for no name. */
static int try_filter(enum scarce_how how, long n, const char *handler, const struct bpf_program *wanted, bool names)
{
	struct croom_error err = { 0 };
	struct left before;
	int failed, rc;

	atexit(ended_by_another);
	signal(SIGSEGV, SIG_DFL);
	check_bad = 0;
	look(&before);
	scarce_begin(how, n);
	rc = swap("filter", handler, &err);
	failed = (int)scarce_end();
	if (rc == 0) {
		CHECK(same_program(wanted) || (names && failed));
	} else {
		CHECK(failed && (rc == -ENOMEM || names));
		CHECK(strstr(err.text, "out of memory") || names);
		check_same(&before, handler);
		CHECK_EQ(swap("filter", handler, NULL), 0);
		CHECK(same_program(wanted));
	}
	CHECK_EQ(swap("filter", "all", NULL), 0);
	if (check_bad)
		printf("# %ld: %s says %d, %s\n", n, scarce_last(), rc, err.text);
	return check_bad ? 9 : failed ? 1 : 0;
}

static void every_filter_allocation(const char *handler, bool names)
{
	pcap_t *compiler = pcap_open_dead(DLT_EN10MB, 262144);
	struct bpf_program wanted;

	must(pcap_compile(compiler, &wanted, strchr(handler, ':') + 1, 1, 0), "expression");
	for (enum scarce_how how = SCARCE_ONE; how <= SCARCE_ON; how++) {
		int status = 0, ended = 0;
		long n;

		for (n = 1; n < 300; n++) {
			pid_t child = (fflush(stdout), fork());

			if (child == 0) {
				int result = try_filter(how, n, handler, &wanted, names);

				fflush(stdout);
				_exit(result);
			}
			must(child < 0 || waitpid(child, &status, 0) != child, "fork");
			if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
				break;
			if (!WIFEXITED(status) || WEXITSTATUS(status) == 42)
				ended++;
			else
				CHECK_EQ(WEXITSTATUS(status), 1);
		}
		CHECK_EQ(status, 0);
		CHECK(n > 10);
		CHECK(ended <= 4);
	}
	pcap_freecode(&wanted);
	pcap_close(compiler);
}

/*
 * Memory that is short: the address space may not grow, and all but `left` bytes of what it has are taken. 0: the filter is
 * in force; 1: refused, for want of memory.
 */
static int try_filter_in(size_t left)
{
	struct rlimit limit = { 0, 0 };
	struct croom_error err = { 0 };
	void *volatile keep = malloc(left), *volatile piece;
	int rc;

	atexit(ended_by_another);
	if (!keep || setrlimit(RLIMIT_AS, &limit))
		return 9;
	for (size_t bytes = 1 << 20; bytes >= 16; bytes /= 2)
		while ((piece = malloc(bytes)))
			;
	free(keep);
	rc = swap("filter", "bpf:tcp port 80", &err);
	return rc == 0 ? 0 : rc == -ENOMEM && strstr(err.text, "out of memory") ? 1 : 9;
}

static void a_filter_when_memory_is_short(void)
{
	int count[2] = { 0, 0 };

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
	/* Their allocators end the process; the other trees try it. */
	return;
#endif
	for (size_t left = 16; left < 200000; left += left < 16384 ? 64 : 4096) {
		pid_t child = (fflush(stdout), fork());
		int status = 0;

		if (child == 0)
			_exit(try_filter_in(left));
		must(child < 0 || waitpid(child, &status, 0) != child, "fork");
		CHECK(WIFEXITED(status) && WEXITSTATUS(status) <= 1);
		if (WIFEXITED(status) && WEXITSTATUS(status) <= 1)
			count[WEXITSTATUS(status)]++;
		else
			printf("# with %zu bytes: status %x\n", left, (unsigned)status);
	}
	printf("# %d times in force, %d times refused\n", count[0], count[1]);
	CHECK(count[0] > 0 && count[1] > 0);
}

static void filters(void)
{
	every_filter_allocation("bpf:tcp port 80 or (udp and not net 10.0.0.0/8)", false);
	every_filter_allocation("bpf:port domain or port http", true);
	try_class("filter", "all", "none", 3);
}

/* The tap's ring, strings, writer, room, classes, gauges, lane and first swap. */
static void the_start(void)
{
	int error = dup(STDERR_FILENO), none = open("/dev/null", O_WRONLY);

	stop();
	/* It says each time that there is no memory. */
	must(dup2(none, STDERR_FILENO) < 0 ? -1 : 0, "stderr");
	for (enum scarce_how how = SCARCE_ONE; how <= SCARCE_ON; how++) {
		long failed = 1, n;
		int descriptors = entries("/proc/self/fd");

		for (n = 1; failed && n < 500; n++) {
			int rc;

			prepare();
			scarce_begin(how, n);
			rc = start();
			failed = scarce_end();
			CHECK(failed ? rc != 0 : rc == 0);
			stop();
			CHECK_EQ(entries("/proc/self/fd"), descriptors);
		}
		CHECK_EQ(failed, 0);
		CHECK(n > 50);
	}
	must(dup2(error, STDERR_FILENO) < 0 ? -1 : 0, "stderr");
	close(error);
	close(none);
	prepare();
	must(start(), "start");
}

int main(void)
{
	must(mkdtemp(folder) ? 0 : -1, "folder");
	prepare();
	must(start(), "start");
	RUN(strategies);
	RUN(printers);
	RUN(audits);
	RUN(more_outputs_than_there_may_be);
	RUN(diagnoses);
	RUN(metrics_of_each_kind);
	RUN(metrics_behind_a_link);
	RUN(filters);
	RUN(a_filter_when_memory_is_short);
	RUN(the_start);
	stop();
	rmdir(folder);
	return check_result();
}
