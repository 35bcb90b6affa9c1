/* SPDX-License-Identifier: BSD-2-Clause */
/* IPX, its services and its routes. */
#include "inside.h"

enum { HEADER = 30, NCP = 0x0451, SERVICES = 0x0452, ROUTES = 0x0453, NETBIOS = 0x0455, DIAGNOSTICS = 0x0456,
       DATAGRAM = 0x0553, EIGRP = 0x85be, SERVICE_NAME = 48, SERVICE = 64, ROUTE = 8, MOST_SERVICES = 8,
       QUERY = 1, RESPONSE = 2, NEAREST_QUERY = 3, NEAREST_RESPONSE = 4 };

static void put_node(struct line *line, const uint8_t *p)
{
	put_hex_padded(&line->to, be32(p), 8);
	put_char(&line->to, '.');
	put_mac(&line->to, p + 4, 6);
}

static bool put_service_name(struct line *line, const uint8_t *p)
{
	for (unsigned i = 0; i < SERVICE_NAME; i++) {
		if (!has(line, p + i, 1))
			return cut(line, "ipx");
		if (!p[i])
			break;
		put_visible(&line->to, p[i]);
	}
	put_char(&line->to, '\'');
	return true;
}

/* What kind of service, its name, its node, and two numbers that nobody reads. */
static bool print_service(struct line *line, const uint8_t *p, uint32_t length)
{
	if (!has(line, p, 2))
		return cut(line, "ipx");
	if (length < 2)
		return invalid(line);
	put_char(&line->to, ' ');
	put_hex_padded(&line->to, be16(p), 4);
	put_text(&line->to, " '");
	if (length < 2 + SERVICE_NAME)
		return put_char(&line->to, '\''), invalid(line);
	if (!put_service_name(line, p + 2))
		return false;
	if (length < SERVICE - 4)
		return invalid(line);
	if (!has(line, p, SERVICE - 4))
		return cut(line, "ipx");
	put_text(&line->to, " addr ");
	put_node(line, p + 2 + SERVICE_NAME);
	if (length < SERVICE)
		return invalid(line);
	return has(line, p, SERVICE) || cut(line, "ipx");
}

static bool too_short(struct line *line, uint32_t length)
{
	put_text(&line->to, " [length ");
	put_u32(&line->to, length);
	put_text(&line->to, " < 2]");
	return invalid(line);
}

static bool print_services(struct line *line, const uint8_t *p, uint32_t length)
{
	static const char *const names[] = { "req", "resp", "nearest-req", "nearest-resp" };
	unsigned command;

	if (length < 2)
		return too_short(line, length);
	if (!has(line, p, 2))
		return cut(line, "ipx");
	command = be16(p);
	put_text(&line->to, "ipx-sap-");
	if (command < QUERY || command > NEAREST_RESPONSE) {
		put_char(&line->to, '?');
		put_hex(&line->to, command);
		return true;
	}
	put_string(&line->to, names[command - QUERY]);
	p += 2;
	length -= 2;
	if (command == QUERY || command == NEAREST_QUERY) {
		if (!has(line, p, 2))
			return cut(line, "ipx");
		put_char(&line->to, ' ');
		put_hex_padded(&line->to, be16(p), 4);
		return true;
	}
	for (unsigned i = 0; i < MOST_SERVICES && length; i++, p += SERVICE, length -= SERVICE)
		if (!print_service(line, p, length))
			return false;
	return true;
}

static bool print_routes(struct line *line, const uint8_t *p, uint32_t length)
{
	unsigned command;

	if (length < 2)
		return too_short(line, length);
	if (!has(line, p, 2))
		return cut(line, "ipx");
	command = be16(p);
	put_text(&line->to, "ipx-rip-");
	if (command != QUERY && command != RESPONSE) {
		put_char(&line->to, '?');
		put_hex(&line->to, command);
		return true;
	}
	put_string(&line->to, command == QUERY ? "req" : "resp");
	p += 2;
	length -= 2;
	for (; length; p += ROUTE, length -= ROUTE) {
		if (length < ROUTE)
			return invalid(line);
		if (!has(line, p, ROUTE))
			return cut(line, "ipx");
		put_char(&line->to, ' ');
		put_hex_padded(&line->to, be32(p), 8);
		put_char(&line->to, '/');
		put_u32(&line->to, be16(p + 4));
		put_char(&line->to, '.');
		put_u32(&line->to, be16(p + 6));
		if (command == QUERY)
			break;
	}
	return true;
}

static bool print_socket(struct line *line, uint16_t socket, const uint8_t *p, uint32_t length)
{
	static const struct named names[] = { { NCP, "ncp" }, { NETBIOS, "netbios" }, { DIAGNOSTICS, "diags" },
					      { DATAGRAM, "nwlink-dgm" }, { 0, NULL } };

	switch (socket) {
	case SERVICES: return print_services(line, p, length);
	case ROUTES: return print_routes(line, p, length);
	case EIGRP: return print_eigrp(line, p, length);
	default:
		put_text(&line->to, "ipx-");
		put_name(&line->to, name_of(names, socket), "#", socket, 1, "");
		put_char(&line->to, ' ');
		put_u32(&line->to, length);
		return true;
	}
}

bool print_ipx(struct line *line, const uint8_t *p)
{
	uint32_t length;

	put_text(&line->to, "IPX ");
	if (!has(line, p, HEADER))
		return cut(line, "ipx");
	put_node(line, p + 18);
	put_char(&line->to, '.');
	put_hex_padded(&line->to, be16(p + 28), 4);
	put_text(&line->to, " > ");
	put_node(line, p + 6);
	put_char(&line->to, '.');
	put_hex_padded(&line->to, be16(p + 16), 4);
	put_text(&line->to, ": ");
	length = be16(p + 2);
	if (length < HEADER) {
		put_text(&line->to, "[length ");
		put_u32(&line->to, length);
		put_text(&line->to, " < 30]");
		return invalid(line);
	}
	return print_socket(line, be16(p + 16), p + HEADER, length - HEADER);
}
