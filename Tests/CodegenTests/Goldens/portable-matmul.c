/* matmul */
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

/* linear1 = x _ weight + bias */
/* mlp.swift:14 */
static void k0_linear(const float *restrict x, const float *restrict weight,
    const float *restrict bias, float *restrict y, long worker, long workers) {
  const long last0 = 3 * (worker + 1) / workers;
  for (long i0 = 3 * worker / workers; i0 < last0; i0++) {
    /* columns in tiles of 32 */
    for (long i1 = 0; i1 < 2; i1++) {
      u8 v1[4][32];
      float sum2[4][32];
      for (long i2 = 0; i2 < 4; i2++) {
        for (long i3 = 0; i3 < 32; i3++) {
          v1[i2][i3] = i1 * 32 + i3 < 50;
          sum2[i2][i3] = 0.0f;
        }
      }
      /* inner products */
      for (long i4 = 0; i4 < 40; i4++) {
        for (long i2 = 0; i2 < 4; i2++) {
          for (long i3 = 0; i3 < 32; i3++) {
            sum2[i2][i3] = fma_f32(x[i0 * 160 + i2 * 40 + i4], v1[i2][i3] ? weight[i1 * 32 + i3 + i4 * 50] : 0.0f, sum2[i2][i3]);
          }
        }
      }
      for (long i2 = 0; i2 < 4; i2++) {
        for (long i3 = 0; i3 < 32; i3++) {
          if (v1[i2][i3]) y[i0 * 200 + i1 * 32 + i2 * 50 + i3] = sum2[i2][i3] + (v1[i2][i3] ? bias[i1 * 32 + i3] : 0.0f);
        }
      }
    }
  }
}

/*
  Every worker runs this, with its number and how many there are; the barrier waits for all.
  state: 8256 bytes; scratch: 2432 bytes.
  Returns 0.
*/
int step(unsigned char *state, unsigned char *scratch,
         unsigned char *const *inputs, long worker, long workers,
         void (*barrier)(void *), void *context) {
  (void)state, (void)scratch, (void)inputs, (void)worker, (void)workers, (void)barrier, (void)context;
  k0_linear((const float *)inputs[0], (const float *)(state + 0), (const float *)(state + 8000),
      (float *)(scratch + 0), worker, workers);
  if (workers > 1) barrier(context);
  return 0;
}
#if defined(__clang__)
#pragma clang attribute pop
#endif
