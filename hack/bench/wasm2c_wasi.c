// SPDX-License-Identifier: Apache-2.0
// What programs of hack/bench/programs import from WASI, for wasm2c's code of them (module name "prog"), and the main
// function. Writes are not buffered: the programs print a line.
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "prog.h"

typedef struct w2c_wasi__snapshot__preview1 {
    w2c_prog *program;
    int count;
    char **arguments;
} wasi;

static u8 *at(wasi *w, u32 address) { return w2c_prog_memory(w->program)->data + address; }
static void put(wasi *w, u32 address, u32 value) { memcpy(at(w, address), &value, 4); }

u32 w2c_wasi__snapshot__preview1_args_sizes_get(wasi *w, u32 count, u32 bytes) {
    u32 sum = 0;
    for (int i = 0; i < w->count; i++) sum += (u32)strlen(w->arguments[i]) + 1;
    put(w, count, (u32)w->count);
    put(w, bytes, sum);
    return 0;
}

u32 w2c_wasi__snapshot__preview1_args_get(wasi *w, u32 pointers, u32 bytes) {
    for (int i = 0; i < w->count; i++) {
        u32 length = (u32)strlen(w->arguments[i]) + 1;
        put(w, pointers + 4 * (u32)i, bytes);
        memcpy(at(w, bytes), w->arguments[i], length);
        bytes += length;
    }
    return 0;
}

u32 w2c_wasi__snapshot__preview1_fd_write(wasi *w, u32 file, u32 vectors, u32 count, u32 written) {
    u32 sum = 0;
    for (u32 i = 0; i < count; i++) {
        u32 piece[2];
        memcpy(piece, at(w, vectors + 8 * i), 8);
        if (write((int)file, at(w, piece[0]), piece[1]) != (ssize_t)piece[1]) return 29;
        sum += piece[1];
    }
    put(w, written, sum);
    return 0;
}

/// A character device with every right.
u32 w2c_wasi__snapshot__preview1_fd_fdstat_get(wasi *w, u32 file, u32 result) {
    (void)file;
    memset(at(w, result), 0xFF, 24);
    memset(at(w, result), 0, 8);
    *at(w, result) = 2;
    return 0;
}

u32 w2c_wasi__snapshot__preview1_fd_seek(wasi *w, u32 file, u64 offset, u32 whence, u32 result) {
    (void)w, (void)file, (void)offset, (void)whence, (void)result;
    return 70;
}

u32 w2c_wasi__snapshot__preview1_fd_close(wasi *w, u32 file) {
    (void)w, (void)file;
    return 0;
}

void w2c_wasi__snapshot__preview1_proc_exit(wasi *w, u32 code) {
    (void)w;
    exit((int)code);
}

int main(int count, char **arguments) {
    w2c_prog program;
    wasi w = {&program, count, arguments};
    wasm_rt_init();
    wasm2c_prog_instantiate(&program, &w);
    w2c_prog_0x5Fstart(&program);
    return 0;
}
