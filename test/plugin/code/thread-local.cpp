// SPDX-License-Identifier: BSD-2-Clause
// A thread_local with a destructor: whichever thread has touched it calls that at its end.
#include "note.h"
#include <cstdlib>

struct owner {
	int *number = new int(41);
	~owner() { delete number; }
};

static thread_local owner own;

static int own_call(void *, note *)
{
	return *own.number + 1;
}
CROOM_RUN(own, own_call, void, note);

static const struct croom_class mine = [] {
	croom_class made = {};
	made.name = "mine";
	made.help = "";
	made.run = own_run;
	made.type = own_type;
	return made;
}();
CROOM_PLUGIN(local, "1", "", nullptr, { "printer", &mine });
