// SPDX-License-Identifier: Apache-2.0
// Solves dense systems of linear equations: LU decomposition with pivots; the argument is the number of unknowns.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv) {
    int n = argc > 1 ? atoi(argv[1]) : 200;
    double *a = malloc(sizeof(double) * (size_t)n * (size_t)n), *x = malloc(sizeof(double) * (size_t)n);
    unsigned random = 1;
    for (int i = 0; i < n * n; i++) {
        random = random * 1664525 + 1013904223;
        a[i] = (double)(random >> 8) / (1 << 24) - 0.5;
    }
    for (int i = 0; i < n; i++) {
        x[i] = 0;
        for (int j = 0; j < n; j++) x[i] += a[i * n + j] * (j % 10);
    }
    for (int k = 0; k < n; k++) {
        int pivot = k;
        for (int i = k + 1; i < n; i++) pivot = fabs(a[i * n + k]) > fabs(a[pivot * n + k]) ? i : pivot;
        for (int j = 0; j < n; j++) {
            double kept = a[k * n + j];
            a[k * n + j] = a[pivot * n + j];
            a[pivot * n + j] = kept;
        }
        double kept = x[k];
        x[k] = x[pivot];
        x[pivot] = kept;
        for (int i = k + 1; i < n; i++) {
            double factor = a[i * n + k] / a[k * n + k];
            for (int j = k; j < n; j++) a[i * n + j] -= factor * a[k * n + j];
            x[i] -= factor * x[k];
        }
    }
    double worst = 0;
    for (int i = n - 1; i >= 0; i--) {
        for (int j = i + 1; j < n; j++) x[i] -= a[i * n + j] * x[j];
        x[i] /= a[i * n + i];
        worst = fmax(worst, fabs(x[i] - i % 10));
    }
    printf("%s\n", worst < 1e-6 ? "solved" : "wrong");
    return 0;
}
