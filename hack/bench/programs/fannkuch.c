// SPDX-License-Identifier: Apache-2.0
// Longest chain of prefix reversals over all permutations of n numbers (K. R. Anderson and D. Rettig, "Performing Lisp
// analysis of the FANNKUCH benchmark", 1994); the argument is n, at most 12.
#include <stdio.h>
#include <stdlib.h>

static int reversals(const int *permutation, int n) {
    int work[16], count = 0;
    for (int i = 0; i < n; i++) work[i] = permutation[i];
    for (int first; (first = work[0]) != 0; count++) {
        for (int low = 0, high = first; low < high; low++, high--) {
            int kept = work[low];
            work[low] = work[high];
            work[high] = kept;
        }
    }
    return count;
}

int main(int argc, char **argv) {
    int n = argc > 1 ? atoi(argv[1]) : 9, permutation[16], turns[16], most = 0, sum = 0, sign = 1;
    if (n < 2 || n > 12) return 2;
    for (int i = 0; i < n; i++) permutation[i] = i, turns[i] = 0;
    for (;;) {
        int count = reversals(permutation, n);
        if (count > most) most = count;
        sum += sign * count;
        sign = -sign;
        // The next permutation: rotate the shortest prefix that has a turn left.
        int length = 1;
        for (;; length++) {
            if (length == n) {
                printf("%d %d\n", sum, most);
                return 0;
            }
            int first = permutation[0];
            for (int i = 0; i < length; i++) permutation[i] = permutation[i + 1];
            permutation[length] = first;
            if (++turns[length] <= length) break;
            turns[length] = 0;
        }
    }
}
