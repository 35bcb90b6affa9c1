/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading a black box, which may be of a process that runs, hangs or has died, of another version, cut off, or none at all:
 * every size and place in it is checked before it is used, and everything is copied out.
 */
#include "blackbox-impl.h"
#include "lane-impl.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TRIES = 1000, SLOTS_MAX = CROOM_SLOTS_MAX };

struct image {
	const unsigned char *at;
	size_t bytes;
	struct box_head head;
};

static int damaged(struct croom_error *err, const char *path, const char *what)
{
	return croom_error_set(err, -EINVAL, CROOM_ERROR_OTHER, NULL, "'%s' is no black box%s%s", path, *what ? ": " : "", what);
}

/* Do `count` things of `size` bytes at `at` lie in the file, on a word's boundary? */
static bool fits(const struct image *image, uint64_t at, uint64_t count, uint64_t size)
{
	return at % 8 == 0 && at <= image->bytes && size <= image->bytes && count <= (image->bytes - at) / (size ? size : 1);
}

static const char *check(const struct image *image)
{
	const struct box_head *head = &image->head;

	if (head->version != BOX_VERSION || head->head_bytes != sizeof(*head))
		return "it is of another version of libcroom";
	if (head->file_bytes > image->bytes)
		return "it is cut off";
	if (head->slots == 0 || head->slots > SLOTS_MAX || head->lanes_max == 0 || head->lanes_max > BOX_LANES_MAX ||
	    head->slot_bytes != sizeof(struct croom_blackbox_slot) || head->gauge_bytes != sizeof(struct croom_blackbox_gauge) ||
	    head->place_bytes != sizeof(struct box_place) || head->decisions != CROOM_DECISIONS)
		return "its sizes make no sense";
	if (!fits(image, head->now_at, 1, sizeof(struct box_now)) || head->slot_at != head->now_at + sizeof(struct box_now) ||
	    head->gauge_at != head->slot_at + head->slots * sizeof(struct croom_blackbox_slot) ||
	    head->place_at < head->gauge_at || head->place_at % 8 ||
	    !fits(image, head->gauge_at, BOX_GAUGES, sizeof(struct croom_blackbox_gauge)) ||
	    head->place_at - head->gauge_at < BOX_GAUGES * sizeof(struct croom_blackbox_gauge) ||
	    !fits(image, head->place_at, head->lanes_max, sizeof(struct box_place)) || head->lane_stride % 8 ||
	    !fits(image, head->lane_at, head->lanes_max, head->lane_stride))
		return "its places make no sense";
	if (head->lane_stride < head->records_at + 8ULL || head->lane_stride < head->observed_at + 8ULL ||
	    head->lane_stride < head->at_at + 8ULL || head->lane_stride < head->decided_at + 8ULL ||
	    head->lane_stride < head->calls_at + 8ULL * head->slots ||
	    head->lane_stride < head->decision_at + (uint64_t)CROOM_DECISIONS * sizeof(uint64_t) ||
	    (head->records_at | head->observed_at | head->at_at | head->decided_at | head->calls_at | head->decision_at) % 8)
		return "its places make no sense";
	return NULL;
}

static uint64_t word(const unsigned char *at)
{
	/* relaxed: a figure of some moment, from another process. */
	return croom_get_relaxed((const uint64_t *)(const void *)at);
}

/* Handlers and gauges of one moment. `torn` where the writer stopped in the middle and does not go on. */
static void read_now(const struct image *image, uint64_t *copy, size_t words, bool *torn)
{
	const uint64_t *shared = (const uint64_t *)(const void *)(image->at + image->head.now_at);
	const uint64_t *sequence = (const uint64_t *)(const void *)(image->at + offsetof(struct box_head, sequence));

	for (int i = 0; i < TRIES; i++) {
		/* pair: box.sequence -- acquire; the release is in box_update(), blackbox.c. */
		uint64_t before = croom_get_acquire(box.sequence.read, sequence);

		for (size_t k = 0; k < words; k++)
			/* pair: box.words -- acquire; the release is in box_update(), blackbox.c: it keeps the look below behind it. */
			copy[k] = croom_get_acquire(box.words.read, &shared[k]);
		/* relaxed: see above. */
		*torn = before % 2 || croom_get_relaxed(sequence) != before;
		if (!*torn)
			return;
		usleep(100);
	}
}

static void text_copy(char *to, size_t size, const char *from)
{
	size_t length = strnlen(from, size - 1);

	memcpy(to, from, length);
	to[length] = 0;
}

/* The last ones, oldest first. One that the lane writes meanwhile is left out. */
static int read_decisions(const struct image *image, const unsigned char *at, struct croom_blackbox_lane *lane)
{
	const uint64_t *ring = (const uint64_t *)(const void *)(at + image->head.decision_at);
	const uint64_t *decided = (const uint64_t *)(const void *)(at + image->head.decided_at);
	uint64_t *copy = calloc(CROOM_DECISIONS, sizeof(copy[0])), after, first;

	lane->decision = calloc(CROOM_DECISIONS, sizeof(lane->decision[0]));
	if (!copy || !lane->decision) {
		free(copy);
		return -ENOMEM;
	}
	/* pair: box.decided -- acquire; the release is in croom_lane_decide(), lane.h. What it counts is there. */
	lane->decided = croom_get_acquire(box.decided.read, decided);
	for (size_t i = 0; i < CROOM_DECISIONS; i++)
		/* pair: box.decision -- acquire; the release is in croom_lane_decide(), too: the look below comes after. */
		copy[i] = croom_get_acquire(box.decision.read, &ring[i]);
	/* relaxed: see above. The next one after these may be half on its way. */
	after = croom_get_relaxed(decided);
	first = after >= CROOM_DECISIONS ? after - CROOM_DECISIONS + 1 : 0;
	lane->decisions = lane->decided > first && lane->decided - first <= CROOM_DECISIONS ? (unsigned)(lane->decided - first) : 0;
	for (unsigned i = 0; i < lane->decisions; i++) {
		lane->decision[i].record = copy[(first + i) % CROOM_DECISIONS] >> 16;
		lane->decision[i].what = (uint16_t)copy[(first + i) % CROOM_DECISIONS];
	}
	free(copy);
	return 0;
}

static int read_lane(const struct image *image, unsigned place, const struct box_place *named, struct croom_blackbox_lane *lane)
{
	const unsigned char *at = image->at + image->head.lane_at + place * image->head.lane_stride;
	uint64_t observed = word(at + image->head.observed_at), slot = word(at + image->head.at_at);

	text_copy(lane->name, sizeof(lane->name), named->name);
	lane->parked = (observed & LANE_PARKED) != 0;
	lane->revision = lane->parked ? 0 : observed;
	lane->records = word(at + image->head.records_at);
	lane->slot = slot && slot <= image->head.slots ? (int)(slot - 1) : -1;
	lane->calls = calloc(image->head.slots, sizeof(lane->calls[0]));
	if (!lane->calls)
		return -ENOMEM;
	for (uint32_t i = 0; i < image->head.slots; i++)
		lane->calls[i] = word(at + image->head.calls_at + i * 8ULL);
	return read_decisions(image, at, lane);
}

static int read_lanes(const struct image *image, struct croom_blackbox *box)
{
	int rc = 0;

	box->lane = calloc(image->head.lanes_max, sizeof(box->lane[0]));
	if (!box->lane)
		return -ENOMEM;
	for (unsigned i = 0; i < image->head.lanes_max && rc == 0; i++) {
		struct box_place place;

		memcpy(&place, image->at + image->head.place_at + i * sizeof(place), sizeof(place));
		if (place.used)
			rc = read_lane(image, i, &place, &box->lane[box->lanes++]);
	}
	return rc;
}

static int read_control(const struct image *image, struct croom_blackbox *box)
{
	size_t bytes = image->head.gauge_at - image->head.now_at + BOX_GAUGES * sizeof(struct croom_blackbox_gauge);
	uint64_t *copy = calloc(bytes / sizeof(uint64_t) + 1, sizeof(uint64_t));
	const struct box_now *now = (const struct box_now *)copy;

	box->slot = calloc(image->head.slots, sizeof(box->slot[0]));
	box->gauge = calloc(BOX_GAUGES, sizeof(box->gauge[0]));
	if (!copy || !box->slot || !box->gauge) {
		free(copy);
		return -ENOMEM;
	}
	read_now(image, copy, bytes / sizeof(uint64_t), &box->torn);
	box->revision = now->revision;
	box->updated_ns = now->updated_ns;
	box->slots = image->head.slots;
	box->gauges = now->gauges < BOX_GAUGES ? (unsigned)now->gauges : BOX_GAUGES;
	memcpy(box->slot, (const unsigned char *)copy + (image->head.slot_at - image->head.now_at), box->slots * sizeof(box->slot[0]));
	memcpy(box->gauge, (const unsigned char *)copy + (image->head.gauge_at - image->head.now_at), box->gauges * sizeof(box->gauge[0]));
	free(copy);
	for (unsigned i = 0; i < box->slots; i++) {
		box->slot[i].name[CROOM_NAME_MAX] = 0;
		box->slot[i].handler[sizeof(box->slot[i].handler) - 1] = 0;
	}
	for (unsigned i = 0; i < box->gauges; i++) {
		box->gauge[i].name[CROOM_NAME_MAX] = 0;
		box->gauge[i].unit[sizeof(box->gauge[i].unit) - 1] = 0;
	}
	return 0;
}

/* Is it the process that has begun then? */
static bool still_there(const struct box_head *head)
{
	uint64_t started;

	errno = 0;
	started = box_process_started(head->pid);
	/* Without a descriptor to look with, as far as its number tells. */
	if (!started && errno && errno != ENOENT && errno != ESRCH)
		return head->pid > 0 && (kill((pid_t)head->pid, 0) == 0 || errno == EPERM);
	return started == head->process_started;
}

static int read_image(const struct image *image, struct croom_blackbox *box)
{
	int rc;

	text_copy(box->room, sizeof(box->room), image->head.room);
	box->pid = (pid_t)image->head.pid;
	box->started_ns = image->head.started_ns;
	box->ended_ns = image->head.ended_ns;
	box->alive = image->head.process_started && still_there(&image->head);
	memcpy(box->decision_name, image->head.decision_name, sizeof(box->decision_name));
	for (unsigned i = 0; i < CROOM_DECISION_NAMES; i++)
		box->decision_name[i][sizeof(box->decision_name[i]) - 1] = 0;
	rc = read_control(image, box);
	return rc ? rc : read_lanes(image, box);
}

/* 0 with the file mapped, or -errno and told. */
static int map(struct image *image, const char *path, struct croom_error *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY), rc = 0;
	struct stat about;
	void *at;

	if (fd < 0 || fstat(fd, &about)) {
		rc = croom_error_set(err, -errno, CROOM_ERROR_OTHER, NULL, "cannot read '%s': %s", path, strerror(errno));
	} else if (!S_ISREG(about.st_mode) || about.st_size < (off_t)sizeof(struct box_head)) {
		rc = damaged(err, path, "");
	} else {
		at = mmap(NULL, (size_t)about.st_size, PROT_READ, MAP_SHARED, fd, 0);
		image->at = at == MAP_FAILED ? NULL : at;
		image->bytes = (size_t)about.st_size;
		if (at == MAP_FAILED)
			rc = croom_error_set(err, -errno, CROOM_ERROR_OTHER, NULL, "cannot read '%s': %s", path, strerror(errno));
	}
	if (fd >= 0)
		close(fd);
	return rc;
}

int croom_blackbox_read(const char *path, struct croom_blackbox **out, struct croom_error *err)
{
	struct croom_blackbox *box;
	struct image image = { 0 };
	const char *wrong = NULL;
	int rc;

	*out = NULL;
	if (err)
		memset(err, 0, sizeof(*err));
	rc = map(&image, path, err);
	if (!image.at)
		return rc;
	memcpy(&image.head, image.at, sizeof(image.head));
	if (memcmp(image.head.magic, BOX_MAGIC, sizeof(image.head.magic)))
		wrong = "";
	else
		wrong = check(&image);
	box = wrong ? NULL : calloc(1, sizeof(*box));
	if (wrong)
		rc = damaged(err, path, wrong);
	else if (!box || (rc = read_image(&image, box)) != 0)
		rc = croom_error_set(err, -ENOMEM, CROOM_ERROR_OTHER, NULL, "out of memory");
	munmap((void *)(uintptr_t)image.at, image.bytes);
	if (rc)
		croom_blackbox_free(box);
	else
		*out = box;
	return rc;
}

void croom_blackbox_free(struct croom_blackbox *box)
{
	if (!box)
		return;
	for (unsigned i = 0; i < box->lanes; i++) {
		free(box->lane[i].calls);
		free(box->lane[i].decision);
	}
	free(box->lane);
	free(box->slot);
	free(box->gauge);
	free(box);
}
