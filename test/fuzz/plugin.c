/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Files that somebody wants to load as a plugin, up to where the dynamic linker would get them (plugin/image.c, libelf). Input: the
 * file. Beside the sanitizers: a refusal has a sentence, the answer is the same twice, and what is accepted has, by another
 * reading of it, every segment in the file and nothing that the linker would follow out of it.
 */
#include "../../plugin/image.h"
#include "fuzz.h"
#include <croom/plugin.h>
#include <elf.h>
#include <errno.h>

/* Whether the file has these bytes of memory. */
static bool filled(const uint8_t *data, const Elf64_Ehdr *header, uint64_t address, uint64_t length)
{
	for (unsigned i = 0; i < header->e_phnum; i++) {
		Elf64_Phdr segment;

		memcpy(&segment, data + header->e_phoff + i * sizeof(segment), sizeof(segment));
		if (segment.p_type == PT_LOAD && address >= segment.p_vaddr && address - segment.p_vaddr <= segment.p_filesz &&
		    length <= segment.p_filesz - (address - segment.p_vaddr))
			return true;
	}
	return false;
}

static void judge_dynamic(const uint8_t *data, size_t size, const Elf64_Ehdr *header, const Elf64_Phdr *dynamic)
{
	Elf64_Dyn entry;
	uint64_t at = 0;

	MUST(dynamic->p_offset <= size && dynamic->p_filesz <= size - dynamic->p_offset);
	do {
		MUST(at + sizeof(entry) <= dynamic->p_filesz);
		memcpy(&entry, data + dynamic->p_offset + at, sizeof(entry));
		at += sizeof(entry);
		MUST(entry.d_tag != DT_TEXTREL && entry.d_tag != DT_RPATH && entry.d_tag != DT_RUNPATH);
		if (entry.d_tag == DT_STRTAB || entry.d_tag == DT_SYMTAB || entry.d_tag == DT_RELA || entry.d_tag == DT_JMPREL ||
		    entry.d_tag == DT_INIT || entry.d_tag == DT_INIT_ARRAY || entry.d_tag == DT_GNU_HASH)
			MUST(filled(data, header, entry.d_un.d_ptr, 1));
	} while (entry.d_tag != DT_NULL);
}

static void judge(const uint8_t *data, size_t size)
{
	Elf64_Phdr segment, dynamic = { 0 };
	Elf64_Ehdr header;
	unsigned loads = 0;

	MUST(size >= sizeof(header));
	memcpy(&header, data, sizeof(header));
	MUST(memcmp(header.e_ident, ELFMAG, SELFMAG) == 0 && header.e_type == ET_DYN);
	MUST(header.e_phoff <= size && header.e_phnum * sizeof(segment) <= size - header.e_phoff);
	for (unsigned i = 0; i < header.e_phnum; i++) {
		memcpy(&segment, data + header.e_phoff + i * sizeof(segment), sizeof(segment));
		if (segment.p_type == PT_LOAD) {
			loads++;
			MUST(segment.p_offset <= size && segment.p_filesz <= size - segment.p_offset);
			MUST(segment.p_filesz <= segment.p_memsz && (segment.p_flags & (PF_W | PF_X)) != (PF_W | PF_X));
		} else if (segment.p_type == PT_DYNAMIC) {
			dynamic = segment;
		}
	}
	MUST(loads > 0 && dynamic.p_type == PT_DYNAMIC);
	judge_dynamic(data, size, &header, &dynamic);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* Of exactly that size, so that a read beyond it shows. */
	uint8_t *bytes = malloc(size ? size : 1);
	struct plugin_image image, again;
	struct croom_error err = { 0 }, other = { 0 };
	int rc;

	MUST(bytes);
	memcpy(bytes, data, size);
	rc = plugin_image_look(bytes, size, &image, &err);
	MUST(rc == 0 || ((rc == -ENOEXEC || rc == -EPROTO) && err.text[0] && err.code == rc));
	MUST(plugin_image_look(bytes, size, &again, &other) == rc && strcmp(err.text, other.text) == 0);
	MUST(memcmp(bytes, data, size) == 0);
	MUST(memchr(image.unique, 0, sizeof(image.unique)));
	if (rc == 0) {
		MUST(image.major == CROOM_PLUGIN_MAJOR && image.minor <= CROOM_PLUGIN_MINOR);
		judge(data, size);
	}
	free(bytes);
	return 0;
}
