// SPDX-License-Identifier: BSD-2-Clause
//
// A filter of one's own for croomtap, in C++ and with a config: longer:N keeps packets of more than N bytes.
//
//	g++ -shared -fPIC -O2 -fno-gnu-unique $(pkg-config --cflags croom) longer.cpp -o longer.so
//	croomctl load longer.so && croomctl swap filter=longer:100
//	croomctl swap filter=all && croomctl unload longer
//
#include <cerrno>
#include <charconv>
#include <croom/plugin.h>
#include <croomtap/record.h>
#include <cstring>
#include <new>

namespace {

// On a cache line of its own: what else the control thread writes then stops no data thread.
struct alignas(64) longer {
	uint32_t bytes;
};

// Lane thread. 0: keep, 1: leave out.
int longer_keep(longer *ctx, tap_event *event)
{
	return event->kind == TAP_PACKET && event->packet.len <= ctx->bytes;
}
CROOM_RUN(longer, longer_keep, longer, tap_event);

int longer_open(void **ctx, const char *config, void *, croom_error *err)
{
	uint32_t bytes = 0;
	const char *end = config + std::strlen(config);
	auto [at, wrong] = std::from_chars(config, end, bytes);

	if (wrong != std::errc() || at != end) {
		int rc = croom_error_set(err, -EINVAL, CROOM_ERROR_BAD_CONFIG, nullptr, "longer takes a number of bytes, not '%s'", config);

		err->offset = static_cast<int>(at - config);
		return rc;
	}
	*ctx = new (std::nothrow) longer{ bytes };
	return *ctx ? 0 : -ENOMEM;
}

void longer_close(void *ctx, void *)
{
	delete static_cast<longer *>(ctx);
}

// Run once when the plugin is loaded, so that the first real packet finds everything in place.
int warm(croom_error *err)
{
	longer ctx = { 100 };
	tap_event event = {};

	event.kind = TAP_PACKET;
	event.packet.len = 101;
	return longer_run(&ctx, &event) == 0 ? 0 : croom_error_set(err, -EINVAL, CROOM_ERROR_OTHER, nullptr, "it does not filter");
}

const croom_class handler = [] {
	croom_class made = {};

	made.name = "longer";
	made.help = "keep packets of more than N bytes";
	made.syntax = "N";
	made.run = longer_run;
	made.type = longer_type;
	made.open = longer_open;
	made.close = longer_close;
	// Its calls do nothing but answer: it may be a canary or a shadow.
	made.traits = CROOM_PURE;
	return made;
}();

} // namespace

CROOM_PLUGIN(longer, "1.0", "a filter by length", warm, { "filter", &handler });
