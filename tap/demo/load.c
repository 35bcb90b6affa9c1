/* SPDX-License-Identifier: BSD-2-Clause */
/* Real servers, and clients that ask them again and again. Each is skipped by name where it is not installed. */
#include "demo.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { LOADS_MAX = 16, PAGE_LINES = 40, LISTEN_TRIES = 250 };

static pid_t children[LOADS_MAX];
static int running;

pid_t load_fork(void)
{
	pid_t parent = getpid(), child = fork();

	if (child == 0) {
		/* Ctrl-C is for the demo, which ends the others in order; and nobody outlives it. */
		setpgid(0, 0);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(1);
	}
	return child;
}

static bool installed(const char *program)
{
	const char *path = getenv("PATH");
	char *copy = strdup(path ? path : "/usr/bin:/bin"), *rest = copy, file[4096];
	bool found = false;

	for (char *one = strtok_r(rest, ":", &rest); one && !found; one = strtok_r(NULL, ":", &rest)) {
		snprintf(file, sizeof(file), "%s/%s", one, program);
		found = access(file, X_OK) == 0;
	}
	free(copy);
	return found;
}

static void be_silent(const char *folder)
{
	int null = open("/dev/null", O_RDWR);

	dup2(null, STDIN_FILENO);
	dup2(null, STDOUT_FILENO);
	dup2(null, STDERR_FILENO);
	if (chdir(folder))
		_exit(1);
}

static void run(const char *const *argv)
{
	execvp(argv[0], (char *const *)(uintptr_t)argv);
	_exit(127);
}

/* Until somebody listens there: a client that comes too early may wait for ever. */
static void await(int port)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	const struct timespec pause = { .tv_nsec = 20 * 1000 * 1000 };
	bool there = false;

	inet_pton(AF_INET, DEMO_SERVER, &address.sin_addr);
	for (int i = 0; i < LISTEN_TRIES && !there; i++) {
		int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

		there = connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0;
		close(fd);
		if (!there)
			nanosleep(&pause, NULL);
	}
}

static void server(const char *folder, int port, const char *const *argv)
{
	pid_t child = load_fork();

	if (child == 0) {
		be_silent(folder);
		run(argv);
	}
	if (child > 0 && running < LOADS_MAX)
		children[running++] = child;
	await(port);
}

/* Start it again each time it ends. */
static void client(const char *folder, const char *const *argv)
{
	const struct timespec pause = { .tv_nsec = 20 * 1000 * 1000 };
	pid_t looper = load_fork();

	if (looper == 0) {
		be_silent(folder);
		if (net_enter_clients())
			_exit(1);
		for (;;) {
			pid_t child = fork();

			if (child == 0) {
				prctl(PR_SET_PDEATHSIG, SIGKILL);
				run(argv);
			}
			if (child > 0)
				waitpid(child, NULL, 0);
			nanosleep(&pause, NULL);
		}
	}
	if (looper > 0 && running < LOADS_MAX)
		children[running++] = looper;
}

/* A page for the web server, and its configuration: nothing of the system's is used. */
static int write_web(const char *folder)
{
	char path[512];
	FILE *file;

	snprintf(path, sizeof(path), "%s/index.html", folder);
	file = fopen(path, "we");
	if (!file)
		return -1;
	for (int i = 0; i < PAGE_LINES; i++)
		fprintf(file, "<p>Line %d of a page that is fetched while the tap is rewired.</p>\n", i);
	fclose(file);
	snprintf(path, sizeof(path), "%s/nginx.conf", folder);
	file = fopen(path, "we");
	if (!file)
		return -1;
	fprintf(file, "user root root; daemon off; master_process off; pid %s/nginx.pid; error_log /dev/null crit;\n"
		"events { worker_connections 64; }\n"
		"http { access_log off; client_body_temp_path %s/a; proxy_temp_path %s/b; fastcgi_temp_path %s/c;\n"
		"uwsgi_temp_path %s/d; scgi_temp_path %s/e;\n"
		"server { listen " DEMO_SERVER ":80; %s root %s; } }\n",
		folder, folder, folder, folder, folder, folder, net_ip6() ? "listen [" DEMO_SERVER6 "]:80;" : "", folder);
	return fclose(file);
}

#define WORDS(...) ((const char *const[]){ __VA_ARGS__, NULL })

/* Whether both are there; says so when not. */
static bool both(const char *what, const char *one, const char *other)
{
	const char *missing = !installed(one) ? one : !installed(other) ? other : NULL;

	if (missing)
		printf("  no %s: the program %s is not installed\n", what, missing);
	else
		printf("  %s: %s asks %s\n", what, other, one);
	return !missing;
}

int load_start(const char *folder)
{
	char conf[512];
	int before = running;

	snprintf(conf, sizeof(conf), "%s/nginx.conf", folder);
	if (both("web pages", "nginx", "ab") && write_web(folder) == 0) {
		server(folder, 80, WORDS("nginx", "-e", "/dev/null", "-p", folder, "-c", conf));
		client(folder, WORDS("ab", "-q", "-n", "500", "-c", "2", DEMO_URL));
		if (net_ip6() && installed("curl"))
			client(folder, WORDS("curl", "-s", "-g", DEMO_URL6));
	}
	if (both("key-value store", "redis-server", "redis-benchmark")) {
		server(folder, 6379, WORDS("redis-server", "--port", "6379", "--bind", DEMO_SERVER, "--save", "", "--appendonly", "no",
				     "--protected-mode", "no"));
		client(folder, WORDS("redis-benchmark", "-h", DEMO_SERVER, "-c", "2", "-n", "20000", "-t", "set,get", "-q"));
	}
	if (both("names", "dnsmasq", "dig")) {
		server(folder, 53, WORDS("dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv", "--no-hosts",
				     "--user=root", "--group=", "--pid-file=", "--bind-interfaces", DEMO_NAMES,
				     "--address=/demo.test/10.99.0.1"));
		client(folder, WORDS("dig", "+tries=1", "+timeout=1", DEMO_RESOLVER, "demo.test", "www.demo.test", "AAAA"));
	}
	if (installed("ping")) {
		printf("  echo: ping asks the kernel\n");
		client(folder, WORDS("ping", "-n", "-q", "-i", "0.01", DEMO_SERVER));
		if (net_ip6())
			client(folder, WORDS("ping", "-n", "-q", "-i", "0.02", DEMO_SERVER6));
	}
	return running - before;
}

void load_stop(void)
{
	for (int i = running; i-- > 0; ) {
		kill(-children[i], SIGKILL);
		waitpid(children[i], NULL, 0);
	}
	running = 0;
}
