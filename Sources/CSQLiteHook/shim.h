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

int sqlite3_config(int option, ...);

/* Without statistics of its memory SQLite takes no lock, shared by all threads, for each piece of it. To be called before
   anything else of SQLite; answers SQLITE_MISUSE (21) when it is too late. */
static inline int fuldmagt_sqlite_without_statistics(void) { return sqlite3_config(9, 0); }

#endif
