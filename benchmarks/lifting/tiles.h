/* Products in tiles, for `mlp_in_tiles.c`: some rows and columns of the result stay in registers.

   Rows of numbers lie one after the other, a row per example; weights lie as [input][output]. */

#include "step.h"

/* Four numbers for one instruction; they may lie anywhere. */
typedef double Four __attribute__((vector_size(32), aligned(8), may_alias));

/* A tile of `product`: so many rows and 4 * fours columns of C stay in registers meanwhile. Both
   counts are constants wherever it is called, so that the loops over them are unrolled. */
static inline __attribute__((always_inline)) void tile(int rows, int fours, int inner,
                                                       const double *A, int down, int right,
                                                       const double *B, double *C, int columns) {
    Four sum[6][2];
    for (int r = 0; r < rows; r++)
        for (int f = 0; f < fours; f++) sum[r][f] = *(Four *)(C + r * columns + 4 * f);
    for (int k = 0; k < inner; k++)
        for (int r = 0; r < rows; r++)
            for (int f = 0; f < fours; f++)
                sum[r][f] += A[r * down + k * right] * *(const Four *)(B + k * columns + 4 * f);
    for (int r = 0; r < rows; r++)
        for (int f = 0; f < fours; f++) *(Four *)(C + r * columns + 4 * f) = sum[r][f];
}

static inline __attribute__((always_inline)) void tiles(int rows, int inner, const double *A,
                                                        int down, int right, const double *B,
                                                        double *C, int columns) {
    int c = 0;
    for (; c + 8 <= columns; c += 8) tile(rows, 2, inner, A, down, right, B + c, C + c, columns);
    for (; c + 4 <= columns; c += 4) tile(rows, 1, inner, A, down, right, B + c, C + c, columns);
    for (; c < columns; c++)
        for (int r = 0; r < rows; r++) {
            double sum = 0;
            for (int k = 0; k < inner; k++) sum += A[r * down + k * right] * B[k * columns + c];
            C[r * columns + c] += sum;
        }
}

/* C[r][c] += sum of A[r][k] * B[k][c]; A's rows lie `down` apart, and its columns `right`. */
static void product(int rows, int columns, int inner, const double *A, int down, int right,
                    const double *B, double *C) {
    for (; rows >= 6; rows -= 6, A += 6 * down, C += 6 * columns)
        tiles(6, inner, A, down, right, B, C, columns);
    switch (rows) {
    case 5: tiles(5, inner, A, down, right, B, C, columns); break;
    case 4: tiles(4, inner, A, down, right, B, C, columns); break;
    case 3: tiles(3, inner, A, down, right, B, C, columns); break;
    case 2: tiles(2, inner, A, down, right, B, C, columns); break;
    case 1: tiles(1, inner, A, down, right, B, C, columns);
    }
}

/* turned[o][i] = W[i][o] */
static inline void turn(int inputs, int outputs, const double *restrict W,
                        double *restrict turned) {
    for (int o = 0; o < outputs; o++)
        for (int i = 0; i < inputs; i++) turned[o * inputs + i] = W[i * outputs + o];
}
