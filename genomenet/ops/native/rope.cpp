// Rotary positions of queries and keys (genomenet/ops/rope.py), between a joint projection of
// queries, keys and values and attention, in float32 or bfloat16; angles are float32.
#include "vectors.h"

namespace {

// One head: pairs (i, i + half) turned by the angles given, all else copied.
template <typename Number>
inline void turn(const Number* in, const float* cos, const float* sin, float sign, Number* out,
                 int64_t half, int64_t width) {
    for (int64_t c = 0; c < half; c += WIDTH) {
        const int some = width_at(c, half);
        const Floats a = load_some(in + c, some), b = load_some(in + half + c, some);
        const Floats x = load_some(cos + c, some), y = load_some(sin + c, some) * sign;
        store_some(out + c, a * x - b * y, some);
        store_some(out + half + c, b * x + a * y, some);
    }
    memcpy(out + 2 * half, in + 2 * half, sizeof(Number) * (width - 2 * half));
}

struct Sizes {
    int64_t batch, length, heads, width, half, threads;
};

template <typename Number>
void forward(const Number* qkv, const float* cos, const float* sin, Number* q, Number* k,
             const Sizes& s) {
#pragma omp parallel for num_threads(s.threads)
    for (int64_t row = 0; row < s.batch * s.length; row++) {
        const float *cos_t = cos + row % s.length * s.half, *sin_t = sin + row % s.length * s.half;
        for (int64_t h = 0; h < s.heads; h++) {
            const Number* in = qkv + (row * 3 * s.heads + h) * s.width;
            const int64_t at = (row * s.heads + h) * s.width;
            turn(in, cos_t, sin_t, 1.0f, q + at, s.half, s.width);
            turn(in + s.heads * s.width, cos_t, sin_t, 1.0f, k + at, s.half, s.width);
        }
    }
}

// A gradient, with the distances between its sequences, positions and heads.
template <typename Number>
struct Heads {
    const void* data;
    int64_t batch, row, head;
    const Number* at(int64_t b, int64_t t, int64_t h) const {
        return static_cast<const Number*>(data) + b * batch + t * row + h * head;
    }
};

template <typename Number>
void backward(const Heads<Number>& dq, const Heads<Number>& dk, const Heads<Number>& dv,
              const float* cos, const float* sin, Number* dqkv, const Sizes& s) {
#pragma omp parallel for num_threads(s.threads)
    for (int64_t row = 0; row < s.batch * s.length; row++) {
        const int64_t b = row / s.length, t = row % s.length, apart = s.heads * s.width;
        const float *cos_t = cos + t * s.half, *sin_t = sin + t * s.half;
        for (int64_t h = 0; h < s.heads; h++) {
            Number* out = dqkv + (row * 3 * s.heads + h) * s.width;
            turn(dq.at(b, t, h), cos_t, sin_t, -1.0f, out, s.half, s.width);
            turn(dk.at(b, t, h), cos_t, sin_t, -1.0f, out + apart, s.half, s.width);
            memcpy(out + 2 * apart, dv.at(b, t, h), sizeof(Number) * s.width);
        }
    }
}

}  // namespace

extern "C" {

// qkv is (batch, length, 3, heads, width), both outputs are (batch, length, heads, width).
void genomenet_rope_forward(const void* qkv, const float* cos, const float* sin, void* q, void* k,
                            int64_t batch, int64_t length, int64_t heads, int64_t width,
                            int64_t half, int64_t bfloat16, int64_t threads) {
    const Sizes s{batch, length, heads, width, half, threads};
    if (bfloat16)
        forward(static_cast<const Half*>(qkv), cos, sin, static_cast<Half*>(q),
                static_cast<Half*>(k), s);
    else
        forward(static_cast<const float*>(qkv), cos, sin, static_cast<float*>(q),
                static_cast<float*>(k), s);
}

void genomenet_rope_backward(const void* dq, int64_t q_batch, int64_t q_row, int64_t q_head,
                             const void* dk, int64_t k_batch, int64_t k_row, int64_t k_head,
                             const void* dv, int64_t v_batch, int64_t v_row, int64_t v_head,
                             const float* cos, const float* sin, void* dqkv, int64_t batch,
                             int64_t length, int64_t heads, int64_t width, int64_t half,
                             int64_t bfloat16, int64_t threads) {
    const Sizes s{batch, length, heads, width, half, threads};
    if (bfloat16)
        backward<Half>({dq, q_batch, q_row, q_head}, {dk, k_batch, k_row, k_head},
                       {dv, v_batch, v_row, v_head}, cos, sin, static_cast<Half*>(dqkv), s);
    else
        backward<float>({dq, q_batch, q_row, q_head}, {dk, k_batch, k_row, k_head},
                        {dv, v_batch, v_row, v_head}, cos, sin, static_cast<float*>(dqkv), s);
}
}
