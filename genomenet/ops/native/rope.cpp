// Rotary positions of queries and keys (genomenet/ops/rope.py), between a joint projection of
// queries, keys and values and attention.
#include "vectors.h"

namespace {

// One head: pairs (i, i + half) turned by the angles given, all else copied.
inline void turn(const float* in, const float* cos, const float* sin, float sign, float* out,
                 int64_t half, int64_t width) {
    for (int64_t c = 0; c < half; c += WIDTH) {
        const int some = width_at(c, half);
        const Floats a = load_some(in + c, some), b = load_some(in + half + c, some);
        const Floats x = load_some(cos + c, some), y = load_some(sin + c, some) * sign;
        store_some(out + c, a * x - b * y, some);
        store_some(out + half + c, b * x + a * y, some);
    }
    memcpy(out + 2 * half, in + 2 * half, sizeof(float) * (width - 2 * half));
}

}  // namespace

extern "C" {

// qkv is (batch, length, 3, heads, width), both outputs are (batch, length, heads, width).
void genomenet_rope_forward(const float* qkv, const float* cos, const float* sin, float* q,
                            float* k, int64_t batch, int64_t length, int64_t heads, int64_t width,
                            int64_t half, int64_t threads) {
#pragma omp parallel for num_threads(threads)
    for (int64_t row = 0; row < batch * length; row++) {
        const float *cos_t = cos + row % length * half, *sin_t = sin + row % length * half;
        for (int64_t h = 0; h < heads; h++) {
            const float* in = qkv + (row * 3 * heads + h) * width;
            const int64_t at = (row * heads + h) * width;
            turn(in, cos_t, sin_t, 1.0f, q + at, half, width);
            turn(in + heads * width, cos_t, sin_t, 1.0f, k + at, half, width);
        }
    }
}

// Gradients of q, k and v, each with the distances between its sequences, positions and heads.
void genomenet_rope_backward(const float* dq, int64_t q_batch, int64_t q_row, int64_t q_head,
                             const float* dk, int64_t k_batch, int64_t k_row, int64_t k_head,
                             const float* dv, int64_t v_batch, int64_t v_row, int64_t v_head,
                             const float* cos, const float* sin, float* dqkv, int64_t batch,
                             int64_t length, int64_t heads, int64_t width, int64_t half,
                             int64_t threads) {
#pragma omp parallel for num_threads(threads)
    for (int64_t row = 0; row < batch * length; row++) {
        const int64_t b = row / length, t = row % length;
        const float *cos_t = cos + t * half, *sin_t = sin + t * half;
        for (int64_t h = 0; h < heads; h++) {
            float* out = dqkv + (row * 3 * heads + h) * width;
            turn(dq + b * q_batch + t * q_row + h * q_head, cos_t, sin_t, -1.0f, out, half, width);
            out += heads * width;
            turn(dk + b * k_batch + t * k_row + h * k_head, cos_t, sin_t, -1.0f, out, half, width);
            out += heads * width;
            memcpy(out, dv + b * v_batch + t * v_row + h * v_head, sizeof(float) * width);
        }
    }
}
}
