/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Looking at an ELF file before the dynamic linker does, which believes what it reads: a segment that the file does not have
 * is a bus error there, and an address that leads nowhere a segmentation fault. libelf reads; what the linker would follow is
 * held against the segments here.
 */
#include "image.h"
#include <croom/plugin.h>
#include <errno.h>
#include <gelf.h>
#include <libelf.h>
#include <link.h>
#include <stdio.h>
#include <string.h>

enum { SEGMENTS_MAX = 64, DYNAMIC_MAX = 512, PAGE_MIN = 4096 };
#define MEMORY_MAX (UINT64_C(1) << 30)   /* bytes that a plugin may take up, its zeroed part included */

/* The file that this code is in: what the plugin must be like. */
extern const ElfW(Ehdr) __ehdr_start __attribute__((visibility("hidden")));

struct look {
	Elf *elf;
	const char *bytes;
	size_t size;
	unsigned loads;
	GElf_Phdr load[SEGMENTS_MAX];
	struct plugin_image *image;
	struct croom_error *err;
};

static int no(struct look *look, const char *format, ...) __attribute__((format(printf, 2, 3)));
static int no(struct look *look, const char *format, ...)
{
	char text[400];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	return croom_error_set(look->err, -ENOEXEC, CROOM_ERROR_OTHER, NULL, "%s", text);
}

static int look_at_header(struct look *look, const unsigned char *bytes, size_t size)
{
	const ElfW(Ehdr) *own = &__ehdr_start;
	GElf_Ehdr header;

	if (size < EI_NIDENT || memcmp(bytes, ELFMAG, SELFMAG))
		return no(look, "is no ELF file: compile it with `gcc -shared -fPIC`");
	if (bytes[EI_CLASS] != own->e_ident[EI_CLASS] || bytes[EI_DATA] != own->e_ident[EI_DATA])
		return no(look, "is for another kind of CPU: compile it for this one");
	look->elf = elf_memory((char *)(uintptr_t)bytes, size);
	if (!look->elf || elf_kind(look->elf) != ELF_K_ELF || !gelf_getehdr(look->elf, &header))
		return no(look, "is a damaged ELF file: compile it anew");
	if (header.e_machine != own->e_machine)
		return no(look, "is for another kind of CPU (ELF machine %u, this is %u): compile it for this one", header.e_machine,
			  own->e_machine);
	if (header.e_type == ET_REL)
		return no(look, "is an object file that was not linked: compile it with `gcc -shared -fPIC`");
	if (header.e_type != ET_DYN || header.e_version != EV_CURRENT || header.e_phentsize != sizeof(ElfW(Phdr)))
		return no(look, "is no shared object: compile it with `gcc -shared -fPIC`");
	return 0;
}

/* Within the file, in order, none over another. */
static int add_load(struct look *look, const GElf_Phdr *segment)
{
	const GElf_Phdr *last = look->loads ? &look->load[look->loads - 1] : NULL;

	if (segment->p_offset > look->size || segment->p_filesz > look->size - segment->p_offset)
		return no(look, "is cut off: %zu bytes are there, and a segment goes further", look->size);
	if (segment->p_filesz > segment->p_memsz || segment->p_vaddr > MEMORY_MAX || segment->p_memsz > MEMORY_MAX - segment->p_vaddr)
		return no(look, "wants more memory than a plugin gets (%llu MiB)", (unsigned long long)(MEMORY_MAX >> 20));
	if (segment->p_align < PAGE_MIN || segment->p_align > MEMORY_MAX || (segment->p_align & (segment->p_align - 1)) ||
	    ((segment->p_vaddr - segment->p_offset) & (segment->p_align - 1)))
		return no(look, "has a segment that does not lie on pages");
	if (last && segment->p_vaddr < last->p_vaddr + last->p_memsz)
		return no(look, "has segments that lie over each other");
	if ((segment->p_flags & (PF_W | PF_X)) == (PF_W | PF_X))
		return no(look, "has a segment that can be written and run: link it without -z execstack, -N and the like");
	look->load[look->loads++] = *segment;
	return 0;
}

/* Are these bytes of its memory filled from the file? */
static bool filled(const struct look *look, uint64_t address, uint64_t length)
{
	for (unsigned i = 0; i < look->loads; i++) {
		const GElf_Phdr *load = &look->load[i];

		if (address >= load->p_vaddr && address - load->p_vaddr <= load->p_filesz &&
		    length <= load->p_filesz - (address - load->p_vaddr))
			return true;
	}
	return false;
}

/* Is it there whole, and does it name a place? What a plugin needs is looked for where the system keeps libraries. */
static int look_at_needed(struct look *look, uint64_t address, uint64_t size, uint64_t at)
{
	for (unsigned i = 0; i < look->loads; i++) {
		const GElf_Phdr *load = &look->load[i];
		const char *text;

		if (address < load->p_vaddr || address - load->p_vaddr > load->p_filesz || at >= size ||
		    size > load->p_filesz - (address - load->p_vaddr))
			continue;
		text = look->bytes + load->p_offset + (address - load->p_vaddr) + at;
		if (!memchr(text, 0, size - at))
			break;
		return strchr(text, '/') ? no(look, "needs the library %.80s by its path: link it by its name", text) : 0;
	}
	return no(look, "is damaged: the name of a library that it needs is not in the file");
}

/* The file's bytes for a segment; NULL: there are none. */
static Elf_Data *bytes_of(const struct look *look, const GElf_Phdr *segment, Elf_Type type)
{
	if (segment->p_offset > look->size || segment->p_filesz > look->size - segment->p_offset)
		return NULL;
	return elf_getdata_rawchunk(look->elf, (int64_t)segment->p_offset, segment->p_filesz, type);
}

static bool address_tag(GElf_Sxword tag)
{
	static const GElf_Sxword tags[] = { DT_HASH, DT_STRTAB, DT_SYMTAB, DT_RELA, DT_REL, DT_JMPREL, DT_INIT, DT_FINI, DT_INIT_ARRAY,
		DT_FINI_ARRAY, DT_GNU_HASH, DT_VERSYM, DT_VERDEF, DT_VERNEED, DT_PLTGOT };

	for (size_t i = 0; i < sizeof(tags) / sizeof(tags[0]); i++)
		if (tags[i] == tag)
			return true;
	return false;
}

/* A table has an address and a size, each by an entry of its own. */
static int look_at_tables(struct look *look, const uint64_t *value, const bool *there)
{
	static const struct { int at, size; } tables[] = { { DT_STRTAB, DT_STRSZ }, { DT_RELA, DT_RELASZ }, { DT_REL, DT_RELSZ },
		{ DT_JMPREL, DT_PLTRELSZ }, { DT_INIT_ARRAY, DT_INIT_ARRAYSZ }, { DT_FINI_ARRAY, DT_FINI_ARRAYSZ } };

	if (!there[DT_STRTAB] || !there[DT_SYMTAB] || !there[DT_STRSZ])
		return no(look, "has no symbols for the dynamic linker");
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
		if (there[tables[i].at] && !filled(look, value[tables[i].at], value[tables[i].size]))
			return no(look, "is damaged: a table of the dynamic linker (%d) is not in the file", tables[i].at);
	return 0;
}

/* What would have effects that nobody asked for. */
static int look_at_flags(struct look *look, const GElf_Dyn *entry)
{
	uint64_t value = entry->d_un.d_val;

	if (entry->d_tag == DT_TEXTREL || (entry->d_tag == DT_FLAGS && (value & DF_TEXTREL)))
		return no(look, "would have its code rewritten: compile it with -fPIC");
	if (entry->d_tag == DT_FLAGS_1 && (value & DF_1_PIE))
		return no(look, "is a program: compile it with `gcc -shared -fPIC`");
	if (entry->d_tag == DT_RPATH || entry->d_tag == DT_RUNPATH || entry->d_tag == DT_AUDIT || entry->d_tag == DT_DEPAUDIT)
		return no(look, "says where to look for libraries: nobody judges what lies there; link it without -rpath");
	if (entry->d_tag == DT_FILTER || entry->d_tag == DT_AUXILIARY)
		return no(look, "would have another library take its place: link it without -F and -f");
	look->image->nodelete |= entry->d_tag == DT_FLAGS_1 && (value & DF_1_NODELETE);
	return 0;
}

static int look_at_dynamic(struct look *look, const GElf_Phdr *segment)
{
	uint64_t value[DT_NUM] = { 0 };
	bool there[DT_NUM] = { false }, ends = false;
	Elf_Data *data = bytes_of(look, segment, ELF_T_DYN);
	GElf_Dyn entry;
	int rc = 0;

	if (!data || !filled(look, segment->p_vaddr, segment->p_filesz))
		return no(look, "is damaged: what the dynamic linker needs is not in the file");
	for (int i = 0; i < DYNAMIC_MAX && !ends && rc == 0 && gelf_getdyn(data, i, &entry); i++) {
		ends = entry.d_tag == DT_NULL;
		if (entry.d_tag >= 0 && entry.d_tag < DT_NUM) {
			value[entry.d_tag] = entry.d_un.d_val;
			there[entry.d_tag] = true;
		}
		if (address_tag(entry.d_tag) && !filled(look, entry.d_un.d_ptr, 1))
			rc = no(look, "is damaged: an address of the dynamic linker (%lld) is not in the file", (long long)entry.d_tag);
		rc = rc ? rc : look_at_flags(look, &entry);
	}
	if (rc == 0 && !ends)
		return no(look, "is damaged: its table for the dynamic linker has no end");
	rc = rc ? rc : look_at_tables(look, value, there);
	for (int i = 0; i < DYNAMIC_MAX && rc == 0 && gelf_getdyn(data, i, &entry) && entry.d_tag != DT_NULL; i++)
		if (entry.d_tag == DT_NEEDED)
			rc = look_at_needed(look, value[DT_STRTAB], value[DT_STRSZ], entry.d_un.d_val);
	return rc;
}

/* Ours, or others': the build id, properties. */
static bool find_note(struct look *look, const GElf_Phdr *segment, struct croom_plugin_note *note)
{
	Elf_Data *data = bytes_of(look, segment, segment->p_align == 8 ? ELF_T_NHDR8 : ELF_T_NHDR);
	size_t at = 0, name, description, next;
	GElf_Nhdr header;

	while (data && (next = gelf_getnote(data, at, &header, &name, &description)) > 0) {
		const char *bytes = data->d_buf;

		if (header.n_namesz == sizeof("croom") && memcmp(bytes + name, "croom", sizeof("croom")) == 0 && header.n_type == 1 &&
		    header.n_descsz == 8) {
			memcpy(&note->magic, bytes + description, 4);
			memcpy(&note->major, bytes + description + 4, 2);
			memcpy(&note->minor, bytes + description + 6, 2);
			return true;
		}
		at = next;
	}
	return false;
}

static int look_at_note(struct look *look, bool found, const struct croom_plugin_note *note)
{
	if (!found)
		return no(look, "is a shared object and no plugin: it has no CROOM_PLUGIN(); see <croom/plugin.h>");
	look->image->major = note->major;
	look->image->minor = note->minor;
	if (note->magic != CROOM_PLUGIN_MAGIC)
		return no(look, "is no plugin: its note has magic %08x, not %08x", note->magic, CROOM_PLUGIN_MAGIC);
	if (note->major != CROOM_PLUGIN_MAJOR || note->minor > CROOM_PLUGIN_MINOR)
		return croom_error_set(look->err, -EPROTO, CROOM_ERROR_OTHER, NULL,
				       "was compiled for plugin ABI %u.%u, and this program has %u.%u: compile it with this program's headers",
				       note->major, note->minor, CROOM_PLUGIN_MAJOR, CROOM_PLUGIN_MINOR);
	return 0;
}

static int look_at_segments(struct look *look)
{
	struct croom_plugin_note note = { 0 };
	GElf_Phdr segment, dynamic = { 0 };
	bool stack = false, found = false;
	size_t count;
	int rc = 0;

	if (elf_getphdrnum(look->elf, &count) || count == 0 || count > SEGMENTS_MAX)
		return no(look, "is damaged, or has more than %d segments", SEGMENTS_MAX);
	for (size_t i = 0; i < count && rc == 0; i++) {
		if (!gelf_getphdr(look->elf, (int)i, &segment))
			return no(look, "is damaged: it has fewer segments than it says");
		switch (segment.p_type) {
		case PT_LOAD: rc = add_load(look, &segment); break;
		case PT_DYNAMIC: dynamic = segment; break;
		case PT_NOTE: found = found || find_note(look, &segment, &note); break;
		case PT_GNU_STACK: stack = !(segment.p_flags & PF_X); break;
		default: break;
		}
	}
	if (rc)
		return rc;
	if (!look->loads || dynamic.p_type != PT_DYNAMIC)
		return no(look, "is no shared object: compile it with `gcc -shared -fPIC`");
	/* It would make the stacks of the whole process so. */
	if (!stack)
		return no(look, "wants stacks whose content can be run: link it with -z noexecstack");
	rc = look_at_dynamic(look, &dynamic);
	return rc ? rc : look_at_note(look, found, &note);
}

/* What it exports, and what of it would hold it in memory. */
static void look_at_symbol(struct look *look, const GElf_Sym *symbol, const char *name, bool *descriptor)
{
	struct plugin_image *image = look->image;

	if (symbol->st_shndx == SHN_UNDEF) {
		image->thread_ends |= strcmp(name, "__cxa_thread_atexit") == 0 || strcmp(name, "__cxa_thread_atexit_impl") == 0;
		return;
	}
	if (GELF_ST_BIND(symbol->st_info) == STB_GNU_UNIQUE && !*image->unique)
		snprintf(image->unique, sizeof(image->unique), "%s", name);
	*descriptor |= strcmp(name, "croom_plugin_descriptor") == 0 && symbol->st_size >= offsetof(struct croom_plugin, warm) &&
		filled(look, symbol->st_value, symbol->st_size);
}

static int look_at_symbols(struct look *look)
{
	bool descriptor = false;
	Elf_Scn *section = NULL;
	GElf_Shdr header;
	GElf_Sym symbol;

	while ((section = elf_nextscn(look->elf, section))) {
		Elf_Data *data;

		if (!gelf_getshdr(section, &header) || header.sh_type != SHT_DYNSYM)
			continue;
		data = elf_getdata(section, NULL);
		for (int i = 1; data && gelf_getsym(data, i, &symbol); i++) {
			const char *name = elf_strptr(look->elf, header.sh_link, symbol.st_name);

			if (name)
				look_at_symbol(look, &symbol, name, &descriptor);
		}
	}
	if (!descriptor)
		return no(look, "does not export croom_plugin_descriptor: CROOM_PLUGIN() makes it; do not strip the section headers or hide it");
	return 0;
}

int plugin_image_look(const void *bytes, size_t size, struct plugin_image *image, struct croom_error *err)
{
	struct look look = { .bytes = bytes, .size = size, .image = image, .err = err };
	int rc;

	*image = (struct plugin_image){ 0 };
	elf_version(EV_CURRENT);
	rc = look_at_header(&look, bytes, size);
	rc = rc ? rc : look_at_segments(&look);
	rc = rc ? rc : look_at_symbols(&look);
	elf_end(look.elf);
	return rc;
}
