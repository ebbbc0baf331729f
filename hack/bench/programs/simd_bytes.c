// SPDX-License-Identifier: Apache-2.0
// Counts lines and sums bytes of a text, 16 bytes at a time, as string functions do; the argument is how often.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

typedef uint8_t u8x16 __attribute__((vector_size(16)));
typedef uint16_t u16x8 __attribute__((vector_size(16)));
typedef uint32_t u32x4 __attribute__((vector_size(16)));
enum { SIZE = 1 << 16 };
static uint8_t text[SIZE] __attribute__((aligned(16)));

int main(int argc, char **argv) {
    int times = argc > 1 ? atoi(argv[1]) : 100;
    uint32_t seed = 1;
    for (int i = 0; i < SIZE; i++) {
        seed = seed * 1664525u + 1013904223u;
        text[i] = seed >> 24 < 4 ? '\n' : (uint8_t)(32 + (seed >> 24) % 95);
    }
    uint64_t lines = 0, sum = 0;
    for (int n = 0; n < times; n++) {
        text[n % SIZE] ^= 1;
        u32x4 newlines = {0}, total = {0};
        for (int i = 0; i < SIZE; i += 16) {
            u8x16 chunk = *(const u8x16 *)(text + i);
            u8x16 hits = (u8x16)(chunk == '\n') & 1;
            u16x8 pairs = (u16x8)hits;
            newlines += (u32x4)((pairs & 0xFF) + (pairs >> 8));
            u16x8 wide = ((u16x8)chunk & 0xFF) + ((u16x8)chunk >> 8);
            total += ((u32x4)wide & 0xFFFF) + ((u32x4)wide >> 16);
        }
        for (int i = 0; i < 4; i++) {
            lines += (newlines[i] & 0xFFFF) + (newlines[i] >> 16);
            sum += total[i];
        }
    }
    printf("%llu %llu\n", (unsigned long long)lines, (unsigned long long)sum);
    return 0;
}
