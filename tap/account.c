/* SPDX-License-Identifier: BSD-2-Clause */
/* Adding up at the end: every packet that came in has to be in exactly one place. */
#include "say.h"
#include "tap.h"
#include <inttypes.h>
#include <stdio.h>

uint64_t tap_lost(const struct tap *tap)
{
	/* relaxed: a figure for people. */
	return croom_ring_refused(tap->ring) + croom_get_relaxed(&tap->kernel_dropped);
}

uint64_t tap_swaps(const struct tap *tap)
{
	return croom_room_revision(tap->room) - tap->first_revision;
}

static uint64_t sum(const struct tap *tap)
{
	const struct tap_tally *tally = &tap->tally;
	uint64_t all = tally->after_count + croom_ring_refused(tap->ring);

	for (unsigned i = 0; i < TAP_VERDICTS; i++)
		all += tally->verdict[i];
	if (tap->live)
		all += tap->kernel.dropped;
	return all;
}

static void term(const char *name, uint64_t figure, bool always)
{
	if (figure || always)
		fprintf(stderr, " + %" PRIu64 " %s", figure, name);
}

/*
 * What came in is the kernel's count where it has one, else what libpcap handed over; what became of it is the sum
 * of what lane and ring counted, each for itself.
 */
int tap_account(struct tap *tap, uint64_t swaps)
{
	const struct tap_tally *tally = &tap->tally;
	bool kernel = tap->live && tap->kernel.known;
	uint64_t received = kernel ? tap->kernel.received : tap->received + (tap->live ? tap->kernel.dropped : 0);
	uint64_t all = sum(tap), unwritten = tap_writer_unwritten(tap->writer);
	bool hung_up = tap_writer_hung_up(tap->writer);
	/* Of a reader that went away nobody can say what it has read. */
	uint64_t not_written = hung_up ? 0 : tap_writer_unwritten_packets(tap->writer);
	bool adds_up = received == all;

	fprintf(stderr, "%" PRIu64 " received%s = %" PRIu64 " printed", received, kernel ? " by the kernel" : "",
		tally->verdict[TAP_PRINT] - not_written);
	term("not written", not_written, false);
	term("filtered", tally->verdict[TAP_FILTERED], true);
	term("sampled out", tally->verdict[TAP_SAMPLED_OUT], true);
	term("summarised", tally->verdict[TAP_SUMMARISED] - tally->unshown, false);
	term("in rows that no printer took", tally->unshown, false);
	term("not printed", tally->verdict[TAP_NOT_PRINTED], false);
	term("left at -c", tally->after_count, false);
	term("lost in ring", croom_ring_refused(tap->ring), true);
	if (tap->live)
		term("lost in kernel", tap->kernel.dropped, true);
	fprintf(stderr, "\nLOST %" PRIu64 "; %" PRIu64 " swap%s while it ran\n", tap_lost(tap) + not_written, swaps,
		swaps == 1 ? "" : "s");
	if (tap->kernel.interface_dropped)
		fprintf(stderr, "%" PRIu64 " dropped by the interface itself, before the kernel counted them\n",
			tap->kernel.interface_dropped);
	if (unwritten && !hung_up)
		fprintf(stderr, "%" PRIu64 " bytes of output could not be written\n", unwritten);
	if (!adds_up)
		tap_say("this does not add up: %" PRIu64 " received, %" PRIu64 " accounted for", received, all);
	return adds_up ? 0 : 1;
}
