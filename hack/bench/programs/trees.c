// SPDX-License-Identifier: Apache-2.0
// Makes, walks and frees binary trees; the argument is the largest depth.
#include <stdio.h>
#include <stdlib.h>

struct node { struct node *left, *right; };

static struct node *make(int depth) {
    struct node *node = malloc(sizeof *node);
    node->left = depth ? make(depth - 1) : NULL;
    node->right = depth ? make(depth - 1) : NULL;
    return node;
}

static int count(const struct node *node) { return node ? 1 + count(node->left) + count(node->right) : 0; }

static void release(struct node *node) {
    if (!node) return;
    release(node->left);
    release(node->right);
    free(node);
}

int main(int argc, char **argv) {
    int deepest = argc > 1 ? atoi(argv[1]) : 12;
    struct node *lasting = make(deepest);
    for (int depth = 4; depth <= deepest; depth += 2) {
        int sum = 0, times = 1 << (deepest - depth + 4);
        for (int i = 0; i < times; i++) {
            struct node *tree = make(depth);
            sum += count(tree);
            release(tree);
        }
        printf("%d %d %d\n", times, depth, sum);
    }
    printf("%d\n", count(lasting));
    release(lasting);
    return 0;
}
