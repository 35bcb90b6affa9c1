/* SPDX-License-Identifier: BSD-2-Clause */
#define ODD_CLASSES 1000000
#include "odd.h"
