// What an environment in C is made of: tasks, which are texts of JSON, and functions that pose and grade them.
//
// Include this file once and define `azr_env`, as `env.c` of `azr-env new` does. The crate azr-guest-sdk documents the
// same for Rust; the names and meanings are the same.
//
// A judge keeps nothing between calls, so nothing is ever freed. Its clock stands still and its random numbers are the
// same in every call: whatever should vary comes from `rng`.

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// A text that grows.
typedef struct {
  char *start;
  size_t length;
} azr_text;

static void azr_print(azr_text *text, const char *format, ...) {
  va_list values, again;
  va_start(values, format);
  va_copy(again, values);
  int length = vsnprintf(NULL, 0, format, values);
  text->start = realloc(text->start, text->length + (size_t)length + 1);
  if (length < 0 || text->start == NULL) abort();
  vsnprintf(text->start + text->length, (size_t)length + 1, format, again);
  text->length += (size_t)length;
  va_end(values);
  va_end(again);
}

// The random numbers of one generated task: Philox4x32-10, the same numbers as `Rng` of azr-guest-sdk.
typedef struct {
  uint64_t seed, number, draws;
} azr_rng;

static uint64_t azr_bits(azr_rng *rng) {
  uint32_t a = (uint32_t)rng->draws, b = (uint32_t)(rng->draws >> 32);
  uint32_t c = (uint32_t)rng->number, d = (uint32_t)(rng->number >> 32);
  uint32_t k = (uint32_t)rng->seed, l = (uint32_t)(rng->seed >> 32);
  rng->draws++;
  for (int round = 0; round < 10; round++, k += 0x9E3779B9, l += 0xBB67AE85) {
    uint64_t x = (uint64_t)0xD2511F53 * a, y = (uint64_t)0xCD9E8D57 * c;
    a = (uint32_t)(y >> 32) ^ b ^ k, b = (uint32_t)y;
    c = (uint32_t)(x >> 32) ^ d ^ l, d = (uint32_t)x;
  }
  return a | (uint64_t)b << 32;
}

// A number from 0 to `bound` - 1.
static uint64_t azr_below(azr_rng *rng, uint64_t bound) { return (uint64_t)(((unsigned __int128)azr_bits(rng) * bound) >> 64); }

// A number from `first` to `last`.
static int64_t azr_within(azr_rng *rng, int64_t first, int64_t last) {
  return first + (int64_t)azr_below(rng, (uint64_t)(last - first + 1));
}

// An environment of one kind of task. What is not there is NULL.
typedef struct {
  const char *name;
  const char *version;
  // What a task asks, in a sentence.
  const char *asks;
  // Writes a new task, which depends on `rng` only: JSON with sorted keys and without spaces.
  void (*generate)(azr_rng *rng, azr_text *task);
  // Whether a line of a data set, which is any text at all, is a task. Writes the task, or why it is none.
  bool (*check)(const char *line, azr_text *task, azr_text *why);
  // Asks for the answer. Says how it is written, and not what it is.
  void (*question)(const char *task, azr_text *question);
  // The question for the small embedded policy, as short as can be.
  void (*compact_question)(const char *task, azr_text *question);
  // The score, from 0 to 1, of an answer, which is any text at all. `why` never holds a right answer.
  double (*grade)(const char *task, const char *answer, azr_text *why);
  // A right answer, for checks and for policies that are shown how it is done.
  void (*oracle)(const char *task, azr_text *answer);
  // Answers that want to pass for right and must score nothing, by their numbers from 0; false after the last.
  bool (*cheat)(const char *task, int number, azr_text *answer);
} azr_environment;

extern const azr_environment azr_env;

// What crosses: the records of wit/env.wit as the canonical ABI lays them out, which is as C does.

typedef struct {
  const char *start;
  size_t length;
} azr_string;

typedef struct {
  void *start;
  size_t length;
} azr_list;

typedef struct {
  azr_string kind, body;
} azr_task;

typedef struct {
  azr_string name, asks;
  bool proposable, generated;
  azr_list references_from;
  uint32_t references_max;
} azr_kind;

typedef struct {
  azr_string name, version;
  azr_list kinds, settings;
  uint64_t run_fuel, run_memory_max_bytes;
  uint64_t run_output_max_bytes; // 32 bits and padding
  azr_list directories;
} azr_description;

typedef struct {
  azr_string note;
  uint8_t completed; // 1: an attempt
  azr_task task;
  azr_string completion;
  uint8_t expected;
} azr_example;

typedef struct {
  uint8_t there;
  azr_string text;
} azr_option;

typedef struct {
  uint8_t speaker;
  azr_string content;
} azr_message;

typedef struct {
  azr_list messages;
  azr_string prefill;
  azr_list stop;
} azr_prompt;

// A task, or a rejection: its code and message. Both are two texts.
typedef struct {
  uint8_t failed;
  azr_string first, second;
  uint32_t room[4];
} azr_result;

typedef struct {
  double score;
  bool well_formed;
  azr_string answer, reason;
} azr_verdict;

enum { AZR_INSTRUCT, AZR_COMPACT };
enum { AZR_RIGHT, AZR_PARTIAL, AZR_WRONG, AZR_MALFORMED };
enum { AZR_EXAMPLES = 8, AZR_USER = 1 };

#define AZR_EXPORT(name) __attribute__((export_name(name)))
#define AZR_JUDGE(name) AZR_EXPORT("azr:env/judge@0.1.0#" name)
#define AZR_CONTEXT uint32_t style, const void *settings, size_t settings_length

static const char azr_format[] =
    "First reason about the question inside <think> </think> tags, then give the answer inside <answer> </answer> tags: "
    "<think> reasoning </think> <answer> answer </answer>";
static const char *const azr_markers[] = {"<solve>",   "<propose>", "<deduction>", "<abduction>", "<induction>",
                                          "<program>", "<input>",   "<output>",    "<think>",     "</think>"};

AZR_EXPORT("cabi_realloc")
void *azr_realloc(void *start, size_t length, size_t alignment, size_t new_length) {
  (void)length, (void)alignment;
  if (new_length == 0) return (void *)8;
  void *moved = realloc(start, new_length);
  if (moved == NULL) abort();
  return moved;
}

static void *azr_new(size_t size, size_t count) {
  void *start = calloc(count > 0 ? count : 1, size);
  if (start == NULL) abort();
  return start;
}

static azr_string azr_of(const char *text) { return (azr_string){text, strlen(text)}; }

static azr_string azr_done(azr_text text) { return (azr_string){text.start, text.length}; }

static const char *azr_written(azr_text text) { return text.start == NULL ? "" : text.start; }

// A text of the host's with an end; one with a zero in it ends there.
static char *azr_ended(const char *start, size_t length) {
  char *text = azr_new(1, length + 1);
  memcpy(text, start, length);
  return text;
}

static azr_task azr_generated(uint64_t seed, uint64_t number) {
  azr_rng rng = {seed, number, 0};
  azr_text body = {0};
  azr_env.generate(&rng, &body);
  return (azr_task){azr_of(azr_env.name), azr_done(body)};
}

static azr_result *azr_rejected(const char *code, azr_string message) {
  azr_result *result = azr_new(sizeof *result, 1);
  *result = (azr_result){.failed = 1, .first = azr_of(code), .second = message};
  return result;
}

static void azr_complete(azr_text *completion, uint32_t style, azr_text answer) {
  azr_print(completion, "%s%s", style == AZR_COMPACT ? "" : "</think>\n<answer>", azr_written(answer));
}

static char *azr_trimmed(char *text) {
  while (*text != 0 && strchr(" \t\r\n\v\f", *text) != NULL) text++;
  for (size_t end = strlen(text); end > 0 && strchr(" \t\r\n\v\f", text[end - 1]) != NULL; end--) text[end - 1] = 0;
  return text;
}

// The answer, and whether the completion kept the format: as azr_guest_sdk::format::Tagged.
static char *azr_found(uint32_t style, char *completion, bool *well_formed) {
  char *thought = strstr(completion, "</think>"), *answer = completion;
  if (style == AZR_COMPACT) {
    if (thought != NULL && strncmp(completion, "<think>", 7) == 0) answer = thought + 8;
    char *end = NULL;
    for (size_t marker = 0; marker < sizeof azr_markers / sizeof *azr_markers; marker++) {
      char *found = strstr(answer, azr_markers[marker]);
      if (found != NULL && (end == NULL || found < end)) end = found;
    }
    *well_formed = end == NULL;
    if (end != NULL) *end = 0;
    return azr_trimmed(answer);
  }
  *well_formed = false;
  if (thought != NULL) {
    char *after = thought + 8;
    while (*after != 0 && strchr(" \t\r\n\v\f", *after) != NULL) after++;
    *well_formed = strncmp(after, "<answer>", 8) == 0;
  }
  for (char *tag = strstr(completion, "<answer>"); tag != NULL; tag = strstr(tag + 1, "<answer>")) answer = tag + 8;
  if (answer != completion) {
    char *end = strstr(answer, "</answer>");
    if (end != NULL) *end = 0;
  }
  return azr_trimmed(answer);
}

AZR_JUDGE("describe") azr_description *azr_describe(void) {
  azr_kind *kind = azr_new(sizeof *kind, 1);
  *kind = (azr_kind){.name = azr_of(azr_env.name), .asks = azr_of(azr_env.asks), .generated = azr_env.generate != NULL};
  azr_description *description = azr_new(sizeof *description, 1);
  *description = (azr_description){
      .name = azr_of(azr_env.name), .version = azr_of(azr_env.version), .kinds = {kind, 1}};
  return description;
}

AZR_JUDGE("seeds") azr_list *azr_seeds(AZR_CONTEXT) {
  (void)style, (void)settings, (void)settings_length;
  return azr_new(sizeof(azr_list), 1);
}

AZR_JUDGE("generate")
azr_list *azr_generate(AZR_CONTEXT, const char *kind, size_t kind_length, uint64_t seed, uint64_t first, uint32_t count) {
  (void)style, (void)settings, (void)settings_length, (void)kind, (void)kind_length;
  azr_task *tasks = azr_new(sizeof *tasks, count);
  for (uint32_t index = 0; index < count; index++) tasks[index] = azr_generated(seed, first + index);
  azr_list *list = azr_new(sizeof *list, 1);
  *list = (azr_list){tasks, count};
  return list;
}

AZR_JUDGE("import-task") azr_result *azr_import_task(AZR_CONTEXT, const char *line, size_t length) {
  (void)style, (void)settings, (void)settings_length;
  azr_text task = {0}, why = {0};
  if (azr_env.check == NULL) {
    return azr_rejected("unfit", azr_of("this environment takes no tasks from data sets"));
  }
  if (memchr(line, 0, length) != NULL || !azr_env.check(azr_ended(line, length), &task, &why)) {
    return azr_rejected("unfit", why.start == NULL ? azr_of("it is no task") : azr_done(why));
  }
  azr_result *result = azr_new(sizeof *result, 1);
  *result = (azr_result){.first = azr_of(azr_env.name), .second = azr_done(task)};
  return result;
}

static azr_example azr_shown(uint32_t style, const char *note, azr_task task, azr_text answer, uint8_t expected) {
  azr_text noted = {0}, completion = {0};
  azr_print(&noted, "%s: %s", note, azr_written(answer));
  azr_complete(&completion, style, answer);
  return (azr_example){azr_done(noted), 1, task, azr_done(completion), expected};
}

AZR_JUDGE("examples") azr_list *azr_examples(AZR_CONTEXT) {
  (void)settings, (void)settings_length;
  azr_list *list = azr_new(sizeof *list, 1);
  azr_example *examples = NULL;
  for (int number = 0; number < AZR_EXAMPLES && azr_env.generate != NULL; number++) {
    azr_task task = azr_generated(0, (uint64_t)number);
    const char *body = task.body.start;
    for (int cheat = -1;; cheat++) {
      azr_text answer = {0};
      if (cheat < 0 && azr_env.oracle == NULL) continue;
      if (cheat < 0) azr_env.oracle(body, &answer);
      if (cheat >= 0 && (azr_env.cheat == NULL || !azr_env.cheat(body, cheat, &answer))) break;
      examples = azr_realloc(examples, 0, 4, (list->length + 1) * sizeof *examples);
      examples[list->length++] = azr_shown(style, cheat < 0 ? "an answer" : "a cheat", task, answer,
                                           cheat < 0 ? AZR_RIGHT : AZR_WRONG);
    }
  }
  list->start = examples;
  return list;
}

AZR_JUDGE("demonstrate")
azr_option *azr_demonstrate(AZR_CONTEXT, const char *kind, size_t kind_length, const char *body, size_t length) {
  (void)settings, (void)settings_length, (void)kind, (void)kind_length;
  azr_option *options = azr_new(sizeof *options, 2);
  if (azr_env.oracle != NULL) {
    azr_text answer = {0}, completion = {0};
    azr_env.oracle(azr_ended(body, length), &answer);
    azr_complete(&completion, style, answer);
    options[0] = (azr_option){1, azr_done(completion)};
  }
  return options;
}

AZR_JUDGE("propose-prompt")
azr_prompt *azr_propose_prompt(AZR_CONTEXT, const char *kind, size_t length, const void *tasks, size_t tasks_length) {
  (void)style, (void)settings, (void)settings_length, (void)kind, (void)length, (void)tasks, (void)tasks_length;
  return azr_new(sizeof(azr_prompt), 1);
}

AZR_JUDGE("solve-prompt")
azr_prompt *azr_solve_prompt(AZR_CONTEXT, const char *kind, size_t kind_length, const char *body, size_t length) {
  (void)settings, (void)settings_length, (void)kind, (void)kind_length;
  const char *task = azr_ended(body, length);
  azr_text question = {0}, content = {0};
  if (style == AZR_COMPACT && azr_env.compact_question != NULL) {
    azr_env.compact_question(task, &question);
  } else {
    azr_env.question(task, &question);
  }
  azr_prompt *prompt = azr_new(sizeof *prompt, 1);
  if (style == AZR_COMPACT) {
    azr_print(&content, "<solve>%s<output>", azr_written(question));
  } else {
    azr_print(&content, "%s\n\n%s", azr_written(question), azr_format);
    azr_string *stop = azr_new(sizeof *stop, 1);
    *stop = azr_of("</answer>");
    prompt->prefill = azr_of("<think>");
    prompt->stop = (azr_list){stop, 1};
  }
  azr_message *message = azr_new(sizeof *message, 1);
  *message = (azr_message){AZR_USER, azr_done(content)};
  prompt->messages = (azr_list){message, 1};
  return prompt;
}

AZR_JUDGE("subject") azr_string *azr_subject(const char *kind, size_t kind_length, const char *body, size_t length) {
  (void)kind, (void)kind_length;
  azr_string *subject = azr_new(sizeof *subject, 1);
  *subject = (azr_string){body, length};
  return subject;
}

AZR_JUDGE("plan-proposal")
azr_result *azr_plan_proposal(AZR_CONTEXT, const char *kind, size_t kind_length, const void *tasks, size_t tasks_length,
                              const char *completion, size_t length) {
  (void)style, (void)settings, (void)settings_length, (void)kind, (void)kind_length, (void)tasks, (void)tasks_length;
  (void)completion, (void)length;
  return azr_new(sizeof(azr_result), 1);
}

AZR_JUDGE("judge-proposal")
azr_result *azr_judge_proposal(AZR_CONTEXT, const char *kind, size_t kind_length, const void *tasks, size_t tasks_length,
                               const char *completion, size_t length, const void *reports, size_t reports_length) {
  (void)style, (void)settings, (void)settings_length, (void)kind, (void)kind_length, (void)tasks, (void)tasks_length;
  (void)completion, (void)length, (void)reports, (void)reports_length;
  return azr_rejected("not-a-task", azr_of("tasks of this environment are not proposed"));
}

AZR_JUDGE("plan-answer")
azr_list *azr_plan_answer(AZR_CONTEXT, const char *kind, size_t kind_length, const char *body, size_t body_length,
                          const char *completion, size_t length) {
  (void)style, (void)settings, (void)settings_length, (void)kind, (void)kind_length, (void)body, (void)body_length;
  (void)completion, (void)length;
  return azr_new(sizeof(azr_list), 1);
}

AZR_JUDGE("judge-answer")
azr_verdict *azr_judge_answer(AZR_CONTEXT, const char *kind, size_t kind_length, const char *body, size_t body_length,
                              const char *completion, size_t length, const void *reports, size_t reports_length) {
  (void)settings, (void)settings_length, (void)kind, (void)kind_length, (void)reports, (void)reports_length;
  azr_verdict *verdict = azr_new(sizeof *verdict, 1);
  char *answer = azr_found(style, azr_ended(completion, length), &verdict->well_formed);
  azr_text why = {0};
  verdict->answer = azr_of(answer);
  // C would see an end there, and judge less than was written.
  bool whole = memchr(completion, 0, length) == NULL;
  verdict->score = whole ? azr_env.grade(azr_ended(body, body_length), answer, &why) : 0;
  verdict->reason = why.start != NULL ? azr_done(why) : azr_of(verdict->score == 1 ? "right" : "wrong");
  return verdict;
}

AZR_JUDGE("plan-exec")
azr_result *azr_plan_exec(const char *program, size_t program_length, const char *input, size_t input_length) {
  (void)program, (void)program_length, (void)input, (void)input_length;
  return azr_rejected("no-executor", azr_of("this environment runs no programs"));
}

AZR_JUDGE("show-value") azr_string *azr_show_value(const uint8_t *value, size_t length) {
  azr_text text = {0};
  for (size_t index = 0; index < length; index++) azr_print(&text, "%02x", value[index]);
  azr_string *shown = azr_new(sizeof *shown, 1);
  *shown = azr_done(text);
  return shown;
}
