/* row sums */
#if defined(__FAST_MATH__) || (defined(__FLT_EVAL_METHOD__) && __FLT_EVAL_METHOD__ != 0 && __FLT_EVAL_METHOD__ != 16)
#error "each operation must round once, in its own type: no -ffast-math, no x87 arithmetic"
#endif
#if defined(__clang__)
#pragma STDC FP_CONTRACT OFF
#pragma clang attribute push(__attribute__((no_builtin("memset", "memcpy", "memmove"))), apply_to = function)
#elif defined(__GNUC__) && !defined(__TINYC__)
#pragma GCC optimize("fp-contract=off", "no-tree-loop-distribute-patterns")
#endif

static void k0_sum_rows(const float *restrict x, float *restrict y, long worker, long workers) {
  const long last0 = 7 * (worker + 1) / workers;
  for (long i0 = 7 * worker / workers; i0 < last0; i0++) {
    float sum1[64];
    for (long i1 = 0; i1 < 64; i1++) {
      sum1[i1] = 0.0f;
    }
    for (long i2 = 0; i2 < 5; i2++) {
      for (long i1 = 0; i1 < 64; i1++) {
        sum1[i1] = sum1[i1] + (i1 + i2 * 64 < 300 ? x[i0 * 300 + i1 + i2 * 64] : 0.0f);
      }
    }
    for (long half = 32; half > 0; half /= 2) {
      for (long lane = 0; lane < half; lane++) sum1[lane] = sum1[lane] + sum1[lane + half];
    }
    const float v9 = sum1[0];
    y[i0] = v9 / 300.0f;
  }
}

/*
  Every worker runs this, with its number and how many there are; the barrier waits for all.
  state: 0 bytes; scratch: 64 bytes.
  Returns 0.
*/
int step(unsigned char *state, unsigned char *scratch,
         unsigned char *const *inputs, long worker, long workers,
         void (*barrier)(void *), void *context) {
  (void)state, (void)scratch, (void)inputs, (void)worker, (void)workers, (void)barrier, (void)context;
  k0_sum_rows((const float *)inputs[0], (float *)(scratch + 0), worker, workers);
  if (workers > 1) barrier(context);
  return 0;
}
#if defined(__clang__)
#pragma clang attribute pop
#endif
