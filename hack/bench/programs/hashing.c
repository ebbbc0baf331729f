// SPDX-License-Identifier: Apache-2.0
// SHA-256 (FIPS 180-4) of a megabyte; the argument is how often.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static uint32_t constants[64];
static uint8_t data[1 << 20];

// The first 32 bits of the fractional parts of the roots of the first primes.
static void make_constants(uint32_t state[8]) {
    int count = 0;
    for (int candidate = 2; count < 64; candidate++) {
        int is_prime = 1;
        for (int d = 2; d * d <= candidate; d++) is_prime &= candidate % d != 0;
        if (!is_prime) continue;
        double cube = 1, square = 1;
        for (int i = 0; i < 60; i++) {
            cube -= (cube * cube * cube - candidate) / (3 * cube * cube);
            square -= (square * square - candidate) / (2 * square);
        }
        constants[count] = (uint32_t)((cube - (int)cube) * 4294967296.0);
        if (count < 8) state[count] = (uint32_t)((square - (int)square) * 4294967296.0);
        count++;
    }
}

static uint32_t rotate(uint32_t x, int n) { return x >> n | x << (32 - n); }

static void compress(uint32_t state[8], const uint8_t *block) {
    uint32_t w[64], s[8];
    for (int i = 0; i < 16; i++) {
        const uint8_t *p = block + 4 * i;
        w[i] = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
    }
    for (int i = 16; i < 64; i++) {
        uint32_t a = rotate(w[i - 15], 7) ^ rotate(w[i - 15], 18) ^ w[i - 15] >> 3;
        uint32_t b = rotate(w[i - 2], 17) ^ rotate(w[i - 2], 19) ^ w[i - 2] >> 10;
        w[i] = w[i - 16] + a + w[i - 7] + b;
    }
    for (int i = 0; i < 8; i++) s[i] = state[i];
    for (int i = 0; i < 64; i++) {
        uint32_t e = rotate(s[4], 6) ^ rotate(s[4], 11) ^ rotate(s[4], 25);
        uint32_t one = s[7] + e + ((s[4] & s[5]) ^ (~s[4] & s[6])) + constants[i] + w[i];
        uint32_t a = rotate(s[0], 2) ^ rotate(s[0], 13) ^ rotate(s[0], 22);
        uint32_t two = a + ((s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]));
        for (int k = 7; k > 0; k--) s[k] = s[k - 1];
        s[4] += one;
        s[0] = one + two;
    }
    for (int i = 0; i < 8; i++) state[i] += s[i];
}

int main(int argc, char **argv) {
    int times = argc > 1 ? atoi(argv[1]) : 1;
    uint32_t initial[8], state[8];
    make_constants(initial);
    for (unsigned i = 0; i < sizeof data; i++) data[i] = (uint8_t)(i * 2654435761u >> 13);
    for (int n = 0; n < times; n++) {
        data[n] ^= 1;
        for (int i = 0; i < 8; i++) state[i] = initial[i];
        for (unsigned i = 0; i < sizeof data; i += 64) compress(state, data + i);
        uint8_t last[64] = {0x80};
        last[61] = 0x80;  // 2^23 bits
        compress(state, last);
    }
    for (int i = 0; i < 8; i++) printf("%08x", state[i]);
    printf("\n");
    return 0;
}
