/* SPDX-License-Identifier: BSD-2-Clause */
#define ODD_CLASSES 0
#include "odd.h"
