/* The step of `mlp.c` in products of tiles; SIZES, WIDEST, WEIGHTS and ACTIVATION are given when it is compiled.

   It takes ROWS examples at a time through all layers and back, so that what lies between stays in
   a cache near the processor. In theta and dtheta lie, layer by layer, the weights as
   [input][output] and the biases. */

#include "tiles.h"

enum { ROWS = 48 };
static const int sizes[] = {SIZES};
enum { LAYERS = sizeof sizes / sizeof *sizes - 1 };
static double x[LAYERS + 1][ROWS * WIDEST], d[LAYERS + 1][ROWS * WIDEST];
static double slope[LAYERS][ROWS * WIDEST];
static double turned[WEIGHTS];

double step(double *theta, double *dtheta, int count, const double *X, const double *targets,
            const long *labels, long n, double rate) {
    double loss = 0;
    memset(dtheta, 0, count * sizeof *dtheta);
    for (int l = 0, at = 0; l < LAYERS; at += (sizes[l] + 1) * sizes[l + 1], l++)
        if (l) turn(sizes[l], sizes[l + 1], theta + at, turned + at);
    for (long start = 0; start < n; start += ROWS) {
        int rows = n - start < ROWS ? n - start : ROWS, at = 0;
        const double *given = X + start * sizes[0];
        for (int l = 0; l < LAYERS; l++) {
            int inputs = sizes[l], outputs = sizes[l + 1];
            double *z = x[l + 1];
            for (int r = 0; r < rows; r++)
                memcpy(z + r * outputs, theta + at + inputs * outputs, outputs * sizeof *z);
            product(rows, outputs, inputs, l ? x[l] : given, inputs, 1, theta + at, z);
            at += (inputs + 1) * outputs;
            if (l < LAYERS - 1)
                for (int i = 0; i < rows * outputs; i++) z[i] = ACTIVATION(z[i], slope[l] + i);
        }
        int classes = sizes[LAYERS];
        for (int r = 0; r < rows; r++) {
            double *z = x[LAYERS] + r * classes, *dz = d[LAYERS] + r * classes;
            if (classes == 1) {
                double margin = 1 - targets[start + r] * z[0];
                loss += margin > 0 ? margin : 0;
                dz[0] = margin > 0 ? -targets[start + r] / n : 0;
            } else {
                loss += cross_entropy(classes, z, labels[start + r], 1.0 / n, dz);
            }
        }
        for (int l = LAYERS - 1; l >= 0; l--) {
            int inputs = sizes[l], outputs = sizes[l + 1];
            at -= (inputs + 1) * outputs;
            product(inputs, outputs, rows, l ? x[l] : given, 1, inputs, d[l + 1], dtheta + at);
            double *db = dtheta + at + inputs * outputs;
            for (int r = 0; r < rows; r++)
                for (int o = 0; o < outputs; o++) db[o] += d[l + 1][r * outputs + o];
            if (!l) break;
            memset(d[l], 0, rows * inputs * sizeof *d[l]);
            product(rows, inputs, outputs, d[l + 1], outputs, 1, turned + at, d[l]);
            for (int i = 0; i < rows * inputs; i++) d[l][i] *= slope[l - 1][i];
        }
    }
    descend(count, rate, theta, dtheta);
    return loss / n;
}
