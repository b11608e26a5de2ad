/* What both steps in C need: a row of numbers times a matrix, and the way back.

   Weights lie as [input][output], so that every inner loop runs over numbers side by side and the
   compiler can take several at once. */

#include <math.h>
#include <string.h>

/* z[o] += sum of x[i] * W[i][o] */
static inline void forward(int inputs, int outputs, const double *restrict x,
                           const double *restrict W, double *restrict z) {
    for (int i = 0; i < inputs; i++)
        for (int o = 0; o < outputs; o++) z[o] += x[i] * W[i * outputs + o];
}

/* dW[i][o] += x[i] * dz[o]; dx[i] = sum of W[i][o] * dz[o], if dx is wanted */
static inline void backward(int inputs, int outputs, const double *restrict x,
                            const double *restrict W, const double *restrict dz,
                            double *restrict dW, double *restrict dx) {
    for (int i = 0; i < inputs; i++)
        for (int o = 0; o < outputs; o++) dW[i * outputs + o] += x[i] * dz[o];
    if (!dx) return;
    for (int i = 0; i < inputs; i++) {
        double sum = 0;
        for (int o = 0; o < outputs; o++) sum += W[i * outputs + o] * dz[o];
        dx[i] = sum;
    }
}

/* Returns -log of the share of the target; d becomes what follows from it for the logits, scaled. */
static inline double cross_entropy(int classes, const double *z, long target, double scale,
                                   double *d) {
    double largest = z[0], total = 0;
    for (int c = 1; c < classes; c++) largest = z[c] > largest ? z[c] : largest;
    for (int c = 0; c < classes; c++) total += d[c] = exp(z[c] - largest);
    for (int c = 0; c < classes; c++) d[c] *= scale / total;
    d[target] -= scale;
    return log(total) - (z[target] - largest);
}

static inline void descend(int count, double rate, double *restrict theta,
                           const double *restrict dtheta) {
    for (int i = 0; i < count; i++) theta[i] -= rate * dtheta[i];
}
