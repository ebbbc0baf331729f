// SPDX-License-Identifier: Apache-2.0
// Swiftlet: SHA-256, with the instructions that processors have for it where they are.
//
// See: FIPS 180-4, §5.3.3 and §6.2.

#include "CDigest.h"

#include <string.h>

static const uint32_t constants[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static uint32_t rotated(uint32_t word, int count) { return word >> count | word << (32 - count); }

static void add_blocks_portable(uint32_t state[8], const uint8_t *bytes, size_t count) {
    for (; count > 0; count--, bytes += 64) {
        uint32_t schedule[64];
        for (int i = 0; i < 16; i++) {
            uint32_t word;
            memcpy(&word, bytes + 4 * i, 4);
            schedule[i] = __builtin_bswap32(word);
        }
        for (int i = 16; i < 64; i++) {
            uint32_t early = schedule[i - 15], late = schedule[i - 2];
            schedule[i] = schedule[i - 16] + schedule[i - 7] +
                (rotated(early, 7) ^ rotated(early, 18) ^ early >> 3) +
                (rotated(late, 17) ^ rotated(late, 19) ^ late >> 10);
        }
        uint32_t v[8];
        memcpy(v, state, sizeof v);
        for (int i = 0; i < 64; i++) {
            uint32_t choice = (v[4] & v[5]) ^ (~v[4] & v[6]);
            uint32_t majority = (v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]);
            uint32_t first = v[7] + (rotated(v[4], 6) ^ rotated(v[4], 11) ^ rotated(v[4], 25)) + choice + constants[i] +
                schedule[i];
            uint32_t second = (rotated(v[0], 2) ^ rotated(v[0], 13) ^ rotated(v[0], 22)) + majority;
            memmove(v + 1, v, 7 * sizeof v[0]);
            v[4] += first;
            v[0] = first + second;
        }
        for (int i = 0; i < 8; i++) state[i] += v[i];
    }
}

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>

static int has_instructions(void) {
    uint32_t a, b, c, d;
    if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_SSSE3) || !(c & bit_SSE41)) return 0;
    return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & bit_SHA) != 0;
}

/// The instructions want the state as two registers, (a b e f) and (c d g h), most significant word first.
__attribute__((target("sha,ssse3,sse4.1")))
static void add_blocks(uint32_t state[8], const uint8_t *bytes, size_t count) {
    const __m128i byte_order = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
    __m128i low = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)state), 0xB1);
    __m128i high = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)(state + 4)), 0x1B);
    __m128i abef = _mm_alignr_epi8(low, high, 8);
    __m128i cdgh = _mm_blend_epi16(high, low, 0xF0);
    for (; count > 0; count--, bytes += 64) {
        const __m128i former_abef = abef, former_cdgh = cdgh;
        // The last sixteen words of the schedule, four to a register.
        __m128i words[4];
#pragma clang loop unroll(full)
        for (int i = 0; i < 16; i++) {
            __m128i next;
            if (i < 4) {
                next = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)(bytes + 16 * i)), byte_order);
            } else {
                next = _mm_sha256msg1_epu32(words[i & 3], words[(i + 1) & 3]);
                next = _mm_add_epi32(next, _mm_alignr_epi8(words[(i + 3) & 3], words[(i + 2) & 3], 4));
                next = _mm_sha256msg2_epu32(next, words[(i + 3) & 3]);
            }
            words[i & 3] = next;
            __m128i sum = _mm_add_epi32(next, _mm_loadu_si128((const __m128i *)(constants + 4 * i)));
            cdgh = _mm_sha256rnds2_epu32(cdgh, abef, sum);
            abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32(sum, 0x0E));
        }
        abef = _mm_add_epi32(abef, former_abef);
        cdgh = _mm_add_epi32(cdgh, former_cdgh);
    }
    low = _mm_shuffle_epi32(abef, 0x1B);
    high = _mm_shuffle_epi32(cdgh, 0xB1);
    _mm_storeu_si128((__m128i *)state, _mm_blend_epi16(low, high, 0xF0));
    _mm_storeu_si128((__m128i *)(state + 4), _mm_alignr_epi8(high, low, 8));
}
#else
static int has_instructions(void) { return 0; }
static void add_blocks(uint32_t state[8], const uint8_t *bytes, size_t count) {
    add_blocks_portable(state, bytes, count);
}
#endif

void swd_sha256_init_portable(struct swd_sha256 *hash) {
    static const uint32_t initial[8] = {
        0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
    };
    memset(hash, 0, sizeof *hash);
    memcpy(hash->state, initial, sizeof initial);
}

void swd_sha256_init(struct swd_sha256 *hash) {
    swd_sha256_init_portable(hash);
    hash->is_accelerated = has_instructions();
}

static void add(struct swd_sha256 *hash, const uint8_t *bytes, size_t block_count) {
    (hash->is_accelerated ? add_blocks : add_blocks_portable)(hash->state, bytes, block_count);
}

void swd_sha256_update(struct swd_sha256 *hash, const void *start, size_t count) {
    const uint8_t *bytes = start;
    size_t kept = hash->byte_count % 64;
    hash->byte_count += count;
    if (kept > 0) {
        size_t taken = count < 64 - kept ? count : 64 - kept;
        memcpy(hash->rest + kept, bytes, taken);
        if (kept + taken < 64) return;
        add(hash, hash->rest, 1);
        bytes += taken;
        count -= taken;
    }
    add(hash, bytes, count / 64);
    if (count % 64 > 0) memcpy(hash->rest, bytes + count - count % 64, count % 64);
}

void swd_sha256_finish(struct swd_sha256 *hash, uint8_t digest[32]) {
    uint64_t bit_count = __builtin_bswap64(hash->byte_count * 8);
    uint8_t end[72] = {0x80};
    size_t kept = hash->byte_count % 64;
    size_t zeros = (kept < 56 ? 56 : 120) - kept;
    memcpy(end + zeros, &bit_count, 8);
    swd_sha256_update(hash, end, zeros + 8);
    for (int i = 0; i < 8; i++) {
        uint32_t word = __builtin_bswap32(hash->state[i]);
        memcpy(digest + 4 * i, &word, 4);
    }
}
