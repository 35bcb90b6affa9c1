/* SPDX-License-Identifier: BSD-2-Clause */
/* Where the tap's black box is: the file that was asked for, or NAME.blackbox beside the control socket. */
#include "say.h"
#include "tap.h"
#include <croom/blackbox.h>
#include <croom/control.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const verdicts[] = { [TAP_PRINT] = "printed", [TAP_SAMPLED_OUT] = "sampled out", [TAP_SUMMARISED] = "summarised",
					[TAP_FILTERED] = "filtered", [TAP_NOT_PRINTED] = "not printed", NULL };

/* A running tap of the same name has it: then this one is NAME-PID, as its socket is. */
static bool taken(const char *path)
{
	struct croom_blackbox *box;
	bool alive;

	if (croom_blackbox_read(path, &box, NULL))
		return false;
	alive = box->alive;
	croom_blackbox_free(box);
	return alive;
}

static int open_beside_socket(struct tap *tap)
{
	char directory[108], path[200];

	if (croom_control_directory(directory, sizeof(directory)))
		return -1;
	/* The control socket makes it too, and says what is wrong with it. */
	mkdir(directory, 0700);
	snprintf(path, sizeof(path), "%s/%s.blackbox", directory, tap->options.room);
	if (taken(path)) {
		snprintf(path, sizeof(path), "%s/%s-%d.blackbox", directory, tap->options.room, (int)getpid());
		tap->own_box = strdup(path);
	}
	return croom_blackbox_open(tap->room, path, verdicts, NULL);
}

int tap_box_open(struct tap *tap)
{
	const char *path = tap->options.blackbox;
	struct croom_error err;

	if (path && strcmp(path, "none") == 0)
		return 0;
	if (path) {
		if (croom_blackbox_open(tap->room, path, verdicts, &err) == 0)
			return 0;
		tap_say("--blackbox: %s", err.text);
		return 1;
	}
	/* Nobody has asked for it: where there is none, none is missed. */
	if (!tap->options.no_control)
		open_beside_socket(tap);
	return 0;
}

void tap_box_close(struct tap *tap)
{
	/* Names with a number in them would pile up. The other stays until the next tap of its name begins. */
	if (tap->own_box)
		unlink(tap->own_box);
	free(tap->own_box);
}
