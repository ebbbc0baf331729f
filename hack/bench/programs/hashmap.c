// SPDX-License-Identifier: Apache-2.0
// Counts words in a table with open addressing that grows; the argument is how many words.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct entry { char *word; uint64_t hash; int count; };
static struct entry *table;
static size_t capacity = 64, used;

static uint64_t hash(const char *text) {
    uint64_t value = 14695981039346656037u;
    for (; *text; text++) value = (value ^ (uint8_t)*text) * 1099511628211u;
    return value;
}

static struct entry *find(struct entry *entries, size_t size, uint64_t key, const char *word) {
    size_t place = key & (size - 1);
    while (entries[place].word && (entries[place].hash != key || strcmp(entries[place].word, word) != 0)) {
        place = (place + 1) & (size - 1);
    }
    return &entries[place];
}

static void grow(void) {
    struct entry *larger = calloc(capacity * 2, sizeof *larger);
    for (size_t i = 0; i < capacity; i++) {
        if (table[i].word) *find(larger, capacity * 2, table[i].hash, table[i].word) = table[i];
    }
    free(table);
    table = larger;
    capacity *= 2;
}

static void add(const char *word) {
    uint64_t key = hash(word);
    struct entry *entry = find(table, capacity, key, word);
    if (!entry->word) {
        *entry = (struct entry){strdup(word), key, 0};
        if (++used * 3 > capacity * 2) {
            grow();
            entry = find(table, capacity, key, word);
        }
    }
    entry->count++;
}

int main(int argc, char **argv) {
    int words = argc > 1 ? atoi(argv[1]) : 100000;
    unsigned state = 7, most = 0;
    table = calloc(capacity, sizeof *table);
    for (int i = 0; i < words; i++) {
        char word[16];
        state = state * 1664525 + 1013904223;
        // Small numbers are frequent, as words are.
        unsigned number = (state >> 8) % (1 + (state >> 4) % 65536), length = 0;
        do word[length++] = (char)('a' + number % 26); while (number /= 26);
        word[length++] = 's';
        word[length] = 0;
        add(word);
    }
    for (size_t i = 0; i < capacity; i++) {
        if (table[i].word && (unsigned)table[i].count > most) most = (unsigned)table[i].count;
    }
    printf("%zu %u\n", used, most);
    return 0;
}
