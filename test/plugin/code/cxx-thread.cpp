// SPDX-License-Identifier: BSD-2-Clause
// The same with a std::thread, which the C++ library starts.
#include "mine.h"
#include <chrono>
#include <thread>

static int open_thread(void **, const char *, void *env, struct croom_error *)
{
	std::thread([env] {
		while (!__atomic_load_n(static_cast<int *>(env), __ATOMIC_ACQUIRE))
			std::this_thread::sleep_for(std::chrono::milliseconds(1));
	}).detach();
	return 0;
}

static const struct croom_class mine = [] {
	croom_class made = {};
	made.name = "mine";
	made.help = "";
	made.run = mine_run;
	made.type = mine_type;
	made.open = open_thread;
	return made;
}();
CROOM_PLUGIN(thread, "1", "", nullptr, { "printer", &mine });
