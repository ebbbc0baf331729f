// SPDX-License-Identifier: Apache-2.0
// Product of two matrices of floats, four columns of 16 lanes at a time; the argument is how often.
#include <stdio.h>
#include <stdlib.h>

typedef float f32x4 __attribute__((vector_size(16)));
enum { SIZE = 128 };
static float a[SIZE][SIZE], b[SIZE][SIZE], c[SIZE][SIZE];

static void multiply(void) {
    for (int i = 0; i < SIZE; i++) {
        for (int j = 0; j < SIZE; j += 16) {
            f32x4 s0 = {0}, s1 = {0}, s2 = {0}, s3 = {0};
            for (int k = 0; k < SIZE; k++) {
                const f32x4 *row = (const f32x4 *)&b[k][j];
                s0 += a[i][k] * row[0];
                s1 += a[i][k] * row[1];
                s2 += a[i][k] * row[2];
                s3 += a[i][k] * row[3];
            }
            f32x4 *out = (f32x4 *)&c[i][j];
            out[0] = s0, out[1] = s1, out[2] = s2, out[3] = s3;
        }
    }
}

int main(int argc, char **argv) {
    int times = argc > 1 ? atoi(argv[1]) : 10;
    for (int i = 0; i < SIZE; i++) {
        for (int j = 0; j < SIZE; j++) {
            a[i][j] = (float)((i * 7 + j) % 13) * 0.25f;
            b[i][j] = (float)((i + j * 5) % 11) * 0.5f;
        }
    }
    float sum = 0;
    for (int n = 0; n < times; n++) {
        a[n % SIZE][0] += 1.0f;
        multiply();
        sum += c[n % SIZE][(n * 3) % SIZE];
    }
    printf("%.3f\n", (double)sum);
    return 0;
}
