/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef HANDLERS_FILES_H
#define HANDLERS_FILES_H

#include "../record.h"

/* The printers that copy packets: pcap, pcapng. 0 or -errno. */
int file_printers_add(struct croom_room *room, struct tap_env *env);

/* Is this one of them? A file of theirs can hold nothing else. Any thread. */
bool file_printer(croom_run_fn *run);

#endif
