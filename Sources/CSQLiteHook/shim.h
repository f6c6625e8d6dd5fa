#ifndef FULDMAGT_SQLITE_HOOK_H
#define FULDMAGT_SQLITE_HOOK_H

/* Part of SQLite's interface that its header shows only to who compiled it with SQLITE_ENABLE_PREUPDATE_HOOK, as Debian
   does: told of each row before it changes. */
typedef struct sqlite3 sqlite3;
typedef struct sqlite3_value sqlite3_value;

void *sqlite3_preupdate_hook(
    sqlite3 *db,
    void (*preupdate)(void *context, sqlite3 *db, int operation, char const *database, char const *table,
                      long long oldRow, long long newRow),
    void *context);
int sqlite3_preupdate_old(sqlite3 *db, int column, sqlite3_value **value);
int sqlite3_preupdate_new(sqlite3 *db, int column, sqlite3_value **value);
int sqlite3_preupdate_count(sqlite3 *db);

#endif
