/* SPDX-License-Identifier: BSD-2-Clause */
/* The tap's own classes, by slot. */
#ifndef TAP_RECORD_H
#define TAP_RECORD_H

#include <croomtap/record.h>

struct croom_room;
/* Each registers the classes of its slot. 0 or -errno. */
int tap_filters_add(struct croom_room *room, struct tap_env *env);
int tap_strategies_add(struct croom_room *room, struct tap_env *env);
int tap_printers_add(struct croom_room *room, struct tap_env *env);
int tap_audits_add(struct croom_room *room, struct tap_env *env);
int tap_metrics_add(struct croom_room *room, struct tap_env *env);
int tap_diags_add(struct croom_room *room, struct tap_env *env);

#endif
