/* SPDX-License-Identifier: BSD-2-Clause */
/* croomtap: starts the threads, draws the status line, adds up. */
#include "say.h"
#include "tap.h"
#include "door.h"
#include <croom/control.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

enum { WATCH_NS = 20 * 1000 * 1000 };

/* A room of this name may be open already: then this one is NAME-PID. A tap without a control socket is one, too. */
static struct croom_control *open_control(struct tap *tap)
{
	struct croom_control_options options = { .program = tap->command_line, .journal = tap->journal,
		.policy = tap->policy, .plugins = tap->plugins };
	struct croom_control *control = NULL;
	struct croom_error err = { 0 };
	char path[200], directory[128];
	int rc;

	if (tap->options.no_control)
		return NULL;
	rc = croom_control_open(&control, tap->room, &options, &err);
	if (rc == -EADDRINUSE && croom_control_directory(directory, sizeof(directory)) == 0) {
		snprintf(path, sizeof(path), "%s/%s-%d.socket", directory, tap->options.room, (int)getpid());
		options.path = path;
		rc = croom_control_open(&control, tap->room, &options, &err);
		if (rc == 0)
			tap_say("there is a room '%s' already; this one is %s-%d", tap->options.room,
				tap->options.room, (int)getpid());
	}
	if (rc == 0)
		rc = croom_control_start(control);
	if (rc) {
		tap_say("goes on without croomctl: %s", err.text[0] ? err.text : strerror(-rc));
		croom_control_close(control);
		control = NULL;
	}
	return control;
}

/* One that is wrong must not be taken for none, nor for what it might have meant. */
static int open_policy(struct tap *tap)
{
	struct croom_error err;

	if (!tap->options.policy || croom_policy_open(&tap->policy, tap->options.policy, &err) == 0)
		return 0;
	fprintf(stderr, "croomtap: does not begin with this policy: %s\n", err.text);
	return 1;
}

static void command_line(struct tap *tap, int argc, char **argv)
{
	size_t size = sizeof(tap->command_line), used = (size_t)snprintf(tap->command_line, size, "croomtap");

	for (int i = 1; i < argc && used < size; i++)
		used += (size_t)snprintf(tap->command_line + used, size - used, " %s", argv[i]);
}

/* Until the lane is done: draw the status, look for an output that failed. alone: there is no control thread. */
static void watch(struct tap *tap, bool alone)
{
	bool status = isatty(STDERR_FILENO) && !tap->options.no_status &&
		(!isatty(STDOUT_FILENO) || strcmp(tap->options.write_file, "-"));
	char text[256];
	int rounds = 0;

	for (;;) {
		door_shut(&tap->main_door, DOOR_SHUT);
		/* pair: tap.lane_over -- acquire; the release is in tap_lane_run(), lane.c. Its sums are final. */
		if (croom_get_acquire(tap.lane_over.watch, &tap->lane_over))
			break;
		door_wait(&tap->main_door, DOOR_SHUT, WATCH_NS);
		if (tap_writer_error(tap->writer, text, sizeof(text)))
			/* relaxed: a request; nothing is read behind it. */
			croom_set_relaxed(&tap->stop, 1);
		/* relaxed: as above. */
		if (croom_get_relaxed(&tap->stop))
			tap_signals_kick(tap->source_thread);
		if (status && rounds++ % 25 == 0)
			tap_status_draw(tap);
		if (alone && tap->journal)
			croom_journal_tick(tap->journal);
	}
	if (status)
		tap_status_end();
}

/* -w, now that everything else on the command line was found to be good: from here on the old file is gone. */
static int open_output(struct tap *tap)
{
	const struct tap_options *options = &tap->options;
	struct stat input;
	bool from_file = tap_input_file(tap, &input);
	struct croom_error err = { 0 };
	int fd = tap_open_main(options->write_file, from_file ? &input : NULL, &err), rc = fd < 0 ? fd : 0;

	if (rc == 0)
		rc = tap_sink_open_main(&tap->out, tap->writer, options->write_file, fd, options->split != 0);
	if (rc == 0)
		rc = tap_empty_main(options->write_file, fd, &err);
	if (rc && err.text[0])
		tap_say("-w: %s", err.text);
	else if (rc)
		tap_say("-w: no room for another output: %s", strerror(-rc));
	return rc;
}

static int no_threads(int error)
{
	tap_say("cannot start its threads: %s", strerror(error));
	return 1;
}

/* 0, or the exit code and a message. */
static int start(struct tap *tap)
{
	int rc = croom_ring_open(&tap->ring, tap->options.ring_bytes);

	rc = rc ? rc : croom_strings_open(&tap->env.strings, 1 << 20, 64u << 20);
	if (rc) {
		tap_say("cannot make the ring and what goes with it: %s", strerror(-rc));
		return 1;
	}
	/* Otherwise text would show UTC from now on, as where there is no zone. */
	errno = 0;
	tzset();
	if (errno == ENOMEM) {
		tap_say("no memory for the time zone");
		return 1;
	}
	rc = tap_writer_start(&tap->writer);
	if (rc)
		return no_threads(-rc);
	tap->env.writer = tap->writer;
	if (tap->options.spin)
		tap_writer_spin(tap->writer);
	rc = tap_room_open(tap);
	return rc ? rc : open_output(tap) ? 1 : 0;
}

/* Nobody has read what was on its way there for a second. If that is still so, the account would wait for ever. */
static void leave_stderr(void)
{
	struct pollfd ready = { .fd = STDERR_FILENO, .events = POLLOUT };
	int fd = poll(&ready, 1, 0) == 0 ? open("/dev/null", O_WRONLY | O_CLOEXEC) : -1;

	if (fd >= 0) {
		dup2(fd, STDERR_FILENO);
		close(fd);
	}
}

/* Everything has stopped but the writer: close handlers, write what is left, add up. */
static int finish(struct tap *tap)
{
	uint64_t swaps = tap_swaps(tap);
	char text[256];
	int rc, error, hurried;

	tap_sink_close(tap->out);
	tap_journal_close(tap);
	croom_room_close(tap->room);
	croom_plugins_close(tap->plugins);
	tap_box_close(tap);
	croom_policy_close(tap->policy);
	tap_writer_stop(tap->writer);
	if (tap_writer_gave_up(tap->writer))
		leave_stderr();
	rc = tap_account(tap, swaps);
	error = tap_writer_error(tap->writer, text, sizeof(text));
	if (tap->source_error[0]) {
		tap_say("%s", tap->source_error);
		rc = 1;
	}
	/* A reader that goes away (`| head`) is no failure of ours. */
	if (error && error != EPIPE) {
		tap_say("cannot write to %s", text);
		rc = 1;
	}
	if (tap_writer_other_failed(tap->writer))
		rc = 1;
	/* relaxed: by the signals thread, whenever; as if the signal had ended it. */
	hurried = croom_get_relaxed(&tap->hurried);
	rc = hurried ? 128 + hurried : rc;
	pcap_close(tap->pcap);
	return rc;
}

/* Lane and source, or neither. */
static int start_threads(struct tap *tap)
{
	int rc = pthread_create(&tap->lane_thread, NULL, tap_lane_run, tap);

	if (rc)
		return no_threads(rc);
	rc = pthread_create(&tap->source_thread, NULL, tap_capture_run, tap);
	if (rc) {
		/* relaxed: there was none, so there is nothing to see behind it. */
		croom_set_relaxed(&tap->source_over, 1);
		door_knock(&tap->door);
		/* pair: tap.lane_over -- acquire; the release is in tap_lane_run(), lane.c. */
		while (!croom_get_acquire(tap.lane_over.start, &tap->lane_over))
			sched_yield();
		return no_threads(rc);
	}
	/* For top -H and perf. */
	pthread_setname_np(tap->lane_thread, "lane");
	pthread_setname_np(tap->source_thread, "source");
	return 0;
}

/* It did not come to run: close what was opened, for some of it leaves files behind. */
static int undo(struct tap *tap, struct croom_control *control, int rc)
{
	croom_control_close(control);
	tap_sink_close(tap->out);
	/* It ends as it means to: nothing that sits in a slot is to blame. */
	tap_journal_close(tap);
	croom_room_close(tap->room);
	croom_plugins_close(tap->plugins);
	tap_box_close(tap);
	croom_policy_close(tap->policy);
	if (tap->writer)
		tap_writer_stop(tap->writer);
	return rc;
}

/* Where 0, 1 or 2 is closed, the next file would get that number: a capture's socket would be written to. */
static void hold_standard(void)
{
	int fd;

	do
		fd = open("/dev/null", O_PATH);   /* neither to read nor to write */
	while (fd >= 0 && fd <= STDERR_FILENO);
	close(fd);
}

/* --help, --version, -D: what was to be printed must have been, or the exit code says that it was not. */
static int printed(void)
{
	errno = 0;
	if (fflush(stdout) == 0 && !ferror(stdout))
		return 0;
	if (errno != EPIPE)
		tap_say("cannot write: %s", errno ? strerror(errno) : "the output is incomplete");
	return 1;
}

int main(int argc, char **argv)
{
	static struct tap tap;
	struct croom_control *control;
	int rc;

	hold_standard();
	if (argc > 1 && strcmp(argv[1], "demo") == 0)
		return tap_demo(argc, argv);
	rc = tap_options_read(&tap.options, argc, argv);
	if (rc >= 0)
		return rc ? rc : printed();
	/* A wait of 50 us for room on a ring is not to take twice as long. All threads inherit it. */
	prctl(PR_SET_TIMERSLACK, 1);
	tap_signals_quiet();
	if (open_policy(&tap))
		return 1;
	if (tap_source_open(&tap)) {
		croom_policy_close(tap.policy);
		return 1;
	}
	command_line(&tap, argc, argv);
	rc = start(&tap);
	rc = rc ? rc : tap_signals_hear(&tap) ? 1 : 0;
	if (rc)
		return undo(&tap, NULL, rc);
	control = open_control(&tap);
	rc = start_threads(&tap);
	if (rc)
		return undo(&tap, control, rc);
	watch(&tap, !control);
	pthread_join(tap.source_thread, NULL);
	if (!tap.options.lane_seccomp)
		pthread_join(tap.lane_thread, NULL);
	croom_control_close(control);
	return finish(&tap);
}
