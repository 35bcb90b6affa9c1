// SPDX-License-Identifier: BSD-2-Clause
/*
 * What croomtap's printer and decoder make of capture files, a line and a row of fields for each packet, without libpcap,
 * which is not there for every CPU: lines FILE...
 */
#include "../../tap/handlers/decode.h"
#include "../../tap/text/text.h"
#include <stdio.h>
#include <stdlib.h>

enum { HEADER = 24, RECORD = 16, LONGEST = 1 << 18 };

static uint32_t word(const uint8_t *at, bool big)
{
	return big ? be32(at) : (uint32_t)at[3] << 24 | (uint32_t)at[2] << 16 | (uint32_t)at[1] << 8 | at[0];
}

static void show(struct text_ctx *ctx, const struct text_packet *packet, char *out)
{
	struct tap_packet same = { .data = packet->data, .caplen = packet->caplen, .len = packet->len, .sec = packet->sec,
		.nsec = packet->nsec, .linktype = packet->linktype };
	size_t length = text_packet(ctx, out, text_max(packet->caplen), packet);
	struct put to = { out + length, out + text_max(LONGEST) };
	struct decoded decoded;
	char number[8];

	decode(&decoded, &same);
	put_endpoint(&to, &decoded, false);
	put_char(&to, ' ');
	put_endpoint(&to, &decoded, true);
	put_char(&to, ' ');
	put_string(&to, decode_protocol(&decoded, number));
	fwrite(out, 1, (size_t)(to.at - out), stdout);
	printf(" %x %u %u %u %d%d%d%d\n", decoded.ethertype, decoded.vlan, decoded.ttl, decoded.tcp_flags, decoded.arp,
	       decoded.icmp, decoded.fragment, decoded.partial);
}

/* One file; returns how many packets, -1 when it is not a capture of the old format. */
static long show_file(struct text_ctx *ctx, const char *path, uint8_t *data, char *out)
{
	FILE *file = fopen(path, "rb");
	uint8_t head[HEADER];
	struct text_packet packet = { .data = data };
	bool big, nano;
	long packets = 0;

	if (!file || fread(head, 1, HEADER, file) != HEADER) {
		if (file)
			fclose(file);
		return -1;
	}
	big = head[0] == 0xa1;
	nano = word(head, big) == 0xa1b23c4d;
	if (!nano && word(head, big) != 0xa1b2c3d4) {
		fclose(file);
		return -1;
	}
	packet.linktype = (int)(word(head + 20, big) & 0xffff);
	while (fread(head, 1, RECORD, file) == RECORD) {
		packet.sec = word(head, big);
		packet.nsec = (uint64_t)word(head + 4, big) * (nano ? 1 : 1000);
		packet.caplen = word(head + 8, big);
		packet.len = word(head + 12, big);
		if (packet.caplen > LONGEST || fread(data, 1, packet.caplen, file) != packet.caplen)
			break;
		show(ctx, &packet, out);
		packets++;
	}
	fclose(file);
	return packets;
}

int main(int argc, char **argv)
{
	static struct text_ctx ctx;
	uint8_t *data = malloc(LONGEST);
	char *out = malloc(text_max(LONGEST) + 4096);

	text_open(&ctx, false);
	for (int i = 1; i < argc; i++)
		printf("# %ld packets\n", show_file(&ctx, argv[i], data, out));
	free(data);
	free(out);
	return 0;
}
