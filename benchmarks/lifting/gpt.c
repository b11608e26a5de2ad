/* A training step of a GPT, name by name; its sizes are given when it is compiled.

   In theta and dtheta lie the matrices in the order of the structs, as [input][output]; the rows of
   both embeddings are inputs that are 1. */

#include "step.h"

enum { SIZE = WIDTH / HEADS };
#define SCALE (1 / sqrt(SIZE))

typedef struct {
    double query[WIDTH][WIDTH], key[WIDTH][WIDTH], value[WIDTH][WIDTH], mix[WIDTH][WIDTH];
    double widen[WIDTH][4 * WIDTH], narrow[4 * WIDTH][WIDTH];
} Block;

typedef struct {
    double token[TOKENS][WIDTH], position[POSITIONS][WIDTH];
    Block block[LAYERS];
    double unembed[WIDTH][TOKENS];
} GPT;

/* What a block computes for a name, and the way back needs. */
typedef struct {
    double normed1[LENGTH][WIDTH], q[LENGTH][WIDTH], k[LENGTH][WIDTH], v[LENGTH][WIDTH];
    double shares[LENGTH][HEADS][LENGTH], attended[LENGTH][WIDTH], second[LENGTH][WIDTH];
    double normed2[LENGTH][WIDTH], hidden[LENGTH][4 * WIDTH], factor1[LENGTH], factor2[LENGTH];
} Kept;

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

/* x becomes the output of the block; a position attends to itself and to those before it. */
static void forth(const Block *b, Kept *kept, double x[LENGTH][WIDTH]) {
    for (int t = 0; t < LENGTH; t++) {
        double *q = kept->q[t], *attended = kept->attended[t], *second = kept->second[t];
        double *hidden = kept->hidden[t];
        kept->factor1[t] = rms_norm(x[t], kept->normed1[t]);
        memset(q, 0, sizeof kept->q[t]);
        memset(kept->k[t], 0, sizeof kept->k[t]);
        memset(kept->v[t], 0, sizeof kept->v[t]);
        forward(WIDTH, WIDTH, kept->normed1[t], *b->query, q);
        forward(WIDTH, WIDTH, kept->normed1[t], *b->key, kept->k[t]);
        forward(WIDTH, WIDTH, kept->normed1[t], *b->value, kept->v[t]);
        memset(attended, 0, sizeof kept->attended[t]);
        for (int h = 0; h < HEADS; h++) {
            double *s = kept->shares[t][h], largest = -INFINITY, total = 0;
            for (int u = 0; u <= t; u++) {
                s[u] = 0;
                for (int i = h * SIZE; i < (h + 1) * SIZE; i++) s[u] += q[i] * kept->k[u][i];
                s[u] *= SCALE;
                largest = s[u] > largest ? s[u] : largest;
            }
            for (int u = 0; u <= t; u++) total += s[u] = exp(s[u] - largest);
            for (int u = 0; u <= t; u++) {
                s[u] /= total;
                for (int i = h * SIZE; i < (h + 1) * SIZE; i++)
                    attended[i] += s[u] * kept->v[u][i];
            }
        }
        memcpy(second, x[t], sizeof x[t]);
        forward(WIDTH, WIDTH, attended, *b->mix, second);
        kept->factor2[t] = rms_norm(second, kept->normed2[t]);
        memset(hidden, 0, sizeof kept->hidden[t]);
        forward(WIDTH, 4 * WIDTH, kept->normed2[t], *b->widen, hidden);
        for (int i = 0; i < 4 * WIDTH; i++) hidden[i] = hidden[i] > 0 ? hidden[i] : 0;
        memcpy(x[t], second, sizeof x[t]);
        forward(4 * WIDTH, WIDTH, hidden, *b->narrow, x[t]);
    }
}

/* d, which is for the output, becomes that for the input; adds to the gradients of the block. */
static void back(const Block *b, Block *db, const Kept *kept, double d[LENGTH][WIDTH]) {
    double dk[LENGTH][WIDTH] = {0}, dv[LENGTH][WIDTH] = {0};
    for (int t = LENGTH - 1; t >= 0; t--) { /* later ones have told this one's key and value */
        double dhidden[4 * WIDTH], dnormed[WIDTH], dattended[WIDTH], dq[WIDTH] = {0};
        double dshares[LENGTH], more[WIDTH];
        const double *hidden = kept->hidden[t];
        backward(4 * WIDTH, WIDTH, hidden, *b->narrow, d[t], *db->narrow, dhidden);
        for (int i = 0; i < 4 * WIDTH; i++) dhidden[i] = hidden[i] > 0 ? dhidden[i] : 0;
        backward(WIDTH, 4 * WIDTH, kept->normed2[t], *b->widen, dhidden, *db->widen, dnormed);
        rms_norm_backward(dnormed, kept->normed2[t], kept->factor2[t], d[t]);
        backward(WIDTH, WIDTH, kept->attended[t], *b->mix, d[t], *db->mix, dattended);
        for (int h = 0; h < HEADS; h++) {
            const double *s = kept->shares[t][h];
            double mean = 0;
            for (int u = 0; u <= t; u++) {
                dshares[u] = 0;
                for (int i = h * SIZE; i < (h + 1) * SIZE; i++) {
                    dshares[u] += dattended[i] * kept->v[u][i];
                    dv[u][i] += s[u] * dattended[i];
                }
                mean += s[u] * dshares[u];
            }
            for (int u = 0; u <= t; u++) {
                double ds = SCALE * s[u] * (dshares[u] - mean);
                for (int i = h * SIZE; i < (h + 1) * SIZE; i++) {
                    dq[i] += ds * kept->k[u][i];
                    dk[u][i] += ds * kept->q[t][i];
                }
            }
        }
        backward(WIDTH, WIDTH, kept->normed1[t], *b->query, dq, *db->query, dnormed);
        backward(WIDTH, WIDTH, kept->normed1[t], *b->key, dk[t], *db->key, more);
        for (int i = 0; i < WIDTH; i++) dnormed[i] += more[i];
        backward(WIDTH, WIDTH, kept->normed1[t], *b->value, dv[t], *db->value, more);
        for (int i = 0; i < WIDTH; i++) dnormed[i] += more[i];
        rms_norm_backward(dnormed, kept->normed1[t], kept->factor1[t], d[t]);
    }
}

double step(GPT *g, GPT *dg, const long *tokens, const long *targets, long n, double rate) {
    static Kept kept[LAYERS];
    double x[LENGTH][WIDTH], first[LENGTH][WIDTH], d[LENGTH][WIDTH], factor[LENGTH];
    double logits[TOKENS], dlogits[TOKENS], loss = 0;
    memset(dg, 0, sizeof *dg);
    for (long name = 0; name < n; name++, tokens += LENGTH, targets += LENGTH) {
        for (int t = 0; t < LENGTH; t++) {
            double embedded[WIDTH];
            for (int i = 0; i < WIDTH; i++)
                embedded[i] = g->token[tokens[t]][i] + g->position[t][i];
            factor[t] = rms_norm(embedded, first[t]);
        }
        memcpy(x, first, sizeof x);
        for (int l = 0; l < LAYERS; l++) forth(&g->block[l], &kept[l], x);
        for (int t = 0; t < LENGTH; t++) {
            memset(logits, 0, sizeof logits);
            forward(WIDTH, TOKENS, x[t], *g->unembed, logits);
            loss += cross_entropy(TOKENS, logits, targets[t], 1.0 / (n * LENGTH), dlogits);
            backward(WIDTH, TOKENS, x[t], *g->unembed, dlogits, *dg->unembed, d[t]);
        }
        for (int l = LAYERS - 1; l >= 0; l--) back(&g->block[l], &dg->block[l], &kept[l], d);
        for (int t = 0; t < LENGTH; t++) {
            double dx[WIDTH] = {0};
            rms_norm_backward(d[t], first[t], factor[t], dx);
            for (int i = 0; i < WIDTH; i++) {
                dg->token[tokens[t]][i] += dx[i];
                dg->position[t][i] += dx[i];
            }
        }
    }
    descend(sizeof *g / sizeof(double), rate, (double *)g, (double *)dg);
    return loss / (n * LENGTH);
}
