/* W7 as one would write it by hand for AVX-512: the loop of its step with intrinsics, and Cinch's approximations of tanh, sigmoid and
   exp. What a compiler that schedules and allocates registers makes of it is what Cinch's own code is measured by. */
#include <immintrin.h>

typedef __m512 vector;

static inline vector all(float a) { return _mm512_set1_ps(a); }
static inline vector add(vector a, vector b) { return _mm512_add_ps(a, b); }
static inline vector subtract(vector a, vector b) { return _mm512_sub_ps(a, b); }
static inline vector multiply(vector a, vector b) { return _mm512_mul_ps(a, b); }
static inline vector divide(vector a, vector b) { return _mm512_div_ps(a, b); }
static inline vector fma(vector a, vector b, vector c) { return _mm512_fmadd_ps(a, b, c); }
static inline vector clamp(vector a, float low, float high) { return _mm512_min_ps(_mm512_max_ps(a, all(low)), all(high)); }
/* The power of two whose exponent the rounded sum with a large constant has in its low bits. */
static inline vector power(vector a) { return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_castps_si512(a), 23)); }

/* By exp(−2|a|) − 1, and a division that is corrected once. */
static inline vector tanh16(vector a) {
  const vector magnitude = _mm512_min_ps(_mm512_abs_ps(a), all(10.0f));
  const vector shifted = fma(magnitude, all(-0x1.715476p1f), all(0x1.8000fep23f));
  const vector whole = subtract(shifted, all(0x1.8000fep23f));
  const vector rest = fma(whole, all(0x1.7f7d1cp-21f), fma(whole, all(0x1.62e4p-2f), magnitude));
  vector p = fma(all(0x1.6ba496p-4f), rest, all(-0x1.122a72p-2f));
  p = fma(p, rest, all(0x1.5556fp-1f));
  p = fma(p, rest, all(-0x1.5554aep0f));
  p = multiply(fma(p, rest, all(0x1.fffffep0f)), rest);
  const vector scale = power(shifted);
  const vector e = fma(fma(p, rest, multiply(all(-2.0f), rest)), scale, subtract(scale, all(1.0f)));
  const vector q = divide(e, subtract(all(-2.0f), e));
  const vector error = fma(q, e, fma(all(2.0f), q, e));
  const vector result = fma(error, fma(all(-0.5f), q, all(-0.5f)), q);
  const __m512i sign = _mm512_castps_si512(all(-0.0f));
  /* The sign of a on the magnitude of the result. */
  return _mm512_castsi512_ps(_mm512_ternarylogic_epi32(sign, _mm512_castps_si512(a), _mm512_castps_si512(result), 0xca));
}

static inline vector sigmoid16(vector a) {
  const vector x = clamp(a, -105.0f, 60.0f);
  const vector shifted = fma(x, all(0x1.715476p0f), all(0x1.80013ap23f));
  const vector whole = subtract(shifted, all(0x1.80013ap23f));
  const vector rest = fma(whole, all(-0x1.7f7d1cp-20f), fma(whole, all(-0x1.62e4p-1f), x));
  vector p = fma(all(0x1.6a4d6ep-10f), rest, all(0x1.123e58p-7f));
  p = fma(p, rest, all(0x1.5558b8p-5f));
  p = fma(p, rest, all(0x1.55548cp-3f));
  p = multiply(fma(p, rest, all(0x1.fffffcp-2f)), rest);
  const vector scale = power(shifted);
  const vector e = fma(fma(p, rest, rest), scale, scale);
  const vector q = divide(e, add(e, all(0x1p30f)));
  const __mmask16 negative = _mm512_cmp_ps_mask(x, _mm512_setzero_ps(), _CMP_LT_OS);
  const vector error = _mm512_fnmadd_ps(q, e, _mm512_fnmadd_ps(q, all(0x1p30f), e));
  return fma(error, _mm512_maskz_fnmadd_ps(negative, q, all(0x1p-30f), all(0x1p-30f)), q);
}

static inline vector exp16(vector a) {
  const vector x = clamp(a, -120.0f, 100.0f);
  const vector shifted = fma(x, all(0x1.715476p-1f), all(0x1.8000fep23f));
  const vector whole = subtract(shifted, all(0x1.8000fep23f));
  const vector rest = fma(whole, all(-0x1.7f7d1cp-19f), fma(whole, all(-0x1.62e4p0f), x));
  vector p = fma(all(0x1.9b14f8p-13f), rest, all(0x1.71d3b8p-10f));
  p = fma(p, rest, all(0x1.11298p-7f));
  p = fma(p, rest, all(0x1.5549b2p-5f));
  p = fma(p, rest, all(0x1.55550ap-3f));
  p = fma(p, rest, all(0x1.00000cp-1f));
  const vector scale = power(shifted);
  return multiply(multiply(fma(fma(p, rest, all(1.0f)), rest, all(1.0f)), scale), scale);
}

/* The sum of 64 lanes, halving them. */
static float sum_of_lanes(float *lanes) {
  for (int half = 32; half > 0; half /= 2)
    for (int lane = 0; lane < half; lane++) lanes[lane] += lanes[lane + half];
  return lanes[0];
}

/* One step: the parameters are updated, the loss is returned. `count` is a multiple of 16384. */
float elementwise_step(float *a, float *b, float *c, const float *x, float learning_rate, long count) {
  const vector rate = all(-learning_rate);
  float total[64] = {0};
  for (long run = 0; run < count / 16384; run++) {
    vector sums[4];
    float lanes[64];
    for (int v = 0; v < 4; v++) sums[v] = _mm512_setzero_ps();
    for (long start = run * 16384; start < (run + 1) * 16384; start += 64)
      for (int v = 0; v < 4; v++) {
        const long i = start + 16 * v;
        const vector va = _mm512_loadu_ps(a + i), vb = _mm512_loadu_ps(b + i), vc = _mm512_loadu_ps(c + i);
        const vector vx = _mm512_loadu_ps(x + i);
        const vector t = tanh16(fma(va, vx, vb)), s = sigmoid16(multiply(vc, vx));
        const vector g = exp16(subtract(all(-0.0f), multiply(vx, vx)));
        const vector gb = multiply(s, _mm512_fnmadd_ps(t, t, all(1.0f)));
        const vector gs = multiply(s, subtract(all(1.0f), s));
        _mm512_storeu_ps(a + i, fma(rate, multiply(gb, vx), va));
        _mm512_storeu_ps(b + i, fma(rate, gb, vb));
        _mm512_storeu_ps(c + i, fma(rate, multiply(multiply(t, gs), vx), vc));
        sums[v] = add(sums[v], fma(t, s, g));
      }
    for (int v = 0; v < 4; v++) _mm512_storeu_ps(lanes + 16 * v, sums[v]);
    total[run % 64] += sum_of_lanes(lanes);
  }
  return sum_of_lanes(total);
}
