/* What all steps in C need: a row of numbers times a matrix, and the way back; losses; activations.

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

/* Each activation returns its output and writes its slope. */
static inline double relu(double z, double *slope) {
    *slope = z > 0;
    return z > 0 ? z : 0;
}
static inline double leaky_relu(double z, double *slope) {
    *slope = z > 0 ? 1 : 0.01;
    return z * *slope;
}
static inline double elu(double z, double *slope) {
    double y = z > 0 ? z : expm1(z);
    *slope = z > 0 ? 1 : y + 1;
    return y;
}
static inline double hyperbolic_tangent(double z, double *slope) {
    double y = tanh(z);
    *slope = 1 - y * y;
    return y;
}
static inline double sigmoid(double z, double *slope) {
    double y = 1 / (1 + exp(-z));
    *slope = y - y * y;
    return y;
}
static inline double softplus(double z, double *slope) {
    double y = (z > 0 ? z : 0) + log1p(exp(-fabs(z)));
    *slope = -expm1(-y);
    return y;
}
static inline double silu(double z, double *slope) {
    double share = 1 / (1 + exp(-z)), y = z * share;
    *slope = y + share * (1 - y);
    return y;
}
static inline double gelu(double z, double *slope) {
    double share = 0.5 * erfc(-z * 0.70710678118654752);
    *slope = share + z * exp(-0.5 * z * z) * 0.39894228040143268;
    return z * share;
}
