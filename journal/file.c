/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The database. What is opened may be anybody's, so SQLite is told to run nothing that the file brings (triggers,
 * views, functions in a schema), its limits are those of a journal, and a file whose schema is not exactly ours is
 * not looked into.
 */
#include "journal-impl.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { APPLICATION = 0x63726a31, VERSION = 1, LENGTH_MAX = 128 * 1024 * 1024, BUSY_MS = 100 };

static const char schema[] = "CREATE TABLE journal(row INTEGER PRIMARY KEY, time_ns INTEGER NOT NULL, kind TEXT NOT NULL, "
	"cause TEXT NOT NULL, revision INTEGER NOT NULL, trusted INTEGER NOT NULL, uid INTEGER NOT NULL, pid INTEGER NOT NULL, "
	"command TEXT NOT NULL, text TEXT NOT NULL, changes TEXT NOT NULL, handlers TEXT NOT NULL, hash BLOB NOT NULL) STRICT";

/* SQLite keeps the system's error of opening a file only; of what came later errno tells, if nothing was done since. */
int file_error(sqlite3 *db, int rc, const char *path, struct croom_error *err)
{
	int error = (rc & 0xff) == SQLITE_IOERR ? errno : db ? sqlite3_system_errno(db) : 0;

	switch (rc & 0xff) {
	case SQLITE_NOMEM:
		return croom_error_set(err, -ENOMEM, CROOM_ERROR_OTHER, NULL, "out of memory");
	case SQLITE_FULL:
		return croom_error_set(err, -ENOSPC, CROOM_ERROR_OTHER, NULL, "cannot write to %s: the disk is full", path);
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return croom_error_set(err, -EBUSY, CROOM_ERROR_OTHER, NULL, "%s is locked by another program that writes to it", path);
	case SQLITE_NOTADB:
		return croom_error_set(err, -EBADMSG, CROOM_ERROR_OTHER, NULL, "%s is no journal: it is not even an SQLite file", path);
	case SQLITE_CORRUPT:
	case SQLITE_TOOBIG:
	case SQLITE_FORMAT:
		return croom_error_set(err, -EBADMSG, CROOM_ERROR_OTHER, NULL, "%s is damaged: %s", path,
				       db ? sqlite3_errmsg(db) : sqlite3_errstr(rc));
	default:
		break;
	}
	error = error ? error : (rc & 0xff) == SQLITE_READONLY ? EACCES : (rc & 0xff) == SQLITE_CANTOPEN ? ENOENT : EIO;
	return croom_error_set(err, -error, CROOM_ERROR_OTHER, NULL, "cannot use %s: %s (%s)", path, strerror(error),
			       sqlite3_errstr(rc));
}

static int number_of(sqlite3 *db, const char *sql, int *number)
{
	sqlite3_stmt *statement;
	int rc = sqlite3_prepare_v2(db, sql, -1, &statement, NULL);

	*number = 0;
	if (rc)
		return rc;
	rc = sqlite3_step(statement);
	if (rc == SQLITE_ROW)
		*number = sqlite3_column_int(statement, 0);
	sqlite3_finalize(statement);
	return rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* How many things the schema has; *ours: it is the one table that we make. */
static int schema_of(sqlite3 *db, int *count, bool *ours)
{
	sqlite3_stmt *statement;
	int rc = sqlite3_prepare_v2(db, "SELECT sql FROM sqlite_schema", -1, &statement, NULL);

	*count = 0;
	*ours = false;
	if (rc)
		return rc;
	while ((rc = sqlite3_step(statement)) == SQLITE_ROW && ++*count < 2) {
		const char *sql = (const char *)sqlite3_column_text(statement, 0);

		*ours = sql && strcmp(sql, schema) == 0;
	}
	*ours &= *count == 1;
	sqlite3_finalize(statement);
	return rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* Is it a journal, or nothing yet (*empty)? */
static int look(sqlite3 *db, const char *path, bool *empty, struct croom_error *err)
{
	int application, version, count;
	bool ours;
	int rc = number_of(db, "PRAGMA application_id", &application);

	*empty = false;
	rc = rc ? rc : number_of(db, "PRAGMA user_version", &version);
	rc = rc ? rc : schema_of(db, &count, &ours);
	if (rc)
		return file_error(db, rc, path, err);
	*empty = application == 0 && version == 0 && count == 0;
	if (*empty)
		return 0;
	if (application != APPLICATION)
		return croom_error_set(err, -EBADMSG, CROOM_ERROR_OTHER, NULL, "%s is an SQLite file, but no journal", path);
	if (version > VERSION)
		return croom_error_set(err, -EBADMSG, CROOM_ERROR_OTHER, NULL, "%s was written by a newer version (its format is %d)", path,
				       version);
	if (version != VERSION || !ours)
		return croom_error_set(err, -EBADMSG, CROOM_ERROR_OTHER, NULL, "%s is no journal: it has other tables", path);
	return 0;
}

static int tame(sqlite3 *db)
{
	static const struct { int what, on; } settings[] = {
		{ SQLITE_DBCONFIG_DEFENSIVE, 1 }, { SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0 }, { SQLITE_DBCONFIG_ENABLE_TRIGGER, 0 },
		{ SQLITE_DBCONFIG_ENABLE_VIEW, 0 }, { SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1 },
	};
	int rc = sqlite3_extended_result_codes(db, 1);

	for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]) && rc == 0; i++)
		rc = sqlite3_db_config(db, settings[i].what, settings[i].on, NULL);
	rc = rc ? rc : sqlite3_busy_timeout(db, BUSY_MS);
	sqlite3_limit(db, SQLITE_LIMIT_LENGTH, LENGTH_MAX);
	sqlite3_limit(db, SQLITE_LIMIT_ATTACHED, 0);
	return rc ? rc : sqlite3_exec(db, "PRAGMA cell_size_check=ON; PRAGMA mmap_size=0", NULL, NULL, NULL);
}

static int make(sqlite3 *db)
{
	char sql[1024];

	snprintf(sql, sizeof(sql), "BEGIN IMMEDIATE; PRAGMA application_id=%d; PRAGMA user_version=%d; %s; COMMIT", APPLICATION, VERSION,
		 schema);
	return sqlite3_exec(db, sql, NULL, NULL, NULL);
}

static int open_write(sqlite3 *db, const char *path, struct croom_error *err)
{
	bool empty;
	int rc = look(db, path, &empty, err);

	if (rc)
		return rc;
	/* Who checkpoints is journal.c: not a swap, if there is somebody else to do it. */
	rc = sqlite3_exec(db, "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA wal_autocheckpoint=0", NULL, NULL, NULL);
	if (rc == 0 && empty)
		rc = make(db);
	return rc ? file_error(db, rc, path, err) : 0;
}

static int open_read(sqlite3 *db, const char *path, struct croom_error *err)
{
	bool empty;
	int rc = look(db, path, &empty, err);

	if (rc == 0 && empty)
		rc = croom_error_set(err, -EBADMSG, CROOM_ERROR_OTHER, NULL, "%s is no journal: there is nothing in it", path);
	return rc;
}

/* A path as a URI that says that the file will not change: SQLite then needs nothing beside it. */
static char *immutable(const char *path)
{
	char *uri = malloc(3 * strlen(path) + 32), *at = uri;

	if (!uri)
		return NULL;
	at += sprintf(at, "file:");
	for (; *path; path++)
		at += sprintf(at, *path == '%' || *path == '?' || *path == '#' ? "%%%02x" : "%c", *path);
	strcpy(at, "?immutable=1");
	return uri;
}

/* Nothing of it is still in a file beside it. */
static bool settled(const char *path)
{
	char *wal;
	struct stat is;
	bool none;

	if (asprintf(&wal, "%s-wal", path) < 0)
		return false;
	none = stat(wal, &is) || is.st_size == 0;
	free(wal);
	return none;
}

static int open_as(sqlite3 **db, const char *name, const char *path, int flags, struct croom_error *err)
{
	int rc = sqlite3_open_v2(name, db, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE, NULL);

	rc = rc ? rc : tame(*db);
	rc = rc ? file_error(*db, rc, path, err) :
		flags & SQLITE_OPEN_READONLY ? open_read(*db, path, err) : open_write(*db, path, err);
	if (rc) {
		sqlite3_close(*db);
		*db = NULL;
	}
	return rc;
}

int file_open(sqlite3 **db, const char *path, bool write, struct croom_error *err)
{
	struct stat is;
	char *uri;
	int rc;

	*db = NULL;
	/* SQLite says of all that is not there, or is no file, that it is unable to open it. */
	if (stat(path, &is))
		return croom_error_set(err, -errno, CROOM_ERROR_OTHER, NULL, "cannot open %s: %s", path, strerror(errno));
	if (!S_ISREG(is.st_mode))
		return croom_error_set(err, -EBADMSG, CROOM_ERROR_OTHER, NULL, "%s is no file", path);
	rc = open_as(db, path, path, write ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY, err);
	if (rc == 0 || rc == -EBADMSG || rc == -ENOMEM || write || !settled(path))
		return rc;
	/* Where nothing can be written, SQLite cannot make what readers and writers share; but nobody else can write either. */
	uri = immutable(path);
	if (!uri)
		return croom_error_set(err, -ENOMEM, CROOM_ERROR_OTHER, NULL, "out of memory");
	if (err)
		memset(err, 0, sizeof(*err));
	rc = open_as(db, uri, path, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, err);
	free(uri);
	return rc;
}

static int one(sqlite3 *db, sqlite3_stmt *select, const char *path, const struct walk *walk, uint64_t *last, struct croom_error *err)
{
	struct row row;
	const char *bad = row_read(select, &row);

	if (sqlite3_errcode(db) == SQLITE_NOMEM)
		return file_error(db, SQLITE_NOMEM, path, err);
	/* A damaged tree may lead round in circles. */
	if (row.row <= *last)
		return croom_error_set(err, -EBADMSG, CROOM_ERROR_OTHER, NULL, "%s is damaged: behind row %llu comes row %lld", path,
				       (unsigned long long)*last, (long long)sqlite3_column_int64(select, 0));
	*last = row.row;
	if (!bad)
		return walk->visit(walk->env, &row);
	if (walk->bad)
		return walk->bad(walk->env, &row, bad);
	return croom_error_set(err, -EBADMSG, CROOM_ERROR_OTHER, NULL, "%s is damaged: '%s' of row %llu is not what it can be", path, bad,
			       (unsigned long long)row.row);
}

int file_walk(sqlite3 *db, const char *path, const struct walk *walk, struct croom_error *err)
{
	uint64_t last = walk->after;
	sqlite3_stmt *select;
	int rc = sqlite3_prepare_v2(db, "SELECT " ROW_COLUMNS " FROM journal WHERE row > ?1 AND time_ns >= ?2 ORDER BY row", -1,
				    &select, NULL), result = 0;

	rc = rc ? rc : sqlite3_bind_int64(select, 1, (sqlite3_int64)walk->after);
	rc = rc ? rc : sqlite3_bind_int64(select, 2, walk->since_ns);
	while (rc == SQLITE_OK && result == 0) {
		rc = sqlite3_step(select);
		if (rc != SQLITE_ROW)
			break;
		rc = SQLITE_OK;
		result = one(db, select, path, walk, &last, err);
	}
	if (result == 0 && rc != SQLITE_DONE && rc != SQLITE_OK)
		result = file_error(db, rc, path, err);
	sqlite3_finalize(select);
	return result;
}
