// SPDX-License-Identifier: Apache-2.0
// Points of the Mandelbrot set, four at a time; the argument is the edge of the picture.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

typedef float f32x4 __attribute__((vector_size(16)));
typedef int32_t i32x4 __attribute__((vector_size(16)));

int main(int argc, char **argv) {
    int edge = argc > 1 ? atoi(argv[1]) : 256;
    int64_t total = 0;
    for (int y = 0; y < edge; y++) {
        float row = 2.0f * (float)y / (float)edge - 1.0f;
        f32x4 ci = {row, row, row, row};
        for (int x = 0; x < edge; x += 4) {
            f32x4 cr = {0.0f, 1.0f, 2.0f, 3.0f};
            cr = (cr + (float)x) * (3.0f / (float)edge) - 2.0f;
            f32x4 zr = cr, zi = ci;
            i32x4 count = {0, 0, 0, 0};
            for (int n = 0; n < 100; n++) {
                f32x4 rr = zr * zr, ii = zi * zi;
                i32x4 inside = rr + ii <= 4.0f;
                if ((inside[0] | inside[1] | inside[2] | inside[3]) == 0) break;
                count -= inside;
                zi = 2.0f * zr * zi + ci;
                zr = rr - ii + cr;
            }
            total += count[0] + count[1] + count[2] + count[3];
        }
    }
    printf("%lld\n", (long long)total);
    return 0;
}
