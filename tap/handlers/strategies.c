/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Strategies: each (the empty handler), sample, and two that sum up, flows and top.
 *
 * flows counts packets and bytes per direction of a connection (addresses, ports, protocol) and prints a row for
 * each at the end of every interval and when its panel is left. The table is bounded: when it is full, everything
 * is printed early and it starts anew, so every packet is in exactly one row. top prints the N largest of an
 * interval by bytes, and one row "other" with the sum of the rest.
 */
#include "config.h"
#include "decode.h"
#include <croom/room.h>
#include <stdlib.h>
#include <sys/random.h>

enum { FLOWS_MAX = 32768, PLACES = 2 * FLOWS_MAX, TOP_MAX = 1000, NAME_MAX_BYTES = 80 };

struct sample {
	uint64_t of, count;
};

static int sample_packet(struct sample *sample, tap_event *event)
{
	if (event->kind != TAP_PACKET)
		return 0;
	if (++sample->count < sample->of)
		return TAP_SAMPLED_OUT;
	sample->count = 0;
	return TAP_PRINT;
}
CROOM_RUN(sample, sample_packet, struct sample, tap_event);

static int sample_open(void **ctx, const char *config, void *env, struct croom_error *err)
{
	struct sample *sample;
	uint64_t of;

	(void)env;
	if (!config_number(config, 1, UINT32_MAX, &of))
		return croom_error_set(err, -EINVAL, CROOM_ERROR_BAD_CONFIG, NULL,
				       "takes a number, as in sample:10 for one packet in ten, not '%s'", config);
	sample = calloc(1, sizeof(*sample));
	if (!sample)
		return croom_error_set(err, -ENOMEM, CROOM_ERROR_OTHER, NULL, "out of memory");
	sample->of = of;
	*ctx = sample;
	return 0;
}

/* What makes a flow; compared as bytes, so every byte of it is set. */
struct key {
	uint8_t source[16], target[16];
	uint16_t source_port, target_port, ethertype;
	uint8_t protocol, version;
};

struct flow {
	struct key key;
	uint64_t packets, bytes;
	int64_t first_ns, last_ns;
	struct decoded decoded;      /* for the names; points into `address` */
	uint8_t address[2][16];
};

struct flows {
	uint64_t seed[2];            /* of the hash: nobody may choose addresses that collide and so slow down the lane */
	struct croom_strings *strings;
	uint32_t other;              /* the id of "other" */
	uint32_t top;                /* 0: all of them */
	int64_t interval_ns, since_ns;
	uint32_t used;
	uint32_t place[PLACES];      /* index + 1 into flow; 0: free */
	struct flow flow[FLOWS_MAX];
	uint32_t best[TOP_MAX];
};

static uint32_t hash(const struct flows *flows, const struct key *key)
{
	__extension__ typedef unsigned __int128 wide;
	uint64_t h = flows->seed[0], word[sizeof(*key) / sizeof(uint64_t)];

	_Static_assert(sizeof(*key) % sizeof(uint64_t) == 0, "every byte of a key counts");
	memcpy(word, key, sizeof(*key));
	for (size_t i = 0; i < sizeof(word) / sizeof(word[0]); i++) {
		wide product = (wide)(h ^ word[i]) * flows->seed[1];

		h = (uint64_t)product ^ (uint64_t)(product >> 64);
	}
	return (uint32_t)h;
}

/* The id of a name; when the registry is full all new names are "other": a row may lose its name, never its count. */
static uint32_t name(struct flows *flows, const char *text, size_t length)
{
	uint32_t id;

	return croom_strings_intern(flows->strings, text, length, &id) ? flows->other : id;
}

static uint32_t endpoint(struct flows *flows, const struct flow *flow, bool target)
{
	char text[NAME_MAX_BYTES];
	struct put to = { text, text + sizeof(text) };

	put_endpoint(&to, &flow->decoded, target);
	return name(flows, text, (size_t)(to.at - text));
}

static void print_row(tap_event *event, const struct tap_summary *row)
{
	tap_item item = { .summary = row, .number = event->number, .out = event->out };

	if (croom_slot_call(printer, event->panel, &item) <= 0)
		event->unshown += row->packets;
}

static void print_flow(struct flows *flows, tap_event *event, const struct flow *flow, uint32_t rank)
{
	char buffer[8];
	const char *protocol = decode_protocol(&flow->decoded, buffer);
	struct tap_summary row = { .top = flows->top != 0, .rank = rank, .source = endpoint(flows, flow, false),
		.target = endpoint(flows, flow, true), .protocol = name(flows, protocol, strlen(protocol)),
		.packets = flow->packets, .bytes = flow->bytes, .first_ns = flow->first_ns, .last_ns = flow->last_ns };

	print_row(event, &row);
}

/* The largest `top` of them, by insertion into a short sorted list; all others into one row. */
static void print_top(struct flows *flows, tap_event *event)
{
	struct tap_summary rest = { .top = true, .source = flows->other, .target = flows->other, .protocol = flows->other,
				    .first_ns = INT64_MAX, .last_ns = INT64_MIN };
	uint32_t count = 0;

	for (uint32_t i = 0; i < flows->used; i++) {
		const struct flow *flow = &flows->flow[i];
		uint32_t at = count < flows->top ? count++ : count;

		rest.packets += flow->packets;
		rest.bytes += flow->bytes;
		rest.first_ns = flow->first_ns < rest.first_ns ? flow->first_ns : rest.first_ns;
		rest.last_ns = flow->last_ns > rest.last_ns ? flow->last_ns : rest.last_ns;
		if (at == flows->top && flows->flow[flows->best[at - 1]].bytes >= flow->bytes)
			continue;
		at -= at == flows->top;
		for (; at > 0 && flows->flow[flows->best[at - 1]].bytes < flow->bytes; at--)
			flows->best[at] = flows->best[at - 1];
		flows->best[at] = i;
	}
	for (uint32_t i = 0; i < count; i++) {
		rest.packets -= flows->flow[flows->best[i]].packets;
		rest.bytes -= flows->flow[flows->best[i]].bytes;
		print_flow(flows, event, &flows->flow[flows->best[i]], i + 1);
	}
	rest.rank = count + 1;
	if (rest.packets)
		print_row(event, &rest);
}

static void print_all(struct flows *flows, tap_event *event)
{
	if (flows->top)
		print_top(flows, event);
	else
		for (uint32_t i = 0; i < flows->used; i++)
			print_flow(flows, event, &flows->flow[i], 0);
	/* Few flows: free their places one by one, rather than all of the table. */
	for (uint32_t i = 0; i < flows->used; i++)
		for (uint32_t p = hash(flows, &flows->flow[i].key) % PLACES; flows->place[p]; p = (p + 1) % PLACES)
			flows->place[p] = 0;
	flows->used = 0;
	flows->since_ns = event->now_ns;
}

static void make_key(struct key *key, const struct decoded *decoded)
{
	memset(key, 0, sizeof(*key));
	if (decoded->source) {
		memcpy(key->source, decoded->source, decoded->version == 6 ? 16 : 4);
		memcpy(key->target, decoded->target, decoded->version == 6 ? 16 : 4);
	} else if (decoded->source_mac) {
		memcpy(key->source, decoded->source_mac, 6);
		memcpy(key->target, decoded->target_mac, 6);
	}
	key->source_port = decoded->source_port;
	key->target_port = decoded->target_port;
	key->ethertype = decoded->ethertype;
	key->protocol = decoded->protocol;
	key->version = decoded->version;
}

static struct flow *new_flow(struct flows *flows, const struct key *key, const struct decoded *decoded, uint32_t place)
{
	struct flow *flow = &flows->flow[flows->used++];

	flows->place[place] = flows->used;
	*flow = (struct flow){ .key = *key, .decoded = *decoded };
	memcpy(flow->address[0], key->source, 16);
	memcpy(flow->address[1], key->target, 16);
	/* What the packet's fields point to is gone after this call. */
	if (decoded->source) {
		flow->decoded.source = flow->address[0];
		flow->decoded.target = flow->address[1];
	}
	if (decoded->source_mac) {
		flow->decoded.source_mac = decoded->source ? NULL : flow->address[0];
		flow->decoded.target_mac = decoded->source ? NULL : flow->address[1];
	}
	return flow;
}

static void count_packet(struct flows *flows, tap_event *event)
{
	struct decoded decoded;
	struct flow *flow = NULL;
	struct key key;
	uint32_t place;

	decode(&decoded, &event->packet);
	make_key(&key, &decoded);
	if (flows->used == FLOWS_MAX)
		print_all(flows, event);
	for (place = hash(flows, &key) % PLACES; flows->place[place]; place = (place + 1) % PLACES)
		if (memcmp(&flows->flow[flows->place[place] - 1].key, &key, sizeof(key)) == 0) {
			flow = &flows->flow[flows->place[place] - 1];
			break;
		}
	if (!flow) {
		flow = new_flow(flows, &key, &decoded, place);
		flow->first_ns = flow->last_ns = event->now_ns;
	}
	flow->packets++;
	flow->bytes += event->packet.len;
	/* Packets may be out of order. */
	flow->first_ns = event->now_ns < flow->first_ns ? event->now_ns : flow->first_ns;
	flow->last_ns = event->now_ns > flow->last_ns ? event->now_ns : flow->last_ns;
}

static int flows_event(struct flows *flows, tap_event *event)
{
	bool back = event->now_ns < flows->since_ns;
	uint64_t since_ns = (uint64_t)flows->since_ns, now_ns = (uint64_t)event->now_ns, age = back ? since_ns - now_ns : now_ns - since_ns;

	/* A capture may jump back in time; then the interval starts there. A packet that is a little out of order is no jump. */
	if (flows->used && (event->kind == TAP_FLUSH || age >= (uint64_t)flows->interval_ns))
		print_all(flows, event);
	if (event->kind != TAP_PACKET)
		return flows->used > 0;
	if (!flows->used)
		flows->since_ns = event->now_ns;
	count_packet(flows, event);
	return TAP_SUMMARISED;
}
CROOM_RUN(flows, flows_event, struct flows, tap_event);

static int table_open(void **ctx, struct tap_env *env, uint32_t top, int64_t interval_ns, struct croom_error *err)
{
	struct flows *flows = calloc(1, sizeof(*flows));

	if (!flows)
		return croom_error_set(err, -ENOMEM, CROOM_ERROR_OTHER, NULL, "out of memory");
	/* Touch it now: the lane takes no page fault later. */
	memset(flows, 0, sizeof(*flows));
	if (getrandom(flows->seed, sizeof(flows->seed), 0) != sizeof(flows->seed)) {
		free(flows);
		return croom_error_set(err, -EAGAIN, CROOM_ERROR_OTHER, NULL, "no random numbers: %s", strerror(errno));
	}
	flows->seed[1] |= 1;
	flows->strings = env->strings;
	flows->top = top;
	flows->interval_ns = interval_ns;
	if (croom_strings_find(env->strings, "other", 5, &flows->other))
		flows->other = 0;
	*ctx = flows;
	return 0;
}

static int flows_open(void **ctx, const char *config, void *env, struct croom_error *err)
{
	int64_t interval_ns = 1000000000;

	if (*config && !config_interval(config, &interval_ns))
		return croom_error_set(err, -EINVAL, CROOM_ERROR_BAD_CONFIG, NULL,
				       "takes an interval such as 500ms, 10s or 1m, not '%s'", config);
	return table_open(ctx, env, 0, interval_ns, err);
}

static int top_open(void **ctx, const char *config, void *env, struct croom_error *err)
{
	uint64_t top = 10;

	if (*config && !config_number(config, 1, TOP_MAX, &top))
		return croom_error_set(err, -EINVAL, CROOM_ERROR_BAD_CONFIG, NULL,
				       "takes how many to show, 1 to %d, not '%s'", TOP_MAX, config);
	return table_open(ctx, env, (uint32_t)top, 1000000000, err);
}

static void free_ctx(void *ctx, void *env)
{
	(void)env;
	free(ctx);
}

int tap_strategies_add(struct croom_room *room, struct tap_env *env)
{
	const struct croom_class classes[] = {
		{ .name = "sample", .help = "print one packet in N", .syntax = "N", CROOM_RUNS(sample), .open = sample_open,
		  .close = free_ctx, .traits = CROOM_PURE },
		{ .name = "flows", .help = "a row per connection and direction each interval (default 1s)", .syntax = "[INTERVAL]",
		  CROOM_RUNS(flows), .open = flows_open, .close = free_ctx },
		{ .name = "top", .help = "the N largest flows of each second by bytes (default 10)", .syntax = "[N]",
		  CROOM_RUNS(flows), .open = top_open, .close = free_ctx },
	};
	uint32_t other;
	/* Before there is a lane: from then on the lane is the registry's writer. */
	int rc = croom_strings_intern(env->strings, "other", 5, &other);

	for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]) && rc == 0; i++)
		rc = croom_room_class_add(room, "strategy", &classes[i], env);
	return rc;
}
