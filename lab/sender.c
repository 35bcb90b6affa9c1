/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Send numbered frames at a steady rate: sender INTERFACE PACKETS_PER_SECOND COUNT. Each is a UDP datagram
 * whose addresses and source port say its number (x << 16 | y << 8 | z goes from 10.0.0.x port 4096 + z to
 * 10.1.0.y), so every format shows it, and with few addresses, since tcpdump keeps all it has seen in short tables. A
 * frame that the kernel refuses is sent again, so all COUNT numbers go out. Prints the seconds it took and how often it was refused.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { BATCH = 64, FRAME = 60, IP = 14 };

static const uint8_t head[FRAME] = {
	2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0,
	0x45, 0, 0, FRAME - IP, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 0, 10, 1, 0, 0,
	4096 >> 8, 0, 0, 9, 0, FRAME - IP - 20, 0, 0,
};

static void number_frame(uint8_t *frame, uint32_t number)
{
	uint32_t sum = 0;

	memcpy(frame, head, FRAME);
	frame[IP + 15] = (uint8_t)(number >> 16);
	frame[IP + 19] = (uint8_t)(number >> 8);
	frame[IP + 21] = (uint8_t)number;
	for (int i = 0; i < 20; i += 2)
		sum += (uint32_t)frame[IP + i] << 8 | frame[IP + i + 1];
	sum = (sum & 0xffff) + (sum >> 16);
	sum = ~(sum + (sum >> 16));
	frame[IP + 10] = (uint8_t)(sum >> 8);
	frame[IP + 11] = (uint8_t)sum;
}

static int64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

static int open_interface(const char *name)
{
	struct sockaddr_ll address = { .sll_family = AF_PACKET, .sll_ifindex = (int)if_nametoindex(name) };
	int fd = socket(AF_PACKET, SOCK_RAW, 0), on = 1;

	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)))
		return -1;
	setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &on, sizeof(on));
	return fd;
}

int main(int argc, char **argv)
{
	static uint8_t frame[BATCH][FRAME];
	struct iovec part[BATCH];
	struct mmsghdr message[BATCH];
	uint32_t count, sent = 0;
	uint64_t refused = 0;
	int64_t start;
	double rate;
	int fd;

	if (argc != 4 || (rate = atof(argv[2])) <= 0 || (count = (uint32_t)strtoul(argv[3], NULL, 10)) >= 1u << 24) {
		fprintf(stderr, "usage: sender INTERFACE PACKETS_PER_SECOND COUNT (below 2^24)\n");
		return 2;
	}
	fd = open_interface(argv[1]);
	if (fd < 0) {
		perror(argv[1]);
		return 1;
	}
	memset(message, 0, sizeof(message));
	for (int i = 0; i < BATCH; i++) {
		part[i] = (struct iovec){ frame[i], FRAME };
		message[i].msg_hdr.msg_iov = &part[i];
		message[i].msg_hdr.msg_iovlen = 1;
	}
	start = now_ns();
	while (sent < count) {
		int64_t due = start + (int64_t)(sent * 1e9 / rate), now = now_ns();
		uint32_t n = count - sent < BATCH ? count - sent : BATCH;
		int done;

		if (due > now) {
			struct timespec pause = { .tv_sec = (due - now) / 1000000000, .tv_nsec = (due - now) % 1000000000 };

			nanosleep(&pause, NULL);
		}
		for (uint32_t i = 0; i < n; i++)
			number_frame(frame[i], sent + i);
		done = sendmmsg(fd, message, n, 0);
		if (done < 0 && errno != ENOBUFS && errno != EAGAIN && errno != EINTR) {
			perror("sendmmsg");
			return 1;
		}
		if (done < (int)n)
			refused++;
		if (done > 0)
			sent += (uint32_t)done;
	}
	printf("%.3f %llu\n", (double)(now_ns() - start) / 1e9, (unsigned long long)refused);
	close(fd);
	return 0;
}
