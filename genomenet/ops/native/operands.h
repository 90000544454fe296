// Operands of small products: floats, or bfloat16 in pairs where the processor multiplies these.
//
// Products run over words of 32 bits. A word is a float; or, of tensors in bfloat16, two numbers
// that follow each other in the sum, on processors that add both products to a float at once.
#pragma once
#include "vectors.h"

// Rows from position t on as words, with zeros behind them in both directions.
template <typename Number>
static inline void copy_operand(const Rows<const Number>& from, int64_t b, int64_t t, int rows,
                                int columns, float* to, int all_rows, int all_columns) {
    if constexpr (IN_WORD<Number> == 1) {
        copy_rows(from, b, t, rows, columns, to, all_rows, all_columns);
    } else {
        Number* row = reinterpret_cast<Number*>(to);
        for (int i = 0; i < rows; i++, row += all_columns) {
            memcpy(row, from.at(b, t + i), sizeof(Number) * columns);
            memset(row + columns, 0, sizeof(Number) * (all_columns - columns));
        }
        memset(row, 0, sizeof(Number) * (all_rows - rows) * all_columns);
    }
}

// A whole vector, rounded as `store_some` does it.
static inline void store_halves(Half* p, Floats v) {
#if defined(__AVX512BF16__)
    const __m256i halves = (__m256i)_mm512_cvtneps_pbh((__m512)v);
    memcpy(p, &halves, sizeof halves);
#else
    store_some(p, v, WIDTH);
#endif
}

// Words of two numbers each, of which the first one comes first.
static inline Floats in_words(const Half* first, const Half* second) {
    typedef uint16_t Shorts __attribute__((vector_size(2 * WIDTH)));
    typedef uint32_t Words __attribute__((vector_size(4 * WIDTH)));
    Shorts one, other;
    memcpy(&one, first, sizeof one);
    memcpy(&other, second, sizeof other);
    const Words words =
        __builtin_convertvector(one, Words) | __builtin_convertvector(other, Words) << 16;
    Floats v;
    memcpy(&v, &words, sizeof v);
    return v;
}

// Rows of words whose sums run along columns, as an operand whose sums run along rows: words of
// numbers that lie below each other. Floats are that already, and are copied.
template <typename Number>
static inline void place_below_each_other(const float* from, float* to, int rows, int columns) {
    if constexpr (IN_WORD<Number> == 1) {
        memcpy(to, from, sizeof(float) * rows * columns);
    } else {
        const Half* numbers = reinterpret_cast<const Half*>(from);
        for (int i = 0; i < rows; i += 2)
            for (int c = 0; c < columns; c += WIDTH)
                store(to + i / 2 * columns + c,
                      in_words(numbers + i * columns + c, numbers + (i + 1) * columns + c));
    }
}

// The same, of floats without a copy; else `room` is filled.
template <typename Number>
static inline const float* below_each_other(const float* from, float* room, int rows, int columns) {
    if constexpr (IN_WORD<Number> == 1) return from;
    place_below_each_other<Number>(from, room, rows, columns);
    return room;
}

// Numbers of a row of words, from number `at` on.
template <int NUMBERS>
static inline void store_numbers(float* row, int at, Floats v) {
    if constexpr (NUMBERS == 1)
        store(row + at, v);
    else
        store_halves(reinterpret_cast<Half*>(row) + at, v);
}

// A vector of words, of the numbers of as many vectors as a word has.
template <int NUMBERS>
static inline void store_words(float* to, const Floats* numbers) {
    if constexpr (NUMBERS == 1) {
        store(to, numbers[0]);
    } else {
        Half halves[NUMBERS * WIDTH];
        for (int n = 0; n < NUMBERS; n++) store_halves(halves + n * WIDTH, numbers[n]);
        store(to, in_words(halves, halves + WIDTH));
    }
}
