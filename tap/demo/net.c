/* SPDX-License-Identifier: BSD-2-Clause */
/* A private network: two namespaces and a cable, which vanish with the last process in them. */
#include "demo.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { QUIET_ROUNDS = 6, ROUNDS = 200, ROUND_NS = 50 * 1000 * 1000 };

static int servers = -1, clients = -1;   /* the namespaces */

int net_run(const char *const *argv)
{
	pid_t child = fork();
	int status;

	if (child == 0) {
		execvp(argv[0], (char *const *)(uintptr_t)argv);
		_exit(127);
	}
	if (child < 0 || waitpid(child, &status, 0) < 0)
		return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t done = fd < 0 ? -1 : write(fd, text, strlen(text));

	if (fd >= 0)
		close(fd);
	return done == (ssize_t)strlen(text) ? 0 : -1;
}

/* Not root: a user namespace, in which we are. */
static int become_root(void)
{
	unsigned uid = getuid(), gid = getgid();
	char map[64];

	if (uid == 0)
		return 0;
	if (unshare(CLONE_NEWUSER)) {
		fprintf(stderr, "croomtap demo: this system does not let users make namespaces (%s); run it as root, or allow it: "
			"sysctl kernel.unprivileged_userns_clone=1\n", strerror(errno));
		return -1;
	}
	snprintf(map, sizeof(map), "0 %u 1", uid);
	if (write_file("/proc/self/setgroups", "deny") || write_file("/proc/self/uid_map", map))
		goto failed;
	snprintf(map, sizeof(map), "0 %u 1", gid);
	if (write_file("/proc/self/gid_map", map))
		goto failed;
	return 0;
failed:
	fprintf(stderr, "croomtap demo: cannot map the user into a namespace (%s); run it as root\n", strerror(errno));
	return -1;
}

static int open_namespaces(void)
{
	if (become_root())
		return -1;
	if (unshare(CLONE_NEWNET) == 0)
		clients = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (clients >= 0 && unshare(CLONE_NEWNET) == 0)
		servers = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (servers < 0) {
		fprintf(stderr, "croomtap demo: cannot make a private network (%s); `unshare -rn true` must work\n",
			strerror(errno));
		return -1;
	}
	return 0;
}

int net_enter_clients(void)
{
	return setns(clients, CLONE_NEWNET);
}

/* In the clients' namespace, `ip` with these words. */
static int ip_clients(const char *const *argv)
{
	int rc = net_enter_clients() ? -1 : net_run(argv);

	return setns(servers, CLONE_NEWNET) ? -1 : rc;
}

#define IP(...) ((const char *const[]){ "ip", __VA_ARGS__, NULL })

/* The cable; its far end is given to a child that is in the other namespace, because that is how ip(8) names it. */
static int lay_cable(void)
{
	int ready[2], rc = -1;
	char pid[16], byte;
	pid_t child;

	if (pipe2(ready, O_CLOEXEC))
		return -1;
	child = fork();
	if (child == 0) {
		close(ready[1]);
		_exit(net_enter_clients() || read(ready[0], &byte, 1) < 0);
	}
	close(ready[0]);
	if (child > 0) {
		struct timespec pause = { .tv_nsec = 10 * 1000 * 1000 };

		snprintf(pid, sizeof(pid), "%d", (int)child);
		rc = net_run(IP("link", "add", DEMO_INTERFACE, "type", "veth", "peer", "name", "client0"));
		if (rc == 127)
			fprintf(stderr, "croomtap demo: needs the program ip (Debian: apt-get install iproute2)\n");
		/* The child may not be there yet: then the end stays here, and is moved when it is. */
		for (int i = 0; rc == 0 && i < 100; i++) {
			if (net_run(IP("link", "set", "client0", "netns", pid)) == 0 && ip_clients(IP("link", "set", "client0", "up")) == 0)
				break;
			nanosleep(&pause, NULL);
		}
	}
	close(ready[1]);
	if (child > 0)
		waitpid(child, NULL, 0);
	return rc;
}

bool net_ip6(void)
{
	return access("/proc/sys/net/ipv6", F_OK) == 0;
}

int net_open(void)
{
	int rc;

	if (open_namespaces() || lay_cable())
		return -1;
	rc = net_run(IP("link", "set", "lo", "up"));
	rc |= net_run(IP("address", "add", DEMO_NET, "dev", DEMO_INTERFACE));
	rc |= ip_clients(IP("address", "add", "10.99.0.2/24", "dev", "client0"));
	if (net_ip6()) {
		rc |= net_run(IP("address", "add", DEMO_NET6, "dev", DEMO_INTERFACE, "nodad"));
		rc |= ip_clients(IP("address", "add", "fd99::2/64", "dev", "client0", "nodad"));
	}
	rc |= net_run(IP("link", "set", DEMO_INTERFACE, "up"));
	if (rc)
		fprintf(stderr, "croomtap demo: cannot set up the private network\n");
	return rc ? -1 : 0;
}

void net_cut(void)
{
	ip_clients(IP("link", "set", "client0", "down"));
}

uint64_t net_packets(void)
{
	FILE *file = fopen("/proc/thread-self/net/dev", "re");
	uint64_t received = 0, sent = 0, dropped = 0;
	char line[512];

	while (file && fgets(line, sizeof(line), file)) {
		char *at = strstr(line, DEMO_INTERFACE ":");

		/* bytes packets errs drop fifo frame compressed multicast, and the same again for what is sent. What a full
		   queue behind the interface dropped was sent all the same, and seen by the tap. */
		if (at)
			sscanf(at + strlen(DEMO_INTERFACE ":"), "%*u %" SCNu64 " %*u %*u %*u %*u %*u %*u %*u %" SCNu64 " %*u %" SCNu64,
			       &received, &sent, &dropped);
	}
	if (file)
		fclose(file);
	return received + sent + dropped;
}

bool net_settle(void)
{
	const struct timespec round = { .tv_nsec = ROUND_NS };
	uint64_t before = net_packets();

	for (int i = 0, quiet = 0; i < ROUNDS; i++) {
		uint64_t now;

		nanosleep(&round, NULL);
		now = net_packets();
		quiet = now == before ? quiet + 1 : 0;
		before = now;
		if (quiet == QUIET_ROUNDS)
			return true;
	}
	return false;
}
