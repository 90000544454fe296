// SwiGLU's product (genomenet/ops/swiglu.py) in float32 or bfloat16, forward and backward.
#include "vectors.h"

namespace {

// out = silu(gate) * up, both halves of rows of 2 * width.
template <typename Number>
void forward(const Number* up_gate, Number* out, int64_t rows, int64_t width, int64_t threads) {
#pragma omp parallel for num_threads(threads)
    for (int64_t i = 0; i < rows; i++)
        for (int64_t c = 0; c < width; c += WIDTH) {
            const int some = width_at(c, width);
            const Floats up = load_some(up_gate + 2 * i * width + c, some);
            const Floats z = load_some(up_gate + (2 * i + 1) * width + c, some);
            store_some(out + i * width + c, up * z * sigmoid(z), some);
        }
}

template <typename Number>
void backward(const Number* dout, const Number* up_gate, Number* dup_gate, int64_t rows,
              int64_t width, int64_t threads) {
#pragma omp parallel for num_threads(threads)
    for (int64_t i = 0; i < rows; i++)
        for (int64_t c = 0; c < width; c += WIDTH) {
            const int some = width_at(c, width);
            const Floats d = load_some(dout + i * width + c, some);
            const Floats up = load_some(up_gate + 2 * i * width + c, some);
            const Floats z = load_some(up_gate + (2 * i + 1) * width + c, some), s = sigmoid(z);
            store_some(dup_gate + 2 * i * width + c, d * z * s, some);
            store_some(dup_gate + (2 * i + 1) * width + c, d * up * s * (1.0f + z * (1.0f - s)),
                       some);
        }
}

}  // namespace

extern "C" {

void genomenet_swiglu_forward(const void* up_gate, void* out, int64_t rows, int64_t width,
                              int64_t half, int64_t threads) {
    if (half)
        forward(static_cast<const Half*>(up_gate), static_cast<Half*>(out), rows, width, threads);
    else
        forward(static_cast<const float*>(up_gate), static_cast<float*>(out), rows, width, threads);
}

void genomenet_swiglu_backward(const void* dout, const void* up_gate, void* dup_gate, int64_t rows,
                               int64_t width, int64_t half, int64_t threads) {
    if (half)
        backward(static_cast<const Half*>(dout), static_cast<const Half*>(up_gate),
                 static_cast<Half*>(dup_gate), rows, width, threads);
    else
        backward(static_cast<const float*>(dout), static_cast<const float*>(up_gate),
                 static_cast<float*>(dup_gate), rows, width, threads);
}
}
