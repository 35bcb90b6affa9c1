// SPDX-License-Identifier: BSD-2-Clause
/*
 * An output of the tap: a lane leaves a line there and hands it over; then, as main and the control side do, the output is
 * closed and the writer ended. What was handed over before the close is written.
 */
#include "../../tap/sink-impl.h"
#include "proof.h"
#include <sys/uio.h>

enum { LINE = 8 };

static struct tap_writer *writer;
static struct tap_sink *sink;
static size_t written;                   /* the writer's */

ssize_t writev(int fd, const struct iovec *part, int parts)
{
	size_t all = 0;

	(void)fd;
	for (int i = 0; i < parts; i++)
		all += part[i].iov_len;
	written += all;
	return (ssize_t)all;
}

static void begin(void)
{
	written = 0;
	proof_expect(tap_writer_start(&writer) == 0 && tap_sink_open_main(&sink, writer, "-", 1, false) == 0, "cannot start");
}

static void lane_and_control(void)
{
	memset(tap_sink_reserve(sink, LINE), 'x', LINE);
	tap_sink_commit(sink, LINE);
	tap_sinks_flush(writer);
	tap_sink_close(sink);
	proof_expect(written == LINE, "the end of the output is missing");
	tap_writer_stop(writer);
}

const struct proof_model proof_model = {
	.what = "an output of the tap that is closed right after its last line",
	.orders = "sink.", .begin = begin, .thread = { lane_and_control }, .spawned = 1, .preemptions = 3,
};
