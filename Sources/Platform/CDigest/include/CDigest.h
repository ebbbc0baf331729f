// SPDX-License-Identifier: Apache-2.0
// Swiftlet: digests where no library for them may be linked.
#pragma once

#include <stddef.h>
#include <stdint.h>

/// SHA-256 (FIPS 180-4) of bytes that come in pieces.
struct swd_sha256 {
    uint32_t state[8];
    uint64_t byte_count;
    /// The bytes after the last whole block.
    uint8_t rest[64];
    /// Whether the processor's own instructions do the work.
    int is_accelerated;
};

void swd_sha256_init(struct swd_sha256 *hash);
/// As `swd_sha256_init`, without the processor's own instructions.
void swd_sha256_init_portable(struct swd_sha256 *hash);
void swd_sha256_update(struct swd_sha256 *hash, const void *bytes, size_t count);
void swd_sha256_finish(struct swd_sha256 *hash, uint8_t digest[32]);

/// What tells this processor's abilities from another's: two processors with the same number run the same code.
uint64_t swd_processor(void);
