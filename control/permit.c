/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who may do what, by the policy, and how often; and what of that was refused, for the journal.
 *
 * Where others may connect, any of them can be refused as often as he likes, and the journal is bounded: its older rows
 * would go to make room. So only so many refusals get a row of their own, and a row now and then counts the others.
 */
#include "server.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { TOLD_BURST = 60 };
#define TOLD_EVERY_NS INT64_C(60000000000)

/* For how long it would be too often: 0, then it is taken. */
static int64_t bucket_take(struct bucket *bucket, int64_t interval_ns, unsigned burst, int64_t now)
{
	int64_t full = bucket->full_ns > now ? bucket->full_ns : now, early = full - now - (burst - 1) * interval_ns;

	if (early > 0)
		return early;
	bucket->full_ns = full + interval_ns;
	return 0;
}

int64_t permit_change_ns(struct croom_control *control)
{
	struct croom_policy_limit limit = croom_policy_swaps(control->policy);

	return limit.interval_ns ? bucket_take(&control->changes, limit.interval_ns, limit.burst, now_ns()) : 0;
}

struct wanted {
	const struct croom_change *change;
	unsigned count;
	char *handler;
};

static int find_writer(void *env, const struct croom_slot_view *slot)
{
	struct wanted *wanted = env;

	for (unsigned i = 0; i < wanted->count; i++)
		for (unsigned k = 0; k < slot->classes && strcmp(wanted->change[i].slot, slot->name) == 0; k++) {
			const struct croom_class *class = slot->handler_class[k];
			size_t length = strcspn(wanted->change[i].handler, ":");

			if (!(class->traits & CROOM_WRITES_FILE) || strlen(class->name) != length ||
			    memcmp(class->name, wanted->change[i].handler, length))
				continue;
			snprintf(wanted->handler, WRITER_MAX, "%s=%s", slot->name, class->name);
			return 1;
		}
	return 0;
}

bool permit_writer(struct croom_control *control, const struct croom_change *change, unsigned count, char handler[WRITER_MAX])
{
	struct wanted wanted = { change, count, handler };

	return croom_room_each_slot(control->room, find_writer, &wanted) != 0;
}

/* The peer's groups and room for one more; NULL: no memory, and then it is in none. */
static gid_t *groups_of(int fd, size_t *count)
{
	gid_t *groups = NULL;
	socklen_t size = 0;

	/* It says how much it needs. */
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, NULL, &size) && errno != ERANGE)
		size = 0;
	groups = malloc(size + sizeof(*groups));
	if (groups && size && getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &size))
		size = 0;
	*count = groups ? size / sizeof(*groups) : 0;
	return groups;
}

enum croom_role permit_role(const struct croom_control *control, int fd, const struct ucred *peer)
{
	enum croom_role role = croom_policy_role(control->policy, peer->uid, NULL, 0);
	gid_t *groups;
	size_t count;

	if (role == CROOM_ADMIN || !control->policy)
		return role;
	groups = groups_of(fd, &count);
	if (groups) {
		groups[count++] = peer->gid;
		role = croom_policy_role(control->policy, peer->uid, groups, count);
	}
	free(groups);
	return role;
}

void permit_program(pid_t pid, char *text, size_t size)
{
	char path[64];
	ssize_t length;
	int comm;

	text[0] = 0;
	snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
	comm = open(path, O_RDONLY | O_CLOEXEC);
	if (comm < 0)
		return;
	length = read(comm, text, size - 1);
	text[length > 0 ? length : 0] = 0;
	text[strcspn(text, "\n")] = 0;
	close(comm);
}

void permit_refused(struct croom_control *control, const struct croom_origin *origin, const char *text)
{
	struct refusals *refusals = &control->refusals;
	int64_t now = now_ns();

	/* What was left out is told first, so that the rows are in the order of time. */
	permit_tell(control, now);
	if (refusals->count == 0 && bucket_take(&refusals->told, TOLD_EVERY_NS, TOLD_BURST, now) == 0) {
		croom_room_refuse(control->room, origin, text);
		return;
	}
	refusals->count++;
	refusals->uid = origin->uid;
	refusals->pid = origin->pid;
}

static void tell(struct croom_control *control)
{
	struct croom_origin last = { control->refusals.uid, control->refusals.pid, "" };
	char text[200];

	snprintf(text, sizeof(text), "%llu more requests were refused, the last of them to this user; too many for a row each",
		 (unsigned long long)control->refusals.count);
	control->refusals.count = 0;
	croom_room_refuse(control->room, &last, text);
}

void permit_tell(struct croom_control *control, int64_t now)
{
	if (control->refusals.count && bucket_take(&control->refusals.told, TOLD_EVERY_NS, TOLD_BURST, now) == 0)
		tell(control);
}

int64_t permit_next_ns(const struct croom_control *control)
{
	return control->refusals.count ? control->refusals.told.full_ns - (TOLD_BURST - 1) * TOLD_EVERY_NS : INT64_MAX;
}

void permit_end(struct croom_control *control)
{
	if (control->refusals.count)
		tell(control);
}
