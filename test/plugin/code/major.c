/* SPDX-License-Identifier: BSD-2-Clause */
#define ODD_MAJOR 2
#include "odd.h"
