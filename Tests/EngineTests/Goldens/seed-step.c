/* training_step */
#if defined(__FAST_MATH__) || (defined(__FLT_EVAL_METHOD__) && __FLT_EVAL_METHOD__ != 0 && __FLT_EVAL_METHOD__ != 16)
#error "each operation must round once, in its own type: no -ffast-math, no x87 arithmetic"
#endif
#if defined(__clang__)
#pragma STDC FP_CONTRACT OFF
#pragma clang attribute push(__attribute__((no_builtin("memset", "memcpy", "memmove"))), apply_to = function)
#elif defined(__GNUC__) && !defined(__TINYC__)
#pragma GCC optimize("fp-contract=off", "no-tree-loop-distribute-patterns")
#endif
typedef int i32;
typedef unsigned int u32;
typedef unsigned long long u64;
static inline float float_of_bits(u32 a) {
  union { u32 from; float to; } pun;
  pun.from = a;
  return pun.to;
}
static inline u32 bits_of_float(float a) {
  union { float from; u32 to; } pun;
  pun.from = a;
  return pun.to;
}
static inline float max_f32(float a, float b) { return (a > b || a != a) ? a : b; }
static inline float min_f32(float a, float b) { return (a < b || a != a) ? a : b; }
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

/* %53 add i32[] SeedStepTests.swift:17 */
static void k0_map(i32 *restrict optimizer_step) {
  optimizer_step[0] = (i32)((u32)optimizer_step[0] + 1u);
}

/* %7 sigmoid f32[200, 100] 1 SeedStepTests.swift:14 */
/* %10 matmul f32[200, 1] 2 SeedStepTests.swift:15 */
/* %22 add f32[200, 1] SeedStepTests.swift:17 */
static void k1_rows(const float *restrict x, const float *restrict layer_0_weight,
    const float *restrict layer_0_bias, const float *restrict layer_2_weight, float *restrict t7,
    float *restrict t10, const float *restrict layer_2_bias, const float *restrict y,
    float *restrict t22) {
  for (long i0 = 0; i0 < 200; i0++) {
    const float v4 = x[i0];
    /* %7 sigmoid, %10 matmul */
    float lanes79[64];
    for (long i1 = 0; i1 < 64; i1++) {
      const float v9 = min_f32(60.0f, max_f32(-105.0f, fma_f32(v4, layer_0_weight[i1], layer_0_bias[i1])));
      const float v12 = fma_f32(v9, 0x1.715476p0f /* 1.442695 */, 0x1.80013ap23f /* 12583069.0 */);
      const float v13 = v12 - 0x1.80013ap23f /* 12583069.0 */;
      const float v17 = fma_f32(v13, -0x1.7f7d1cp-20f /* -1.4286068e-06 */, fma_f32(v13, -0x1.62e4p-1f /* -0.69314575 */, v9));
      const float v23 = fma_f32(fma_f32(fma_f32(0x1.6a4d6ep-10f /* 0.0013820742 */, v17, 0x1.123e58p-7f /* 0.008369248 */), v17, 0x1.5558b8p-5f /* 0.04166828 */), v17, 0x1.55548cp-3f /* 0.16666517 */);
      const float v31 = float_of_bits(bits_of_float(v12) << 23);
      const float v32 = fma_f32(fma_f32(fma_f32(v23, v17, 0x1.fffffcp-2f /* 0.49999994 */) * v17, v17, v17), v31, v31);
      const float v35 = v32 / (v32 + 0x1p30f /* 1.0737418e+09 */);
      const float v36 = -v35;
      const float v44 = fma_f32(fma_f32(v36, v32, fma_f32(v36, 0x1p30f /* 1.0737418e+09 */, v32)), v9 < 0.0f ? fma_f32(v36, 0x1p-30f /* 9.313226e-10 */, 0x1p-30f /* 9.313226e-10 */) : 0.0f, v35);
      const float v46 = fma_f32(v44, layer_2_weight[i1], 0.0f);
      t7[i0 * 100 + i1] = v44;
      const int v47 = i1 < 36;
      const float v52 = min_f32(60.0f, max_f32(-105.0f, fma_f32(v4, v47 ? layer_0_weight[i1 + 64] : 0.0f, v47 ? layer_0_bias[i1 + 64] : 0.0f)));
      const float v53 = fma_f32(v52, 0x1.715476p0f /* 1.442695 */, 0x1.80013ap23f /* 12583069.0 */);
      const float v54 = v53 - 0x1.80013ap23f /* 12583069.0 */;
      const float v56 = fma_f32(v54, -0x1.7f7d1cp-20f /* -1.4286068e-06 */, fma_f32(v54, -0x1.62e4p-1f /* -0.69314575 */, v52));
      const float v59 = fma_f32(fma_f32(fma_f32(0x1.6a4d6ep-10f /* 0.0013820742 */, v56, 0x1.123e58p-7f /* 0.008369248 */), v56, 0x1.5558b8p-5f /* 0.04166828 */), v56, 0x1.55548cp-3f /* 0.16666517 */);
      const float v65 = float_of_bits(bits_of_float(v53) << 23);
      const float v66 = fma_f32(fma_f32(fma_f32(v59, v56, 0x1.fffffcp-2f /* 0.49999994 */) * v56, v56, v56), v65, v65);
      const float v68 = v66 / (v66 + 0x1p30f /* 1.0737418e+09 */);
      const float v69 = -v68;
      const float v75 = fma_f32(fma_f32(v69, v66, fma_f32(v69, 0x1p30f /* 1.0737418e+09 */, v66)), v52 < 0.0f ? fma_f32(v69, 0x1p-30f /* 9.313226e-10 */, 0x1p-30f /* 9.313226e-10 */) : 0.0f, v68);
      const float v76 = v47 ? layer_2_weight[i1 + 64] : 0.0f;
      if (v47) t7[i0 * 100 + i1 + 64] = v75;
      lanes79[i1] = v47 ? fma_f32(v75, v76, v46) : v46;
    }
    for (long half = 32; half > 0; half /= 2) {
      for (long lane = 0; lane < half; lane++) lanes79[lane] = lanes79[lane] + lanes79[lane + half];
    }
    const float v79 = lanes79[0];
    t10[i0] = v79;
    const float v85 = 0x1.47ae14p-8f /* 0.005 */ * (v79 + layer_2_bias[0] - y[i0]);
    t22[i0] = v85 + v85;
  }
}

/* %16 sum f32[1] loss SeedStepTests.swift:17 */
/* %19 divide f32[] loss SeedStepTests.swift:17 */
static void k2_rows(const float *restrict layer_2_bias, const float *restrict t10,
    const float *restrict y, float *restrict t19) {
  const float v3 = layer_2_bias[0];
  /* %16 sum */
  float sum1[64];
  float v17[64];
  for (long i0 = 0; i0 < 64; i0++) {
    sum1[i0] = 0.0f;
  }
  for (long i1 = 0; i1 < 3; i1++) {
    for (long i0 = 0; i0 < 64; i0++) {
      const float v6 = t10[i0 + i1 * 64] + v3 - y[i0 + i1 * 64];
      sum1[i0] = sum1[i0] + v6 * v6;
    }
  }
  for (long i0 = 0; i0 < 64; i0++) {
    const int v10 = i0 < 8;
    const float v14 = (v10 ? t10[i0 + 192] : 0.0f) + v3 - (v10 ? y[i0 + 192] : 0.0f);
    v17[i0] = v10 ? sum1[i0] + v14 * v14 : sum1[i0];
  }
  for (long half = 32; half > 0; half /= 2) {
    for (long lane = 0; lane < half; lane++) v17[lane] = v17[lane] + v17[lane + half];
  }
  const float v18 = v17[0];
  t19[0] = v18 / 200.0f;
}

/* %23 sum f32[1] 2 SeedStepTests.swift:15 */
/* %50 fma f32[1] 2.bias SeedStepTests.swift:15 */
static void k3_rows(const float *restrict t22, const float *restrict learningRate,
    float *restrict layer_2_bias) {
  /* %23 sum */
  float sum1[64];
  float v8[64];
  for (long i0 = 0; i0 < 64; i0++) {
    sum1[i0] = 0.0f;
  }
  for (long i1 = 0; i1 < 3; i1++) {
    for (long i0 = 0; i0 < 64; i0++) {
      sum1[i0] = sum1[i0] + t22[i0 + i1 * 64];
    }
  }
  for (long i0 = 0; i0 < 64; i0++) {
    const int v5 = i0 < 8;
    v8[i0] = v5 ? sum1[i0] + (v5 ? t22[i0 + 192] : 0.0f) : sum1[i0];
  }
  for (long half = 32; half > 0; half /= 2) {
    for (long lane = 0; lane < half; lane++) v8[lane] = v8[lane] + v8[lane + half];
  }
  const float v9 = v8[0];
  layer_2_bias[0] = fma_f32(-learningRate[0], v9, layer_2_bias[0]);
}

/* %29 matmul f32[1, 100] 2 SeedStepTests.swift:15 */
/* %35 sum f32[100] 0 SeedStepTests.swift:13 */
/* %37 matmul f32[1, 100] 0 SeedStepTests.swift:13 */
/* %41 fma f32[1, 100] 0.weight SeedStepTests.swift:13 */
/* %44 fma f32[100] 0.bias SeedStepTests.swift:13 */
/* %47 fma f32[100, 1] 2.weight SeedStepTests.swift:15 */
static void k4_columns(float *restrict layer_2_weight, const float *restrict t22,
    const float *restrict t7, const float *restrict x, const float *restrict learningRate,
    float *restrict layer_0_weight, float *restrict layer_0_bias) {
  float v9[64];
  float sum3[64];
  float sum4[64];
  float sum5[64];
  for (long i0 = 0; i0 < 64; i0++) {
    v9[i0] = layer_2_weight[i0];
    sum3[i0] = 0.0f;
    sum4[i0] = 0.0f;
    sum5[i0] = 0.0f;
  }
  /* %29 matmul, %35 sum, %37 matmul */
  for (long i1 = 0; i1 < 200; i1++) {
    for (long i0 = 0; i0 < 64; i0++) {
      const float v6 = t22[i1];
      const float v7 = t7[i0 + i1 * 100];
      const float v8 = fma_f32(v6, v7, sum3[i0]);
      const float v14 = v6 * v9[i0] * (v7 * (1.0f - v7));
      const float v15 = sum4[i0] + v14;
      const float v17 = fma_f32(x[i1], v14, sum5[i0]);
      sum3[i0] = v8;
      sum4[i0] = v15;
      sum5[i0] = v17;
    }
  }
  for (long i0 = 0; i0 < 64; i0++) {
    const float v22 = -learningRate[0];
    const float v25 = layer_0_bias[i0];
    layer_0_weight[i0] = fma_f32(v22, sum5[i0], layer_0_weight[i0]);
    layer_0_bias[i0] = fma_f32(v22, sum4[i0], v25);
    layer_2_weight[i0] = fma_f32(v22, sum3[i0], v9[i0]);
  }
  float v37[36];
  float sum31[36];
  float sum32[36];
  float sum33[36];
  for (long i2 = 0; i2 < 36; i2++) {
    v37[i2] = layer_2_weight[i2 + 64];
    sum31[i2] = 0.0f;
    sum32[i2] = 0.0f;
    sum33[i2] = 0.0f;
  }
  /* %29 matmul, %35 sum, %37 matmul */
  for (long i3 = 0; i3 < 200; i3++) {
    for (long i2 = 0; i2 < 36; i2++) {
      const float v34 = t22[i3];
      const float v35 = t7[i2 + i3 * 100 + 64];
      const float v36 = fma_f32(v34, v35, sum31[i2]);
      const float v42 = v34 * v37[i2] * (v35 * (1.0f - v35));
      const float v43 = sum32[i2] + v42;
      const float v45 = fma_f32(x[i3], v42, sum33[i2]);
      sum31[i2] = v36;
      sum32[i2] = v43;
      sum33[i2] = v45;
    }
  }
  for (long i2 = 0; i2 < 36; i2++) {
    const float v50 = -learningRate[0];
    const float v53 = layer_0_bias[i2 + 64];
    layer_0_weight[i2 + 64] = fma_f32(v50, sum33[i2], layer_0_weight[i2 + 64]);
    layer_0_bias[i2 + 64] = fma_f32(v50, sum32[i2], v53);
    layer_2_weight[i2 + 64] = fma_f32(v50, sum31[i2], v37[i2]);
  }
}

/*
  Every worker runs this, with its number and how many there are; the barrier waits for all.
  state: 1600 bytes; scratch: 81792 bytes.
  Returns 0.
*/
int step(unsigned char *state, unsigned char *scratch,
         unsigned char *const *inputs, long worker, long workers,
         void (*barrier)(void *), void *context) {
  (void)state, (void)scratch, (void)inputs, (void)worker, (void)workers, (void)barrier, (void)context;
  if (worker == 0) k0_map((i32 *)(state + 1408));
  if (worker == 0) k1_rows((const float *)inputs[0], (const float *)(state + 0),
      (const float *)(state + 448), (const float *)(state + 896), (float *)(scratch + 64),
      (float *)(scratch + 80064), (const float *)(state + 1344), (const float *)inputs[1],
      (float *)(scratch + 80896));
  if (worker == 0) k2_rows((const float *)(state + 1344), (const float *)(scratch + 80064),
      (const float *)inputs[1], (float *)(scratch + 81728));
  if (worker == 0) k3_rows((const float *)(scratch + 80896), (const float *)inputs[2],
      (float *)(state + 1344));
  if (worker == 0) k4_columns((float *)(state + 896), (const float *)(scratch + 80896),
      (const float *)(scratch + 64), (const float *)inputs[0], (const float *)inputs[2],
      (float *)(state + 0), (float *)(state + 448));
  return 0;
}
#if defined(__clang__)
#pragma clang attribute pop
#endif
