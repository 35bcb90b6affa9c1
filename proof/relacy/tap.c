// SPDX-License-Identifier: BSD-2-Clause
/*
 * The tap's own threads, as tap/main.c runs them: the source takes two packets from libpcap (which is played here) and ends;
 * the lane prints them, sleeps when there are none, and ends after the source; the writer writes what the lane hands over;
 * main waits for the lane, closes the output, ends the writer, and adds up. What was received was printed and written.
 */
#ifndef STARTING
#define STARTING false
#endif
#undef pthread_create
#define pthread_create(thread, attributes, run, argument) \
	(STARTING && (run) == tap_capture_run ? EAGAIN : proof_thread_create(thread, attributes, run, argument))
#define main tap_main
#include "../../tap/main.c"
#undef main
#include "../../tap/handlers/files.h"
#include "proof.h"
#include <sys/uio.h>

enum { PACKETS = 2, LINE = 8 };
#ifndef SPINNING
#define SPINNING false
#endif

static struct tap tap;
static unsigned captured;                /* the source's */
static size_t written;                   /* the writer's */

/* libpcap: a packet each time it is asked, then it is told to stop. */
int pcap_dispatch(pcap_t *pcap, int count, pcap_handler take, u_char *user)
{
	static const u_char bytes[4] = { 1, 2, 3, 4 };
	const struct pcap_pkthdr header = { .caplen = sizeof(bytes), .len = sizeof(bytes) };

	(void)pcap;
	(void)count;
	if (captured == PACKETS) {
		croom_set_relaxed(&tap.stop, 1);
		return 0;
	}
	captured++;
	take(user, &header, bytes);
	return 1;
}

int pcap_stats(pcap_t *pcap, struct pcap_stat *stat)
{
	(void)pcap;
	*stat = (struct pcap_stat){ .ps_recv = captured };
	return 0;
}

int pcap_get_selectable_fd(pcap_t *pcap) { return pcap ? 0 : -1; }
int pcap_fileno(pcap_t *pcap) { return pcap ? 0 : -1; }
char *pcap_geterr(pcap_t *pcap) { (void)pcap; return ""; }
FILE *pcap_file(pcap_t *pcap) { (void)pcap; return NULL; }
int pcap_next_ex(pcap_t *pcap, struct pcap_pkthdr **header, const u_char **data) { (void)pcap; (void)header; (void)data; return -2; }
void pcap_close(pcap_t *pcap) { (void)pcap; }

/* No journal is kept. */
void tap_journal_close(struct tap *closed) { (void)closed; }
void croom_policy_close(struct croom_policy *policy) { (void)policy; }
void croom_journal_tick(struct croom_journal *journal) { (void)journal; }
uint64_t croom_journal_lost(const struct croom_journal *journal, bool *kept) { (void)journal; *kept = true; return 0; }

int poll(struct pollfd *fds, nfds_t count, int timeout)
{
	(void)fds;
	(void)timeout;
	proof_yield();
	return (int)count;
}

ssize_t writev(int fd, const struct iovec *part, int parts)
{
	size_t all = 0;

	(void)fd;
	for (int i = 0; i < parts; i++) {
		/* The kernel reads it. */
		for (size_t k = 0; k < part[i].iov_len; k++)
			proof_expect(((const char *)part[i].iov_base)[k] == 'x', "output that nobody wrote");
		all += part[i].iov_len;
	}
	written += all;
	return (ssize_t)all;
}

void croom_control_close(struct croom_control *control) { (void)control; }
void croom_plugins_close(struct croom_plugins *closed) { (void)closed; }
void tap_box_close(struct tap *at) { (void)at; }
bool file_printer(croom_run_fn *run) { return !run; }
int tap_forbid_system_calls(void) { return 0; }
void tap_signals_kick(pthread_t thread) { (void)thread; }
void tap_signals_take_kicks(void) { }
void tap_status_draw(struct tap *at) { (void)at; }
void tap_status_end(void) { }
unsigned tap_latency_bucket(uint64_t ns) { return ns & 1; }

static int line_print(void *ctx, tap_item *item)
{
	char *to;

	(void)ctx;
	if (!item->packet)
		return 0;
	to = tap_sink_reserve(item->out, LINE);
	memset(to, 'x', LINE);
	tap_sink_commit(item->out, LINE);
	return 1;
}
CROOM_RUN(line, line_print, void, tap_item);

static void open_room(void)
{
	static const struct croom_slot slots[] = {
		{ .name = "filter", .type = filter_slot_type }, { .name = "strategy", .type = strategy_slot_type },
		{ .name = "printer", .type = printer_slot_type }, { .name = "audit", .type = audit_slot_type },
		{ .name = "metrics", .type = metrics_slot_type }, { .name = "diag", .type = diag_slot_type },
	};
	static const struct croom_class lines = { .name = "line", CROOM_RUNS(line) };
	const struct croom_change to_lines = { "printer", "line" };

	proof_expect(croom_room_open(&tap.room, "tap", slots, TAP_SLOTS) == 0 &&
		     croom_room_class_add(tap.room, "printer", &lines, NULL) == 0 &&
		     croom_room_swap(tap.room, &to_lines, 1, NULL, NULL, NULL) == 0 &&
		     croom_room_lane_add(tap.room, "lane", &tap.lane) == 0, "no room");
	tap.first_revision = croom_room_revision(tap.room);
}

static void begin(void)
{
	memset(&tap, 0, sizeof(tap));
	captured = 0;
	written = 0;
	tap.live = true;
	tap.pcap = (pcap_t *)&tap;
	tap.options.split = 0;
	tap.options.write_file = "-";
	tap.options.spin = tap.options.lane_seccomp = proof_sleeps_end = SPINNING;
	tap_kernel_zero(&tap.kernel, &(struct pcap_stat){ 0 });
	proof_expect(croom_ring_open(&tap.ring, 4096) == 0 && tap_writer_start(&tap.writer) == 0 &&
		     tap_sink_open_main(&tap.out, tap.writer, "-", 1, false) == 0, "cannot start");
	open_room();
}

/* As the end of main() has it. */
static void run_main(void)
{
	int rc = start_threads(&tap);

	if (rc) {
		proof_expect(STARTING && undo(&tap, NULL, rc) == 1, "no threads");
		return;
	}
	watch(&tap, false);
	pthread_join(tap.source_thread, NULL);
	if (!tap.options.lane_seccomp)
		pthread_join(tap.lane_thread, NULL);
	proof_expect(finish(&tap) == 0, "the account does not add up");
	proof_expect(tap.tally.received == PACKETS, "a packet was lost");
	proof_exit();
}

static void end(void)
{
	proof_expect(STARTING || written == PACKETS * LINE, "the output is not all there");
}

#ifndef WHAT
#define WHAT "the tap's threads, from the first packet to the account"
#define ORDERS "tap.source_over."
#endif
const struct proof_model proof_model = {
	.what = WHAT, .orders = ORDERS, .begin = begin, .thread = { run_main }, .end = end, .spawned = 3, .executions = 10000,
};
