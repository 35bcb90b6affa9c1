/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Capture files to croomtap as a whole: opening (tap/source.c), reading (tap/capture.c), ring, lane, handlers, sinks, writer;
 * in one thread but for the writer. Input: the file; its size chooses the handlers. Beside the sanitizers: the account adds
 * up, and what pcap and pcapng have written is read back and must be the packets that were read.
 */
#include "../../tap/sink-impl.h"
#include "fuzz.h"
#include <pcap/pcap.h>
#include <sched.h>
#include <sys/mman.h>
#include <unistd.h>

enum { LINES, ROWS, FEW, PCAP, PCAPNG, WAYS };
enum { RING = 4 << 20, LONGEST = 1 << 20 };

/* By slot: filter, strategy, printer, audit, metrics, diag. */
static const char *const handlers[WAYS][TAP_SLOTS] = {
	[LINES] = { NULL, NULL, "text", "file:/dev/null", NULL, "malformed" },
	[ROWS] = { NULL, "flows:1ms", "json", NULL, NULL, "latency:1ms" },
	[FEW] = { NULL, "top:2", "csv", "file:/dev/null", NULL, "drops" },
	[PCAP] = { NULL, NULL, "pcap", NULL, NULL, NULL },
	[PCAPNG] = { NULL, "each", "pcapng", NULL, NULL, NULL },
};

static struct tap way[WAYS];
static int input = -1, output = -1;
static char input_name[64], output_name[64];

static void name_of(int fd, char *name, size_t size)
{
	snprintf(name, size, "/proc/self/fd/%d", fd);
}

/* What a printer or a filter takes from the file's header it takes when it is opened. */
static void swap_in(struct tap *tap, const char *printer)
{
	const struct croom_change change[] = { { "printer", printer }, { "filter", "bpf:len >= 0" } };
	const struct croom_swap_options now = { .wait_ms = 0 };

	MUST(croom_room_swap(tap->room, change, 2, &now, NULL, NULL) == 0);
}

/* From now on a swap forgets as much as it remembers: libFuzzer looks for leaks where there is more in use than before. */
static void fill_history(struct tap *tap)
{
	for (int i = 0; i < CROOM_HISTORY_MAX; i++)
		swap_in(tap, tap->options.handler[printer_slot]);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	struct tap *first = &way[0];

	(void)argc;
	(void)argv;
	tap_signals_quiet();
	input = memfd_create("input", MFD_CLOEXEC);
	output = memfd_create("output", MFD_CLOEXEC);
	MUST(input >= 0 && output >= 0);
	name_of(input, input_name, sizeof(input_name));
	name_of(output, output_name, sizeof(output_name));
	MUST(croom_ring_open(&first->ring, RING) == 0 && croom_strings_open(&first->env.strings, 1 << 16, 4 << 20) == 0);
	MUST(tap_writer_start(&first->writer) == 0);
	MUST(tap_sink_open_main(&first->out, first->writer, "-", output, false) == 0);
	for (unsigned i = 0; i < WAYS; i++) {
		way[i].ring = first->ring;
		way[i].writer = first->writer;
		way[i].out = first->out;
		way[i].env = (struct tap_env){ .strings = first->env.strings, .writer = first->writer, .interface = "",
					       .linktype = DLT_EN10MB, .snaplen = TAP_SNAPLEN, .input = input_name,
					       .output = output_name };
		way[i].options = (struct tap_options){ .room = "fuzz", .read_file = input_name, .write_file = "-",
						       .count = i == FEW ? 3 : 0, .split = 0, .ring_bytes = RING };
		memcpy(way[i].options.handler, handlers[i], sizeof(handlers[i]));
		/* Looks at what the output may be, and has no input yet. */
		MUST(tap_room_open(&way[i]) == 0);
		way[i].options.write_file = output_name;
		if (i == PCAP || i == PCAPNG)
			fill_history(&way[i]);
	}
	return 0;
}

/* As if all of it had just begun. */
static void begin(struct tap *tap, const uint8_t *data, size_t size)
{
	MUST(ftruncate(input, 0) == 0 && pwrite(input, data, size, 0) == (ssize_t)size);
	MUST(ftruncate(output, 0) == 0 && lseek(output, 0, SEEK_SET) == 0);
	memset(&tap->tally, 0, sizeof(tap->tally));
	tap->received = 0;
	tap->stop = tap->source_over = tap->lane_over = 0;
	tap->source_error[0] = 0;
	tap->pcap = NULL;
	tap->env.link_more = 0;
	tap->env.source_nano = false;
	tap->out->any = tap->out->ever = false;
	tap->out->kind = 0;
}

static void check_account(const struct tap *tap)
{
	uint64_t sum = tap->tally.after_count;

	for (unsigned i = 0; i < TAP_VERDICTS; i++)
		sum += tap->tally.verdict[i];
	MUST(sum == tap->received && croom_ring_used(tap->ring) == 0);
	MUST(tap->options.count || tap->tally.received == tap->received);
}

static pcap_t *read_back(const char *name)
{
	char text[PCAP_ERRBUF_SIZE];

	return pcap_open_offline_with_tstamp_precision(name, PCAP_TSTAMP_PRECISION_NANO, text);
}

/* A broken file has moments that a copy cannot hold. */
static bool same_time(const struct tap *tap, bool pcap, const struct pcap_pkthdr *one, const struct pcap_pkthdr *other)
{
	long fraction = one->ts.tv_usec, copied = other->ts.tv_usec;

	if (fraction < 0 || fraction >= 1000000000 || one->ts.tv_sec < 0 || one->ts.tv_sec >> 32)
		return true;
	if (pcap && !tap->env.source_nano)
		fraction -= fraction % 1000;
	return fraction == copied && one->ts.tv_sec == (time_t)(uint32_t)other->ts.tv_sec;
}

static void check_copy(const struct tap *tap, bool pcap)
{
	pcap_t *from = read_back(input_name), *to = read_back(output_name);
	struct pcap_pkthdr *one, *other;
	const u_char *data, *copy;
	uint64_t count = 0;

	MUST(from && to);
	MUST(pcap_datalink(from) == pcap_datalink(to));
	while (pcap_next_ex(from, &one, &data) == 1) {
		MUST(pcap_next_ex(to, &other, &copy) == 1);
		MUST(one->caplen == other->caplen && one->len == other->len && memcmp(data, copy, one->caplen) == 0);
		MUST(same_time(tap, pcap, one, other));
		count++;
	}
	MUST(pcap_next_ex(to, &other, &copy) == PCAP_ERROR_BREAK && count == tap->received);
	pcap_close(from);
	pcap_close(to);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned chosen = (unsigned)(size % WAYS);
	struct tap *tap = &way[chosen];

	if (size > LONGEST)
		return 0;
	begin(tap, data, size);
	if (tap_source_open(tap) == 0) {
		if (chosen == PCAP || chosen == PCAPNG)
			swap_in(tap, chosen == PCAP ? "pcap" : "pcapng");
		tap_capture_run(tap);
		tap_lane_run(tap);
		while (croom_ring_used(tap->out->ring))
			sched_yield();
		check_account(tap);
		if (chosen == PCAP || chosen == PCAPNG)
			check_copy(tap, chosen == PCAP);
	}
	if (tap->pcap)
		pcap_close(tap->pcap);
	return 0;
}
