// SPDX-License-Identifier: Apache-2.0
// Swiftlet guests: the few C symbols that Embedded Swift expects from a platform. A first-fit allocator is enough here:
// guests are small, and their memory ends with them.
typedef __SIZE_TYPE__ size_t;
typedef unsigned char byte;

extern byte __heap_base;

struct block {
    size_t size;  // of the payload, a multiple of 16
    struct block *next_free;
    size_t padding[2];  // keeps payloads 16-byte aligned
};

static struct block *free_list;
static size_t heap_end;

void *memcpy(void *target, const void *source, size_t count) { return __builtin_memcpy(target, source, count); }
void *memmove(void *target, const void *source, size_t count) { return __builtin_memmove(target, source, count); }
void *memset(void *target, int value, size_t count) { return __builtin_memset(target, value, count); }

static void *extend(size_t payload) {
    if (heap_end == 0) heap_end = ((size_t)&__heap_base + 15) & ~(size_t)15;
    size_t total = payload + sizeof(struct block);
    size_t limit = __builtin_wasm_memory_size(0) * 65536;
    if (heap_end + total > limit) {
        size_t pages = (heap_end + total - limit + 65535) / 65536;
        if (__builtin_wasm_memory_grow(0, pages) == (size_t)-1) return 0;
    }
    struct block *block = (struct block *)heap_end;
    heap_end += total;
    block->size = payload;
    return block + 1;
}

void *malloc(size_t count) {
    size_t payload = (count + 15) & ~(size_t)15;
    for (struct block **link = &free_list; *link; link = &(*link)->next_free) {
        struct block *block = *link;
        if (block->size < payload || block->size > payload * 2 + 256) continue;
        *link = block->next_free;
        return block + 1;
    }
    return extend(payload);
}

int posix_memalign(void **result, size_t alignment, size_t count) {
    if (alignment > 16) return 22;  // EINVAL: no guest asks for more
    *result = malloc(count);
    return *result ? 0 : 12;  // ENOMEM
}

void free(void *pointer) {
    if (!pointer) return;
    struct block *block = (struct block *)pointer - 1;
    block->next_free = free_list;
    free_list = block;
}
