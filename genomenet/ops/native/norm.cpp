// RMSNorm and the gated RMSNorm of Mamba-2 (genomenet/ops/norm.py), forward and backward.
#include <cmath>

#include "vectors.h"

namespace {

constexpr int64_t BLOCK = 64;  // rows; the sums over each of them are added up outside

// What is normalised: x, or x times silu of the gate where there is one.
inline Floats value(const float* x, const float* gate, int64_t c, int some) {
    const Floats v = load_some(x + c, some);
    if (!gate) return v;
    const Floats z = load_some(gate + c, some);
    return v * z * sigmoid(z);
}

}  // namespace

extern "C" {

int64_t genomenet_norm_block() { return BLOCK; }

// gate may be null; its rows are gate_row floats apart, all others' are dense.
void genomenet_norm_forward(const float* x, const float* gate, int64_t gate_row,
                            const float* weight, float* out, float* inverse, int64_t rows,
                            int64_t width, float eps, int64_t threads) {
#pragma omp parallel for num_threads(threads)
    for (int64_t first = 0; first < rows; first += BLOCK)
        for (int64_t i = first; i < first + BLOCK && i < rows; i++) {
            const float* gate_i = gate ? gate + i * gate_row : nullptr;
            float* out_i = out + i * width;
            Floats squares{};
            for (int64_t c = 0; c < width; c += WIDTH) {
                const int some = width_at(c, width);
                const Floats v = value(x + i * width, gate_i, c, some);
                squares += v * v;
                store_some(out_i + c, v, some);
            }
            inverse[i] = 1.0f / std::sqrt(sum(squares) / float(width) + eps);
            for (int64_t c = 0; c < width; c += WIDTH) {
                const int some = width_at(c, width);
                store_some(out_i + c,
                           load_some(out_i + c, some) * inverse[i] * load_some(weight + c, some),
                           some);
            }
        }
}

// dgate and gate may be null together; dweight is (blocks of rows, width).
void genomenet_norm_backward(const float* dout, const float* x, const float* gate,
                             int64_t gate_row, const float* weight, const float* inverse,
                             float* dx, float* dgate, int64_t dgate_row, float* dweight,
                             int64_t rows, int64_t width, int64_t threads) {
    const int64_t blocks = (rows + BLOCK - 1) / BLOCK;
#pragma omp parallel for num_threads(threads)
    for (int64_t block = 0; block < blocks; block++) {
        float* dweight_b = dweight + block * width;
        memset(dweight_b, 0, sizeof(float) * width);
        for (int64_t i = block * BLOCK; i < (block + 1) * BLOCK && i < rows; i++) {
            const float *dout_i = dout + i * width, *x_i = x + i * width;
            const float* gate_i = gate ? gate + i * gate_row : nullptr;
            float* dx_i = dx + i * width;
            Floats along{};
            for (int64_t c = 0; c < width; c += WIDTH) {
                const int some = width_at(c, width);
                const Floats v = value(x_i, gate_i, c, some), d = load_some(dout_i + c, some);
                along += v * d * load_some(weight + c, some);
                store_some(dweight_b + c, load_some(dweight_b + c, some) + d * v * inverse[i], some);
            }
            const float shrink = sum(along) * inverse[i] * inverse[i] * inverse[i] / float(width);
            for (int64_t c = 0; c < width; c += WIDTH) {
                const int some = width_at(c, width);
                const Floats d = load_some(dout_i + c, some) * load_some(weight + c, some);
                const Floats y = load_some(x_i + c, some);
                if (!gate) {
                    store_some(dx_i + c, d * inverse[i] - y * shrink, some);
                    continue;
                }
                const Floats z = load_some(gate_i + c, some), s = sigmoid(z), open = z * s;
                const Floats dv = d * inverse[i] - y * open * shrink;
                store_some(dx_i + c, dv * open, some);
                store_some(dgate + i * dgate_row + c, dv * y * s * (1.0f + z * (1.0f - s)), some);
            }
        }
    }
}
}
