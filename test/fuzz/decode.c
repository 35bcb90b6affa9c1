/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Packets to everything that decodes them: the text printer, the decoder of json, csv, flows, top and malformed, and all
 * handlers (test/tap/bench.c).
 *
 * Input: a byte for the link type, a byte of flags, the packet; from the end backwards what the flags ask for: 2 or 4 bytes
 * of the length on the wire, 8 bytes of the second, 4 of the nanosecond, 2 of room for the line.
 */
#include "../tap/bench.h"
#include "../../tap/text/text.h"
#include "fuzz.h"

enum { LONGER = 1, ANY_LENGTH = 2, TIME = 4, NANO = 8, EAST = 16, REFUSE = 32, FIRST = 64, LAST = 128 };

/* Half the world is behind, half ahead of UTC; and twice a year that changes. */
static struct text_ctx zones[2];

void bench_wrong(const char *what, const char *bytes, size_t length)
{
	fuzz_wrong(what, bytes, length);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	bench_open();
	for (int i = 0; i < 2; i++) {
		zones[i].zones = 3;
		zones[i].zone[0] = (struct text_zone){ INT64_MIN, i ? 14 * 3600 : -12 * 3600 };
		zones[i].zone[1] = (struct text_zone){ 1000000000, i ? 13 * 3600 : -11 * 3600 };
		zones[i].zone[2] = (struct text_zone){ 1700000000, i ? 14 * 3600 : -12 * 3600 };
		zones[i].interfaces = 2;
		zones[i].interface[0] = (struct text_interface){ 1, "lo" };
		zones[i].interface[1] = (struct text_interface){ 2, "fifteen_letters" };
	}
	return 0;
}

/* The line in memory of exactly that size; its length. */
static size_t line_of(const struct text_ctx *like, const struct tap_packet *packet, char *out, size_t cap)
{
	const struct text_packet one = { packet->data, packet->caplen, packet->len, packet->linktype, packet->sec, packet->nsec };
	struct text_ctx text = *like;
	size_t length = text_packet(&text, out, cap, &one);

	MUST(length <= cap);
	if (!bench_line(out, length))
		bench_wrong("a line that is none", out, length);
	return length;
}

/* A line that does not fit is cut: what there is room for is the same, and it still ends. */
static void show(const struct text_ctx *like, const struct tap_packet *packet, size_t room)
{
	size_t max = text_max(packet->caplen), length, cut;
	char *whole = malloc(max), *part = malloc(room);

	MUST(whole && part);
	length = line_of(like, packet, whole, max);
	cut = line_of(like, packet, part, room);
	MUST(cut <= length && memcmp(whole, part, cut - 1) == 0);
	MUST(cut == length || cut == room);
	free(whole);
	free(part);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = { data + 2, size - 2 };
	struct tap_packet packet = { .sec = 1700000000, .nsec = 123456789 };
	uint8_t *copy;
	uint64_t more;
	size_t room;

	if (size < 2)
		return 0;
	packet.linktype = bench_links[data[0] % BENCH_LINKS];
	more = data[1] & LONGER ? input_number(&input, 2) : data[1] & ANY_LENGTH ? input_number(&input, 4) : 0;
	if (data[1] & TIME) {
		packet.sec = (int64_t)input_number(&input, 8);
		packet.nsec = input_number(&input, 4);
	}
	room = 1 + (size_t)input_number(&input, 1) * 4;
	if (input.left > BENCH_LONGEST)
		input.left = BENCH_LONGEST;
	packet.caplen = (uint32_t)input.left;
	packet.len = data[1] & ANY_LENGTH && !(data[1] & LONGER) ? (uint32_t)more : packet.caplen + (uint32_t)more;
	zones[0].nano = zones[1].nano = data[1] & NANO;

	/* To the byte, for the sanitizer; at a page's edge, for libpcap, which it does not look into. */
	copy = malloc(input.left ? input.left : 1);
	MUST(copy);
	memcpy(copy, input.at, input.left);
	packet.data = copy;
	show(&zones[data[1] & EAST ? 1 : 0], &packet, room);
	bench_refuse(data[1] & REFUSE);
	bench_packet(&packet);
	packet.data = bench_place(copy, packet.caplen, !(data[1] & FIRST));
	bench_packet(&packet);
	bench_flush(data[1] & LAST);
	free(copy);
	return 0;
}
