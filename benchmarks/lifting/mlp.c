/* A training step of a network, example by example; SIZES, WIDEST and ACTIVATION are given when it
   is compiled.

   In theta and dtheta lie, layer by layer, the weights as [input][output] and the biases. */

#include "step.h"

static const int sizes[] = {SIZES};
enum { LAYERS = sizeof sizes / sizeof *sizes - 1 };

double step(double *theta, double *dtheta, int count, const double *X, const double *targets,
            const long *labels, long n, double rate) {
    double x[LAYERS + 1][WIDEST], d[LAYERS + 1][WIDEST], slope[LAYERS][WIDEST], loss = 0;
    memset(dtheta, 0, count * sizeof *dtheta);
    for (long row = 0; row < n; row++) {
        int at = 0;
        memcpy(x[0], X + row * sizes[0], sizes[0] * sizeof(double));
        for (int l = 0; l < LAYERS; l++) {
            int inputs = sizes[l], outputs = sizes[l + 1];
            memcpy(x[l + 1], theta + at + inputs * outputs, outputs * sizeof(double));
            forward(inputs, outputs, x[l], theta + at, x[l + 1]);
            at += (inputs + 1) * outputs;
            if (l < LAYERS - 1)
                for (int o = 0; o < outputs; o++)
                    x[l + 1][o] = ACTIVATION(x[l + 1][o], slope[l] + o);
        }
        if (sizes[LAYERS] == 1) {
            double margin = 1 - targets[row] * x[LAYERS][0];
            loss += margin > 0 ? margin : 0;
            d[LAYERS][0] = margin > 0 ? -targets[row] / n : 0;
        } else {
            loss += cross_entropy(sizes[LAYERS], x[LAYERS], labels[row], 1.0 / n, d[LAYERS]);
        }
        for (int l = LAYERS - 1; l >= 0; l--) {
            int inputs = sizes[l], outputs = sizes[l + 1];
            at -= (inputs + 1) * outputs;
            backward(inputs, outputs, x[l], theta + at, d[l + 1], dtheta + at, l ? d[l] : 0);
            double *db = dtheta + at + inputs * outputs;
            for (int o = 0; o < outputs; o++) db[o] += d[l + 1][o];
            if (l)
                for (int i = 0; i < inputs; i++) d[l][i] *= slope[l - 1][i];
        }
    }
    descend(count, rate, theta, dtheta);
    return loss / n;
}
