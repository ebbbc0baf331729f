// SPDX-License-Identifier: Apache-2.0
// Sorts numbers: quicksort, heapsort, and mergesort of linked nodes; the argument is how many.
#include <stdio.h>
#include <stdlib.h>

struct node { struct node *next; unsigned value; };
static unsigned state = 42;

static unsigned next_random(void) {
    state ^= state << 13;
    state ^= state >> 17;
    return state ^= state << 5;
}

static void swap(unsigned *a, unsigned *b) {
    unsigned kept = *a;
    *a = *b;
    *b = kept;
}

static void quicksort(unsigned *first, unsigned *last) {
    while (first < last) {
        unsigned pivot = first[(last - first) / 2], *low = first, *high = last;
        while (low <= high) {
            while (*low < pivot) low++;
            while (*high > pivot) high--;
            if (low <= high) swap(low++, high--);
        }
        quicksort(first, high);
        first = low;
    }
}

static void sift(unsigned *heap, int root, int count) {
    for (int child; (child = 2 * root + 1) < count; root = child) {
        if (child + 1 < count && heap[child + 1] > heap[child]) child++;
        if (heap[root] >= heap[child]) return;
        swap(&heap[root], &heap[child]);
    }
}

static void heapsort(unsigned *values, int count) {
    for (int i = count / 2 - 1; i >= 0; i--) sift(values, i, count);
    for (int i = count - 1; i > 0; i--) {
        swap(&values[0], &values[i]);
        sift(values, 0, i);
    }
}

static struct node *mergesort(struct node *list, int count) {
    if (count < 2) {
        if (list) list->next = NULL;
        return list;
    }
    struct node *middle = list, *result, **end = &result;
    for (int i = 0; i < count / 2; i++) middle = middle->next;
    struct node *right = mergesort(middle, count - count / 2), *left = mergesort(list, count / 2);
    while (left && right) {
        struct node **smaller = right->value < left->value ? &right : &left;
        *end = *smaller;
        end = &(*smaller)->next;
        *smaller = *end;
    }
    *end = left ? left : right;
    return result;
}

int main(int argc, char **argv) {
    int count = argc > 1 ? atoi(argv[1]) : 100000;
    unsigned *values = malloc(sizeof *values * (size_t)count), sum = 0;
    struct node *nodes = malloc(sizeof *nodes * (size_t)count);
    for (int i = 0; i < count; i++) values[i] = next_random();
    quicksort(values, values + count - 1);
    for (int i = 0; i < count; i++) sum = sum * 31 + values[i];
    for (int i = 0; i < count; i++) values[i] = next_random();
    heapsort(values, count);
    for (int i = 0; i < count; i++) sum = sum * 31 + values[i];
    for (int i = 0; i < count; i++) nodes[i] = (struct node){i + 1 < count ? &nodes[i + 1] : NULL, next_random()};
    for (struct node *node = mergesort(nodes, count); node; node = node->next) sum = sum * 31 + node->value;
    printf("%u\n", sum);
    return 0;
}
