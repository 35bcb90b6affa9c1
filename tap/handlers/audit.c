/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Audit: one line per decision: time, record number, revision, verdict, bytes captured and on the wire. From a file
 * nothing is left out; live, a disk that is too slow costs lines of the audit, never packets, and each gap is
 * written down as a line of its own.
 */
#include "../sink.h"
#include "decode.h"
#include <croom/room.h>
#include <errno.h>
#include <stdlib.h>

enum { LINE_MAX_BYTES = 256 };

struct audit {
	struct tap_sink *sink;
	struct utc utc;
	uint64_t missing;
};

static void put_line(struct audit *audit, struct put *to, const tap_decision *decision)
{
	static const char *const verdicts[TAP_VERDICTS] = { [TAP_PRINT] = " printed ", [TAP_SAMPLED_OUT] = " sampled_out ",
		[TAP_SUMMARISED] = " summarised ", [TAP_FILTERED] = " filtered ", [TAP_NOT_PRINTED] = " not_printed " };

	put_utc(to, &audit->utc, decision->packet->sec, decision->packet->nsec);
	put_text(to, " record ");
	put_u64(to, decision->number);
	put_text(to, " revision ");
	put_u64(to, decision->revision);
	put_string(to, verdicts[decision->verdict]);
	put_u64(to, decision->packet->caplen);
	put_char(to, '/');
	put_u64(to, decision->packet->len);
	put_char(to, '\n');
}

static int audit_decision(struct audit *audit, tap_decision *decision)
{
	char *out = tap_sink_reserve(audit->sink, LINE_MAX_BYTES);
	struct put to;

	if (!out) {
		audit->missing++;
		return 0;
	}
	to = (struct put){ out, out + LINE_MAX_BYTES };
	if (audit->missing) {
		put_text(&to, "# ");
		put_u64(&to, audit->missing);
		put_text(&to, " decisions before record ");
		put_u64(&to, decision->number);
		put_text(&to, " are missing: the disk was too slow\n");
		audit->missing = 0;
	}
	put_line(audit, &to, decision);
	tap_sink_commit(audit->sink, (size_t)(to.at - out));
	return 0;
}
CROOM_RUN(audit, audit_decision, struct audit, tap_decision);

static int audit_check(const char *config, void *env, struct croom_error *err)
{
	int rc;

	if (!*config)
		return croom_error_set(err, -EINVAL, CROOM_ERROR_BAD_CONFIG, NULL, "takes a path, as in file:/tmp/audit.log");
	rc = tap_check_own(env, config, err);
	return rc ? rc : tap_check_writable(config, err);
}

static int audit_open(void **ctx, const char *config, void *arg, struct croom_error *err)
{
	struct tap_env *env = arg;
	struct audit *audit;
	int rc;

	rc = audit_check(config, env, err);
	if (rc)
		return rc;
	audit = calloc(1, sizeof(*audit));
	if (!audit)
		return croom_error_set(err, -ENOMEM, CROOM_ERROR_OTHER, NULL, "out of memory");
	rc = tap_sink_open(&audit->sink, env->writer, config, -1, !env->offline, err);
	if (rc) {
		free(audit);
		return rc;
	}
	*ctx = audit;
	return 0;
}

static void audit_close(void *ctx, void *env)
{
	struct audit *audit = ctx;

	(void)env;
	tap_sink_close(audit->sink);
	free(audit);
}

int tap_audits_add(struct croom_room *room, struct tap_env *env)
{
	const struct croom_class file = { .name = "file", .help = "a line for every decision, appended", .syntax = "PATH",
					  CROOM_RUNS(audit), .open = audit_open, .close = audit_close, .check = audit_check,
					  .traits = CROOM_OWN_OUTPUT | CROOM_WRITES_FILE };

	return croom_room_class_add(room, "audit", &file, env);
}
