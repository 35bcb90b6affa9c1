/* SPDX-License-Identifier: BSD-2-Clause */
/* PPP, and PPP over Ethernet. */
#include "inside.h"

static bool print_ppp_control(struct line *line, const char *name, const uint8_t *p, uint32_t length)
{
	static const char *const codes[] = { "Vendor-Extension", "Conf-Request", "Conf-Ack", "Conf-Nack", "Conf-Reject",
		"Term-Request", "Term-Ack", "Code-Reject", "Prot-Reject", "Echo-Request", "Echo-Reply", "Disc-Req", "Ident",
		"Time-Rem", "Reset-Req", "Reset-Ack" };

	put_string(&line->to, name);
	put_text(&line->to, ", ");
	if (length < 4 || !has(line, p, 2)) {
		put_text(&line->to, "[|");
		put_string(&line->to, name);
		put_char(&line->to, ']');
		return false;
	}
	put_string(&line->to, p[0] < sizeof(codes) / sizeof(codes[0]) ? codes[p[0]] : "Unknown Opcode");
	put_text(&line->to, " (0x");
	put_hex_padded(&line->to, p[0], 2);
	put_text(&line->to, "), id ");
	put_u32(&line->to, p[1]);
	put_text(&line->to, ", length ");
	put_u32(&line->to, length + 2);
	return true;
}

static bool print_ppp_payload(struct line *line, uint16_t protocol, const uint8_t *p, uint32_t length)
{
	static const struct named names[] = {
		{ 0x0025, "NS" }, { 0x0027, "DECNET" }, { 0x0029, "APPLE" }, { 0x002d, "VJC IP" },
		{ 0x0031, "BRPDU" }, { 0x0033, "STII" }, { 0x0035, "VINES" }, { 0x0201, "HELLO" }, { 0x0231, "LUXCOM" },
		{ 0x0233, "SNS" }, { 0x8025, "NSCP" }, { 0x8027, "DECNETCP" }, { 0x8029, "APPLECP" }, { 0x802b, "IPXCP" },
		{ 0x8033, "STIICP" }, { 0x8035, "VINESCP" }, { 0xc025, "LQM" }, { 0xc227, "EAP" }, { 0xc027, "SPAP" },
		{ 0xc123, "Old-SPAP" }, { 0xc03d, "MLPPP-CP" }, { 0, NULL } };
	static const struct named controls[] = {
		{ 0xc021, "LCP" }, { 0x8021, "IPCP" }, { 0x8023, "OSICP" }, { 0x8281, "MPLSCP" },
		{ 0x8057, "IP6CP" }, { 0x80fd, "CCP" }, { 0xc02b, "BACP" }, { 0, NULL } };
	const char *control = name_of(controls, protocol);

	if (control)
		return print_ppp_control(line, control, p, length);
	switch (protocol) {
	case 0x0021: case 0x002f: case 0x0800: return print_ip4(line, p, length);
	case 0x0057: case 0x86dd: return print_ip6(line, p, length);
	case 0x0281: case 0x0283: return print_mpls(line, p, length);
	case 0x00fd: put_text(&line->to, "compressed PPP data"); return true;
	default:
		put_name(&line->to, name_of(names, protocol), "unknown PPP protocol (0x", protocol, 4, ")");
		put_char(&line->to, ' ');
		print_hex(line, p, length);
		return true;
	}
}

/* The address and control bytes may be left out, and the upper half of the protocol when it is 0. */
bool print_ppp(struct line *line, const uint8_t *p, uint32_t length)
{
	if (length < 2 || !has(line, p, 2))
		return cut(line, "ppp");
	if (be16(p) == 0xff03 || be16(p) == 0x0003 || be16(p) == 0x0103) {
		p += 2;
		length -= 2;
	}
	if (length < 2 || !has(line, p, 1))
		return cut(line, "ppp");
	if (p[0] % 2)
		return print_ppp_payload(line, p[0], p + 1, length - 1);
	if (!has(line, p, 2))
		return cut(line, "ppp");
	return print_ppp_payload(line, be16(p), p + 2, length - 2);
}

static bool put_pppoe_tag(struct line *line, const uint8_t *p, uint16_t type, uint32_t length)
{
	static const struct named tags[] = { { 0, "EOL" }, { 0x0101, "Service-Name" }, { 0x0102, "AC-Name" },
		{ 0x0103, "Host-Uniq" }, { 0x0104, "AC-Cookie" }, { 0x0105, "Vendor-Specific" }, { 0x0110, "Relay-Session-ID" },
		{ 0x0120, "PPP-Max-Payload" }, { 0x0201, "Service-Name-Error" }, { 0x0202, "AC-System-Error" },
		{ 0x0203, "Generic-Error" }, { 0, NULL } };
	uint32_t shown = length < 79 ? length : 79, readable = 0;

	if (!has(line, p, length))
		return cut(line, "pppoe");
	put_text(&line->to, " [");
	put_name(&line->to, name_of(tags, type), "TAG-0x", type, 1, "");
	for (uint32_t i = 0; i < shown; i++)
		readable += p[i] >= 32 && p[i] < 127;
	if (length && readable > shown - readable) {
		put_text(&line->to, " \"");
		for (uint32_t i = 0; i < shown; i++)
			put_char(&line->to, visible(p[i], ' '));
		put_char(&line->to, '"');
	} else if (length) {
		put_text(&line->to, " 0x");
		for (uint32_t i = 0; i < length; i++) {
			put_char(&line->to, "0123456789ABCDEF"[p[i] >> 4]);
			put_char(&line->to, "0123456789ABCDEF"[p[i] & 15]);
		}
	}
	put_char(&line->to, ']');
	return true;
}

static bool print_pppoe_tags(struct line *line, const uint8_t *p, uint32_t length)
{
	const uint8_t *end = p + length;
	uint16_t type = 0xffff;

	while (type && p < end) {
		if (!has(line, p, 4))
			return cut(line, "pppoe");
		type = be16(p);
		if (!put_pppoe_tag(line, p + 4, type, be16(p + 2)))
			return false;
		p += 4 + be16(p + 2);
	}
	return true;
}

bool print_pppoe(struct line *line, const uint8_t *p, uint32_t length)
{
	static const struct named codes[] = { { 0x09, "PADI" }, { 0x07, "PADO" }, { 0x19, "PADR" }, { 0x65, "PADS" },
					      { 0xa7, "PADT" }, { 0, "" }, { 0, NULL } };
	uint32_t announced;

	if (length < 6) {
		put_text(&line->to, " (length ");
		put_u32(&line->to, length);
		put_text(&line->to, " < 6)");
		return invalid(line);
	}
	length -= 6;
	if (!has(line, p, 6))
		return cut(line, "pppoe");
	if (p[0] >> 4 != 1) {
		put_text(&line->to, " [ver ");
		put_u32(&line->to, p[0] >> 4);
		put_char(&line->to, ']');
	}
	if ((p[0] & 15) != 1) {
		put_text(&line->to, " [type ");
		put_u32(&line->to, p[0] & 15);
		put_char(&line->to, ']');
	}
	put_text(&line->to, "PPPoE ");
	put_name(&line->to, name_of(codes, p[1]), "PAD-", p[1], 1, "");
	announced = be16(p + 4);
	if (p[1] == 0x09 && announced > 1478) {
		put_text(&line->to, " [len ");
		put_u32(&line->to, announced);
		put_text(&line->to, "!]");
	}
	if (announced > length) {
		put_text(&line->to, " [len ");
		put_u32(&line->to, announced);
		put_text(&line->to, " > ");
		put_u32(&line->to, length);
		put_text(&line->to, "!]");
		announced = length;
	}
	if (be16(p + 2)) {
		put_text(&line->to, " [ses 0x");
		put_hex(&line->to, be16(p + 2));
		put_char(&line->to, ']');
	}
	if (p[1])
		return print_pppoe_tags(line, p + 6, announced);
	put_char(&line->to, ' ');
	return print_ppp(line, p + 6, announced);
}
