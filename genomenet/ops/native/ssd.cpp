// The SSD scan of Mamba-2 (genomenet/ops/ssd.py), forward and backward, in blocks of positions.
//
// Letters: b rows, L positions, h heads, p width of a head, n state size, l positions of a block.
// States lie as (b, blocks + 1, h, n, p) with n and p rounded up to vectors: state c stands before
// block c, the last one after all positions. Padding of blocks and vectors holds zeros, which a
// step size of zero makes neutral.
#include "vectors.h"

namespace {

constexpr float MIN_LOG_DECAY = -60.0f;  // as in genomenet/ops/ssd_groups.py

struct Sizes {
    int64_t batch, length, blocks;
    int heads, width, state, block;  // as given
    int p, n, l;                     // rounded up

    int64_t state_size() const { return int64_t(n) * p; }
    int positions(int64_t c) const {
        return int(c + 1 < blocks ? block : length - c * block);
    }
};

Sizes make_sizes(int64_t batch, int64_t length, int heads, int width, int state, int block) {
    return {batch, length, (length + block - 1) / block, heads, width, state, block,
            rounded_up(width, PADDING), rounded_up(state, PADDING), rounded_up(block, PADDING)};
}

// Of one head in one block: sums of dt A, and the decays they make.
struct Decays {
    float *dt, *log, *start, *end;

    Decays(Memory& memory, int l)
        : dt(memory.take(l)), log(memory.take(l)), start(memory.take(l)), end(memory.take(l)) {}

    void fill(const float* dt_h, int heads, float A, int rows, int l) {
        float total = 0;
        for (int i = 0; i < l; i++) {
            dt[i] = i < rows ? dt_h[int64_t(i) * heads] : 0.0f;
            const float step = dt[i] * A;
            total += step < MIN_LOG_DECAY ? MIN_LOG_DECAY : step;
            log[i] = total;
        }
        for (int i = 0; i < l; i += WIDTH) {
            const Floats here = load(log + i);
            store(start + i, exponential(at_least(here, MIN_LOG_DECAY)));
            store(end + i, exponential(at_least(total - here, MIN_LOG_DECAY)));
        }
    }

    float kept(int l) const { return start[l - 1]; }

    // Decay from after j up to and including i, in row i.
    Floats pairs(int i, int j) const {
        return exponential(at_most(at_least(log[i] - load(log + j), MIN_LOG_DECAY), 0.0f));
    }
};

Floats below(Floats v, int i, int j) {  // keep columns j.. that are at most i
    return j + WIDTH - 1 <= i ? v : counting() <= i - j ? v : Floats{};
}

// One head of a block, while the next one is on its way.
void copy_head(const Rows<const float>& all, const Sizes& s, int64_t b, int64_t t, int h, int rows,
               float* to) {
    const auto of = [&](int head) {
        return Rows<const float>{all.data + int64_t(head) * s.width, all.batch, all.row};
    };
    if (h + 1 < s.heads) expect_rows(of(h + 1), b, t, rows, s.width);
    copy_rows(of(h), b, t, rows, s.width, to, s.l, s.p);
}

void scale_rows(const float* in, const float* by, float* out, int rows, int columns) {
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < columns; j += WIDTH)
            store(out + i * columns + j, load(in + i * columns + j) * by[i]);
}

// Go through blocks: before each of them its state takes the place of what it adds to it.
void carry_forward(const Sizes& s, float* states, const float* kept, const float* initial,
                   int64_t b, int h) {
    const int64_t size = s.state_size(), next = s.heads * size;
    float* state = states + (b * (s.blocks + 1) * s.heads + h) * size;
    Memory memory(size);
    float* carry = memory.take(size);
    if (initial)
        memcpy(carry, initial + (b * s.heads + h) * size, sizeof(float) * size);
    else
        memset(carry, 0, sizeof(float) * size);
    for (int64_t c = 0; c < s.blocks; c++, state += next) {
        const float factor = kept[(b * s.blocks + c) * s.heads + h];
        for (int64_t i = 0; i < size; i += WIDTH) {
            const Floats before = load(carry + i);
            store(carry + i, before * factor + load(state + i));
            store(state + i, before);
        }
    }
    memcpy(state, carry, sizeof(float) * size);
}

}  // namespace

extern "C" {

int64_t genomenet_padding() { return PADDING; }

void genomenet_ssd_forward(const float* x, int64_t x_batch, int64_t x_row, const float* dt,
                           const float* A, const float* B, int64_t B_batch, int64_t B_row,
                           const float* C, int64_t C_batch, int64_t C_row, const float* D,
                           const float* initial, float* y, float* states, int64_t batch,
                           int64_t length, int64_t heads, int64_t width, int64_t state,
                           int64_t block, int64_t threads) {
    const Sizes s = make_sizes(batch, length, int(heads), int(width), int(state), int(block));
    const Rows xs{x, x_batch, x_row}, Bs{B, B_batch, B_row}, Cs{C, C_batch, C_row};
    const int l = s.l, p = s.p, n = s.n;
    float* kept = static_cast<float*>(malloc(sizeof(float) * batch * s.blocks * heads));
#pragma omp parallel num_threads(threads)
    {
        Memory memory(5 * l + 3 * int64_t(l) * p + 3 * int64_t(l) * n + 2 * int64_t(l) * l + 256);
        Decays decays(memory, l);
        float *x_h = memory.take(l * p), *x_dt = memory.take(l * p), *y_h = memory.take(l * p);
        float *B_ln = memory.take(l * n), *B_nl = memory.take(l * n), *C_ln = memory.take(l * n);
        float *CB = memory.take(l * l), *weights = memory.take(l * l);

#pragma omp for
        for (int64_t bc = 0; bc < batch * s.blocks; bc++) {  // what each block adds to the state
            const int64_t b = bc / s.blocks, c = bc % s.blocks, t = c * block;
            const int rows = s.positions(c);
            copy_rows(Bs, b, t, rows, state, B_ln, l, n);
            for (int h = 0; h < heads; h++) {
                decays.fill(dt + (b * length + t) * heads + h, heads, A[h], rows, l);
                kept[bc * heads + h] = decays.kept(l);
                copy_head(xs, s, b, t, h, rows, x_h);
                for (int i = 0; i < l; i++) decays.end[i] *= decays.dt[i];
                scale_rows(x_h, decays.end, x_dt, l, p);
                product<true>(B_ln, x_dt,
                              states + ((b * (s.blocks + 1) + c) * heads + h) * s.state_size(), n,
                              p, l);
            }
        }
#pragma omp for
        for (int64_t bh = 0; bh < batch * heads; bh++)
            carry_forward(s, states, kept, initial, bh / heads, int(bh % heads));
#pragma omp for
        for (int64_t bc = 0; bc < batch * s.blocks; bc++) {
            const int64_t b = bc / s.blocks, c = bc % s.blocks, t = c * block;
            const int rows = s.positions(c);
            copy_rows(Bs, b, t, rows, state, B_ln, l, n);
            copy_rows(Cs, b, t, rows, state, C_ln, l, n);
            transpose(B_ln, B_nl, l, n);
            product(C_ln, B_nl, CB, l, l, n, OUT_LOWER);
            for (int h = 0; h < heads; h++) {
                decays.fill(dt + (b * length + t) * heads + h, heads, A[h], rows, l);
                copy_head(xs, s, b, t, h, rows, x_h);
                scale_rows(x_h, decays.dt, x_dt, l, p);
                for (int i = 0; i < l; i++)
                    for (int j = 0; j < rounded_up(i / ROWS * ROWS + ROWS, WIDTH); j += WIDTH)
                        store(weights + i * l + j,
                              below(decays.pairs(i, j) * load(CB + i * l + j), i, j));
                product(C_ln, states + ((b * (s.blocks + 1) + c) * heads + h) * s.state_size(), y_h,
                        l, p, n);
                scale_rows(y_h, decays.start, y_h, l, p);
                product(weights, x_dt, y_h, l, p, l, LEFT_LOWER, true);
                for (int i = 0; i < rows; i++) {
                    float* out = y + ((b * length + t + i) * heads + h) * width;
                    for (int j = 0; j < width; j++) out[j] = y_h[i * p + j] + D[h] * x_h[i * p + j];
                }
            }
        }
    }
    free(kept);
}

// Gradients of all inputs; those of A and D as one row a block, to be added up. `flows` is working
// memory of (b, blocks, h, n, p): the gradient of the state behind each block.
void genomenet_ssd_backward(const float* dy, const float* x, int64_t x_batch, int64_t x_row,
                            const float* dt, const float* A, const float* B, int64_t B_batch,
                            int64_t B_row, const float* C, int64_t C_batch, int64_t C_row,
                            const float* D, const float* states, float* flows, float* dx,
                            int64_t dx_batch, int64_t dx_row, float* ddt, float* dA, float* dB,
                            int64_t dB_batch, int64_t dB_row, float* dC, int64_t dC_batch,
                            int64_t dC_row, float* dD, int64_t batch, int64_t length, int64_t heads,
                            int64_t width, int64_t state, int64_t block, int64_t threads) {
    const Sizes s = make_sizes(batch, length, int(heads), int(width), int(state), int(block));
    const int64_t across = heads * width;
    const Rows dys{dy, length * across, across};
    const Rows xs{x, x_batch, x_row}, Bs{B, B_batch, B_row}, Cs{C, C_batch, C_row};
    const Rows dxs{dx, dx_batch, dx_row}, dBs{dB, dB_batch, dB_row}, dCs{dC, dC_batch, dC_row};
    const int l = s.l, p = s.p, n = s.n;
    const int64_t size = s.state_size();
    float* kept = static_cast<float*>(malloc(sizeof(float) * batch * s.blocks * heads));
    float* passed = static_cast<float*>(malloc(sizeof(float) * batch * s.blocks * heads));
#pragma omp parallel num_threads(threads)
    {
        Memory memory(12 * l + 8 * int64_t(l) * p + 6 * int64_t(l) * n + 7 * int64_t(l) * l +
                      size + 1024);
        Decays decays(memory, l);
        float *x_h = memory.take(l * p), *x_dt = memory.take(l * p), *dy_h = memory.take(l * p),
              *scaled = memory.take(l * p), *turned = memory.take(l * p),
              *dx_dt = memory.take(l * p);
        float *B_ln = memory.take(l * n), *C_ln = memory.take(l * n), *n_l = memory.take(l * n),
              *dB_ln = memory.take(l * n), *dC_ln = memory.take(l * n), *one_ln = memory.take(l * n);
        float *CB = memory.take(l * l), *weights = memory.take(l * l), *dweights = memory.take(l * l),
              *dCB = memory.take(l * l);
        float* p_n = memory.take(size);
        float *read = memory.take(l), *wrote = memory.take(l), *columns = memory.take(l),
              *direct = memory.take(l);

#pragma omp for
        for (int64_t bc = 0; bc < batch * s.blocks; bc++) {  // what outputs ask of the state before
            const int64_t b = bc / s.blocks, c = bc % s.blocks, t = c * block;
            const int rows = s.positions(c);
            copy_rows(Cs, b, t, rows, state, C_ln, l, n);
            for (int h = 0; h < heads; h++) {
                decays.fill(dt + (b * length + t) * heads + h, heads, A[h], rows, l);
                kept[bc * heads + h] = decays.kept(l);
                copy_head(dys, s, b, t, h, rows, dy_h);
                scale_rows(dy_h, decays.start, scaled, l, p);
                product<true>(C_ln, scaled, flows + (bc * heads + h) * size, n, p, l);
            }
        }
#pragma omp for
        for (int64_t bh = 0; bh < batch * heads; bh++) {  // from the last block to the first
            const int64_t b = bh / heads;
            const int h = int(bh % heads);
            float* carry = p_n;
            memset(carry, 0, sizeof(float) * size);
            for (int64_t c = s.blocks - 1; c >= 0; c--) {
                float* flow = flows + ((b * s.blocks + c) * heads + h) * size;
                const float* before = states + ((b * (s.blocks + 1) + c) * heads + h) * size;
                const float factor = kept[(b * s.blocks + c) * heads + h];
                Floats total{};
                for (int64_t i = 0; i < size; i += WIDTH) {
                    const Floats behind = load(carry + i);
                    total += behind * load(before + i);
                    store(carry + i, behind * factor + load(flow + i));
                    store(flow + i, behind);
                }
                passed[(b * s.blocks + c) * heads + h] = sum(total) * factor;
            }
        }
#pragma omp for
        for (int64_t bc = 0; bc < batch * s.blocks; bc++) {
            const int64_t b = bc / s.blocks, c = bc % s.blocks, t = c * block;
            const int rows = s.positions(c);
            copy_rows(Bs, b, t, rows, state, B_ln, l, n);
            copy_rows(Cs, b, t, rows, state, C_ln, l, n);
            transpose(B_ln, n_l, l, n);
            product(C_ln, n_l, CB, l, l, n, OUT_LOWER);
            memset(dCB, 0, sizeof(float) * l * l);
            for (int h = 0; h < heads; h++) {
                const float* state_h = states + ((b * (s.blocks + 1) + c) * heads + h) * size;
                const float* flow_h = flows + (bc * heads + h) * size;
                decays.fill(dt + (b * length + t) * heads + h, heads, A[h], rows, l);
                copy_head(xs, s, b, t, h, rows, x_h);
                copy_head(dys, s, b, t, h, rows, dy_h);
                scale_rows(x_h, decays.dt, x_dt, l, p);

                // Through the state before the block, which outputs read.
                scale_rows(dy_h, decays.start, scaled, l, p);
                transpose(state_h, p_n, n, p);
                product(scaled, p_n, one_ln, l, n, p);
                for (int i = 0; i < l; i++) {
                    Floats total{};
                    for (int j = i * n; j < (i + 1) * n; j += WIDTH) {
                        const Floats here = load(one_ln + j);
                        total += here * load(C_ln + j);
                        store(dC_ln + j, h > 0 ? load(dC_ln + j) + here : here);
                    }
                    read[i] = sum(total);
                }

                // Through the state behind the block, which inputs went into.
                product(B_ln, flow_h, dx_dt, l, p, n);
                scale_rows(dx_dt, decays.end, dx_dt, l, p);
                for (int i = 0; i < l; i++) {
                    Floats total{};
                    for (int j = 0; j < p; j += WIDTH)
                        total += load(dx_dt + i * p + j) * load(x_dt + i * p + j);
                    wrote[i] = sum(total);
                }
                scale_rows(x_dt, decays.end, scaled, l, p);
                transpose(flow_h, p_n, n, p);
                product(scaled, p_n, dB_ln, l, n, p, FULL, h > 0);

                // Inside the block.
                transpose(x_dt, turned, l, p);
                product(dy_h, turned, dweights, l, l, p, OUT_LOWER);
                memset(columns, 0, sizeof(float) * l);
                for (int i = 0; i < l; i++) {
                    Floats total{};
                    const int stop = rounded_up(i / ROWS * ROWS + ROWS, WIDTH);
                    for (int j = 0; j < stop; j += WIDTH) {
                        const Floats pairs = below(decays.pairs(i, j), i, j);
                        const Floats product_ij = load(CB + i * l + j);
                        const Floats given = below(load(dweights + i * l + j), i, j) * pairs;
                        store(weights + i * l + j, pairs * product_ij);
                        store(dCB + i * l + j, load(dCB + i * l + j) + given);
                        // A position's own input passes no decay; it would swamp the others.
                        const Floats flow = below(given * product_ij, i - 1, j);
                        total += flow;
                        store(columns + j, load(columns + j) + flow);
                    }
                    read[i] += sum(total);
                }
                product<true>(weights, dy_h, dx_dt, l, p, l, LEFT_UPPER, true);

                for (int i = 0; i < rows; i++) {
                    float* out = dxs.at(b, t + i) + h * width;
                    float given = 0;
                    for (int j = 0; j < width; j++) {
                        const float dx_dt_ij = dx_dt[i * p + j];
                        out[j] = dx_dt_ij * decays.dt[i] + dy_h[i * p + j] * D[h];
                        given += dx_dt_ij * x_h[i * p + j];
                    }
                    direct[i] = given;
                }
                Floats through{};
                for (int i = 0; i < l * p; i += WIDTH) through += load(dy_h + i) * load(x_h + i);
                dD[bc * heads + h] = sum(through);
                // Everything that passes the decay of a step: outputs from it on, states on their
                // way through the block, inputs before it on their way to the end.
                float after = 0, before = 0, dA_h = 0;
                for (int i = rows - 1; i >= 0; i--) {
                    after += read[i] - columns[i];
                    read[i] = after;
                }
                for (int i = 0; i < rows; i++) {
                    float dlog = read[i] + passed[bc * heads + h] + before;
                    before += wrote[i];
                    // A step at the bound lets nothing pass.
                    if (decays.dt[i] * A[h] <= MIN_LOG_DECAY) dlog = 0;
                    ddt[(b * length + t + i) * heads + h] = direct[i] + dlog * A[h];
                    dA_h += dlog * decays.dt[i];
                }
                dA[bc * heads + h] = dA_h;
            }
            product(dCB, B_ln, dC_ln, l, n, l, LEFT_LOWER, true);
            product<true>(dCB, C_ln, dB_ln, l, n, l, LEFT_UPPER, true);
            for (int i = 0; i < rows; i++) {
                memcpy(dBs.at(b, t + i), dB_ln + i * n, sizeof(float) * state);
                memcpy(dCs.at(b, t + i), dC_ln + i * n, sizeof(float) * state);
            }
        }
    }
    free(kept);
    free(passed);
}

// One position of some rows. States are (all rows, heads, width, state), as decoding keeps them;
// null for `rows` is all of them in order. x, B and C are so many floats apart from row to row.
void genomenet_ssd_step(float* states, const int64_t* rows, const float* x, int64_t x_row,
                        const float* dt, const float* A, const float* B, int64_t B_row,
                        const float* C, int64_t C_row, const float* D, float* y, int64_t count,
                        int64_t heads, int64_t width, int64_t state, int64_t threads) {
#pragma omp parallel for num_threads(threads)
    for (int64_t rh = 0; rh < count * heads; rh++) {
        const int64_t r = rh / heads, h = rh % heads;
        float* here = states + ((rows ? rows[r] : r) * heads + h) * width * state;
        const float *x_h = x + r * x_row + h * width, *B_r = B + r * B_row, *C_r = C + r * C_row;
        const float kept = exponential(splat(dt[rh] * A[h]))[0];
        for (int64_t p = 0; p < width; p++, here += state) {
            const float step = dt[rh] * x_h[p];
            Floats total{};
            for (int64_t n = 0; n < state; n += WIDTH) {
                const int some = width_at(n, state);
                const Floats after =
                    load_some(here + n, some) * kept + load_some(B_r + n, some) * step;
                store_some(here + n, after, some);
                total += after * load_some(C_r + n, some);
            }
            y[rh * width + p] = sum(total) + D[h] * x_h[p];
        }
    }
}
}
