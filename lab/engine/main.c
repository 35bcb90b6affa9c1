/* SPDX-License-Identifier: BSD-2-Clause */
/* engine SUITE [--quick] [--cpus A,B]: run one suite and print what it measured, a JSON object per line. */
#include "lab.h"
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>

static const struct {
	const char *name;
	void (*run)(void);
	bool two;      /* takes two processors */
} suites[] = {
	{ "call", suite_call, false }, { "swap", suite_swap, true }, { "tails", suite_tails, true }, { "ring", suite_ring, true },
	{ "strings", suite_strings, false }, { "scale", suite_scale, false },
};

int main(int argc, char **argv)
{
	const char *suite = NULL;

	/* Whoever started this and was killed must not leave two processors spinning under the next measurement. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);

	lab_choose_cpus();
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--quick") == 0)
			lab.quick = true;
		else if (strcmp(argv[i], "--cpus") == 0 && i + 1 < argc && sscanf(argv[i + 1], "%d,%d", &lab.cpu[0], &lab.cpu[1]) == 2)
			i++;
		else if (!suite && argv[i][0] != '-')
			suite = argv[i];
		else
			lab_die("what is '%s'? usage: engine SUITE [--quick] [--cpus A,B]", argv[i]);
	}
	if (!suite)
		lab_die("which suite? call, swap, tails, ring, strings or scale");
	for (size_t i = 0; i < sizeof(suites) / sizeof(suites[0]); i++) {
		if (strcmp(suite, suites[i].name))
			continue;
		lab_clock_start();
		lab_pair_start();
		lab_machine();
		if (suites[i].two && lab.cpu[0] == lab.cpu[1])
			lab_skip(suite, "the whole suite", "it takes two processors, and there is one");
		else
			suites[i].run();
		return lab_wrong;
	}
	lab_die("there is no suite '%s': call, swap, tails, ring, strings, scale", suite);
}
