/* SPDX-License-Identifier: BSD-2-Clause */
/* Contexts and handlers, each in a piece of 128 bytes; what is free hangs in one list. */
#include "peer.h"

union piece {
	union piece *next;
	struct lab_context context;
	struct lab_handler handler;
	char lines[128];
};

static union piece *free_pieces, *last_piece;

static union piece *take(void)
{
	union piece *piece = free_pieces;

	if (!piece) {
		enum { MORE = 32 };

		piece = lab_alloc(MORE * sizeof(*piece));
		for (unsigned i = 0; i < MORE; i++)
			piece[i].next = i + 1 < MORE ? &piece[i + 1] : NULL;
		last_piece = &piece[MORE - 1];
	}
	free_pieces = piece->next;
	return piece;
}

static void give_back(union piece *piece)
{
	if (!piece)
		return;
	piece->next = NULL;
	if (free_pieces)
		last_piece->next = piece;
	else
		free_pieces = piece;
	last_piece = piece;
}

struct lab_context *lab_context_new(uint64_t id)
{
	struct lab_context *context = &take()->context;

	context->step = 1;
	context->id = id;
	return context;
}

void lab_context_free(struct lab_context *context)
{
	give_back((union piece *)(void *)context);
}

struct lab_handler *lab_handler_new(lab_run_fn *run, uint64_t id)
{
	struct lab_handler *handler = &take()->handler;

	handler->run = run;
	handler->ctx = lab_context_new(id);
	return handler;
}

void lab_handler_free(struct lab_handler *handler)
{
	if (!handler)
		return;
	lab_context_free(handler->ctx);
	give_back((union piece *)(void *)handler);
}
