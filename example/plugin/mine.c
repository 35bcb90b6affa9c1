/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A printer of one's own for croomtap: "#7 60 bytes" for each packet.
 *
 *	gcc -shared -fPIC -O2 $(pkg-config --cflags croom) mine.c -o mine.so
 *	croomctl load mine.so && croomctl swap printer=mine
 *	croomctl swap printer=text && croomctl unload mine
 *
 * croomtap has to be started with a --policy that lets it be loaded: croom-policy(5).
 */
#include <croom/plugin.h>
#include <croomtap/record.h>
#include <croomtap/sink.h>

enum { LINE_MAX_BYTES = 64 };

/* No stdio on the data path: it may lock, and it allocates. */
static char *put_number(char *at, uint64_t value)
{
	char digits[20];
	int count = 0;

	do
		digits[count++] = (char)('0' + value % 10);
	while (value /= 10);
	while (count)
		*at++ = digits[--count];
	return at;
}

static char *put_text(char *at, const char *text)
{
	while (*text)
		*at++ = *text++;
	return at;
}

/* Lane thread. 1: printed; 0: not, and the packet counts as not printed. */
static int mine_print(void *ctx, tap_item *item)
{
	char *line, *at;

	(void)ctx;
	/* A row of a strategy that sums up, or nothing but the occasion for a header. */
	if (!item->packet)
		return 0;
	line = tap_sink_reserve(item->out, LINE_MAX_BYTES);
	if (!line)
		return 0;
	at = put_text(line, "#");
	at = put_number(at, item->number);
	at = put_text(at, " ");
	at = put_number(at, item->packet->len);
	at = put_text(at, " bytes\n");
	tap_sink_commit(item->out, (size_t)(at - line));
	return 1;
}
CROOM_RUN(mine, mine_print, void, tap_item);

static const struct croom_class mine = { .name = "mine", .help = "number and length", CROOM_RUNS(mine) };

CROOM_PLUGIN(mine, "1.0", "a printer of my own", NULL, { "printer", &mine });
