/* SPDX-License-Identifier: BSD-2-Clause */
#define ODD_MAGIC 7
#include "odd.h"
