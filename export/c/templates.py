"""The parts of a C program that are the same for all versions."""

DECLARATIONS = """\
#ifndef <<PREFIX>>_DECLARED
#define <<PREFIX>>_DECLARED
#ifdef __cplusplus
extern "C" {
#endif

enum {
<<enumerators>>
};

int <<prefix>>_predict(
    const double row[<<FEATURES>>], double prediction[<<TARGETS>>]<<ends>>);
int <<prefix>>_outside(const double row[<<FEATURES>>]);
<<prototypes>>
#ifdef __cplusplus
}
#endif
#endif

#ifndef <<PREFIX>>_DECLARATIONS

#include <float.h>
#include <math.h>
#include <stddef.h>
<<includes>>
"""

PREDICT = """\

int <<prefix>>_predict(
    const double row[<<FEATURES>>], double prediction[<<TARGETS>>]<<ends>>) {
  const double *const v_x = row;
<<vectors>>

  for (int j = 0; j < <<FEATURES>>; j++) {
    const double c = row[j];
    if (c != c ? has_gaps[j] : c >= valid_least[j] && c <= valid_greatest[j]
        && (!is_whole[j] || c == floor(c))) continue;
    for (int k = 0; k < <<TARGETS>>; k++) {
      prediction[k] = NAN;
<<no_ends>>    }
    return j + 1;
  }
<<statements>>
  for (int k = 0; k < <<TARGETS>>; k++) {
    if (!(fabs(prediction[k]) <= DBL_MAX)) return -1;
  }
  return 0;
}

int <<prefix>>_outside(const double row[<<FEATURES>>]) {
  int count = 0;
  for (int j = 0; j < <<FEATURES>>; j++) {
    count += row[j] < outside_least[j] || row[j] > outside_greatest[j];
  }
  return count;
}
"""

CATEGORY = """\

static int is_space(char c) { return c == ' ' || (c >= '\\t' && c <= '\\r'); }

static int found(int feature, const char *text, size_t length) {
  for (int k = 0; k < value_count[feature]; k++) {
    const char *value = values[feature][k];
    if (strlen(value) == length && memcmp(value, text, length) == 0) return k;
  }
  return -1;
}

/* Returns the number of a category's text in UTF-8, -1 if training had not that text, and NAN for
   NULL. Spaces around a text do not count. */
double <<prefix>>_category(int feature, const char *text) {
  size_t length;
  int k;
  if (text == NULL) return NAN;
  length = strlen(text);
  k = found(feature, text, length);
  if (k >= 0) return k;
  while (is_space(*text)) text++, length--;
  while (length > 0 && is_space(text[length - 1])) length--;
  return found(feature, text, length);
}
"""

DAYS = """\

/* Returns the days since 1970-01-01 of a date and time in UTC, in the Gregorian calendar. */
double <<prefix>>_days(int year, int month, int day, int hour, int minute, double second) {
  const long y = (long)year - (month <= 2), era = (y >= 0 ? y : y - 399) / 400;
  const long of_era = y - era * 400, of_year = (153L * (month + (month > 2 ? -3 : 9)) + 2) / 5;
  const long days = of_era * 365 + of_era / 4 - of_era / 100 + of_year + day - 1;
  return (double)(era * 146097 + days - 719468)
      + (hour * 3600.0 + minute * 60.0 + second) / 86400.0;
}
"""

MAIN = """\

#ifdef NUMNET_MAIN
/* Predicts one row: `./model NAME=VALUE ...` prints a line for each target. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

<<names>>

static int parsed(int feature, const char *text, double *cell) {
  char *end;
  (void)feature; /* if all are numbers */
<<parsers>>
  *cell = strtod(text, &end);
  return end != text && *end == '\\0';
}

static int usage(const char *command) {
  fprintf(stderr, "usage: %s NAME=VALUE ...\\n\\n", command);
  for (int j = 0; j < <<FEATURES>>; j++) {
    fprintf(stderr, "  %s = %s%s\\n", feature_names[j], expected[j],
            has_gaps[j] ? "; may be left out" : "");
  }
  return 2;
}

int main(int argc, char **argv) {
  double row[<<FEATURES>>], prediction[<<TARGETS>>]<<ends_declared>>;
  int wrong;
  if (argc < 2) return usage(argc > 0 ? argv[0] : "predict");
  for (int j = 0; j < <<FEATURES>>; j++) row[j] = NAN;
  for (int k = 1; k < argc; k++) {
    int j = 0;
    size_t length = 0;
    for (; j < <<FEATURES>>; j++) {
      length = strlen(feature_names[j]);
      if (strncmp(argv[k], feature_names[j], length) == 0 && argv[k][length] == '=') break;
    }
    if (j == <<FEATURES>>) {
      fprintf(stderr, "%s: expected NAME=VALUE, with the name of a feature\\n\\n", argv[k]);
      return usage(argv[0]);
    }
    if (!parsed(j, argv[k] + length + 1, &row[j])) {
      fprintf(stderr, "%s: wrong value; expected %s\\n", argv[k], expected[j]);
      return 2;
    }
  }
  wrong = <<prefix>>_predict(row, prediction<<end_arguments>>);
  if (wrong > 0) {
    const double cell = row[wrong - 1];
    fprintf(stderr, "%s: %s; expected %s\\n", feature_names[wrong - 1],
            cell != cell ? "missing" : "wrong value", expected[wrong - 1]);
  }
  if (wrong < 0) fprintf(stderr, "the cells are so large that the arithmetic overflowed\\n");
  if (wrong != 0) return 1;
  if (<<prefix>>_outside(row)) fprintf(stderr, "outside the range of training\\n");
  for (int k = 0; k < <<TARGETS>>; k++) {
    printf("%s\\t%.17g<<end_formats>>\\n", target_names[k], prediction[k]<<end_values>>);
  }
  return 0;
}
#endif
"""

END = """\

#endif
"""
