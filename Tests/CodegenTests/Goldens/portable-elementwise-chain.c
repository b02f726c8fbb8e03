/* elementwise chain */
#if defined(__FAST_MATH__) || (defined(__FLT_EVAL_METHOD__) && __FLT_EVAL_METHOD__ != 0 && __FLT_EVAL_METHOD__ != 16)
#error "each operation must round once, in its own type: no -ffast-math, no x87 arithmetic"
#endif
#if defined(__clang__)
#pragma STDC FP_CONTRACT OFF
#pragma clang attribute push(__attribute__((no_builtin("memset", "memcpy", "memmove"))), apply_to = function)
#elif defined(__GNUC__) && !defined(__TINYC__)
#pragma GCC optimize("fp-contract=off", "no-tree-loop-distribute-patterns")
#endif
typedef unsigned char u8;
typedef unsigned long long u64;
static inline float max_f32(float a, float b) { return (a > b || a != a) ? a : b; }
/* a * b + c, rounded once. */
#if defined(__clang__) && defined(__has_builtin) && (defined(__FMA__) || defined(__FP_FAST_FMAF) \
    || defined(__ARM_FEATURE_FMA) || (defined(__riscv_flen) && __riscv_flen >= 32))
#if __has_builtin(__builtin_elementwise_fma)
#define FMA_BUILTIN __builtin_elementwise_fma
#endif
#endif
#if !defined(FMA_BUILTIN) && defined(__FP_FAST_FMAF)
#define FMA_BUILTIN __builtin_fmaf
#endif
#if defined(FMA_BUILTIN)
static inline float fma_f32(float a, float b, float c) { return FMA_BUILTIN(a, b, c); }
#else
static float fma_f32(float a, float b, float c) {
  /* The product is exact in double; the sum is rounded to odd, so that rounding it to float rounds once. */
  union { double value; u64 bits; } sum;
  const double product = (double)a * (double)b;
  const double addend = c;
  double back, rest;
  sum.value = product + addend;
  back = sum.value - product;
  rest = (product - (sum.value - back)) + (addend - back);
  if ((rest < 0.0 || rest > 0.0) && (sum.bits & 1u) == 0u) {
    if ((rest > 0.0) == (sum.value > 0.0)) sum.bits += 1u;
    else sum.bits -= 1u;
  }
  return (float)sum.value;
}
#endif
#undef FMA_BUILTIN

/* multiply, add, maximum (mlp.swift:12) */
static void k0_scale_and_shift(const float *restrict x, const float *restrict bias,
    float *restrict y, u8 *restrict positive, long worker, long workers) {
  const long last0 = 16 * (worker + 1) / workers;
  for (long i0 = 16 * worker / workers; i0 < last0; i0++) {
    /* relu(1.1 * x + bias) */
    for (long i1 = 0; i1 < 64; i1++) {
      const int v0 = i0 * 64 + i1 < 1000;
      const float v4 = fma_f32(v0 ? x[i0 * 64 + i1] : 0.0f, 0x1.19999ap0f /* 1.1 */, v0 ? bias[i0 * 64 + i1] : 0.0f);
      if (v0) y[i0 * 64 + i1] = max_f32(v4, 0.0f);
      if (v0) positive[i0 * 64 + i1] = 0.0f < v4;
    }
  }
}

/*
  Every worker runs this, with its number and how many there are; the barrier waits for all.
  state: 4032 bytes; scratch: 8064 bytes.
  Returns 0.
*/
int step(unsigned char *state, unsigned char *scratch,
         unsigned char *const *inputs, long worker, long workers,
         void (*barrier)(void *), void *context) {
  (void)state, (void)scratch, (void)inputs, (void)worker, (void)workers, (void)barrier, (void)context;
  k0_scale_and_shift((const float *)inputs[0], (const float *)(state + 0), (float *)(scratch + 0),
      (u8 *)(scratch + 4032), worker, workers);
  return 0;
}
#if defined(__clang__)
#pragma clang attribute pop
#endif
