/* SPDX-License-Identifier: BSD-2-Clause */
/* Preloaded into croomtap: the kernel's count of packets is one too high from the second question on. */
#include <dlfcn.h>
#include <pcap/pcap.h>

__attribute__((visibility("default"))) int pcap_stats(pcap_t *pcap, struct pcap_stat *stat)
{
	static int (*real)(pcap_t *, struct pcap_stat *);
	static unsigned asked;
	int rc;

	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "pcap_stats");
	rc = real(pcap, stat);
	if (rc == 0 && asked++)
		stat->ps_recv++;
	return rc;
}
