// SPDX-License-Identifier: Apache-2.0
// How long points of the complex plane stay bounded; the argument is the width of the picture.
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv) {
    int width = argc > 1 ? atoi(argv[1]) : 200;
    unsigned sum = 0;
    for (int y = 0; y < width; y++) {
        for (int x = 0; x < width; x++) {
            double cr = 3.0 * x / width - 2.2, ci = 2.4 * y / width - 1.2, zr = 0, zi = 0;
            unsigned steps = 0;
            for (; steps < 100 && zr * zr + zi * zi <= 4; steps++) {
                double next = zr * zr - zi * zi + cr;
                zi = 2 * zr * zi + ci;
                zr = next;
            }
            sum = sum * 33 + steps;
        }
    }
    printf("%u\n", sum);
    return 0;
}
