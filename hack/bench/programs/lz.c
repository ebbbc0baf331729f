// SPDX-License-Identifier: Apache-2.0
// Compresses a megabyte with back references found through chains of hashes, and expands it; the argument is how often.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SIZE = 1 << 20, WINDOW = 1 << 15, HASHES = 1 << 14, SHORTEST = 4, LONGEST = 255, TRIES = 16 };
static uint8_t plain[SIZE + 8], packed[SIZE * 2], expanded[SIZE + LONGEST];
static int heads[HASHES], previous[WINDOW];

static unsigned hash(const uint8_t *p) {
    uint32_t word;
    memcpy(&word, p, 4);
    return word * 2654435761u >> 18;
}

static int match_length(const uint8_t *a, const uint8_t *b, int limit) {
    int length = 0;
    while (length < limit && a[length] == b[length]) length++;
    return length;
}

static void enter(int position) {
    unsigned key = hash(plain + position);
    previous[position & (WINDOW - 1)] = heads[key];
    heads[key] = position;
}

// A token: 0 and a byte, or a length and a distance of two bytes.
static int compress(void) {
    int count = 0;
    for (int i = 0; i < HASHES; i++) heads[i] = -1;
    for (int i = 0; i < WINDOW; i++) previous[i] = -1;
    for (int at = 0; at < SIZE;) {
        int best = 0, distance = 0, limit = SIZE - at < LONGEST ? SIZE - at : LONGEST;
        int candidate = heads[hash(plain + at)];
        for (int tries = 0; tries < TRIES && candidate >= 0 && at - candidate < WINDOW; tries++) {
            int length = match_length(plain + candidate, plain + at, limit);
            if (length > best) best = length, distance = at - candidate;
            candidate = previous[candidate & (WINDOW - 1)];
        }
        if (best < SHORTEST) {
            packed[count++] = 0;
            packed[count++] = plain[at];
            best = 1;
        } else {
            packed[count++] = (uint8_t)best;
            packed[count++] = (uint8_t)distance;
            packed[count++] = (uint8_t)(distance >> 8);
        }
        for (int end = at + best; at < end; at++) enter(at);
    }
    return count;
}

static int expand(int count) {
    int at = 0;
    for (int i = 0; i < count;) {
        if (packed[i] == 0) {
            expanded[at++] = packed[i + 1];
            i += 2;
            continue;
        }
        int distance = packed[i + 1] | packed[i + 2] << 8;
        for (int k = packed[i]; k > 0; k--, at++) expanded[at] = expanded[at - distance];
        i += 3;
    }
    return at;
}

int main(int argc, char **argv) {
    static const char *const words[] = {"swift ", "little ", "bird ", "over ", "the ", "water ", "and ", "back\n"};
    int times = argc > 1 ? atoi(argv[1]) : 1, count = 0;
    unsigned state = 3;
    for (int at = 0; at < SIZE;) {
        state = state * 1664525 + 1013904223;
        if (state >> 28 == 0) {
            plain[at++] = (uint8_t)(state >> 16);
            continue;
        }
        const char *word = words[state >> 20 & 7];
        for (; *word && at < SIZE; word++) plain[at++] = (uint8_t)*word;
    }
    for (int n = 0; n < times; n++) {
        plain[n * 997 % SIZE] ^= 1;
        count = compress();
        if (expand(count) != SIZE || memcmp(plain, expanded, SIZE) != 0) return 1;
    }
    printf("%d\n", count);
    return 0;
}
