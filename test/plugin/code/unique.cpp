// SPDX-License-Identifier: BSD-2-Clause
// A static of an inline function, which C++ wants to be one in the whole process.
#include "note.h"

template <int N> struct counter {
	static int next()
	{
		static int count;
		return count += N;
	}
};

static int count_call(void *, note *)
{
	return counter<1>::next();
}
CROOM_RUN(count, count_call, void, note);

// Default visibility, as who writes a file of his own has it.
#pragma GCC visibility push(default)
template struct counter<1>;
#pragma GCC visibility pop

static const struct croom_class mine = [] {
	croom_class made = {};
	made.name = "mine";
	made.help = "";
	made.run = count_run;
	made.type = count_type;
	return made;
}();
CROOM_PLUGIN(unique, "1", "", nullptr, { "printer", &mine });
