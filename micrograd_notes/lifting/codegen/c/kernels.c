#include <stdint.h>

/* Of math.h and string.h, as to read all of them takes longer than to compile some functions. */
double fabs(double), floor(double), rint(double), sqrt(double), cbrt(double), sin(double),
    cos(double), tan(double), asin(double), acos(double), atan(double), atan2(double, double),
    hypot(double, double), sinh(double), asinh(double), acosh(double), atanh(double), erf(double),
    pow(double, double), copysign(double, double);
void *memcpy(void *, const void *, __SIZE_TYPE__), *memset(void *, int, __SIZE_TYPE__);

#define INFINITY __builtin_inf()

#define NAN __builtin_nan("")

/* One rounding for a * b + c where the machine has that. Elementwise loops round twice, as NumPy. */
#if defined(__FP_FAST_FMA) || defined(__FMA__) || defined(__ARM_FEATURE_FMA)
#define FMA __builtin_fma
#else
#define FMA(a, b, c) ((a) * (b) + (c))
#endif

/* Inside of a loop, so that it is computed for four numbers at once. */
#define INLINE static inline __attribute__((always_inline))

/* A function whose products and sums may be rounded once: FUSED before it, FUSE as it begins. */
#if defined(__clang__)
#define FUSED
#define FUSE _Pragma("clang fp contract(fast)")
#else
#define FUSED __attribute__((optimize("fp-contract=fast")))
#define FUSE
#endif

INLINE double from_bits(uint64_t bits) { double x; memcpy(&x, &bits, 8); return x; }

INLINE uint64_t to_bits(double x) { uint64_t bits; memcpy(&bits, &x, 8); return bits; }

/* 2**k for a whole k that is an exponent of a normal double */
INLINE double two_to(double k) {
    return from_bits((to_bits(k + 0x1.8p52) << 52) + 0x3ff0000000000000u);
}

/* exp(r) - 1 for |r| <= log(2) / 2: the series of Taylor, r + r**2 / 2! + ... + r**13 / 13! */
INLINE double small_expm1(double r) {
    static const double c[] = {
        0x1.1eed8eff8d898p-29, 0x1.6124613a86d09p-33, 0x1.27e4fb7789f5cp-22, 0x1.ae64567f544e4p-26,
        0x1.a01a01a01a01ap-16, 0x1.71de3a556c734p-19, 0x1.6c16c16c16c17p-10, 0x1.a01a01a01a01ap-13,
        0x1.5555555555555p-5, 0x1.1111111111111p-7, 0.5, 0x1.5555555555555p-3,
    };
    const double z = r * r;
    double even = c[0], odd = c[1];  /* powers: two sums run at the same time */
#pragma GCC unroll 5
    for (int i = 2; i < 12; i += 2) even = FMA(even, z, c[i]), odd = FMA(odd, z, c[i + 1]);
    return FMA(FMA(odd, r, even), z, r);
}

/* exp(x) is 2**k * exp(r), with k whole and r = x - k * log(2) small. To within 1 ulp. What is far
   out is replaced at the end: a product that underflows would be slow. */
INLINE double exp_(double x) {
    const double k = __builtin_rint(x * 0x1.71547652b82fep0), half = __builtin_rint(k * 0.5);
    const double r = FMA(k, -0x1.ef35793c76730p-45, FMA(k, -0x1.62e42fefa3800p-1, x));
    const double s = two_to(half), y = FMA(small_expm1(r), s, s) * two_to(k - half);
    return x < -746.0 ? 0.0 : x > 710.0 ? INFINITY : y;
}

/* exp(x) - 1, as above; half of it is computed first, which can't overflow. To within 2 ulp. */
INLINE double expm1_(double x) {
    double z = x < -50.0 ? -50.0 : x;
    z = z > 710.0 ? 710.0 : z;
    const double k = __builtin_rint(z * 0x1.71547652b82fep0), s = two_to(k - 1.0);
    const double r = FMA(k, -0x1.ef35793c76730p-45, FMA(k, -0x1.62e42fefa3800p-1, z));
    const double y = 2.0 * FMA(small_expm1(r), s, s - 0.5);
    return x == 0.0 ? x : y;
}

/* log(x + c) for an x > 0 and a c that is small against it. x is 2**k * (1 + f), and with
   s = f / (2 + f), log(1 + f) = log((1 + s) / (1 - s)) = 2 * (s + s**3 / 3 + s**5 / 5 + ...). */
INLINE double log_of_sum(double x, double c) {
    const double y = x < 0x1p-1022 ? x * 0x1p54 : x;
    const uint64_t shifted = to_bits(y) - 0x3fe6a09e667f3bcdu + 0x3ff0000000000000u;
    const uint64_t exponent = shifted >> 52;
    const double f = from_bits(to_bits(y) - (exponent << 52) + 0x3ff0000000000000u) - 1.0;
    const double k = from_bits(exponent | 0x4330000000000000u) - 0x1p52 - 1023.0
        - (x < 0x1p-1022 ? 54.0 : 0.0);
    const double s = f / (2.0 + f), z = s * s, half = 0.5 * f * f;
    double p = 0x1.2f112df3e5244p-3;
    p = FMA(p, z, 0x1.39a09d078c69fp-3);
    p = FMA(p, z, 0x1.7466496cb03dep-3);
    p = FMA(p, z, 0x1.c71c51d8e78afp-3);
    p = FMA(p, z, 0x1.2492494229359p-2);
    p = FMA(p, z, 0x1.999999997fa04p-2);
    p = FMA(p, z, 0x1.5555555555593p-1);
    const double low = s * (half + p * z) + (k * 0x1.a39ef35793c76p-33 + c / x);
    return k * 0x1.62e42feep-1 - ((half - low) - f);
}

/* To within 1 ulp. */
INLINE double log_(double x) {
    double y = log_of_sum(x, 0.0);
    y = x == INFINITY ? x : y;
    y = x == 0.0 ? -INFINITY : y;
    return x >= 0.0 ? y : NAN;
}

/* log(1 + x): what rounding takes from 1 + x is given back. To within 2 ulp. */
INLINE double log1p_(double x) {
    const double u = 1.0 + x;
    double y = log_of_sum(u, x - (u - 1.0));
    y = x == INFINITY || x == 0.0 ? x : y;
    y = x == -1.0 ? -INFINITY : y;
    return x >= -1.0 ? y : NAN;
}

/* From e = exp(-2 |x|) - 1, which is exact where x is small. To within 3 ulp. */
INLINE double tanh_(double x) {
    const double e = expm1_(-2.0 * fabs(x));
    return copysign(-e / (e + 2.0), x);
}

/* From exp(|x| / 2), which does not overflow before cosh does. To within 3 ulp. */
INLINE double cosh_(double x) {
    const double e = exp_(0.5 * fabs(x));
    return 0.5 * e * e + 0.5 / e / e;
}

/* erfc(a) is exp(-a * a) * p(q) / (1 + 2 * a), where p is a polynomial in q = (a - 4) / (a + 4), fitted
   for a from 0 to 28. What rounding takes from a * a is given back. To within 5 ulp. */
INLINE double erfc_(double x) {
    static const double c[] = {
        0x1.3ba5916e9fd7fp+0, -0x1.1df1ad154a29cp-3, 0x1.f7f5df66fd951p-7,
        0x1.16ecefcfa6077p-4, -0x1.9ddb23c3e98a6p-4, 0x1.7fee004df6263p-4,
        -0x1.0fb06dfe46987p-4, 0x1.3079edfa1033fp-5, -0x1.0962388367b2fp-6,
        0x1.49c671893963fp-8, -0x1.8d4a9dc0d22f3p-11, -0x1.a1de7c6e9ac9cp-13,
        0x1.3be0b393ee921p-13, -0x1.996ad056e530bp-16, -0x1.78a43458cca4bp-17,
        0x1.7fb88e391a9fep-18, 0x1.4392983419eddp-22, -0x1.c05fc977974eap-21,
        0x1.0d535fce28f99p-24, 0x1.ef6c0c38d1a2bp-24, -0x1.09198a32cd9a9p-27,
        -0x1.d5bb4c6d5b92dp-27, -0x1.f47207b168acdp-30,
    };
    const double a = fabs(x) > 28.0 ? 28.0 : fabs(x), q = (a - 4.0) / (a + 4.0), s = a * a;
    double p = c[22];
#pragma GCC unroll 22
    for (int i = 21; i >= 0; i--) p = FMA(p, q, c[i]);
    const double y = p / (1.0 + 2.0 * a) * exp_(-s), far = FMA(y, FMA(-a, a, s), y);
    return x < 0.0 ? 2.0 - far : far;
}

/* 1 / cosh(x)**2. To within 4 ulp. */
INLINE double sech_squared(double x) {
    const double e = exp_(-2.0 * fabs(x));
    return 4.0 * e / ((1.0 + e) * (1.0 + e));
}

/* log(exp(a) + exp(b)). To within 3 ulp of its terms. */
INLINE double logaddexp_(double a, double b) {
    const double far = log1p_(exp_(-fabs(a - b)));
    return a == b ? a + 0x1.62e42fefa39efp-1 : (a < b ? b : a) + far;
}

/* The larger number; nan if one of them is nan. */
INLINE double maximum(double a, double b) { return a < b ? b : b != b ? b : a; }

INLINE double minimum(double a, double b) { return a > b ? b : b != b ? b : a; }

INLINE double sign(double x) { return x > 0.0 ? 1.0 : x < 0.0 ? -1.0 : x; }

INLINE double squared(double x) { return x * x; }

/* x ** -0.5 and x ** -1.5, also where x is -0.0 */
INLINE double over_sqrt(double x) { return 1.0 / sqrt(x + 0.0); }

INLINE double over_sqrt_cubed(double x) { return 1.0 / x * over_sqrt(x); }

/* As many doubles as the machine adds and multiplies at once, wherever they lie; and the most rows of
   a tile whose sums fit into its registers. A product reads DEPTH terms of each sum at a time. */
#ifdef __AVX512F__
#define LANES 8
#define MOST 8
#else
#define LANES 4
#define MOST 6
#endif
#define DEPTH (1024 / LANES)
typedef double vec __attribute__((vector_size(8 * LANES), aligned(8), may_alias));
/* In a loop that the compiler must not spend time on, to compute more numbers at once */
#define SINGLY __asm__ volatile("")
/* Some rows of A, each column after the one before */
INLINE void copy_tile(int64_t rows, int64_t K, const double *A, int64_t ar, int64_t ac, double *out) {
    if (rows == MOST && ar == 1) for (int64_t x = 0; x < K; x++, A += ac, out += MOST) {
        *(vec *)out = *(const vec *)A;
        for (int i = LANES; i < MOST; i++) out[i] = A[i];
    } else for (int64_t x = 0; x < K; x++, A += ac, out += rows)
        for (int64_t i = 0; i < rows; i++) { out[i] = A[i * ar]; SINGLY; }
}
/* In a register, while gcc would read it again for each row of a tile. */
#if defined(__AVX512F__)
#define KEEP(v) __asm__("" : "+v"(v))
#elif defined(__AVX__)
#define KEEP(v) __asm__("" : "+x"(v))
#else
#define KEEP(v)
#endif
/* The first columns of a tile's rows; the last row alone if all lie in the same place */
__attribute__((noinline)) static void write_some(int64_t rows, const double *made, double *C, int64_t cr,
        int64_t columns, int adds) {
    for (int64_t i = cr ? 0 : rows - 1; i < rows; i++, made += 2 * LANES, C += cr)
        for (int64_t j = 0; j < columns; j++) C[j] = adds ? C[j] + made[j] : made[j];
}
/* A tile of a matrix product: some rows, two vectors of columns, all in registers while x goes along
   the sums. A narrow tile has one vector. */
#define ROWS2(DO) DO(0) DO(1)
#define ROWS4(DO) ROWS2(DO) DO(2) DO(3)
#define ROWS6(DO) ROWS4(DO) DO(4) DO(5)
#define ROWS8(DO) ROWS6(DO) DO(6) DO(7)
#define ZERO(i) vec c##i = {0}, d##i = {0};
#define NARROW(i) c##i += a[i * ar] * b0;
#define WIDE(i) c##i += a[i * ar] * b0; d##i += a[i * ar] * b1;
#define BOTH(i) c##i, d##i,
#define ADD(i) c##i += *(vec *)(C + i * cr), d##i += *(vec *)(C + i * cr + LANES);
#define SET(i) *(vec *)(C + i * cr) = c##i, *(vec *)(C + i * cr + LANES) = d##i;
#define TILE(R) \
    FUSED static void tile##R(int64_t K, const double *a, int64_t ar, int64_t ac, const double *b, \
            int64_t br, int64_t next, double *C, int64_t cr, int64_t columns, int adds) { \
        FUSE \
        ROWS##R(ZERO) \
        if (columns > LANES) for (int64_t x = 0; x < K; x++, a += ac, b += br) { \
            vec b0 = *(const vec *)b, b1 = *(const vec *)(b + next); \
            KEEP(b0); KEEP(b1); \
            ROWS##R(WIDE) \
        } else for (int64_t x = 0; x < K; x++, a += ac, b += br) { \
            vec b0 = *(const vec *)b; \
            KEEP(b0); \
            ROWS##R(NARROW) \
        } \
        if (columns < 2 * LANES) { \
            const vec made[] = {ROWS##R(BOTH)}; \
            write_some(R, (const double *)made, C, cr, columns, adds); \
            return; \
        } \
        if (adds) { ROWS##R(ADD) } \
        ROWS##R(SET) \
    }
TILE(2)
TILE(4)
TILE(6)
#if MOST == 8
TILE(8)
#else
#define tile8 0
#endif
typedef void Tile(int64_t, const double *, int64_t, int64_t, const double *, int64_t, int64_t,
        double *, int64_t, int64_t, int);
/* C = A @ B or C += A @ B, for M x K and K x N numbers. A has any strides; B and C have adjacent
   columns. `panel` is the distance from eight columns of B to the next eight. 16 KB of B stay in the
   first level of the cache for all tiles that read them, 48 rows of A with as many columns in the
   second: as they lie, or tile after tile in a copy, which takes less time than lines that lie apart
   take for each panel. A single row is computed twice, in the same time. */
static void product(int64_t M, int64_t K, int64_t N, const double *A, int64_t ar, int64_t ac,
        const double *B, int64_t br, int64_t panel, double *C, int64_t cr, int adds, int copies) {
    static Tile *const tiles[] = {0, tile2, tile2, 0, tile4, 0, tile6, 0, tile8};
    static const char dealt[] = {0, 1, 2, 2, 4, 4, 6, 4, MOST == 8 ? 8 : 4, 6, 6};  /* the last rows */
    double copy[48 * DEPTH];
    const int64_t step = copies ? 48 : 144, next = LANES == 8 ? panel : LANES;
    for (int64_t x = 0; x < K; x += DEPTH, adds = 1) for (int64_t y = 0; y < M; y += step) {
        const int64_t k = K - x < DEPTH ? K - x : DEPTH, end = M - y < step ? M : y + step;
        for (int64_t j = 0; j < N; j += 2 * LANES) for (int64_t i = y, rows; i < end; i += rows) {
            const double *a = A + x * ac + i * ar, *b = B + x * br + j / 8 * panel;
            double *c = C + i * cr + j, *o = copy + (i - y) * k;
            rows = end - i < 11 ? dealt[end - i] : MOST;
            if (copies && j == 0) copy_tile(rows, k, a, ar, ac, o);
            tiles[rows](k, copies ? o : a, rows > 1 ? copies ? 1 : ar : 0, copies ? rows : ac,
                b, br, next, c, rows > 1 ? cr : 0, N - j, adds);
        }
    }
}

/* Four rows of four numbers become four columns. */
typedef double four __attribute__((vector_size(32), aligned(8), may_alias));
#ifdef __clang__
#define MIX(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#else
typedef int64_t places __attribute__((vector_size(32)));
#define MIX(a, b, ...) __builtin_shuffle(a, b, (places){__VA_ARGS__})
#endif
INLINE void turn(const double *B, int64_t next, double *out) {
    const four p = *(const four *)B, q = *(const four *)(B + next);
    const four r = *(const four *)(B + 2 * next), s = *(const four *)(B + 3 * next);
    const four pq = MIX(p, q, 0, 4, 2, 6), rs = MIX(r, s, 0, 4, 2, 6);
    const four PQ = MIX(p, q, 1, 5, 3, 7), RS = MIX(r, s, 1, 5, 3, 7);
    *(four *)out = MIX(pq, rs, 0, 1, 4, 5), *(four *)(out + 8) = MIX(PQ, RS, 0, 1, 4, 5);
    *(four *)(out + 16) = MIX(pq, rs, 2, 3, 6, 7), *(four *)(out + 24) = MIX(PQ, RS, 2, 3, 6, 7);
}
/* B in panels of eight columns each; those after its last one are never used, and repeat it. It is
   read in stretches of sixteen rows, so that each row is read from its beginning to its end. */
static void pack(int64_t K, int64_t N, const double *B, int64_t br, int64_t bc, double *out) {
    for (int64_t y = 0; y < K; y += 16) for (int64_t j = 0; j < N; j += 8) {
        const int64_t end = K - y < 16 ? K : y + 16;
        double *o = out + j * K + y * 8;
        int64_t x = y;
        if (N - j >= 8 && bc == 1) for (; x < end; x++, o += 8) {
            *(four *)o = *(const four *)(B + x * br + j);
            *(four *)(o + 4) = *(const four *)(B + x * br + j + 4);
        } else if (N - j >= 8 && br == 1) for (; x + 4 <= end; x += 4, o += 32)
            for (int c = 0; c < 8; c += 4) { turn(B + x + (j + c) * bc, bc, o + c); SINGLY; }
        for (; x < end; x++, o += 8)
            for (int c = 0; c < 8; c++) o[c] = B[x * br + (j + c < N ? j + c : N - 1) * bc];
    }
}

/* The same with B in panels that are made for a stretch of the sums, and stay in the second level of
   the cache until they are read */
static void product_packing(double *room, int64_t M, int64_t K, int64_t N, const double *A, int64_t ar,
        int64_t ac, const double *B, int64_t br, int64_t bc, double *C, int64_t cr, int adds, int copies) {
    for (int64_t x = 0; x < K; x += DEPTH, adds = 1) {
        const int64_t k = K - x < DEPTH ? K - x : DEPTH;
        pack(k, N, B + x * br, br, bc, room);
        product(M, k, N, A + x * ac, ar, ac, room, 8, 8 * k, C, cr, adds, copies);
    }
}

/* Whether a number is inf or nan: then all bits of its exponent are 1 */
static int has_unfit(int64_t count, const double *x) {
    uint64_t found = 0;
    for (int64_t i = 0; i < count; i++) found |= (~to_bits(x[i]) & 0x7ff0000000000000u) == 0;
    return found != 0;
}

/* Whether a choice is out of range; a negative one is a large one without its sign */
static int has_outside(int64_t count, const int64_t *x, uint64_t below) {
    uint64_t found = 0;
    for (int64_t i = 0; i < count; i++) found |= (uint64_t)x[i] >= below;
    return found != 0;
}

/* Makes a mean of sums over n examples; returns whether one is inf or nan. */
static int mean_is_unfit(int64_t count, double *x, int64_t n) {
    const double share = 1.0 / n;
    uint64_t found = 0;
    for (int64_t i = 0; i < count; i++) {
        x[i] *= share;
        found |= (~to_bits(x[i]) & 0x7ff0000000000000u) == 0;
    }
    return found != 0;
}
