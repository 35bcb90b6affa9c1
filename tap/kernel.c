/* SPDX-License-Identifier: BSD-2-Clause */
/* The kernel's counters, which libpcap hands out as 32 bits: 2^32 packets are twelve hours at 100,000 a second. */
#include "tap.h"

void tap_kernel_zero(struct tap_kernel *kernel, const struct pcap_stat *zero)
{
	*kernel = (struct tap_kernel){ .known = true, .seen_received = zero->ps_recv, .seen_dropped = zero->ps_drop,
				       .seen_interface = zero->ps_ifdrop };
}

/* Unsigned differences are right over the wrap, as long as fewer than 2^32 packets come between two reads. */
void tap_kernel_add(struct tap_kernel *kernel, const struct pcap_stat *now)
{
	kernel->received += (uint32_t)(now->ps_recv - kernel->seen_received);
	kernel->dropped += (uint32_t)(now->ps_drop - kernel->seen_dropped);
	kernel->interface_dropped += (uint32_t)(now->ps_ifdrop - kernel->seen_interface);
	kernel->seen_received = now->ps_recv;
	kernel->seen_dropped = now->ps_drop;
	kernel->seen_interface = now->ps_ifdrop;
}
