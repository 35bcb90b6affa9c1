/* SPDX-License-Identifier: BSD-2-Clause */
#include <croom/error.h>
#include <stdio.h>
#include <string.h>

int croom_error_set(struct croom_error *err, int code, enum croom_error_kind kind, const char *subject,
		    const char *format, ...)
{
	va_list args;

	if (!err)
		return code;
	memset(err, 0, sizeof(*err));
	err->code = code;
	err->kind = kind;
	err->offset = -1;
	snprintf(err->subject, sizeof(err->subject), "%s", subject ? subject : "");
	va_start(args, format);
	vsnprintf(err->text, sizeof(err->text), format, args);
	va_end(args);
	return code;
}
