// Causal softmax attention (genomenet/ops/attention.py), global or in a window, forward and backward.
//
// Blocks of queries meet the blocks of keys that any of them sees, and no other: no mask, no scores
// of all pairs. Scores lie as (keys, queries), so that a vector holds those of many queries with
// one key, and softmax runs over vectors without adding up within any.
#include <cmath>

#include "vectors.h"

namespace {

constexpr int BLOCK = 64;
constexpr int VECTORS = BLOCK / WIDTH;
constexpr float UNSEEN = -1e30f;  // below every score

// One sequence and head: what is given of a tensor (batch, length, heads, width).
struct Head {
    Rows<const float> rows;
    int64_t head;
    Rows<const float> of(int64_t h) const { return {rows.data + h * head, rows.batch, rows.row}; }
};

int64_t blocks_of(int64_t length) { return (length + BLOCK - 1) / BLOCK; }

int positions_of(int64_t length, int64_t block) {
    return int(length - block * BLOCK < BLOCK ? length - block * BLOCK : BLOCK);
}

// Which keys the queries of one sequence see. Queries stand behind `past` keys, of which the
// sequence does not have the first `missing`.
struct Window {
    int64_t past, missing, reach;  // reach: keys before a query that it sees

    int64_t first_keys(int64_t queries) const {
        const int64_t first = past + queries * BLOCK - reach;
        return (first < missing ? missing : first) / BLOCK;
    }
    int64_t last_keys(int64_t queries, int positions) const {
        return (past + queries * BLOCK + positions - 1) / BLOCK;
    }
    bool sees_all(int64_t queries, int64_t keys) const {
        const int64_t apart = past + queries * BLOCK - keys * BLOCK;
        return apart >= BLOCK - 1 && apart + BLOCK - 1 <= reach && keys * BLOCK >= missing;
    }
    // Which of WIDTH queries, counted from the first one of their block, see a key.
    Ints seen(int64_t queries, int first, int64_t keys, int key) const {
        if (keys * BLOCK + key < missing) return Ints{};
        const int64_t apart = past + (queries - keys) * BLOCK + first - key;
        const int from = apart > 0 ? 0 : apart < -WIDTH ? WIDTH : int(-apart);
        const int64_t last = reach - apart;
        const Ints query = counting();
        return (query >= from) & (query <= int(last < WIDTH ? last : WIDTH));
    }
};

Floats only(Floats v, Ints where, float otherwise) { return where ? v : splat(otherwise); }

}  // namespace

extern "C" {

// Queries stand behind as many keys as there are more of these, `missing` (batch) of which a sequence
// does not have, none when it is null. y is dense; `logsum` (batch, heads, length) is the logarithm
// of each query's sum of exponentials.
void genomenet_attention_forward(const float* q, int64_t q_batch, int64_t q_row, int64_t q_head,
                                 const float* k, int64_t k_batch, int64_t k_row, int64_t k_head,
                                 const float* v, int64_t v_batch, int64_t v_row, int64_t v_head,
                                 const int64_t* missing, float* y, float* logsum, int64_t batch,
                                 int64_t length, int64_t heads, int64_t width, int64_t keys,
                                 int64_t window, int64_t threads) {
    const Head qs{{q, q_batch, q_row}, q_head}, ks{{k, k_batch, k_row}, k_head},
        vs{{v, v_batch, v_row}, v_head};
    const int64_t blocks = blocks_of(length);
    const int columns = int(width), p = rounded_up(columns, PADDING);
    const float scale = 1.0f / std::sqrt(float(width));
#pragma omp parallel num_threads(threads)
    {
        Memory memory(5 * BLOCK * p + BLOCK * BLOCK + BLOCK);
        float *rows = memory.take(BLOCK * p), *q_turned = memory.take(BLOCK * p),
              *k_rows = memory.take(BLOCK * p), *v_rows = memory.take(BLOCK * p),
              *y_rows = memory.take(BLOCK * p), *scores = memory.take(BLOCK * BLOCK),
              *kept = memory.take(BLOCK);
#pragma omp for schedule(dynamic)
        for (int64_t item = 0; item < batch * heads * blocks; item++) {
            const int64_t i = item % blocks, bh = item / blocks, b = bh / heads, h = bh % heads;
            const Window all{keys - length, missing ? missing[b] : 0, window < 0 ? keys : window};
            const int positions = positions_of(length, i);
            copy_rows(qs.of(h), b, i * BLOCK, positions, columns, rows, BLOCK, p);
            for (int c = 0; c < BLOCK * p; c += WIDTH) store(rows + c, load(rows + c) * scale);
            transpose(rows, q_turned, BLOCK, p);
            memset(y_rows, 0, sizeof(float) * BLOCK * p);
            Floats most[VECTORS], total[VECTORS];
            for (int c = 0; c < VECTORS; c++) most[c] = splat(UNSEEN), total[c] = Floats{};
            for (int64_t j = all.first_keys(i); j <= all.last_keys(i, positions); j++) {
                const int count = positions_of(keys, j);
                copy_rows(ks.of(h), b, j * BLOCK, count, columns, k_rows, BLOCK, p);
                copy_rows(vs.of(h), b, j * BLOCK, count, columns, v_rows, BLOCK, p);
                product(k_rows, q_turned, scores, BLOCK, BLOCK, p);
                const bool full = all.sees_all(i, j);
                for (int c = 0; c < VECTORS; c++) {
                    float* column = scores + c * WIDTH;
                    const Floats before = most[c];
                    for (int key = 0; key < BLOCK; key++) {
                        Floats score = load(column + key * BLOCK);
                        if (!full) {
                            score = only(score, all.seen(i, c * WIDTH, j, key), UNSEEN);
                            store(column + key * BLOCK, score);
                        }
                        most[c] = score > most[c] ? score : most[c];
                    }
                    const Floats keeps = exponential(before - most[c]);
                    store(kept + c * WIDTH, keeps);
                    total[c] *= keeps;
                    for (int key = 0; key < BLOCK; key++) {
                        const Floats score = load(column + key * BLOCK);
                        Floats weight = exponential(score - most[c]);
                        if (!full) weight = score <= UNSEEN ? Floats{} : weight;
                        store(column + key * BLOCK, weight);
                        total[c] += weight;
                    }
                }
                for (int row = 0; row < BLOCK; row++)
                    for (int c = 0; c < p; c += WIDTH)
                        store(y_rows + row * p + c, load(y_rows + row * p + c) * kept[row]);
                product<true>(scores, v_rows, y_rows, BLOCK, p, BLOCK, FULL, true);
            }
            for (int row = 0; row < positions; row++) {
                const int64_t t = i * BLOCK + row;
                const float sum_t = total[row / WIDTH][row % WIDTH];
                logsum[bh * length + t] = most[row / WIDTH][row % WIDTH] + std::log(sum_t);
                float* out = y + ((b * length + t) * heads + h) * width;
                for (int c = 0; c < columns; c += WIDTH)
                    store_some(out + c, load(y_rows + row * p + c) / sum_t, width_at(c, width));
            }
        }
    }
}

// Gradients, dense; those of k and v are zero before.
void genomenet_attention_backward(const float* dy, int64_t dy_batch, int64_t dy_row,
                                  int64_t dy_head, const float* q, int64_t q_batch, int64_t q_row,
                                  int64_t q_head, const float* k, int64_t k_batch, int64_t k_row,
                                  int64_t k_head, const float* v, int64_t v_batch, int64_t v_row,
                                  int64_t v_head, const float* y, const float* logsum, float* dq,
                                  float* dk, float* dv, int64_t batch, int64_t length,
                                  int64_t heads, int64_t width, int64_t window, int64_t threads) {
    const Head dys{{dy, dy_batch, dy_row}, dy_head}, qs{{q, q_batch, q_row}, q_head},
        ks{{k, k_batch, k_row}, k_head}, vs{{v, v_batch, v_row}, v_head};
    const Window all{0, 0, window < 0 ? length : window};
    const int columns = int(width), p = rounded_up(columns, PADDING);
    const float scale = 1.0f / std::sqrt(float(width));
#pragma omp parallel num_threads(threads)
    {
        Memory memory(9 * BLOCK * p + 2 * BLOCK * BLOCK + 2 * BLOCK);
        float *q_rows = memory.take(BLOCK * p), *q_turned = memory.take(BLOCK * p),
              *dy_rows = memory.take(BLOCK * p), *dy_turned = memory.take(BLOCK * p),
              *k_rows = memory.take(BLOCK * p), *v_rows = memory.take(BLOCK * p),
              *dq_rows = memory.take(BLOCK * p), *out_rows = memory.take(BLOCK * p),
              *weights = memory.take(BLOCK * BLOCK), *dscores = memory.take(BLOCK * BLOCK),
              *along = memory.take(BLOCK), *logsums = memory.take(BLOCK);
#pragma omp for schedule(dynamic)
        for (int64_t bh = 0; bh < batch * heads; bh++) {
            const int64_t b = bh / heads, h = bh % heads, across = heads * width;
            const int64_t start = (b * length * heads + h) * width;
            // Add rows to those of a gradient, or write them.
            const auto add_to = [&](float* to, const float* from, int64_t block, bool add) {
                for (int row = 0; row < positions_of(length, block); row++)
                    for (int c = 0; c < columns; c += WIDTH) {
                        const int some = width_at(c, width);
                        float* here = to + start + (block * BLOCK + row) * across + c;
                        const Floats given = load(from + row * p + c);
                        store_some(here, add ? load_some(here, some) + given : given, some);
                    }
            };
            for (int64_t i = 0; i < blocks_of(length); i++) {
                const int positions = positions_of(length, i);
                copy_rows(qs.of(h), b, i * BLOCK, positions, columns, q_rows, BLOCK, p);
                for (int c = 0; c < BLOCK * p; c += WIDTH)
                    store(q_rows + c, load(q_rows + c) * scale);
                transpose(q_rows, q_turned, BLOCK, p);
                copy_rows(dys.of(h), b, i * BLOCK, positions, columns, dy_rows, BLOCK, p);
                transpose(dy_rows, dy_turned, BLOCK, p);
                copy_rows({y + h * width, length * across, across}, b, i * BLOCK, positions, columns,
                          out_rows, BLOCK, p);
                memset(logsums, 0, sizeof(float) * BLOCK);
                memcpy(logsums, logsum + bh * length + i * BLOCK, sizeof(float) * positions);
                for (int row = 0; row < BLOCK; row++) {
                    Floats total{};
                    for (int c = 0; c < p; c += WIDTH)
                        total += load(dy_rows + row * p + c) * load(out_rows + row * p + c);
                    along[row] = sum(total);
                }
                for (int64_t j = all.first_keys(i); j <= i; j++) {
                    const int count = positions_of(length, j);
                    copy_rows(ks.of(h), b, j * BLOCK, count, columns, k_rows, BLOCK, p);
                    copy_rows(vs.of(h), b, j * BLOCK, count, columns, v_rows, BLOCK, p);
                    product(k_rows, q_turned, weights, BLOCK, BLOCK, p);
                    product(v_rows, dy_turned, dscores, BLOCK, BLOCK, p);
                    const bool full = all.sees_all(i, j);
                    for (int key = 0; key < BLOCK; key++)
                        for (int c = 0; c < BLOCK; c += WIDTH) {
                            float *here = weights + key * BLOCK + c, *there = dscores + key * BLOCK + c;
                            Floats weight = exponential(load(here) - load(logsums + c));
                            if (!full) weight = only(weight, all.seen(i, c, j, key), 0.0f);
                            store(here, weight);
                            store(there, weight * (load(there) - load(along + c)));
                        }
                    product(weights, dy_rows, out_rows, BLOCK, p, BLOCK);
                    add_to(dv, out_rows, j, true);
                    product(dscores, q_rows, out_rows, BLOCK, p, BLOCK);
                    add_to(dk, out_rows, j, true);
                    product<true>(dscores, k_rows, dq_rows, BLOCK, p, BLOCK, FULL,
                                  j > all.first_keys(i));
                }
                for (int c = 0; c < BLOCK * p; c += WIDTH)
                    store(dq_rows + c, load(dq_rows + c) * scale);
                add_to(dq, dq_rows, i, false);
            }
        }
    }
}
}
