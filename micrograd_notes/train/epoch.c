/* Steps of training, batch after batch: gather the examples, loss and gradient, the optimiser.

   `epoch_in_c.py` fills in the sizes and addresses of `struct Training`, whose fields it reads here,
   and puts the step, printed from the optimiser's own formula, in its place. A batch whose numbers
   are not finite changes nothing: Python takes its step again, and raises the right error. */

#include <float.h>
#include <math.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

typedef int32_t Program(int64_t n, const double *theta, double *dtheta, double *loss,
        const void *const *inputs, void *work);

struct Training {
    int64_t examples;
    int64_t batch_size;
    int64_t parameters;
    int64_t members;                    /* the parameters that take part in a step */
    int64_t inputs;
    int64_t memories;
    int64_t counter;                    /* where the gradient has the share of right answers, or -1 */
    const int64_t *order;               /* the place of each example */
    const int64_t *row_bytes;           /* of an example in each input */
    char *const *rows;                  /* all examples of each input, in their places */
    char *const *batch;                 /* room for those of one batch */
    double *theta;
    double *gradient;                   /* of the last step */
    double *fresh;                      /* room for the next one */
    double *after;                      /* room for the members after a step, */
    double *data;                       /* before it, */
    double *slopes;                     /* and for their gradients */
    const int64_t *places;              /* of the members in theta; NULL if they are all of it */
    double *const *old;                 /* the memories of the members, */
    double *const *new;                 /* and room for those after a step */
    const double *options;
    double *counts;
    double *losses;                     /* of each batch, before its step */
    double *rights;                     /* the number of right answers in each batch */
    Program *program;
    void *work;
};

/* STEP */

static double seconds_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec + 1e-9 * now.tv_nsec;
}

static void gather(const struct Training *t, const int64_t *places, int64_t n) {
    for (int64_t k = 0; k < t->inputs; k++) {
        const int64_t size = t->row_bytes[k];
        for (int64_t i = 0; i < n; i++)
            memcpy(t->batch[k] + i * size, t->rows[k] + places[i] * size, size);
    }
}

/* Takes a step and returns 1; returns 0, and takes none, if a parameter is not finite after it. */
static int took_step(const struct Training *t) {
    const double *data = t->theta, *gradient = t->fresh;
    double counts[8];  /* at most so many; `epoch_in_c.py` makes room for them */
    if (t->places) {
        for (int64_t i = 0; i < t->members; i++) {
            t->data[i] = t->theta[t->places[i]];
            t->slopes[i] = t->fresh[t->places[i]];
        }
        data = t->data;
        gradient = t->slopes;
    }
    memcpy(counts, t->counts, sizeof counts);
    step(t->members, t->options, counts, data, gradient, t->after, t->old, t->new);
    int is_wrong = 0;
    for (int64_t i = 0; i < t->members; i++)
        is_wrong |= !(fabs(t->after[i]) <= DBL_MAX);
    if (is_wrong)
        return 0;
    for (int64_t k = 0; k < t->memories; k++)
        memcpy(t->old[k], t->new[k], t->members * sizeof(double));
    if (t->places)
        for (int64_t i = 0; i < t->members; i++)
            t->theta[t->places[i]] = t->after[i];
    else
        memcpy(t->theta, t->after, t->members * sizeof(double));
    memcpy(t->counts, counts, sizeof counts);
    memcpy(t->gradient, t->fresh, t->parameters * sizeof(double));
    return 1;
}

/* Takes the steps of the batches from `first` to before `end`, for so many seconds, and returns the
   first batch that is left: before `end` if the time is over, or if Python must take its step. */
int64_t steps(struct Training *t, int64_t first, int64_t end, double seconds) {
    const double over = seconds_now() + seconds;
    for (int64_t batch = first; batch < end; batch++) {
        const int64_t start = batch * t->batch_size, left = t->examples - start;
        const int64_t n = left < t->batch_size ? left : t->batch_size;
        double loss;
        gather(t, t->order + start, n);
        if (t->program(n, t->theta, t->fresh, &loss, (const void *const *)t->batch, t->work))
            return batch;
        const double right = t->counter < 0 ? 0.0 : t->fresh[t->counter];
        if (!(fabs(loss) <= DBL_MAX && right <= 1.0) || !took_step(t))
            return batch;
        t->losses[batch] = loss;
        t->rights[batch] = right * n;
        if (seconds_now() > over)
            return batch + 1;
    }
    return end;
}

/* Shuffles as Python's `random.Random` does, which draws each number below i + 1 from the highest
   bits of its next words, until one fits. Returns how many words it used; 0 if there are too few. */
int64_t shuffle(int64_t n, int64_t *order, const uint32_t *words, int64_t count) {
    int64_t used = 0;
    for (int64_t i = n - 1; i > 0; i--) {
        int bits = 0;
        while ((i + 1) >> bits)
            bits++;
        int64_t j = n;
        while (j > i) {
            if (used == count)
                return 0;
            j = words[used++] >> (32 - bits);
        }
        const int64_t place = order[i];
        order[i] = order[j];
        order[j] = place;
    }
    return used;
}
