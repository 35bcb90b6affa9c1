/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The source thread: from libpcap onto the ring. Live: a full ring drops the packet and counts it. From a file:
 * it waits. Packets show to the lane in batches (from a file by bytes: large ones, for nobody waits for the first, yet
 * some to each ring, so that the lane reads while this thread writes), and the lane is woken once per batch if it sleeps.
 */
#include "door.h"
#include "say.h"
#include "tap.h"
#include <errno.h>
#include <linux/filter.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

enum { BATCH = 64, POLL_MS = 20, QUIET_ROUNDS = 3, STATS_ROUNDS = 16 };
enum { FILE_BATCH_BYTES = 256 * 1024, ROOM_PAUSE_NS = 50 * 1000 };
enum { STEP_NS = 1000 * 1000 * 1000 };   /* less is packets out of order */

struct source {
	struct tap *tap;
	uint64_t received;
	unsigned unpublished;
	size_t unpublished_bytes;          /* from a file */
	int64_t first_ns, newest_ns;       /* of --pace recorded: what counts as the first packet's time; due so long after it */
};

static void show(struct source *source)
{
	struct tap *tap = source->tap;

	if (!source->unpublished)
		return;
	croom_ring_publish(tap->ring);
	source->unpublished = 0;
	source->unpublished_bytes = 0;
	/* relaxed: a figure for people until source_over, which orders it. */
	croom_set_relaxed(&tap->received, source->received);
	door_knock(&tap->door);
}

static bool stopped(const struct tap *tap)
{
	/* relaxed: a request; nothing is read behind it. */
	return croom_get_relaxed(&tap->stop);
}

static void fill(void *room, const struct pcap_pkthdr *header, const u_char *data)
{
	struct tap_captured *captured = room;

	captured->sec = header->ts.tv_sec;
	/*
	 * Nanoseconds: the precision that was asked for. In a broken file the field can be anything; libpcap takes it
	 * for signed and scales it, and with the microseconds as they were in the file, a copy is the same again.
	 */
	captured->nsec = header->ts.tv_usec >= 0 ? (uint64_t)header->ts.tv_usec :
		(uint64_t)(uint32_t)(header->ts.tv_usec / 1000) * 1000;
	captured->caplen = header->caplen;
	captured->len = header->len;
	memcpy(captured + 1, data, header->caplen);
}

static void take_live(u_char *user, const struct pcap_pkthdr *header, const u_char *data)
{
	struct source *source = (struct source *)(void *)user;
	struct croom_ring *ring = source->tap->ring;
	size_t length = sizeof(struct tap_captured) + header->caplen;
	void *room = croom_ring_reserve(ring, length);

	source->received++;
	source->unpublished++;
	if (room) {
		fill(room, header, data);
		croom_ring_commit(ring, length);
	}
	if (source->unpublished >= BATCH)
		show(source);
}

static void read_kernel(struct source *source)
{
	struct tap *tap = source->tap;
	struct pcap_stat now;

	if (pcap_stats(tap->pcap, &now))
		return;
	tap_kernel_add(&tap->kernel, &now);
	/* relaxed: a figure for people until source_over, which orders it. */
	croom_set_relaxed(&tap->kernel_dropped, tap->kernel.dropped);
}

/* Let nothing new in, then take what is there: what was captured before the end is not lost. */
static void drain(struct source *source)
{
	struct sock_filter refuse = BPF_STMT(BPF_RET | BPF_K, 0);
	struct sock_fprog program = { .len = 1, .filter = &refuse };
	pcap_t *pcap = source->tap->pcap;
	int quiet = 0;

	setsockopt(pcap_fileno(pcap), SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program));
	/* A block of the kernel's ring that is not full shows when its time is over. */
	while (quiet < QUIET_ROUNDS) {
		struct pollfd ready = { .fd = pcap_get_selectable_fd(pcap), .events = POLLIN };

		poll(&ready, 1, POLL_MS);
		quiet = pcap_dispatch(pcap, -1, take_live, (u_char *)source) > 0 ? 0 : quiet + 1;
		show(source);
	}
}

static void run_live(struct source *source)
{
	struct tap *tap = source->tap;
	unsigned rounds = 0;

	while (!stopped(tap)) {
		struct pollfd ready = { .fd = pcap_get_selectable_fd(tap->pcap), .events = POLLIN };
		int got;

		/* What is wrong with it, dispatch says. */
		if (!tap->options.spin)
			poll(&ready, 1, POLL_MS);
		got = pcap_dispatch(tap->pcap, -1, take_live, (u_char *)source);
		show(source);
		if (got == PCAP_ERROR) {
			snprintf(tap->source_error, sizeof(tap->source_error), "%s: %s", tap->options.interface,
				 pcap_geterr(tap->pcap));
			break;
		}
		/* libpcap goes on when an interface went down, for it may come up again, but says nothing. */
		if (got == 0 && (ready.revents & POLLERR))
			tap_say("%s went down; going on in case it comes up again", tap->options.interface);
		if (++rounds % STATS_ROUNDS == 0)
			read_kernel(source);
	}
	drain(source);
	read_kernel(source);
}

/*
 * When a paced packet is due: CLOCK_MONOTONIC, nanoseconds after the first. Where the clock was set back during the capture
 * this packet is due now, and those that follow by their distance from it.
 */
static int64_t due(struct source *source, const struct pcap_pkthdr *header)
{
	uint64_t now_ns = (uint64_t)tap_ns(header->ts.tv_sec, (uint64_t)header->ts.tv_usec);
	double pace = source->tap->options.pace;
	int64_t offset_ns;

	if (pace > 0)
		return (int64_t)((double)source->received * 1e9 / pace);
	if (source->received == 0)
		source->first_ns = (int64_t)now_ns;
	offset_ns = (int64_t)(now_ns - (uint64_t)source->first_ns);
	if (offset_ns < source->newest_ns && (uint64_t)source->newest_ns - (uint64_t)offset_ns >= STEP_NS) {
		source->first_ns = (int64_t)(now_ns - (uint64_t)source->newest_ns);
		offset_ns = source->newest_ns;
	}
	source->newest_ns = offset_ns > source->newest_ns ? offset_ns : source->newest_ns;
	return offset_ns;
}

static int64_t monotonic_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

/* Sleep until the packet is due, in steps, so that a signal is heard. A broken file may say any time, for ever included. */
static void keep_pace(struct source *source, int64_t start, int64_t offset)
{
	int64_t passed;

	while (offset > (passed = monotonic_ns() - start) + 20000 && !stopped(source->tap)) {
		struct timespec pause = { .tv_nsec = offset - passed > 50000000 ? 50000000 : (long)(offset - passed) };

		show(source);
		nanosleep(&pause, NULL);
	}
}

/* Room on the ring, waiting for the lane: it has all it can hold then, so a short sleep costs no throughput. */
static void *wait_for_room(struct source *source, size_t length)
{
	struct croom_ring *ring = source->tap->ring;
	void *room;

	while (!(room = croom_ring_try_reserve(ring, length)) && !stopped(source->tap)) {
		struct timespec pause = { .tv_nsec = ROOM_PAUSE_NS };

		show(source);
		nanosleep(&pause, NULL);
	}
	return room;
}

/* A pipe: the next read may wait, and then what is not shown yet would wait with it. libpcap's buffer may hold more. */
static void show_before_wait(struct source *source, int fd)
{
	struct pollfd ready = { .fd = fd, .events = POLLIN };

	if (source->unpublished && poll(&ready, 1, 0) == 0)
		show(source);
}

static void run_file(struct source *source)
{
	struct tap *tap = source->tap;
	int fd = fileno(pcap_file(tap->pcap));
	struct stat about;
	bool regular = fstat(fd, &about) == 0 && S_ISREG(about.st_mode);
	int64_t start = monotonic_ns();
	struct pcap_pkthdr *header;
	const u_char *data;
	int got = 0;

	tap_signals_take_kicks();
	while (!stopped(tap) && (got = pcap_next_ex(tap->pcap, &header, &data)) == 1) {
		size_t length = sizeof(struct tap_captured) + header->caplen;
		void *room;

		if (length > croom_ring_max_record(tap->ring)) {
			snprintf(tap->source_error, sizeof(tap->source_error), "%s: a packet of %u bytes does not fit into the "
				 "ring; --ring MIB makes it larger", tap->options.read_file, header->caplen);
			break;
		}
		if (tap->options.pace != 0) {
			keep_pace(source, start, due(source, header));
		}
		room = wait_for_room(source, length);
		if (!room)
			break;
		fill(room, header, data);
		croom_ring_commit(tap->ring, length);
		source->received++;
		source->unpublished++;
		source->unpublished_bytes += length;
		if (source->unpublished_bytes >= FILE_BATCH_BYTES)
			show(source);
		if (!regular)
			show_before_wait(source, fd);
	}
	/* A read that a kick ended is no error. */
	if (got == PCAP_ERROR && !stopped(tap))
		snprintf(tap->source_error, sizeof(tap->source_error), "%s: %s", tap->options.read_file,
			 pcap_geterr(tap->pcap));
}

void *tap_capture_run(void *arg)
{
	struct source source = { .tap = arg };

	if (source.tap->live)
		run_live(&source);
	else
		run_file(&source);
	show(&source);
	/* relaxed: ordered by source_over below. */
	croom_set_relaxed(&source.tap->received, source.received);
	/* pair: tap.source_over -- release; the acquire is in tap_lane_run(), lane.c. */
	croom_set_release(tap.source_over.capture, &source.tap->source_over, 1);
	door_knock(&source.tap->door);
	return NULL;
}
