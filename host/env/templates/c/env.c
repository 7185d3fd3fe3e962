// Sort numbers: an example to change into something harder.

#include "azr_env.h"

enum { NUMBERS_MAX = 8 };

static void generate(azr_rng *rng, azr_text *task) {
  azr_print(task, "{\"numbers\":[");
  for (int64_t count = azr_within(rng, 4, NUMBERS_MAX), index = 0; index < count; index++) {
    azr_print(task, "%s%lld", index > 0 ? "," : "", (long long)azr_within(rng, 0, 99));
  }
  azr_print(task, "]}");
}

// The numbers of a task of ours, which are as `generate` wrote them.
static int read_task(const char *task, long *numbers) {
  int count = 0;
  for (char *at = strchr(task, '['); count < NUMBERS_MAX && *at != ']' && *at != 0; count++) {
    numbers[count] = strtol(at + 1, &at, 10);
  }
  return count;
}

static int ascending(const void *a, const void *b) { return (*(long *)a > *(long *)b) - (*(long *)a < *(long *)b); }

static int sorted(const char *task, long *numbers) {
  int count = read_task(task, numbers);
  qsort(numbers, (size_t)count, sizeof *numbers, ascending);
  return count;
}

static void list(azr_text *text, const long *numbers, int count) {
  for (int index = 0; index < count; index++) azr_print(text, "%s%ld", index > 0 ? ", " : "", numbers[index]);
}

static void compact_question(const char *task, azr_text *question) {
  long numbers[NUMBERS_MAX];
  int count = read_task(task, numbers);
  list(question, numbers, count);
}

static void question(const char *task, azr_text *question) {
  azr_print(question, "Sort in ascending order: ");
  compact_question(task, question);
  azr_print(question, ". Answer with the numbers, separated by commas.");
}

static double grade(const char *task, const char *answer, azr_text *why) {
  long numbers[NUMBERS_MAX];
  int count = sorted(task, numbers);
  for (int index = 0; index < count; index++) {
    char *end;
    bool is_number = strtol(answer, &end, 10) == numbers[index] && end != answer;
    while (*end == ' ') end++;
    if (!is_number || *end != (index + 1 < count ? ',' : 0)) {
      azr_print(why, "these are not the numbers in ascending order");
      return 0;
    }
    answer = end + 1;
  }
  return 1;
}

static void oracle(const char *task, azr_text *answer) {
  long numbers[NUMBERS_MAX];
  int count = sorted(task, numbers);
  list(answer, numbers, count);
}

static bool cheat(const char *task, int number, azr_text *answer) {
  long numbers[NUMBERS_MAX];
  int count = sorted(task, numbers);
  if (number == 0) list(answer, numbers, count - 1);
  if (number == 1) list(answer, numbers + 1, count - 1);
  return number < 2;
}

const azr_environment azr_env = {
    .name = "@NAME@",
    .version = "0.1.0",
    .asks = "Sort numbers.",
    .generate = generate,
    .question = question,
    .compact_question = compact_question,
    .grade = grade,
    .oracle = oracle,
    .cheat = cheat,
};
