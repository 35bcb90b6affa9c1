/* SPDX-License-Identifier: BSD-2-Clause */
/* What --lane-seccomp relies on: after tap_forbid_system_calls() one system call ends the process. */
#include "../../tap/tap.h"
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>

int main(void)
{
	pid_t child = fork();
	int status = 0;

	if (child == 0) {
		if (tap_forbid_system_calls())
			_exit(3);
		getppid();
		for (;;)
			;
	}
	waitpid(child, &status, 0);
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS) {
		printf("ok - a system call after tap_forbid_system_calls() ends the process\n");
		return 0;
	}
	printf("not ok - a system call was let through: status %x\n", (unsigned)status);
	return 1;
}
