// SPDX-License-Identifier: Apache-2.0
// Swiftlet: which interpreted functions the time goes to, found by sampling.
#pragma once

#include <stdbool.h>
#include <stdint.h>

/// What one sample adds to a function's count; a function that was only called has 1.
enum sw_profile_weight { sw_profile_sample_weight = 16 };

/// Counts into `counts[function index]`, where `count` numbers have room, from now on and for every store of this
/// process: 1 at a function's translation, `sw_profile_sample_weight` at each sample. A sample is taken each `interval`
/// microseconds of the process's CPU time (SIGPROF, setitimer(2); the kernel rounds up to its tick). Starts once per
/// process, before code is translated; false with errno otherwise. The memory must stay.
///
/// Nothing is asked of the interpreter while it runs: a signal handler looks at the registers.
bool sw_profile_start(uint32_t *counts, uint32_t count, uint32_t interval);

/// Whether translated code has to be made known.
bool sw_profile_is_on(void);

/// Makes a chunk of memory known in which blocks of code will lie one behind the other, each after two words: its
/// `sw_function` and its size in bytes. Its number for `sw_profile_set_used`, or -1: there are too many, and its code
/// is not sampled.
int32_t sw_profile_add_chunk(const uint8_t *base);

/// Blocks in the first `byte_count` bytes of the chunk are whole. `function` is the one that was added.
void sw_profile_set_used(int32_t chunk, uint32_t byte_count, uint32_t function);

/// The chunk's memory goes away.
void sw_profile_remove_chunk(int32_t chunk);
