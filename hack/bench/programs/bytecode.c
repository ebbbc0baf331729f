// SPDX-License-Identifier: Apache-2.0
// An interpreter of a small stack machine runs a sieve and a recursive function; the argument is how often.
#include <stdio.h>
#include <stdlib.h>

enum operation { PUSH, LOAD, STORE, GET, SET, ADD, SUBTRACT, LESS, JUMP, JUMP_IF_NOT, CALL, RETURN, HALT };
struct instruction { enum operation operation; int operand; };
enum { LIMIT = 20000 };
static int heap[LIMIT], stack[4096];

// Global variables are the first cells of the heap; a function has one argument.
static int run(const struct instruction *code, int start, int argument) {
    int *top = stack, *frame = stack, at = start;
    *top++ = argument;
    for (;;) {
        const struct instruction *i = &code[at++];
        switch (i->operation) {
        case PUSH: *top++ = i->operand; break;
        case LOAD: top[-1] = heap[top[-1]]; break;
        case STORE: top -= 2; heap[top[1]] = top[0]; break;
        case GET: *top++ = frame[i->operand]; break;
        case SET: frame[i->operand] = *--top; break;
        case ADD: top--; top[-1] += top[0]; break;
        case SUBTRACT: top--; top[-1] -= top[0]; break;
        case LESS: top--; top[-1] = top[-1] < top[0]; break;
        case JUMP: at = i->operand; break;
        case JUMP_IF_NOT: at = *--top ? at : i->operand; break;
        case CALL:
            // The argument stays; below it go the caller's frame and place.
            top[0] = top[-1];
            top[-1] = (int)(frame - stack);
            frame = top;
            top[1] = at;
            top += 2;
            at = i->operand;
            break;
        case RETURN: {
            int result = top[-1];
            top = frame - 1;
            at = frame[1];
            frame = stack + *top;
            *top++ = result;
            break;
        }
        case HALT: return top[-1];
        }
    }
}

// fibonacci(n) at 3; main at 0.
static const struct instruction fibonacci[] = {
    {GET, 0}, {CALL, 3}, {HALT, 0},
    {GET, 0}, {PUSH, 2}, {LESS, 0}, {JUMP_IF_NOT, 9}, {GET, 0}, {RETURN, 0},
    {GET, 0}, {PUSH, 1}, {SUBTRACT, 0}, {CALL, 3}, {GET, 0}, {PUSH, 2}, {SUBTRACT, 0}, {CALL, 3}, {ADD, 0}, {RETURN, 0},
};

// Cells from 10 on are marked where the number is no prime; cell 0 counts, 1 is the candidate, 2 its multiple.
static const struct instruction sieve[] = {
    {PUSH, 0}, {PUSH, 0}, {STORE, 0}, {PUSH, 2}, {PUSH, 1}, {STORE, 0},
    {PUSH, 1}, {LOAD, 0}, {GET, 0}, {LESS, 0}, {JUMP_IF_NOT, 53},
    {PUSH, 1}, {LOAD, 0}, {PUSH, 10}, {ADD, 0}, {LOAD, 0}, {PUSH, 1}, {LESS, 0}, {JUMP_IF_NOT, 46},
    {PUSH, 0}, {LOAD, 0}, {PUSH, 1}, {ADD, 0}, {PUSH, 0}, {STORE, 0},
    {PUSH, 1}, {LOAD, 0}, {PUSH, 2}, {STORE, 0},
    {PUSH, 2}, {LOAD, 0}, {GET, 0}, {LESS, 0}, {JUMP_IF_NOT, 46},
    {PUSH, 1}, {PUSH, 2}, {LOAD, 0}, {PUSH, 10}, {ADD, 0}, {STORE, 0},
    {PUSH, 2}, {LOAD, 0}, {PUSH, 1}, {LOAD, 0}, {ADD, 0}, {JUMP, 55},
    {PUSH, 1}, {LOAD, 0}, {PUSH, 1}, {ADD, 0}, {PUSH, 1}, {STORE, 0}, {JUMP, 6},
    {PUSH, 0}, {JUMP, 58},
    {PUSH, 2}, {STORE, 0}, {JUMP, 29},
    {LOAD, 0}, {HALT, 0},
};

int main(int argc, char **argv) {
    int times = argc > 1 ? atoi(argv[1]) : 1;
    unsigned sum = 0;
    for (int n = 0; n < times; n++) {
        for (int i = 0; i < LIMIT; i++) heap[i] = 0;
        sum = sum * 31 + (unsigned)run(sieve, 0, LIMIT - 100 - n % 10);
        sum = sum * 31 + (unsigned)run(fibonacci, 0, 20 + n % 3);
    }
    printf("%u\n", sum);
    return 0;
}
