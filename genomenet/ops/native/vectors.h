// Vectors of floats as wide as the processor has them, their exponential, and small products.
#pragma once
#include <cstdint>
#include <cstdlib>
#include <cstring>
#if defined(__AVX512BF16__)
#include <immintrin.h>
#endif

#if defined(__AVX512F__)
constexpr int WIDTH = 16;
#elif defined(__AVX__)
constexpr int WIDTH = 8;
#else
constexpr int WIDTH = 4;
#endif

typedef float Floats __attribute__((vector_size(4 * WIDTH)));
typedef int32_t Ints __attribute__((vector_size(4 * WIDTH)));

static inline Floats load(const float* p) {
    Floats v;
    memcpy(&v, p, sizeof v);
    return v;
}

static inline void store(float* p, Floats v) { memcpy(p, &v, sizeof v); }

// The same word everywhere; whatever its bits are, they stay.
static inline Floats splat(float x) { return x - Floats{}; }

// The numbers from 0 on.
static inline Ints counting() {
    static const int32_t numbers[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    Ints v;
    memcpy(&v, numbers, sizeof v);
    return v;
}

// The first `count` floats, zeros behind them.
static inline Floats load_some(const float* p, int count) {
    if (count == WIDTH) return load(p);
    Floats v{};
    memcpy(&v, p, sizeof(float) * count);
    return v;
}

static inline void store_some(float* p, Floats v, int count) {
    if (count == WIDTH) return store(p, v);
    memcpy(p, &v, sizeof(float) * count);
}

// A bfloat16: the upper half of a float.
struct Half {
    uint16_t bits;
};

static inline Floats load_some(const Half* p, int count) {
    typedef uint16_t Shorts __attribute__((vector_size(2 * WIDTH)));
    typedef uint32_t Words __attribute__((vector_size(4 * WIDTH)));
    Shorts halves{};
    if (count == WIDTH)
        memcpy(&halves, p, sizeof halves);
    else
        memcpy(&halves, p, sizeof(Half) * count);
    const Words bits = __builtin_convertvector(halves, Words) << 16;
    Floats v;
    memcpy(&v, &bits, sizeof v);
    return v;
}

// Rounded to the nearest, ties to even; what is not a number stays that.
static inline void store_some(Half* p, Floats v, int count) {
    typedef uint16_t Shorts __attribute__((vector_size(2 * WIDTH)));
    typedef uint32_t Words __attribute__((vector_size(4 * WIDTH)));
    Words bits;
    memcpy(&bits, &v, sizeof bits);
    const Words rounded = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
    const Words all = v == v ? rounded : Words{} + 0x7fc0;
    const Shorts halves = __builtin_convertvector(all, Shorts);
    memcpy(p, &halves, count == WIDTH ? sizeof halves : sizeof(Half) * count);
}

// How many numbers of a tensor are in a word, the element of small products (operands.h).
template <typename Number>
constexpr int IN_WORD = 1;

#if defined(__AVX512BF16__)
template <>
inline constexpr int IN_WORD<Half> = 2;
#endif

// Add the products of words: of all numbers of `a` with those of `b` that stand at the same place.
template <int NUMBERS>
static inline Floats add_products(Floats sum, Floats a, Floats b) {
#if defined(__AVX512BF16__)
    if constexpr (NUMBERS == 2) return (Floats)_mm512_dpbf16_ps((__m512)sum, (__m512bh)a, (__m512bh)b);
#endif
    return sum + a * b;
}

// How many of `width` numbers a vector holds that begins at number c.
static inline int width_at(int64_t c, int64_t width) {
    return width - c < WIDTH ? int(width - c) : WIDTH;
}

static inline Floats at_least(Floats v, float low) { return v < low ? splat(low) : v; }
static inline Floats at_most(Floats v, float high) { return v > high ? splat(high) : v; }

// exp to within 2 ulp: 2^n times a polynomial in the rest, which lies in +-log(2)/2 (Cephes).
static inline Floats exponential(Floats x) {
    x = at_most(at_least(x, -87.0f), 88.0f);
    const Floats magic = splat(12582912.0f);  // 1.5 * 2^23: what is added to it is rounded
    Floats shifted = x * 1.44269504f + magic;
    Floats n = shifted - magic;
    Floats r = x - n * 0.693359375f + n * 2.12194440e-4f;
    Floats p = splat(1.9875691500e-4f);
    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    p = p * r * r + r + 1.0f;
    Ints bits;
    memcpy(&bits, &shifted, sizeof bits);
    bits = (bits << 23) + (127 << 23);  // what stands above n falls out of the word
    Floats power;
    memcpy(&power, &bits, sizeof power);
    return p * power;
}

static inline Floats sigmoid(Floats x) { return 1.0f / (1.0f + exponential(-x)); }

// Rows and columns of products that hold numbers. Lower: at or below the diagonal.
enum Shape { FULL, LEFT_LOWER, LEFT_UPPER, OUT_LOWER };

constexpr int ROWS = 8;

// The words of `left` that rows of `out` need lie in its rows, or when TURNED in its columns.
template <int VECTORS, bool TURNED, int NUMBERS>
static inline void tile(const float* left, int64_t left_row, const float* right, int64_t right_row,
                        float* out, int64_t out_row, int from, int to, bool add) {
    Floats sums[ROWS][VECTORS];
    for (int r = 0; r < ROWS; r++)
        for (int v = 0; v < VECTORS; v++)
            sums[r][v] = add ? load(out + r * out_row + v * WIDTH) : Floats{};
    for (int k = from; k < to; k++) {
        Floats b[VECTORS];
        for (int v = 0; v < VECTORS; v++) b[v] = load(right + k * right_row + v * WIDTH);
        for (int r = 0; r < ROWS; r++) {
            const Floats a = splat(TURNED ? left[k * left_row + r] : left[r * left_row + k]);
            for (int v = 0; v < VECTORS; v++)
                sums[r][v] = add_products<NUMBERS>(sums[r][v], a, b[v]);
        }
    }
    for (int r = 0; r < ROWS; r++)
        for (int v = 0; v < VECTORS; v++) store(out + r * out_row + v * WIDTH, sums[r][v]);
}

// out (m x n) = left (m x k) right (k x n), or added to it; left lies as (k x m) when TURNED. Rows
// are as long as columns are many, m a multiple of ROWS and n of WIDTH; k counts words.
template <bool TURNED = false, int NUMBERS = 1>
static inline void product(const float* left, const float* right, float* out, int m, int n, int k,
                           Shape shape = FULL, bool add = false) {
    const int left_row = TURNED ? m : k;
    for (int i = 0; i < m; i += ROWS) {
        const int from = shape == LEFT_UPPER ? i : 0;
        const int to = shape == LEFT_LOWER ? (i + ROWS < k ? i + ROWS : k) : k;
        const int columns = shape == OUT_LOWER && i + ROWS < n ? i + ROWS : n;
        const float* left_i = left + (TURNED ? i : i * k);
        int j = 0;
        for (; j + 2 * WIDTH <= n && j < columns; j += 2 * WIDTH)
            tile<2, TURNED, NUMBERS>(left_i, left_row, right + j, n, out + i * n + j, n, from, to,
                                     add);
        for (; j < columns; j += WIDTH)
            tile<1, TURNED, NUMBERS>(left_i, left_row, right + j, n, out + i * n + j, n, from, to,
                                     add);
    }
}

// Numbers of `a` and, counted on from WIDTH, of `b`.
static inline Floats chosen(Floats a, Floats b, Ints from) {
#if defined(__clang__)
    Floats out;
    for (int c = 0; c < WIDTH; c++) out[c] = from[c] < WIDTH ? a[from[c]] : b[from[c] - WIDTH];
    return out;
#else
    return __builtin_shuffle(a, b, from);
#endif
}

template <int HALF = WIDTH / 2>
static inline float sum(Floats v) {
    Ints from;
    for (int c = 0; c < WIDTH; c++) from[c] = (c + HALF) % WIDTH;
    v += chosen(v, v, from);
    if constexpr (HALF > 1) return sum<HALF / 2>(v);
    return v[0];
}

// Swap the quarters of squares of 2 HALF x 2 HALF, and then those of ever smaller ones.
template <int HALF>
static inline void swap_quarters(Floats* rows) {
    if constexpr (HALF > 0) {
        Ints first, second;
#pragma GCC unroll 16
        for (int c = 0; c < WIDTH; c++) {
            first[c] = c & HALF ? WIDTH + c - HALF : c;
            second[c] = c & HALF ? WIDTH + c : c + HALF;
        }
#pragma GCC unroll 16
        for (int i = 0; i < WIDTH; i++) {
            if (i & HALF) continue;
            const Floats a = rows[i], b = rows[i + HALF];
            rows[i] = chosen(a, b, first);
            rows[i + HALF] = chosen(a, b, second);
        }
        swap_quarters<HALF / 2>(rows);
    }
}

static inline void transpose_square(const float* in, int64_t in_row, float* out, int64_t out_row) {
    Floats rows[WIDTH];
#pragma GCC unroll 16
    for (int i = 0; i < WIDTH; i++) rows[i] = load(in + i * in_row);
    swap_quarters<WIDTH / 2>(rows);
#pragma GCC unroll 16
    for (int i = 0; i < WIDTH; i++) store(out + i * out_row, rows[i]);
}

// Both sizes are multiples of WIDTH.
static inline void transpose(const float* in, float* out, int rows, int columns) {
    for (int i = 0; i < rows; i += WIDTH)
        for (int j = 0; j < columns; j += WIDTH)
            transpose_square(in + i * columns + j, columns, out + j * rows + i, rows);
}

static inline int rounded_up(int n, int multiple) { return (n + multiple - 1) / multiple * multiple; }

// What sizes are rounded up to that are rows or columns of products.
constexpr int PADDING = WIDTH < ROWS ? ROWS : WIDTH;

// Rows that lie `row` floats apart, sequences `batch` floats apart.
template <typename Number>
struct Rows {
    Number* data;
    int64_t batch, row;
    Number* at(int64_t b, int64_t t) const { return data + b * batch + t * row; }
};
template <typename Number>
Rows(Number*, int64_t, int64_t) -> Rows<Number>;

// Ask for rows that are read soon: they lie too far apart for the processor to guess them.
static inline void expect_rows(const Rows<const float>& from, int64_t b, int64_t t, int rows,
                               int columns) {
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < columns; j += 16) __builtin_prefetch(from.at(b, t + i) + j);
}

// Rows from position t on, with zeros behind them in both directions.
template <typename Number>
static inline void copy_rows(const Rows<const Number>& from, int64_t b, int64_t t, int rows,
                             int columns, float* to, int all_rows, int all_columns) {
    for (int i = 0; i < rows; i++) {
        const Number* here = from.at(b, t + i);
        for (int j = 0; j < all_columns; j += WIDTH)
            store(to + i * all_columns + j,
                  j < columns ? load_some(here + j, width_at(j, columns)) : Floats{});
    }
    memset(to + rows * all_columns, 0, sizeof(float) * (all_rows - rows) * all_columns);
}

// Working memory of one thread, in pieces that begin at a cache line.
struct Memory {
    float* start;
    float* next;
    explicit Memory(size_t floats)
        : start(static_cast<float*>(aligned_alloc(64, (floats + 16) / 16 * 64))), next(start) {}
    ~Memory() { free(start); }
    Memory(const Memory&) = delete;
    float* take(size_t floats) {
        float* piece = next;
        next += (floats + 15) / 16 * 16;
        return piece;
    }
};
