/* A training step of the small GPT, name by name; its sizes are given when it is compiled.

   In theta and dtheta lie the matrices in the order of the struct, as [input][output]; the rows of
   both embeddings are inputs that are 1. */

#include "step.h"

enum { SIZE = WIDTH / HEADS };

typedef struct {
    double token[TOKENS][WIDTH], position[POSITIONS][WIDTH];
    double query[WIDTH][WIDTH], key[WIDTH][WIDTH], value[WIDTH][WIDTH], mix[WIDTH][WIDTH];
    double widen[WIDTH][4 * WIDTH], narrow[4 * WIDTH][WIDTH], unembed[WIDTH][TOKENS];
} GPT;

/* Writes x over its root mean square, and returns the factor. */
static double rms_norm(const double *x, double *out) {
    double sum = 0;
    for (int i = 0; i < WIDTH; i++) sum += x[i] * x[i];
    double factor = 1 / sqrt(sum / WIDTH + 1e-5);
    for (int i = 0; i < WIDTH; i++) out[i] = x[i] * factor;
    return factor;
}

/* dx[i] += what follows from d, which is for the normed row */
static void rms_norm_backward(const double *d, const double *normed, double factor, double *dx) {
    double along = 0;
    for (int i = 0; i < WIDTH; i++) along += d[i] * normed[i];
    along /= WIDTH;
    for (int i = 0; i < WIDTH; i++) dx[i] += factor * (d[i] - normed[i] * along);
}

double step(GPT *g, GPT *dg, const long *tokens, const long *targets, long n, double rate) {
    double embedded[LENGTH][WIDTH], first[LENGTH][WIDTH], normed1[LENGTH][WIDTH];
    double q[LENGTH][WIDTH], k[LENGTH][WIDTH], v[LENGTH][WIDTH], shares[LENGTH][HEADS][LENGTH];
    double attended[LENGTH][WIDTH], second[LENGTH][WIDTH], normed2[LENGTH][WIDTH];
    double hidden[LENGTH][4 * WIDTH], third[LENGTH][WIDTH], logits[LENGTH][TOKENS];
    double factors[LENGTH][3], loss = 0;
    double dk[LENGTH][WIDTH], dv[LENGTH][WIDTH], dq[WIDTH], dfirst[LENGTH][WIDTH];
    double dlogits[TOKENS], dhidden[4 * WIDTH], d[WIDTH], dshares[LENGTH];
    const double scale = 1 / sqrt(SIZE);
    memset(dg, 0, sizeof *dg);
    for (long name = 0; name < n; name++, tokens += LENGTH, targets += LENGTH) {
        for (int t = 0; t < LENGTH; t++) {
            for (int i = 0; i < WIDTH; i++)
                embedded[t][i] = g->token[tokens[t]][i] + g->position[t][i];
            factors[t][0] = rms_norm(embedded[t], first[t]);
            factors[t][1] = rms_norm(first[t], normed1[t]);
            memset(q[t], 0, sizeof q[t]);
            memset(k[t], 0, sizeof k[t]);
            memset(v[t], 0, sizeof v[t]);
            forward(WIDTH, WIDTH, normed1[t], *g->query, q[t]);
            forward(WIDTH, WIDTH, normed1[t], *g->key, k[t]);
            forward(WIDTH, WIDTH, normed1[t], *g->value, v[t]);
            memset(attended[t], 0, sizeof attended[t]);
            for (int h = 0; h < HEADS; h++) {
                double *s = shares[t][h], largest = -INFINITY, total = 0;
                for (int u = 0; u <= t; u++) {
                    s[u] = 0;
                    for (int i = h * SIZE; i < (h + 1) * SIZE; i++) s[u] += q[t][i] * k[u][i];
                    s[u] *= scale;
                    largest = s[u] > largest ? s[u] : largest;
                }
                for (int u = 0; u <= t; u++) total += s[u] = exp(s[u] - largest);
                for (int u = 0; u <= t; u++) {
                    s[u] /= total;
                    for (int i = h * SIZE; i < (h + 1) * SIZE; i++)
                        attended[t][i] += s[u] * v[u][i];
                }
            }
            memcpy(second[t], first[t], sizeof second[t]);
            forward(WIDTH, WIDTH, attended[t], *g->mix, second[t]);
            factors[t][2] = rms_norm(second[t], normed2[t]);
            memset(hidden[t], 0, sizeof hidden[t]);
            forward(WIDTH, 4 * WIDTH, normed2[t], *g->widen, hidden[t]);
            for (int i = 0; i < 4 * WIDTH; i++) hidden[t][i] = hidden[t][i] > 0 ? hidden[t][i] : 0;
            memcpy(third[t], second[t], sizeof third[t]);
            forward(4 * WIDTH, WIDTH, hidden[t], *g->narrow, third[t]);
            memset(logits[t], 0, sizeof logits[t]);
            forward(WIDTH, TOKENS, third[t], *g->unembed, logits[t]);
        }
        memset(dk, 0, sizeof dk);
        memset(dv, 0, sizeof dv);
        for (int t = LENGTH - 1; t >= 0; t--) { /* later ones have told this one's key and value */
            double dsecond[WIDTH], dattended[WIDTH], dnormed[WIDTH];
            loss += cross_entropy(TOKENS, logits[t], targets[t], 1.0 / (n * LENGTH), dlogits);
            backward(WIDTH, TOKENS, third[t], *g->unembed, dlogits, *dg->unembed, dsecond);
            backward(4 * WIDTH, WIDTH, hidden[t], *g->narrow, dsecond, *dg->narrow, dhidden);
            for (int i = 0; i < 4 * WIDTH; i++) dhidden[i] = hidden[t][i] > 0 ? dhidden[i] : 0;
            backward(WIDTH, 4 * WIDTH, normed2[t], *g->widen, dhidden, *dg->widen, dnormed);
            rms_norm_backward(dnormed, normed2[t], factors[t][2], dsecond);
            memcpy(dfirst[t], dsecond, sizeof dsecond);
            backward(WIDTH, WIDTH, attended[t], *g->mix, dsecond, *dg->mix, dattended);
            memset(dq, 0, sizeof dq);
            for (int h = 0; h < HEADS; h++) {
                double *s = shares[t][h], mean = 0;
                for (int u = 0; u <= t; u++) {
                    dshares[u] = 0;
                    for (int i = h * SIZE; i < (h + 1) * SIZE; i++) {
                        dshares[u] += dattended[i] * v[u][i];
                        dv[u][i] += s[u] * dattended[i];
                    }
                    mean += s[u] * dshares[u];
                }
                for (int u = 0; u <= t; u++) {
                    double ds = scale * s[u] * (dshares[u] - mean);
                    for (int i = h * SIZE; i < (h + 1) * SIZE; i++) {
                        dq[i] += ds * k[u][i];
                        dk[u][i] += ds * q[t][i];
                    }
                }
            }
            backward(WIDTH, WIDTH, normed1[t], *g->query, dq, *dg->query, dnormed);
            backward(WIDTH, WIDTH, normed1[t], *g->key, dk[t], *dg->key, d);
            for (int i = 0; i < WIDTH; i++) dnormed[i] += d[i];
            backward(WIDTH, WIDTH, normed1[t], *g->value, dv[t], *dg->value, d);
            for (int i = 0; i < WIDTH; i++) dnormed[i] += d[i];
            rms_norm_backward(dnormed, normed1[t], factors[t][1], dfirst[t]);
            memset(d, 0, sizeof d);
            rms_norm_backward(dfirst[t], first[t], factors[t][0], d);
            for (int i = 0; i < WIDTH; i++) {
                dg->token[tokens[t]][i] += d[i];
                dg->position[t][i] += d[i];
            }
        }
    }
    descend(sizeof *g / sizeof(double), rate, (double *)g, (double *)dg);
    return loss / (n * LENGTH);
}
