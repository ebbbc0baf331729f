// SPDX-License-Identifier: Apache-2.0
// Bodies that attract each other, in double precision; the argument is the number of steps.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { COUNT = 5 };
struct body { double position[3], velocity[3], mass; };
static struct body bodies[COUNT];

static void step(double time) {
    for (int i = 0; i < COUNT; i++) {
        for (int j = i + 1; j < COUNT; j++) {
            struct body *a = &bodies[i], *b = &bodies[j];
            double d[3], square = 0;
            for (int k = 0; k < 3; k++) d[k] = a->position[k] - b->position[k], square += d[k] * d[k];
            double magnitude = time / (square * sqrt(square));
            for (int k = 0; k < 3; k++) {
                a->velocity[k] -= d[k] * b->mass * magnitude;
                b->velocity[k] += d[k] * a->mass * magnitude;
            }
        }
    }
    for (int i = 0; i < COUNT; i++) {
        for (int k = 0; k < 3; k++) bodies[i].position[k] += time * bodies[i].velocity[k];
    }
}

static double energy(void) {
    double sum = 0;
    for (int i = 0; i < COUNT; i++) {
        const struct body *a = &bodies[i];
        for (int k = 0; k < 3; k++) sum += 0.5 * a->mass * a->velocity[k] * a->velocity[k];
        for (int j = i + 1; j < COUNT; j++) {
            double square = 0;
            for (int k = 0; k < 3; k++) {
                double d = a->position[k] - bodies[j].position[k];
                square += d * d;
            }
            sum -= a->mass * bodies[j].mass / sqrt(square);
        }
    }
    return sum;
}

int main(int argc, char **argv) {
    int steps = argc > 1 ? atoi(argv[1]) : 100000;
    bodies[0].mass = 40;
    for (int i = 1; i < COUNT; i++) {
        double distance = 4.0 * i;
        bodies[i] = (struct body){{distance, 0.1 * i, 0}, {0, sqrt(40 / distance), 0.01 * i}, 0.001 * i};
    }
    printf("%.9f\n", energy());
    for (int i = 0; i < steps; i++) step(0.001);
    printf("%.9f\n", energy());
    return 0;
}
