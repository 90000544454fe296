// Causal softmax attention (genomenet/ops/attention.py), global or in a window, forward and backward.
//
// Blocks of queries meet the blocks of keys that any of them sees, and no other: no mask, no scores
// of all pairs. Scores lie as (keys, queries), so that a vector holds those of many queries with
// one key, and softmax runs over vectors without adding up within any. A few blocks of queries go
// together, so that what is made of a block of keys serves them all.
#include <cmath>

#include "operands.h"

namespace {

constexpr int BLOCK = 64;
constexpr int TOGETHER = 4;  // blocks of queries
constexpr float UNSEEN = -1e30f;  // below every score

// One sequence and head: what is given of a tensor (batch, length, heads, width).
template <typename Number>
struct Head {
    const void* data;
    int64_t batch, row, head;
    Rows<const Number> of(int64_t h) const {
        return {static_cast<const Number*>(data) + h * head, batch, row};
    }
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
    bool sees_any(int64_t queries, int positions, int64_t keys) const {
        return first_keys(queries) <= keys && keys <= last_keys(queries, positions);
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


// What is kept of the words and numbers of one block, with P columns or one for each other position.
template <typename Number>
struct Sizes {
    int columns, p;
    explicit Sizes(int64_t width)
        : columns(int(width)), p(rounded_up(columns, IN_WORD<Number> * PADDING)) {}
    int words() const { return p / IN_WORD<Number>; }
    int operand() const { return BLOCK * words(); }
    static constexpr int BETWEEN = BLOCK / IN_WORD<Number>;  // words of all positions
};

template <typename Number>
void forward(const Head<Number>& q, const Head<Number>& k, const Head<Number>& v,
             const int64_t* missing, Number* y, float* logsum, int64_t batch, int64_t length,
             int64_t heads, int64_t width, int64_t keys, int64_t window, int64_t threads) {
    constexpr int IN = IN_WORD<Number>, BETWEEN = Sizes<Number>::BETWEEN;
    const Sizes<Number> sizes(width);
    const int p = sizes.p, operand = sizes.operand();
    const int64_t blocks = blocks_of(length), groups = (blocks + TOGETHER - 1) / TOGETHER;
    const float scale = 1.0f / std::sqrt(float(width));
#pragma omp parallel num_threads(threads)
    {
        Memory memory(4 * operand + TOGETHER * (operand + BLOCK * p + 2 * BLOCK) +
                      BLOCK * (BLOCK + BETWEEN + 1));
        float *rows = memory.take(operand), *k_rows = memory.take(operand),
              *v_rows = memory.take(operand), *v_below = memory.take(operand),
              *q_turned = memory.take(TOGETHER * operand),
              *y_rows = memory.take(TOGETHER * BLOCK * p), *most = memory.take(TOGETHER * BLOCK),
              *total = memory.take(TOGETHER * BLOCK), *scores = memory.take(BLOCK * BLOCK),
              *weights = memory.take(BLOCK * BETWEEN), *kept = memory.take(BLOCK);
#pragma omp for schedule(dynamic)
        for (int64_t item = 0; item < batch * heads * groups; item++) {
            const int64_t bh = item / groups, b = bh / heads, h = bh % heads;
            const int64_t start = item % groups * TOGETHER;
            const int64_t stop = start + TOGETHER < blocks ? start + TOGETHER : blocks;
            const Window all{keys - length, missing ? missing[b] : 0, window < 0 ? keys : window};
            for (int64_t i = start, g = 0; i < stop; i++, g++) {
                copy_operand(q.of(h), b, i * BLOCK, positions_of(length, i), sizes.columns, rows,
                             BLOCK, p);
                transpose(rows, q_turned + g * operand, BLOCK, sizes.words());
            }
            memset(y_rows, 0, sizeof(float) * TOGETHER * BLOCK * p);
            memset(total, 0, sizeof(float) * TOGETHER * BLOCK);
            for (int c = 0; c < TOGETHER * BLOCK; c += WIDTH) store(most + c, splat(UNSEEN));
            const int64_t last = all.last_keys(stop - 1, positions_of(length, stop - 1));
            for (int64_t j = all.first_keys(start); j <= last; j++) {
                const int count = positions_of(keys, j);
                copy_operand(k.of(h), b, j * BLOCK, count, sizes.columns, k_rows, BLOCK, p);
                copy_operand(v.of(h), b, j * BLOCK, count, sizes.columns, v_rows, BLOCK, p);
                const float* values = below_each_other<Number>(v_rows, v_below, BLOCK, p);
                for (int64_t i = start, g = 0; i < stop; i++, g++) {
                    if (!all.sees_any(i, positions_of(length, i), j)) continue;
                    product<false, IN>(k_rows, q_turned + g * operand, scores, BLOCK, BLOCK,
                                       sizes.words());
                    const bool full = all.sees_all(i, j);
                    for (int c = 0; c < BLOCK; c += WIDTH) {
                        const Floats before = load(most + g * BLOCK + c);
                        Floats now = before, sum = load(total + g * BLOCK + c);
                        for (int key = 0; key < BLOCK; key++) {
                            Floats score = load(scores + key * BLOCK + c) * scale;
                            if (!full) score = only(score, all.seen(i, c, j, key), UNSEEN);
                            store(scores + key * BLOCK + c, score);
                            now = score > now ? score : now;
                        }
                        const Floats keeps = exponential(before - now);
                        store(kept + c, keeps);
                        store(most + g * BLOCK + c, now);
                        sum *= keeps;
                        for (int key = 0; key < BLOCK; key += IN) {
                            Floats weight[IN];
                            for (int n = 0; n < IN; n++) {
                                const Floats score = load(scores + (key + n) * BLOCK + c);
                                weight[n] = exponential(score - now);
                                if (!full) weight[n] = score <= UNSEEN ? Floats{} : weight[n];
                                sum += weight[n];
                            }
                            store_words<IN>(weights + key / IN * BLOCK + c, weight);
                        }
                        store(total + g * BLOCK + c, sum);
                    }
                    float* y_block = y_rows + g * BLOCK * p;
                    for (int row = 0; row < BLOCK; row++)
                        for (int c = row * p; c < (row + 1) * p; c += WIDTH)
                            store(y_block + c, load(y_block + c) * kept[row]);
                    product<true, IN>(weights, values, y_block, BLOCK, p, BETWEEN, FULL, true);
                }
            }
            for (int64_t t = start * BLOCK, row = 0; t < stop * BLOCK && t < length; t++, row++) {
                logsum[bh * length + t] = most[row] + std::log(total[row]);
                Number* out = y + ((b * length + t) * heads + h) * width;
                for (int c = 0; c < sizes.columns; c += WIDTH)
                    store_some(out + c, load(y_rows + row * p + c) / total[row],
                               width_at(c, width));
            }
        }
    }
}

template <typename Number>
void backward(const Head<Number>& dy, const Head<Number>& q, const Head<Number>& k,
              const Head<Number>& v, const Number* y, const float* logsum, Number* dq, float* dk,
              float* dv, int64_t batch, int64_t length, int64_t heads, int64_t width,
              int64_t window, int64_t threads) {
    constexpr int IN = IN_WORD<Number>, BETWEEN = Sizes<Number>::BETWEEN;
    const Sizes<Number> sizes(width);
    const int p = sizes.p, operand = sizes.operand();
    const Window all{0, 0, window < 0 ? length : window};
    const int64_t blocks = blocks_of(length), across = heads * width;
    const float scale = 1.0f / std::sqrt(float(width));
#pragma omp parallel num_threads(threads)
    {
        // Of scores, what is kept as it is and what is kept as operands; these are one for floats.
        constexpr int SCORES = BLOCK * BLOCK, OPERANDS = IN > 1 ? 3 * BLOCK * BETWEEN : 0;
        Memory memory(4 * operand + 2 * BLOCK * p + 2 * SCORES + OPERANDS +
                      TOGETHER * (4 * operand + BLOCK * p + 2 * BLOCK));
        float *rows = memory.take(operand), *k_rows = memory.take(operand),
              *v_rows = memory.take(operand), *k_below = memory.take(operand),
              *dk_rows = memory.take(BLOCK * p), *dv_rows = memory.take(BLOCK * p),
              *weights = memory.take(SCORES), *dscores = memory.take(SCORES),
              *w_rows = IN > 1 ? memory.take(BLOCK * BETWEEN) : weights,
              *d_rows = IN > 1 ? memory.take(BLOCK * BETWEEN) : dscores,
              *d_below = IN > 1 ? memory.take(BLOCK * BETWEEN) : dscores,
              *q_turned = memory.take(TOGETHER * operand),
              *q_below = memory.take(TOGETHER * operand),
              *dy_turned = memory.take(TOGETHER * operand),
              *dy_below = memory.take(TOGETHER * operand),
              *dq_rows = memory.take(TOGETHER * BLOCK * p),
              *along = memory.take(TOGETHER * BLOCK), *logsums = memory.take(TOGETHER * BLOCK);
#pragma omp for schedule(dynamic)
        for (int64_t bh = 0; bh < batch * heads; bh++) {
            const int64_t b = bh / heads, h = bh % heads;
            const int64_t origin = (b * length * heads + h) * width;
            const auto add_to = [&](float* to, const float* from, int64_t block) {
                for (int row = 0; row < positions_of(length, block); row++)
                    for (int c = 0; c < sizes.columns; c += WIDTH) {
                        const int some = width_at(c, width);
                        float* here = to + origin + (block * BLOCK + row) * across + c;
                        store_some(here, load_some(here, some) + load(from + row * p + c), some);
                    }
            };
            for (int64_t start = 0; start < blocks; start += TOGETHER) {
                const int64_t stop = start + TOGETHER < blocks ? start + TOGETHER : blocks;
                memset(dq_rows, 0, sizeof(float) * TOGETHER * BLOCK * p);
                memset(along, 0, sizeof(float) * TOGETHER * BLOCK);
                memset(logsums, 0, sizeof(float) * TOGETHER * BLOCK);
                for (int64_t i = start, g = 0; i < stop; i++, g++) {
                    const int positions = positions_of(length, i);
                    copy_operand(q.of(h), b, i * BLOCK, positions, sizes.columns, rows, BLOCK, p);
                    transpose(rows, q_turned + g * operand, BLOCK, sizes.words());
                    place_below_each_other<Number>(rows, q_below + g * operand, BLOCK, p);
                    copy_operand(dy.of(h), b, i * BLOCK, positions, sizes.columns, rows, BLOCK, p);
                    transpose(rows, dy_turned + g * operand, BLOCK, sizes.words());
                    place_below_each_other<Number>(rows, dy_below + g * operand, BLOCK, p);
                }
                for (int64_t t = start * BLOCK, row = 0; t < stop * BLOCK && t < length;
                     t++, row++) {
                    const Number *dy_t = dy.of(h).at(b, t), *y_t = y + origin + t * across;
                    Floats both{};
                    for (int c = 0; c < sizes.columns; c += WIDTH) {
                        const int some = width_at(c, width);
                        both += load_some(dy_t + c, some) * load_some(y_t + c, some);
                    }
                    along[row] = sum(both);
                    logsums[row] = logsum[bh * length + t];
                }
                const int64_t last = stop - 1;  // keys of the same positions
                for (int64_t j = all.first_keys(start); j <= last; j++) {
                    const int count = positions_of(length, j);
                    copy_operand(k.of(h), b, j * BLOCK, count, sizes.columns, k_rows, BLOCK, p);
                    copy_operand(v.of(h), b, j * BLOCK, count, sizes.columns, v_rows, BLOCK, p);
                    const float* k_across = below_each_other<Number>(k_rows, k_below, BLOCK, p);
                    memset(dk_rows, 0, sizeof(float) * BLOCK * p);
                    memset(dv_rows, 0, sizeof(float) * BLOCK * p);
                    for (int64_t i = start, g = 0; i < stop; i++, g++) {
                        if (!all.sees_any(i, positions_of(length, i), j)) continue;
                        product<false, IN>(k_rows, q_turned + g * operand, weights, BLOCK, BLOCK,
                                           sizes.words());
                        product<false, IN>(v_rows, dy_turned + g * operand, dscores, BLOCK, BLOCK,
                                           sizes.words());
                        const bool full = all.sees_all(i, j);
                        for (int key = 0; key < BLOCK; key += IN)
                            for (int c = 0; c < BLOCK; c += WIDTH) {
                                Floats d[IN];
                                for (int n = 0; n < IN; n++) {
                                    const int at = (key + n) * BLOCK + c;
                                    Floats weight = exponential(load(weights + at) * scale -
                                                                load(logsums + g * BLOCK + c));
                                    if (!full)
                                        weight = only(weight, all.seen(i, c, j, key + n), 0.0f);
                                    d[n] = weight * scale *
                                           (load(dscores + at) - load(along + g * BLOCK + c));
                                    store_numbers<IN>(w_rows, at, weight);
                                    store_numbers<IN>(d_rows, at, d[n]);
                                }
                                if (IN > 1) store_words<IN>(d_below + key / IN * BLOCK + c, d);
                            }
                        product<false, IN>(w_rows, dy_below + g * operand, dv_rows, BLOCK, p,
                                           BETWEEN, FULL, true);
                        product<false, IN>(d_rows, q_below + g * operand, dk_rows, BLOCK, p,
                                           BETWEEN, FULL, true);
                        product<true, IN>(d_below, k_across, dq_rows + g * BLOCK * p, BLOCK, p,
                                          BETWEEN, FULL, true);
                    }
                    add_to(dk, dk_rows, j);
                    add_to(dv, dv_rows, j);
                }
                for (int64_t t = start * BLOCK, row = 0; t < stop * BLOCK && t < length; t++, row++)
                    for (int c = 0; c < sizes.columns; c += WIDTH)
                        store_some(dq + origin + t * across + c, load(dq_rows + row * p + c),
                                   width_at(c, width));
            }
        }
    }
}

}  // namespace

extern "C" {

// Queries stand behind as many keys as there are more of these, `missing` (batch) of which a sequence
// does not have, none when it is null. y is dense; `logsum` (batch, heads, length) is the logarithm
// of each query's sum of exponentials.
void genomenet_attention_forward(const void* q, int64_t q_batch, int64_t q_row, int64_t q_head,
                                 const void* k, int64_t k_batch, int64_t k_row, int64_t k_head,
                                 const void* v, int64_t v_batch, int64_t v_row, int64_t v_head,
                                 const int64_t* missing, void* y, float* logsum, int64_t batch,
                                 int64_t length, int64_t heads, int64_t width, int64_t keys,
                                 int64_t window, int64_t half, int64_t threads) {
    const auto run = [&](auto number) {
        using Number = decltype(number);
        forward<Number>({q, q_batch, q_row, q_head}, {k, k_batch, k_row, k_head},
                        {v, v_batch, v_row, v_head}, missing, static_cast<Number*>(y), logsum,
                        batch, length, heads, width, keys, window, threads);
    };
    half ? run(Half{}) : run(float{});
}

// Gradients, dense; those of k and v are floats, and zero before.
void genomenet_attention_backward(const void* dy, int64_t dy_batch, int64_t dy_row, int64_t dy_head,
                                  const void* q, int64_t q_batch, int64_t q_row, int64_t q_head,
                                  const void* k, int64_t k_batch, int64_t k_row, int64_t k_head,
                                  const void* v, int64_t v_batch, int64_t v_row, int64_t v_head,
                                  const void* y, const float* logsum, void* dq, float* dk,
                                  float* dv, int64_t batch, int64_t length, int64_t heads,
                                  int64_t width, int64_t window, int64_t half, int64_t threads) {
    const auto run = [&](auto number) {
        using Number = decltype(number);
        backward<Number>({dy, dy_batch, dy_row, dy_head}, {q, q_batch, q_row, q_head},
                         {k, k_batch, k_row, k_head}, {v, v_batch, v_row, v_head},
                         static_cast<const Number*>(y), logsum, static_cast<Number*>(dq), dk, dv,
                         batch, length, heads, width, window, threads);
    };
    half ? run(Half{}) : run(float{});
}
}
