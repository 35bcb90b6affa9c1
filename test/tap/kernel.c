/* SPDX-License-Identifier: BSD-2-Clause */
/* The kernel's 32-bit counters, summed up in 64: tap/kernel.c. */
#include "../../tap/tap.h"
#include "check.h"

static void counts_from_the_zero_point(void)
{
	struct tap_kernel kernel = { .received = 5, .dropped = 6 };

	tap_kernel_zero(&kernel, &(struct pcap_stat){ .ps_recv = 100, .ps_drop = 10, .ps_ifdrop = 3 });
	CHECK(kernel.known);
	CHECK_EQ(kernel.received, 0);
	tap_kernel_add(&kernel, &(struct pcap_stat){ .ps_recv = 100, .ps_drop = 10, .ps_ifdrop = 3 });
	CHECK_EQ(kernel.received + kernel.dropped + kernel.interface_dropped, 0);
	tap_kernel_add(&kernel, &(struct pcap_stat){ .ps_recv = 130, .ps_drop = 12, .ps_ifdrop = 4 });
	CHECK_EQ(kernel.received, 30);
	CHECK_EQ(kernel.dropped, 2);
	CHECK_EQ(kernel.interface_dropped, 1);
}

/* Five times around, in steps that meet the wrap, miss it by one and jump over it. */
static void goes_on_over_the_wrap(void)
{
	static const uint32_t step[] = { 1, 0x7fffffff, 0xffffffff, 0, 0x80000000, 12345 };
	struct pcap_stat now = { .ps_recv = 0xfffffff0, .ps_drop = 0xffffffff, .ps_ifdrop = 1 };
	uint64_t received = 0, dropped = 0;
	struct tap_kernel kernel;

	tap_kernel_zero(&kernel, &now);
	for (unsigned i = 0; i < 5 * sizeof(step) / sizeof(step[0]); i++) {
		now.ps_recv += step[i % 6];
		now.ps_drop += step[(i + 1) % 6];
		received += step[i % 6];
		dropped += step[(i + 1) % 6];
		tap_kernel_add(&kernel, &now);
		CHECK_EQ(kernel.received, received);
		CHECK_EQ(kernel.dropped, dropped);
	}
	CHECK(kernel.received > 5ull << 32);
	CHECK_EQ(kernel.interface_dropped, 0);
}

int main(void)
{
	RUN(counts_from_the_zero_point);
	RUN(goes_on_over_the_wrap);
	return check_result();
}
