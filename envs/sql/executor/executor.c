// The SQL executor: SQLite with an in-memory database for each call.
//
// A program is a script. Its statements run one after another, `?1`, `?2` and so on stand for the arguments, and the
// result is the list of the last statement's rows. A list as an argument is the text of a JSON array.
//
// Nothing here defends itself against the program beyond what SQLite does: an instance ends with its run. The files,
// clock and random numbers of SQLite are those of the virtual WASI; what would show them is refused by name.

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "sqlite3.h"

// Largest encoded result. The judge of coding tasks takes no larger one.
enum { VALUE_MAX_BYTES = 64 << 10 };

typedef struct {
  char *start;
  size_t length;
} text;

enum tag { VALUE, THROWN, REFUSED, UNSUPPORTED };

// The variant `outcome` of wit/env.wit as the canonical ABI lays it out.
typedef struct {
  uint8_t tag;
  text first, second;
} outcome;

typedef struct {
  void *start;
  size_t length;
} list;

__attribute__((export_name("cabi_realloc"))) void *cabi_realloc(void *old, size_t length, size_t align, size_t size) {
  (void)length, (void)align;
  void *moved = size == 0 ? (void *)8 : realloc(old, size);
  if (moved == NULL) abort();
  return moved;
}

static void append(text *to, const void *bytes, size_t length) {
  if (length == 0) return;
  to->start = cabi_realloc(to->start, 0, 1, to->length + length);
  memcpy(to->start + to->length, bytes, length);
  to->length += length;
}

// In the format of SQLite's own printf.
static void print(text *to, const char *format, ...) {
  va_list values;
  va_start(values, format);
  char *printed = sqlite3_vmprintf(format, values);
  va_end(values);
  if (printed == NULL) abort();
  append(to, printed, strlen(printed));
}

static text copied(const char *from) {
  text copy = {0};
  append(&copy, from, strlen(from));
  return copy;
}

static outcome of(enum tag tag, const char *first, const char *second) {
  return (outcome){tag, copied(first), copied(second)};
}

// What SQLite asks its surroundings for, where there are no files.

static int no_file(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out) {
  (void)vfs, (void)name, (void)flags, (void)out;
  file->pMethods = NULL;
  return SQLITE_CANTOPEN;
}

static int no_delete(sqlite3_vfs *vfs, const char *name, int sync) { return (void)vfs, (void)name, (void)sync, SQLITE_OK; }

static int no_access(sqlite3_vfs *vfs, const char *name, int flags, int *found) {
  return (void)vfs, (void)name, (void)flags, *found = 0, SQLITE_OK;
}

static int same_path(sqlite3_vfs *vfs, const char *name, int length, char *out) {
  return (void)vfs, sqlite3_snprintf(length, out, "%s", name), SQLITE_OK;
}

static int randomness(sqlite3_vfs *vfs, int length, char *out) {
  return (void)vfs, getentropy(out, (size_t)length) == 0 ? length : 0;
}

static int no_sleep(sqlite3_vfs *vfs, int microseconds) { return (void)vfs, microseconds; }

static int now(sqlite3_vfs *vfs, sqlite3_int64 *milliseconds) {
  // Since noon in Greenwich on November 24, 4714 B.C.
  return (void)vfs, *milliseconds = 210866760000000 + (sqlite3_int64)time(NULL) * 1000, SQLITE_OK;
}

int sqlite3_os_init(void) {
  static sqlite3_vfs vfs = {.iVersion = 2,
                            .szOsFile = sizeof(sqlite3_file),
                            .mxPathname = 100,
                            .zName = "none",
                            .xOpen = no_file,
                            .xDelete = no_delete,
                            .xAccess = no_access,
                            .xFullPathname = same_path,
                            .xRandomness = randomness,
                            .xSleep = no_sleep,
                            .xCurrentTimeInt64 = now};
  return sqlite3_vfs_register(&vfs, 1);
}

int sqlite3_os_end(void) { return SQLITE_OK; }

// What a script may not do: results depend on the arguments alone.
static int authorize(void *none, int action, const char *first, const char *second, const char *base, const char *by) {
  (void)none, (void)first, (void)base, (void)by;
  static const char *const functions[] = {"random", "randomblob", "current_date", "current_time", "current_timestamp",
                                          "load_extension", "sqlite_version", "sqlite_source_id"};
  if (action == SQLITE_ATTACH || action == SQLITE_DETACH || action == SQLITE_PRAGMA) return SQLITE_DENY;
  for (size_t index = 0; action == SQLITE_FUNCTION && index < sizeof functions / sizeof *functions; index++) {
    if (sqlite3_stricmp(second, functions[index]) == 0) return SQLITE_DENY;
  }
  return SQLITE_OK;
}

// Arguments, which the judge encoded: what it encodes is well-formed.

typedef struct {
  const char *at;
} reader;

static size_t number(reader *from) {
  size_t number = 0;
  while (*from->at != ':') number = 10 * number + (size_t)(*from->at++ - '0');
  from->at++;
  return number;
}

static double real(reader *from) {
  uint64_t bits = 0;
  for (int digit = 0; digit < 16; digit++, from->at++) {
    bits = bits << 4 | (uint64_t)(*from->at <= '9' ? *from->at - '0' : *from->at - 'a' + 10);
  }
  double real;
  memcpy(&real, &bits, sizeof real);
  return real;
}

static sqlite3_int64 integer(reader *from) {
  char *end;
  sqlite3_int64 integer = strtoll(from->at, &end, 10);
  from->at = end + 1;
  return integer;
}

static void json_string(text *to, const char *from, size_t length) {
  append(to, "\"", 1);
  for (size_t index = 0; index < length; index++) {
    unsigned char byte = (unsigned char)from[index];
    if (byte < 0x20) {
      print(to, "\\u%04x", byte);
    } else {
      if (byte == '"' || byte == '\\') append(to, "\\", 1);
      append(to, from + index, 1);
    }
  }
  append(to, "\"", 1);
}

// One value as JSON; a blob has none and is null there.
static void json(text *to, reader *from) {
  char tag = *from->at++;
  size_t length;
  switch (tag) {
  case 'i': print(to, "%lld", integer(from)); break;
  case 'd': print(to, "%!.17g", real(from)); break;
  case 's':
    length = number(from);
    json_string(to, from->at, length);
    from->at += length;
    break;
  case 'l':
    length = number(from);
    append(to, "[", 1);
    for (size_t index = 0; index < length; index++) {
      if (index > 0) append(to, ",", 1);
      json(to, from);
    }
    append(to, "]", 1);
    break;
  case 'b': from->at += number(from); // fall through
  default: append(to, "null", 4);
  }
}

static void bind(sqlite3_stmt *statement, int index, reader *from) {
  size_t length;
  text array = {0};
  switch (*from->at) {
  case 'i': from->at++, sqlite3_bind_int64(statement, index, integer(from)); return;
  case 'd': from->at++, sqlite3_bind_double(statement, index, real(from)); return;
  case 's':
    from->at++, length = number(from);
    sqlite3_bind_text(statement, index, from->at, (int)length, SQLITE_STATIC);
    break;
  case 'b':
    from->at++, length = number(from);
    sqlite3_bind_blob(statement, index, from->at, (int)length, SQLITE_STATIC);
    break;
  case 'l':
    json(&array, from);
    sqlite3_bind_text(statement, index, array.start, (int)array.length, SQLITE_STATIC);
    return;
  default: from->at++, sqlite3_bind_null(statement, index); return;
  }
  from->at += length;
}

// Binds as many arguments as the statement has parameters; whether there are so many.
static bool bind_all(sqlite3_stmt *statement, const char *arguments) {
  reader from = {arguments + 4}; // behind `u2:u`
  size_t count = number(&from);
  int parameters = sqlite3_bind_parameter_count(statement);
  if ((size_t)parameters > count) return false;
  for (int index = 1; index <= parameters; index++) bind(statement, index, &from);
  return true;
}

// A column's value, encoded.
static void encode(text *to, sqlite3_stmt *statement, int column) {
  double real;
  uint64_t bits;
  switch (sqlite3_column_type(statement, column)) {
  case SQLITE_INTEGER: print(to, "i%lld;", sqlite3_column_int64(statement, column)); return;
  case SQLITE_FLOAT:
    real = sqlite3_column_double(statement, column);
    memcpy(&bits, &real, sizeof bits);
    print(to, "d%08x%08x", (unsigned)(bits >> 32), (unsigned)bits);
    return;
  case SQLITE_TEXT:
  case SQLITE_BLOB: {
    char tag = sqlite3_column_type(statement, column) == SQLITE_TEXT ? 's' : 'b';
    const void *bytes = sqlite3_column_blob(statement, column);
    size_t length = (size_t)sqlite3_column_bytes(statement, column);
    print(to, "%c%llu:", tag, (unsigned long long)length);
    append(to, bytes, length);
    return;
  }
  default: append(to, "n", 1);
  }
}

// By the classes of Python's sqlite3.
static const char *class(int code) {
  switch (code & 0xff) {
  case SQLITE_CONSTRAINT:
  case SQLITE_MISMATCH: return "IntegrityError";
  case SQLITE_TOOBIG: return "DataError";
  case SQLITE_NOMEM: return "MemoryError";
  default: return "OperationalError";
  }
}

// Runs one statement; its rows, encoded, or what it came to instead.
static outcome rows(sqlite3 *database, sqlite3_stmt *statement) {
  text encoded = {0};
  uint64_t count = 0;
  int columns = sqlite3_column_count(statement), code;
  while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
    count++;
    print(&encoded, "u%d:", columns);
    for (int column = 0; column < columns; column++) encode(&encoded, statement, column);
    if (encoded.length > VALUE_MAX_BYTES) return of(UNSUPPORTED, "rows of more than 65536 encoded bytes", "");
  }
  if (code != SQLITE_DONE) return of(THROWN, class(code), sqlite3_errmsg(database));
  text value = {0};
  print(&value, "l%llu:", (unsigned long long)count);
  append(&value, encoded.start, encoded.length);
  return (outcome){VALUE, value, {0}};
}

static bool ended(const char *script) {
  while (*script != 0 && strchr(" \t\r\n\f;", *script) != NULL) script++;
  return *script == 0;
}

static outcome call(const char *script, const char *arguments) {
  sqlite3 *database;
  if (sqlite3_open(":memory:", &database) != SQLITE_OK) abort();
  sqlite3_set_authorizer(database, authorize, NULL);
  reader from = {arguments + 4};
  size_t count = number(&from), used = 0;
  outcome last = of(REFUSED, "the program has no statements", "");
  while (!ended(script)) {
    sqlite3_stmt *statement;
    if (sqlite3_prepare_v2(database, script, -1, &statement, &script) != SQLITE_OK) {
      return of(REFUSED, sqlite3_errmsg(database), "");
    }
    if (statement == NULL) continue; // a comment
    if (!bind_all(statement, arguments)) {
      return of(THROWN, "ProgrammingError", "there are more parameters than arguments");
    }
    size_t parameters = (size_t)sqlite3_bind_parameter_count(statement);
    used = parameters > used ? parameters : used;
    last = rows(database, statement);
    bool query = sqlite3_column_count(statement) > 0;
    sqlite3_finalize(statement);
    if (last.tag != VALUE) return last;
    if (!query) last = of(REFUSED, "the last statement has no rows", "");
  }
  if (used < count) return of(THROWN, "ProgrammingError", "there are more arguments than parameters");
  return last;
}

__attribute__((export_name("azr:env/execution@0.1.0#execute"))) list *execute(const char *program, size_t length,
                                                                             const text *inputs, size_t count) {
  list *outcomes = calloc(1, sizeof *outcomes);
  outcome *each = calloc(count + 1, sizeof *each);
  text script = {0};
  append(&script, program, length);
  append(&script, "", 1);
  if (outcomes == NULL || each == NULL) abort();
  outcomes->start = each;
  if (memchr(program, 0, length) != NULL) {
    each[outcomes->length++] = of(REFUSED, "a zero character", "");
    return outcomes;
  }
  for (size_t index = 0; index < count; index++) {
    text input = {0};
    append(&input, inputs[index].start, inputs[index].length);
    append(&input, "", 1);
    each[index] = call(script.start, input.start);
    outcomes->length = index + 1;
    if (each[index].tag != VALUE) break;
  }
  return outcomes;
}
