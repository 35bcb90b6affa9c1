/* SPDX-License-Identifier: BSD-2-Clause */
#define ODD_MINOR (CROOM_PLUGIN_MINOR - 1)
#include "odd.h"
