// SPDX-License-Identifier: BSD-2-Clause
/* What cannot be unloaded is told with the reason, its classes go all the same, and it is looked at again later. */
#include "plugins.h"
#include <linux/filter.h>
#include <linux/membarrier.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static int see_why(void *env, const struct croom_plugin_view *plugin)
{
	if (plugin->retired)
		strcat(strcat(env, plugin->why), "\n");
	return 0;
}

static bool retired_because(const char *words)
{
	char text[2000] = "";

	croom_plugins_each(plugins, see_why, text);
	if (!strstr(text, words))
		printf("# retired because: %s\n", text);
	return strstr(text, words) != NULL;
}

static void serve(const char *name, int value)
{
	CHECK_EQ(load(name), 0);
	CHECK_EQ(swap("printer", "mine"), 0);
	CHECK_EQ(call_printer(), value);
	CHECK_EQ(swap("printer", "off"), 0);
	CHECK_EQ(call_printer(), 0);
}

static void is_retired(const char *name, const char *words)
{
	CHECK_EQ(unload(name), 0);
	CHECK(how.retired && strstr(how.why, words));
	if (!strstr(how.why, words))
		printf("# why: %s\n", how.why);
	CHECK(retired_because(words));
	CHECK(classes_are(own_classes));
	CHECK(mappings("memfd:") > 0);
	CHECK(strstr(heard, "retired plugin ") && strstr(heard, words));
}

static void one_that_must_not_be_deleted(void)
{
	begin();
	serve("nodelete", 1);
	is_retired("good", "it was linked with -z nodelete");
	/* The name is free, and what comes is not taken for what stayed. */
	CHECK_EQ(load("good-2"), 0);
	CHECK(plugins_are("good 1.0 printer=mine filter=counted, good retired"));
	CHECK_EQ(swap("printer", "mine"), 0);
	CHECK_EQ(call_printer(), 2);
	CHECK_EQ(swap("printer", "off"), 0);
	call_printer();
	CHECK_EQ(unload("good"), 0);
	CHECK(!how.retired);
	CHECK(plugins_are("good retired"));
	end();
}

static void one_with_symbols_that_are_unique(void)
{
	begin();
	CHECK_EQ(load("unique"), 0);
	CHECK_EQ(swap("printer", "mine"), 0);
	CHECK_EQ(call_printer(), 1);
	CHECK_EQ(swap("printer", "off"), 0);
	call_printer();
	is_retired("unique", "has to be unique in the process (STB_GNU_UNIQUE): compile it with -fno-gnu-unique");
	CHECK(strstr(how.why, "counter"));
	end();
}

/* The thread goes: so does the plugin, with the next look. */
static void one_whose_thread_runs(const char *name)
{
	char words[100];

#ifdef __SANITIZE_THREAD__
	SKIP("the thread sanitizer starts all threads itself, and hides with what");
	return;
#endif
	begin();
	serve(name, 1);
	snprintf(words, sizeof(words), ", which it started, still runs");
	is_retired("thread", words);
	CHECK(strstr(how.why, "thread "));
	__atomic_store_n(&host_word, 1, __ATOMIC_RELEASE);
	for (int i = 0; i < 60000 && !plugins_are(""); i += 10)
		usleep(10000);
	CHECK(plugins_are(""));
	CHECK_EQ(mappings(name[0] == 't' ? "memfd:thread.so" : "memfd:cxx-thread.so"), 0);
	CHECK(strstr(heard, "which was retired, is unloaded"));
	end();
}

static void one_whose_c_thread_runs(void)
{
	one_whose_thread_runs("thread");
}

static void one_whose_cxx_thread_runs(void)
{
#ifdef __SANITIZE_ADDRESS__
	SKIP("the address sanitizer starts all threads itself, and what the C++ library starts is too far behind that");
	return;
#endif
	one_whose_thread_runs("cxx-thread");
}

static void *call_and_wait(void *arg)
{
	int *stop = arg;

	call_printer();
	__atomic_store_n(stop, 1, __ATOMIC_RELEASE);
	while (__atomic_load_n(stop, __ATOMIC_ACQUIRE) != 2)
		usleep(1000);
	return NULL;
}

/* A thread of the host's has called it, and has the destructor of its variable still to run. */
static void one_whose_thread_local_waits(void)
{
	pthread_t thread;
	int stop = 0;

	begin();
	CHECK_EQ(load("thread-local"), 0);
	CHECK_EQ(swap("printer", "mine"), 0);
	pthread_create(&thread, NULL, call_and_wait, &stop);
	while (__atomic_load_n(&stop, __ATOMIC_ACQUIRE) != 1)
		usleep(1000);
	CHECK_EQ(swap("printer", "off"), 0);
	call_printer();
	is_retired("local", "a thread has a thread_local of it, whose destructor is still to run");
	__atomic_store_n(&stop, 2, __ATOMIC_RELEASE);
	pthread_join(thread, NULL);
	/* The dynamic linker takes it away when it closes the next. */
	CHECK_EQ(load("good"), 0);
	CHECK_EQ(unload("good"), 0);
	CHECK(plugins_are(""));
	end();
}

/* membarrier(2) says this error; command 0: whatever it is asked for. */
static bool membarrier_fails(uint32_t command, uint32_t error)
{
	const uint32_t low = offsetof(struct seccomp_data, args[0]) + (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? 4 : 0);
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_membarrier, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, low),
		BPF_JUMP(BPF_JMP | (command ? BPF_JEQ : BPF_JGE) | BPF_K, command, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof(filter) / sizeof(filter[0]), filter };

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

/* Where no thread can be made to fetch its instructions anew, no code may take another's place. */
static int without_membarrier(void)
{
	if (!membarrier_fails(0, ENOSYS))
		return 77;
	begin();
	serve("good", 1);
	is_retired("good", "this kernel has no membarrier(2)");
	end();
	return check_bad;
}

/* Nor is code run of which not every thread knows that it is new: who leaves the barrier out loads it all the same. */
static int with_one_that_fails(void)
{
	if (!membarrier_fails(MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE, EPERM))
		return 77;
	begin();
	CHECK_EQ(load("good"), -EPERM);
	CHECK(strstr(err.text, "is not loaded: membarrier: Operation not permitted"));
	CHECK(classes_are(own_classes) && plugins_are(""));
	end();
	return check_bad;
}

static void in_a_child(int (*part)(void))
{
	int status = 0;
	pid_t child;

	fflush(stdout);
	child = fork();
	if (child == 0) {
		int code = part();

		fflush(stdout);
		_exit(code);
	}
	waitpid(child, &status, 0);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		SKIP("this system lets us have no seccomp filter");
	else
		CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void one_whose_place_could_not_be_taken(void)
{
	in_a_child(without_membarrier);
}

static void one_that_threads_would_not_fetch_anew(void)
{
	in_a_child(with_one_that_fails);
}

static void only_so_many_may_stay(void)
{
	unsigned count = 0;

	begin();
	while (load("nodelete") == 0 && count < 1000) {
		count++;
		CHECK_EQ(unload("good"), 0);
	}
	CHECK_EQ(count, CROOM_PLUGINS_RETIRED);
	CHECK_EQ(err.code, -ENOSPC);
	CHECK(strstr(err.text, "64 plugins are retired and still mapped"));
	end();
}

int main(void)
{
	RUN(one_that_must_not_be_deleted);
	RUN(one_with_symbols_that_are_unique);
	RUN(one_whose_c_thread_runs);
	RUN(one_whose_cxx_thread_runs);
	RUN(one_whose_thread_local_waits);
	RUN(one_whose_place_could_not_be_taken);
	RUN(one_that_threads_would_not_fetch_anew);
	RUN(only_so_many_may_stay);
	return check_result();
}
