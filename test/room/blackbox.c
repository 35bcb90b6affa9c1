// SPDX-License-Identifier: BSD-2-Clause
/* A room whose lanes lie in a black box: what another process reads, alive, dead and damaged. */
#include "rig.h"
#include <croom/blackbox.h>
#include <croom/trial.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *const names[] = { "kept", "dropped", NULL };
static char path[64], old_path[80];
static struct croom_room *room;
static struct croom_lane *lane;
static struct croom_error err;
static struct croom_blackbox *box;

static double fill(void *env)
{
	(void)env;
	return 12.5;
}

static int begin(void)
{
	snprintf(path, sizeof(path), "/dev/shm/croom-test-%d", (int)getpid());
	snprintf(old_path, sizeof(old_path), "%s.old", path);
	room = rig_open();
	CHECK_EQ(croom_room_gauge_add(room, "fill", "%", fill, NULL), 0);
	if (access("/dev/shm", W_OK)) {
		SKIP("/dev/shm is not there to be written to");
		croom_room_close(room);
		return 0;
	}
	CHECK_EQ(croom_blackbox_open(room, path, names, &err), 0);
	CHECK_EQ(croom_room_lane_add(room, "feed", &lane), 0);
	return 1;
}

static void end(void)
{
	croom_blackbox_free(box);
	box = NULL;
	croom_room_close(room);
	unlink(path);
	unlink(old_path);
	CHECK_EQ(opened, closed);
}

static int swap(const char *handler)
{
	return rig_swap(room, "printer", handler, &(struct croom_swap_options){ .wait_ms = 0 }, NULL, &err);
}

static void tells_what_the_room_tells(void)
{
	const struct croom_panel *panel;
	note n = { .value = 1 };

	if (!begin())
		return;
	CHECK_EQ(swap("number:7"), 0);
	panel = croom_lane_unpark(lane);
	for (int i = 0; i < 10; i++)
		CHECK_EQ(croom_lane_call(printer, lane, panel, &n), 7);
	croom_lane_calls_add(lane, printer_slot, 10);
	CHECK_EQ(croom_blackbox_read(path, &box, &err), 0);
	CHECK(strcmp(box->room, "rig") == 0 && box->pid == getpid() && box->alive && !box->ended_ns && !box->torn);
	CHECK_EQ(box->revision, 2);
	CHECK_EQ(box->slots, 2);
	CHECK(strcmp(box->slot[0].name, "printer") == 0 && strcmp(box->slot[0].handler, "number:7") == 0);
	CHECK(box->slot[0].since_revision == 2 && strcmp(box->slot[1].handler, "all") == 0);
	CHECK(box->gauges == 1 && strcmp(box->gauge[0].name, "fill") == 0 && box->gauge[0].value == 12.5);
	CHECK_EQ(box->lanes, 1);
	CHECK(strcmp(box->lane[0].name, "feed") == 0 && !box->lane[0].parked && box->lane[0].revision == 2);
	CHECK_EQ(box->lane[0].slot, printer_slot);
	CHECK_EQ(box->lane[0].calls[0], 10);
	croom_blackbox_free(box);
	croom_lane_records_add(lane, 10);
	croom_lane_park(lane);
	CHECK_EQ(croom_blackbox_read(path, &box, &err), 0);
	CHECK(box->lane[0].parked && box->lane[0].records == 10 && box->lane[0].slot == -1);
	end();
}

static void keeps_the_last_decisions(void)
{
	if (!begin())
		return;
	CHECK_EQ(croom_blackbox_read(path, &box, &err), 0);
	CHECK_EQ(box->lane[0].decisions, 0);
	CHECK(strcmp(box->decision_name[1], "dropped") == 0 && !*box->decision_name[2]);
	croom_blackbox_free(box);
	for (uint64_t i = 1; i <= 3; i++)
		croom_lane_decide(lane, i, i % 2);
	CHECK_EQ(croom_blackbox_read(path, &box, &err), 0);
	CHECK_EQ(box->lane[0].decisions, 3);
	CHECK(box->lane[0].decision[0].record == 1 && box->lane[0].decision[2].record == 3 && box->lane[0].decision[2].what == 1);
	croom_blackbox_free(box);
	for (uint64_t i = 4; i <= 10000; i++)
		croom_lane_decide(lane, i, i % 2);
	CHECK_EQ(croom_blackbox_read(path, &box, &err), 0);
	CHECK_EQ(box->lane[0].decided, 10000);
	CHECK_EQ(box->lane[0].decisions, CROOM_DECISIONS - 1);
	for (unsigned i = 0; i < box->lane[0].decisions; i++)
		CHECK_EQ(box->lane[0].decision[i].record, 10000 - box->lane[0].decisions + 1 + i);
	end();
}

static void outlives_a_kill(void)
{
	int status;
	pid_t child;

	if (!begin())
		return;
	croom_room_close(room);
	CHECK_EQ(croom_blackbox_read(path, &box, &err), 0);
	CHECK(box->ended_ns && box->lanes == 1);
	croom_blackbox_free(box);
	child = fork();
	if (child == 0) {
		room = rig_open();
		if (croom_blackbox_open(room, path, names, &err) || croom_room_lane_add(room, "feed", &lane) || swap("number:9"))
			_exit(1);
		croom_lane_unpark(lane);
		croom_lane_enter(lane, printer_slot + 1);
		croom_lane_decide(lane, 77, 1);
		raise(SIGKILL);
	}
	/* Dead as soon as it is, and not only when its parent has asked for how it ended. */
	waitid(P_PID, (id_t)child, &(siginfo_t){ 0 }, WEXITED | WNOWAIT);
	CHECK_EQ(croom_blackbox_read(path, &box, &err), 0);
	CHECK(box->pid == child && !box->alive);
	croom_blackbox_free(box);
	waitpid(child, &status, 0);
	CHECK(WIFSIGNALED(status));
	CHECK_EQ(croom_blackbox_read(path, &box, &err), 0);
	CHECK(box->pid == child && !box->alive && !box->ended_ns && strcmp(box->slot[0].handler, "number:9") == 0);
	CHECK(box->lane[0].slot == printer_slot && box->lane[0].decisions == 1 && box->lane[0].decision[0].record == 77);
	croom_blackbox_free(box);
	/* A restart keeps it. */
	room = rig_open();
	CHECK_EQ(croom_blackbox_open(room, path, NULL, &err), 0);
	CHECK_EQ(croom_blackbox_read(old_path, &box, &err), 0);
	CHECK_EQ(box->pid, child);
	end();
}

static void lanes_come_and_go(void)
{
	struct croom_lane *more[CROOM_LANES_MAX];
	char name[32];

	if (!begin())
		return;
	for (int i = 0; i + 1 < CROOM_LANES_MAX; i++) {
		snprintf(name, sizeof(name), "lane%d", i);
		CHECK_EQ(croom_room_lane_add(room, name, &more[i]), 0);
	}
	croom_room_lane_remove(room, more[5]);
	CHECK_EQ(croom_blackbox_read(path, &box, &err), 0);
	CHECK_EQ(box->lanes, CROOM_LANES_MAX - 1);
	CHECK_EQ(croom_room_lane_add(room, "again", &more[5]), 0);
	end();
}

static void refuses_what_it_cannot_do(void)
{
	if (!begin())
		return;
	CHECK_EQ(croom_blackbox_open(room, path, NULL, &err), -EBUSY);
	croom_room_close(room);
	room = rig_open();
	CHECK_EQ(croom_room_lane_add(room, "feed", &lane), 0);
	CHECK_EQ(croom_blackbox_open(room, path, NULL, &err), -EBUSY);
	CHECK(strstr(err.text, "before the first lane"));
	croom_room_close(room);
	room = rig_open();
	CHECK_EQ(croom_blackbox_open(room, "/no/such/place", NULL, &err), -ENOENT);
	end();
}

/* Every byte of the head set to something else, one after the other, and the file cut off everywhere: an answer, no crash. */
static void reads_damaged_files(void)
{
	unsigned char head[512];
	int fd, good = 0, bad = 0;
	struct stat about;

	if (!begin())
		return;
	fd = open(path, O_RDWR);
	CHECK(pread(fd, head, sizeof(head), 0) == (ssize_t)sizeof(head));
	fstat(fd, &about);
	for (size_t i = 0; i < sizeof(head); i++) {
		static const unsigned char other[] = { 0, 1, 0x7f, 0x80, 0xff };

		for (size_t k = 0; k < sizeof(other); k++) {
			CHECK(pwrite(fd, &other[k], 1, (off_t)i) == 1);
			if (croom_blackbox_read(path, &box, &err)) {
				bad++;
				CHECK(err.text[0]);
			} else {
				good++;
				croom_blackbox_free(box);
			}
			box = NULL;
		}
		CHECK(pwrite(fd, &head[i], 1, (off_t)i) == 1);
	}
	CHECK(bad > 100 && good > 100);
	close(fd);
	croom_room_close(room);
	for (off_t size = about.st_size - 1; size > 0; size = size > 4096 ? size * 7 / 8 : size - 97) {
		CHECK_EQ(truncate(path, size), 0);
		CHECK_EQ(croom_blackbox_read(path, &box, &err), -EINVAL);
	}
	CHECK_EQ(croom_blackbox_read("/dev/null", &box, &err), -EINVAL);
	CHECK_EQ(croom_blackbox_read("/no/such", &box, &err), -ENOENT);
	room = NULL;
	end();
}

static int over;

static void *decide(void *arg)
{
	struct croom_lane *own = arg;
	const struct croom_panel *panel = croom_lane_unpark(own);
	note n = { .value = 1 };

	for (uint64_t i = 1; !__atomic_load_n(&over, __ATOMIC_RELAXED); i++) {
		panel = croom_lane_observe(own, panel);
		croom_lane_call(printer, own, panel, &n);
		croom_lane_decide(own, i, (uint16_t)(i * 3));
		croom_lane_records_add(own, 1);
	}
	croom_lane_park(own);
	return NULL;
}

/* Read while the lane writes: no decision is half of one and half of another; handler and revision belong together. */
static void reads_while_it_is_written(void)
{
	pthread_t thread;
	char handler[32];

	if (!begin())
		return;
	over = 0;
	pthread_create(&thread, NULL, decide, lane);
	for (int i = 0; i < 300; i++) {
		snprintf(handler, sizeof(handler), "number:%d", i + 2);
		CHECK_EQ(swap(handler), 0);
		CHECK_EQ(croom_blackbox_read(path, &box, &err), 0);
		CHECK(!box->torn);
		CHECK(strcmp(box->slot[0].handler, handler) == 0 && box->revision == (uint64_t)i + 2);
		for (unsigned k = 0; k < box->lane[0].decisions; k++)
			CHECK(box->lane[0].decision[k].what == (uint16_t)(box->lane[0].decision[k].record * 3) &&
			      (k == 0 || box->lane[0].decision[k].record == box->lane[0].decision[k - 1].record + 1));
		croom_blackbox_free(box);
		box = NULL;
		while (croom_room_poll(room, (uint64_t)i + 2, NULL, NULL))
			;
	}
	__atomic_store_n(&over, 1, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	end();
}

int main(void)
{
	RUN(tells_what_the_room_tells);
	RUN(keeps_the_last_decisions);
	RUN(outlives_a_kill);
	RUN(lanes_come_and_go);
	RUN(refuses_what_it_cannot_do);
	RUN(reads_damaged_files);
	RUN(reads_while_it_is_written);
	return check_result();
}
