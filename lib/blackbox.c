/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Writing a black box: a file in memory, mapped shared, that the room's lanes live in. Lanes write to their own part as they
 * always do. The control side writes handlers and gauges, under the room's mutex. If either stops anywhere, what it wrote so far
 * is there; `sequence` then says whether the control side was in the middle.
 */
#include "blackbox-impl.h"
#include "room-impl.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

struct blackbox {
	struct box_head *head;
	struct box_place *place;
	unsigned char *lanes;
	size_t bytes, now_words;
	uint64_t *now_shared;              /* in the file */
	/* What goes there, made here first. */
	struct box_now *now;
	struct croom_blackbox_slot *slot;
	struct croom_blackbox_gauge *gauge;
};

static size_t up(size_t size, size_t to)
{
	return (size + to - 1) / to * to;
}

/* Without stdio: it is asked when memory may be short. */
uint64_t box_process_started(int64_t pid)
{
	unsigned long long started = 0;
	char path[64], line[1024], state = 0;
	long threads = 0;
	const char *at;
	ssize_t got;
	int fd;

	snprintf(path, sizeof(path), "/proc/%lld/stat", (long long)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	got = read(fd, line, sizeof(line) - 1);
	close(fd);
	line[got > 0 ? got : 0] = 0;
	at = strrchr(line, ')');
	/* The name may hold anything; 20 fields behind it. */
	if (!at || sscanf(at + 1, " %c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %ld %*s %llu", &state, &threads,
			  &started) != 3)
		return 0;
	/* Dead, and nobody has asked for its exit status yet. Where only the first thread has ended, the others count. */
	return (state == 'Z' || state == 'X') && threads <= 1 ? 0 : started;
}

/* Where everything lies. */
static void lay_out(struct box_head *head, const struct croom_room *room)
{
	size_t decision_at = up(lane_bytes(room->slots), LANE_LINE);

	head->version = BOX_VERSION;
	head->head_bytes = sizeof(*head);
	head->slots = room->slots;
	head->slot_bytes = sizeof(struct croom_blackbox_slot);
	head->gauge_bytes = sizeof(struct croom_blackbox_gauge);
	head->place_bytes = sizeof(struct box_place);
	head->lanes_max = CROOM_LANES_MAX;
	head->decisions = CROOM_DECISIONS;
	head->now_at = up(sizeof(*head), 64);
	head->slot_at = head->now_at + sizeof(struct box_now);
	head->gauge_at = head->slot_at + room->slots * sizeof(struct croom_blackbox_slot);
	head->place_at = up(head->gauge_at + BOX_GAUGES * sizeof(struct croom_blackbox_gauge), 64);
	head->lane_at = up(head->place_at + CROOM_LANES_MAX * sizeof(struct box_place), 4096);
	head->lane_stride = up(decision_at + CROOM_DECISIONS * sizeof(uint64_t), 4096);
	head->file_bytes = head->lane_at + CROOM_LANES_MAX * head->lane_stride;
	head->records_at = (uint32_t)offsetof(struct lane, pub.records);
	head->observed_at = (uint32_t)offsetof(struct lane, observed);
	head->at_at = (uint32_t)offsetof(struct lane, pub.at);
	head->decided_at = (uint32_t)offsetof(struct lane, pub.decided);
	head->calls_at = (uint32_t)sizeof(struct lane);
	head->decision_at = (uint32_t)decision_at;
	memcpy(head->room, room->name, sizeof(head->room));
	head->pid = getpid();
	head->process_started = box_process_started(getpid());
	head->started_ns = clock_ns(CLOCK_REALTIME);
}

static int cannot(struct croom_error *err, const char *path, int code)
{
	return croom_error_set(err, -code, CROOM_ERROR_OTHER, NULL, "no black box at '%s': %s", path, strerror(code));
}

static bool in_memory(const struct statfs *system)
{
	return system->f_type == TMPFS_MAGIC || system->f_type == RAMFS_MAGIC || system->f_type == HUGETLBFS_MAGIC;
}

static int on_disk(struct croom_error *err, const char *path)
{
	return croom_error_set(err, -ENOTSUP, CROOM_ERROR_OTHER, NULL, "no black box at '%s': it is on a disk, and a data thread could "
			       "wait for that; use a file in memory, such as in /run or /dev/shm", path);
}

/* A black box, or one that its process did not live to finish. */
static bool is_box(int fd)
{
	char magic[sizeof(((struct box_head *)NULL)->magic)] = { 0 };
	static const char none[sizeof(magic)];
	struct stat about;

	return fstat(fd, &about) == 0 && S_ISREG(about.st_mode) && pread(fd, magic, sizeof(magic), 0) >= 0 &&
	       (memcmp(magic, BOX_MAGIC, sizeof(magic)) == 0 || memcmp(magic, none, sizeof(magic)) == 0);
}

/* Nothing is renamed for one that cannot be, and nobody's capture because he mistook the option. */
static int check_place(const char *path, struct croom_error *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	bool taken = fd >= 0 ? !is_box(fd) : errno != ENOENT;
	const char *slash = strrchr(path, '/');
	struct statfs system;
	char *folder;
	int rc = 0;

	if (fd >= 0)
		close(fd);
	else if (errno == EACCES || errno == ENOTDIR || errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENAMETOOLONG)
		return cannot(err, path, errno);
	if (taken)
		return croom_error_set(err, -EEXIST, CROOM_ERROR_OTHER, NULL,
				       "no black box at '%s': what is there is none and would be renamed; choose another name", path);
	folder = slash ? strndup(path, slash == path ? 1 : (size_t)(slash - path)) : strdup(".");
	if (!folder)
		return cannot(err, path, ENOMEM);
	if (statfs(folder, &system))
		rc = cannot(err, path, errno);
	else if (!in_memory(&system))
		rc = on_disk(err, path);
	free(folder);
	return rc;
}

/* A new file of that name; what was there is FILE.old. */
static int new_file(const char *path, struct croom_error *err)
{
	struct statfs system;
	char *old;
	int fd, rc = check_place(path, err);

	if (rc)
		return rc;
	if (asprintf(&old, "%s.old", path) < 0)
		return cannot(err, path, ENOMEM);
	if (rename(path, old) && errno != ENOENT)
		rc = cannot(err, path, errno);
	free(old);
	if (rc)
		return rc;
	fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return cannot(err, path, errno);
	if (fstatfs(fd, &system) || !in_memory(&system)) {
		close(fd);
		unlink(path);
		return on_disk(err, path);
	}
	return fd;
}

static struct blackbox *box_map(const struct croom_room *room, int fd, const char *const *decisions)
{
	struct blackbox *box = calloc(1, sizeof(*box));
	struct box_head head = { .version = 0 };
	uint64_t *words;
	void *at;

	lay_out(&head, room);
	/* Taken now: a full file system later would end the process at a store. The lanes' part is, when they come. */
	if (box) {
		box->now_words = (head.place_at - head.now_at) / sizeof(uint64_t);
		words = calloc(box->now_words, sizeof(words[0]));
		box->now = (void *)words;
	}
	if (!box || !box->now || posix_fallocate(fd, 0, (off_t)head.lane_at) || ftruncate(fd, (off_t)head.file_bytes) ||
	    (at = mmap(NULL, head.file_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0)) == MAP_FAILED) {
		if (box)
			free(box->now);
		free(box);
		return NULL;
	}
	for (unsigned i = 0; decisions && decisions[i] && i < CROOM_DECISION_NAMES; i++)
		strncpy(head.decision_name[i], decisions[i], sizeof(head.decision_name[i]) - 1);
	box->bytes = head.file_bytes;
	box->head = at;
	box->now_shared = (void *)((unsigned char *)at + head.now_at);
	box->slot = (void *)((unsigned char *)box->now + (head.slot_at - head.now_at));
	box->gauge = (void *)((unsigned char *)box->now + (head.gauge_at - head.now_at));
	box->place = (void *)((unsigned char *)at + head.place_at);
	box->lanes = (unsigned char *)at + head.lane_at;
	*box->head = head;
	/* Last: without it nothing takes the file for a black box. */
	memcpy(box->head->magic, BOX_MAGIC, sizeof(box->head->magic));
	return box;
}

int croom_blackbox_open(struct croom_room *room, const char *path, const char *const *decisions, struct croom_error *err)
{
	int fd, rc = 0;

	if (err)
		memset(err, 0, sizeof(*err));
	pthread_mutex_lock(&room->mutex);
	if (room->box || room->lanes)
		rc = croom_error_set(err, -EBUSY, CROOM_ERROR_OTHER, NULL, room->box ? "the room has a black box already" :
				     "a black box is opened before the first lane is added");
	fd = rc ? -1 : new_file(path, err);
	if (fd < 0) {
		pthread_mutex_unlock(&room->mutex);
		return rc ? rc : fd;
	}
	room->box = box_map(room, fd, decisions);
	if (!room->box) {
		rc = cannot(err, path, errno ? errno : ENOMEM);
		unlink(path);
	}
	close(fd);
	box_update(room, true);
	pthread_mutex_unlock(&room->mutex);
	return rc;
}

static void box_slots(const struct croom_room *room, struct blackbox *box)
{
	for (uint32_t i = 0; i < room->slots; i++) {
		const struct panel_slot *slot = &room->panel->slot[i];

		snprintf(box->slot[i].name, sizeof(box->slot[i].name), "%s", room->slot[i].def->name);
		snprintf(box->slot[i].handler, sizeof(box->slot[i].handler), "%s", slot->instance->spec->text);
		box->slot[i].since_revision = slot->since_revision;
		box->slot[i].since_ns = slot->since_ns;
	}
}

static void box_gauges(const struct croom_room *room, struct blackbox *box)
{
	for (unsigned i = 0; i < room->gauges; i++) {
		snprintf(box->gauge[i].name, sizeof(box->gauge[i].name), "%s", room->gauge[i].name);
		snprintf(box->gauge[i].unit, sizeof(box->gauge[i].unit), "%s", room->gauge[i].unit);
		box->gauge[i].value = room->gauge[i].read(room->gauge[i].env);
	}
	box->now->gauges = room->gauges;
}

void box_update(struct croom_room *room, bool gauges)
{
	struct blackbox *box = room->box;
	const uint64_t *from;
	int64_t now;

	if (!box)
		return;
	now = clock_ns(CLOCK_REALTIME);
	/* Asked for with every tick, done about once a second. */
	if (gauges && box->now->updated_ns && now - box->now->updated_ns < 900000000 && now > box->now->updated_ns)
		return;
	box->now->revision = room->panel->pub.revision;
	box->now->updated_ns = now;
	box_slots(room, box);
	if (gauges)
		box_gauges(room, box);
	from = (const uint64_t *)box->now;
	/* relaxed: the release of each word keeps the odd count before it. */
	croom_set_relaxed(&box->head->sequence, box->head->sequence + 1);
	for (size_t i = 0; i < box->now_words; i++)
		/* pair: box.words -- release; the acquire is in read_now(), blackbox-read.c, in another process. */
		croom_set_release(box.words.update, &box->now_shared[i], from[i]);
	/* pair: box.sequence -- release; the acquire is in read_now(), too: the words of one round are complete. */
	croom_set_release(box.sequence.update, &box->head->sequence, box->head->sequence + 1);
}

struct lane *box_lane(struct croom_room *room, const char *name)
{
	struct blackbox *box = room->box;
	unsigned char *memory;
	struct lane *lane;
	unsigned i = 0;

	while (i < CROOM_LANES_MAX && box->place[i].used)
		i++;
	if (i == CROOM_LANES_MAX)
		return NULL;
	memory = box->lanes + i * box->head->lane_stride;
	/* Every page is there before the lane runs. */
	if (madvise(memory, box->head->lane_stride, MADV_POPULATE_WRITE) && errno != EINVAL)
		return NULL;
	memset(memory, 0, box->head->lane_stride);
	lane = lane_init(memory, name, &room->wire, room->slots);
	lane->boxed = true;
	lane->pub.decision = (void *)(memory + box->head->decision_at);
	lane->pub.decision_mask = CROOM_DECISIONS - 1;
	strncpy(box->place[i].name, name, CROOM_NAME_MAX);
	box->place[i].used = 1;
	return lane;
}

void box_lane_free(struct croom_room *room, struct lane *lane)
{
	size_t place = (size_t)((unsigned char *)lane - room->box->lanes) / room->box->head->lane_stride;

	room->box->place[place].used = 0;
}

void box_close(struct croom_room *room)
{
	struct blackbox *box = room->box;

	if (!box)
		return;
	box->head->ended_ns = clock_ns(CLOCK_REALTIME);
	munmap(box->head, box->bytes);
	free(box->now);
	free(box);
	room->box = NULL;
}
