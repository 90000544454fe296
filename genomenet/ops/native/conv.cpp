// The causal depthwise convolution with SiLU (genomenet/ops/conv.py), forward and backward.
#include "vectors.h"

namespace {

constexpr int64_t BLOCK = 128;  // positions; the sums over each of them are added up outside
constexpr int64_t GROUP = 8;    // positions whose sums are kept in registers

// Before the activation, at position t and channels c..; weight is (TAPS, channels).
template <int TAPS>
inline Floats before(const float* weight, const float* bias, int64_t channels, const float* x,
                     int64_t row, int64_t t, int64_t c, int some) {
    Floats u = load_some(bias + c, some);
    for (int k = 0; k < TAPS; k++) {
        const int64_t from = t - (TAPS - 1) + k;
        if (from >= 0)
            u += load_some(weight + k * channels + c, some) * load_some(x + from * row + c, some);
    }
    return u;
}

template <int TAPS>
void forward(const float* x, int64_t x_batch, int64_t x_row, const float* weight,
             const float* bias, float* y, int64_t batch, int64_t length, int64_t channels,
             int64_t threads) {
    const int64_t blocks = (length + BLOCK - 1) / BLOCK;
#pragma omp parallel for num_threads(threads)
    for (int64_t part = 0; part < batch * blocks; part++) {
        const int64_t b = part / blocks, first = part % blocks * BLOCK;
        const int64_t last = first + BLOCK < length ? first + BLOCK : length;
        for (int64_t t = first; t < last; t++)
            for (int64_t c = 0; c < channels; c += WIDTH) {
                const int some = width_at(c, channels);
                const Floats u =
                    before<TAPS>(weight, bias, channels, x + b * x_batch, x_row, t, c, some);
                store_some(y + (b * length + t) * channels + c, u * sigmoid(u), some);
            }
    }
}

template <int TAPS>
void backward(const float* dy, int64_t dy_batch, int64_t dy_row, const float* x, int64_t x_batch,
              int64_t x_row, const float* weight, const float* bias, float* dx, int64_t dx_batch,
              int64_t dx_row, float* dweight, float* dbias, int64_t batch, int64_t length,
              int64_t channels, int64_t threads) {
    const int64_t blocks = (length + BLOCK - 1) / BLOCK;
    const int64_t padded = (channels + WIDTH - 1) / WIDTH * WIDTH;
#pragma omp parallel num_threads(threads)
    {
        Memory memory((BLOCK + TAPS) * padded);
        float* du = memory.take((BLOCK + TAPS) * padded);
#pragma omp for
        for (int64_t part = 0; part < batch * blocks; part++) {
            const int64_t b = part / blocks, first = part % blocks * BLOCK;
            const int64_t last = first + BLOCK < length ? first + BLOCK : length;
            // Positions behind the block read it too; beyond the end there are none.
            const int64_t reach = last + TAPS - 1 < length ? last + TAPS - 1 : length;
            const float *x_b = x + b * x_batch, *dy_b = dy + b * dy_batch;
            float *dx_b = dx + b * dx_batch, *dweight_b = dweight + part * TAPS * channels,
                  *dbias_b = dbias + part * channels;
            memset(dweight_b, 0, sizeof(float) * TAPS * channels);
            memset(dbias_b, 0, sizeof(float) * channels);
            for (int64_t t = first; t < reach; t++)
                for (int64_t c = 0; c < channels; c += WIDTH) {
                    const int some = width_at(c, channels);
                    const Floats u = before<TAPS>(weight, bias, channels, x_b, x_row, t, c, some);
                    const Floats s = sigmoid(u);
                    store(du + (t - first) * padded + c,
                          load_some(dy_b + t * dy_row + c, some) * s * (1.0f + u * (1.0f - s)));
                }
            memset(du + (reach - first) * padded, 0,
                   sizeof(float) * (last + TAPS - 1 - reach) * padded);
            for (int64_t group = first; group < last; group += GROUP)
                for (int64_t c = 0; c < channels; c += WIDTH) {
                    const int some = width_at(c, channels);
                    Floats taps[TAPS], sums[TAPS], total = load_some(dbias_b + c, some);
                    for (int k = 0; k < TAPS; k++) {
                        taps[k] = load_some(weight + k * channels + c, some);
                        sums[k] = load_some(dweight_b + k * channels + c, some);
                    }
                    for (int64_t t = group; t < group + GROUP && t < last; t++) {
                        const float* du_t = du + (t - first) * padded + c;
                        const Floats here = load(du_t);
                        Floats out{};
                        total += here;
                        for (int k = 0; k < TAPS; k++) {
                            const int64_t back = TAPS - 1 - k;
                            out += taps[k] * load(du_t + back * padded);
                            if (t >= back)
                                sums[k] += here * load_some(x_b + (t - back) * x_row + c, some);
                        }
                        store_some(dx_b + t * dx_row + c, out, some);
                    }
                    store_some(dbias_b + c, total, some);
                    for (int k = 0; k < TAPS; k++)
                        store_some(dweight_b + k * channels + c, sums[k], some);
                }
        }
    }
}

}  // namespace

extern "C" {

int64_t genomenet_conv_block() { return BLOCK; }

// 2 to 4 taps.
void genomenet_conv_forward(const float* x, int64_t x_batch, int64_t x_row, const float* weight,
                            const float* bias, float* y, int64_t batch, int64_t length,
                            int64_t channels, int64_t taps, int64_t threads) {
    (taps == 2 ? forward<2> : taps == 3 ? forward<3> : forward<4>)(
        x, x_batch, x_row, weight, bias, y, batch, length, channels, threads);
}

// dweight is (blocks of all rows, taps, channels), dbias (blocks of all rows, channels).
void genomenet_conv_backward(const float* dy, int64_t dy_batch, int64_t dy_row, const float* x,
                             int64_t x_batch, int64_t x_row, const float* weight,
                             const float* bias, float* dx, int64_t dx_batch, int64_t dx_row,
                             float* dweight, float* dbias, int64_t batch, int64_t length,
                             int64_t channels, int64_t taps, int64_t threads) {
    (taps == 2 ? backward<2> : taps == 3 ? backward<3> : backward<4>)(
        dy, dy_batch, dy_row, x, x_batch, x_row, weight, bias, dx, dx_batch, dx_row, dweight,
        dbias, batch, length, channels, threads);
}
}
