// SPDX-License-Identifier: Apache-2.0
// Writes a document of JSON, parses it into a tree and writes that again; the argument is how many records it has.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum kind { OBJECT, ARRAY, STRING, NUMBER, WORD };
struct value {
    enum kind kind;
    double number;
    char *key, *text;
    struct value *first, *next;
};

static char *out;
static size_t out_count, out_capacity;
static const char *in;

static void put(const char *text, size_t count) {
    if (out_count + count + 1 > out_capacity) {
        out_capacity = 2 * (out_count + count + 1);
        out = realloc(out, out_capacity);
    }
    memcpy(out + out_count, text, count);
    out_count += count;
    out[out_count] = 0;
}

static void put_text(const char *text) { put(text, strlen(text)); }

static void put_string(const char *text) {
    put("\"", 1);
    for (; *text; text++) {
        if (*text == '"' || *text == '\\') put("\\", 1);
        if (*text == '\n') put("\\n", 2);
        else put(text, 1);
    }
    put("\"", 1);
}

static char *duplicate(const char *text, size_t count) {
    char *copy = malloc(count + 1);
    memcpy(copy, text, count);
    copy[count] = 0;
    return copy;
}

static void skip(void) {
    while (*in == ' ' || *in == '\n' || *in == '\t' || *in == ',' || *in == ':') in++;
}

static char *parse_string(void) {
    const char *end = ++in;
    while (*end != '"') end += *end == '\\' ? 2 : 1;
    char *text = malloc((size_t)(end - in) + 1), *to = text;
    while (in < end) {
        char c = *in++;
        if (c == '\\') c = *in++ == 'n' ? '\n' : in[-1];
        *to++ = c;
    }
    *to = 0;
    in = end + 1;
    return text;
}

static size_t token_length(void) {
    const char *end = in;
    while (*end && *end != ',' && *end != ']' && *end != '}' && *end > ' ') end++;
    return (size_t)(end - in);
}

static struct value *parse(void) {
    skip();
    struct value *value = calloc(1, sizeof *value);
    if (*in == '{' || *in == '[') {
        value->kind = *in++ == '{' ? OBJECT : ARRAY;
        struct value **link = &value->first;
        for (skip(); *in != '}' && *in != ']'; skip()) {
            char *key = value->kind == OBJECT ? parse_string() : NULL;
            *link = parse();
            (*link)->key = key;
            link = &(*link)->next;
        }
        in++;
    } else if (*in == '"') {
        value->kind = STRING;
        value->text = parse_string();
    } else if (*in == '-' || (*in >= '0' && *in <= '9')) {
        // A copy: some C libraries look for the end of the whole text in every call.
        char digits[32] = {0};
        size_t count = token_length();
        value->kind = NUMBER;
        memcpy(digits, in, count < sizeof digits ? count : sizeof digits - 1);
        value->number = strtod(digits, NULL);
        in += count;
    } else {
        size_t count = token_length();
        value->kind = WORD;
        value->text = duplicate(in, count);
        in += count;
    }
    return value;
}

static void write(const struct value *value) {
    char text[32];
    if (value->kind == STRING) put_string(value->text);
    if (value->kind == WORD) put_text(value->text);
    if (value->kind == NUMBER) put(text, (size_t)snprintf(text, sizeof text, "%.10g", value->number));
    if (value->kind > ARRAY) return;
    put(value->kind == OBJECT ? "{" : "[", 1);
    for (const struct value *item = value->first; item; item = item->next) {
        if (item->key) put_string(item->key), put(":", 1);
        write(item);
        if (item->next) put(",", 1);
    }
    put(value->kind == OBJECT ? "}" : "]", 1);
}

static void release(struct value *value) {
    for (struct value *item = value->first, *next; item; item = next) {
        next = item->next;
        release(item);
    }
    free(value->key), free(value->text), free(value);
}

int main(int argc, char **argv) {
    int records = argc > 1 ? atoi(argv[1]) : 1000;
    char text[256];
    put("[", 1);
    for (int i = 0; i < records; i++) {
        snprintf(text, sizeof text,
                 "%s{\"id\": %d, \"name\": \"user \\\"%d\\\"\", \"score\": %.4f, \"tags\": [\"a%d\", \"line\\nbreak\", true, null], "
                 "\"place\": {\"x\": %.3f, \"y\": -%d}}",
                 i ? ", " : "", i, i * 7, i * 1.25, i % 17, i / 3.0, i);
        put_text(text);
    }
    put("]", 1);
    unsigned sum = 0;
    for (int turn = 0; turn < 5; turn++) {
        char *source = out;
        in = source;
        struct value *tree = parse();
        out = NULL;
        out_count = out_capacity = 0;
        write(tree);
        release(tree);
        free(source);
        for (size_t i = 0; i < out_count; i++) sum = sum * 31 + (unsigned char)out[i];
    }
    printf("%zu %u\n", out_count, sum);
    return 0;
}
