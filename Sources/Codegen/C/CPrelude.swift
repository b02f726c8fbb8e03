/// A function or type at the top of generated C; only what the program uses is printed.
///
/// The text includes no header and, in every compiler, refers to no library.
enum CHelper: Int, CaseIterable {
  case byteType, intType, unsignedType, longType, unsignedLongType
  case floatOfBits, bitsOfFloat, doubleOfBits, bitsOfDouble
  case maxFloat, maxDouble, maxInt, minFloat, minDouble, minInt
  case absFloat, absDouble, absInt
  case intOfFloat, intOfDouble
  case shiftRight
  case fmaFloat, fmaDouble, sqrtFloat, sqrtDouble
  case fail
  case lap

  /// What the helper's own text calls.
  var needs: [CHelper] {
    switch self {
    case .floatOfBits, .bitsOfFloat: [.unsignedType]
    case .doubleOfBits, .bitsOfDouble: [.unsignedLongType]
    case .maxInt, .minInt, .intOfFloat, .intOfDouble: [.intType]
    case .absFloat: [.floatOfBits, .bitsOfFloat]
    case .absDouble: [.doubleOfBits, .bitsOfDouble]
    case .shiftRight, .absInt: [.intType, .unsignedType]
    case .fmaFloat: [.unsignedLongType]
    case .fmaDouble, .sqrtDouble: [.unsignedLongType]
    case .sqrtFloat: [.unsignedType]
    case .fail: [.longType]
    case .lap: [.unsignedLongType]
    default: []
    }
  }

  func text(_ dialect: CPrinter.Dialect) -> String {
    switch self {
    case .byteType: "typedef unsigned char u8;"
    case .intType: "typedef int i32;"
    case .unsignedType: "typedef unsigned int u32;"
    case .longType: "typedef long long i64;"
    case .unsignedLongType: "typedef unsigned long long u64;"
    case .floatOfBits: pun("float_of_bits", from: "u32", to: "float")
    case .bitsOfFloat: pun("bits_of_float", from: "float", to: "u32")
    case .doubleOfBits: pun("double_of_bits", from: "u64", to: "double")
    case .bitsOfDouble: pun("bits_of_double", from: "double", to: "u64")
    case .maxFloat: choice("max_f32", type: "float", condition: "a > b || a != a")
    case .maxDouble: choice("max_f64", type: "double", condition: "a > b || a != a")
    case .maxInt: choice("max_i32", type: "i32", condition: "a > b")
    case .minFloat: choice("min_f32", type: "float", condition: "a < b || a != a")
    case .minDouble: choice("min_f64", type: "double", condition: "a < b || a != a")
    case .minInt: choice("min_i32", type: "i32", condition: "a < b")
    case .absFloat:
      "static inline float abs_f32(float a) { return float_of_bits(bits_of_float(a) & 0x7fffffffu); }"
    case .absDouble:
      """
      static inline double abs_f64(double a) {
        return double_of_bits(bits_of_double(a) & 0x7fffffffffffffffu);
      }
      """
    case .absInt:
      """
      /* The least Int32 wraps to itself. */
      static inline i32 abs_i32(i32 a) { return a < 0 ? (i32)(0u - (u32)a) : a; }
      """
    case .intOfFloat: saturating("int_of_float", from: "float", suffix: "f")
    case .intOfDouble: saturating("int_of_double", from: "double", suffix: "")
    case .shiftRight:
      """
      /* Arithmetic shift: copies of the sign come in from the left. */
      static inline i32 shift_right(i32 a, u32 count) {
        const u32 shifted = (u32)a >> count;
        return (i32)(a < 0 ? shifted | ~(0xffffffffu >> count) : shifted);
      }
      """
    case .fmaFloat: dialect.hasFMA ? fusedFloatAssembly : fusedFloat
    case .fmaDouble: dialect.hasFMA ? fusedDoubleAssembly : fusedDouble
    case .sqrtFloat: dialect.hasFMA ? rootFloatAssembly : rootFloat
    case .sqrtDouble: dialect.hasFMA ? rootDoubleAssembly : rootDouble
    case .fail:
      """
      /* Notes the first failed check: its number, the value, and which element. */
      static void fail(i64 *failure, i64 check, i64 value, i64 element) {
        if (failure[0] != 0) return;
        failure[0] = check;
        failure[1] = value;
        failure[2] = element;
      }
      """
    case .lap:
      """
      /* The processor's time stamp counter. */
      static u64 ticks(void) {
        unsigned int low, high;
        __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
        return (u64)high << 32 | low;
      }

      static u64 lap(u64 *sum, u64 since) {
        const u64 now = ticks();
        *sum += now - since;
        return now;
      }
      """
    }
  }
}

/// What stands before all helpers: the compiler must round each operation once, in its own type (method 16 too leaves float
/// and double alone), and make no calls of a library out of loops that fill or copy.
let cFileBegin = """
  #if defined(__FAST_MATH__) || (defined(__FLT_EVAL_METHOD__) && __FLT_EVAL_METHOD__ != 0 && __FLT_EVAL_METHOD__ != 16)
  #error "each operation must round once, in its own type: no -ffast-math, no x87 arithmetic"
  #endif
  #if defined(__clang__)
  #pragma STDC FP_CONTRACT OFF
  #pragma clang attribute push(__attribute__((no_builtin("memset", "memcpy", "memmove"))), apply_to = function)
  #elif defined(__GNUC__) && !defined(__TINYC__)
  #pragma GCC optimize("fp-contract=off", "no-tree-loop-distribute-patterns")
  #endif
  """

/// What stands at the end.
let cFileEnd = """
  #if defined(__clang__)
  #pragma clang attribute pop
  #endif
  """

private func pun(_ name: String, from: String, to: String) -> String {
  """
  static inline \(to) \(name)(\(from) a) {
    union { \(from) from; \(to) to; } pun;
    pun.from = a;
    return pun.to;
  }
  """
}

private func choice(_ name: String, type: String, condition: String) -> String {
  "static inline \(type) \(name)(\(type) a, \(type) b) { return (\(condition)) ? a : b; }"
}

private func saturating(_ name: String, from: String, suffix: String) -> String {
  """
  /* Towards zero; out of range saturates, and NaN is 0. */
  static inline i32 \(name)(\(from) a) {
    if (a != a) return 0;
    if (a >= 2147483648.0\(suffix)) return 2147483647;
    if (a <= -2147483648.0\(suffix)) return -2147483647 - 1;
    return (i32)a;
  }
  """
}

/// Where the processor has the instruction, the compiler's name for it. clang says `__FP_FAST_FMA` on few processors that have
/// it, and turns `__builtin_fma` into a call of a library.
private func fused(_ function: String, type: String, suffix: String, isFastElsewhere: String, software: String) -> String {
  """
  /* a * b + c, rounded once. */
  #if defined(__clang__) && defined(__has_builtin) && (defined(__FMA__) || defined(__FP_FAST_FMA\(suffix.uppercased())) \\
      || \(isFastElsewhere))
  #if __has_builtin(__builtin_elementwise_fma)
  #define FMA_BUILTIN __builtin_elementwise_fma
  #endif
  #endif
  #if !defined(FMA_BUILTIN) && defined(__FP_FAST_FMA\(suffix.uppercased()))
  #define FMA_BUILTIN __builtin_fma\(suffix)
  #endif
  #if defined(FMA_BUILTIN)
  static inline \(type) \(function)(\(type) a, \(type) b, \(type) c) { return FMA_BUILTIN(a, b, c); }
  #else
  \(software)
  #endif
  #undef FMA_BUILTIN
  """
}

private let fusedFloat = fused(
  "fma_f32", type: "float", suffix: "f",
  isFastElsewhere: "defined(__ARM_FEATURE_FMA) || (defined(__riscv_flen) && __riscv_flen >= 32)",
  software: """
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
  """)

private let fusedDouble = fused(
  "fma_f64", type: "double", suffix: "",
  isFastElsewhere:
    "(defined(__ARM_FEATURE_FMA) && (__ARM_FP & 8)) || (defined(__riscv_flen) && __riscv_flen >= 64)",
  software: """
  static u64 raw_f64(double a) {
    union { double from; u64 to; } pun;
    pun.from = a;
    return pun.to;
  }

  /* The 53-bit significand of a finite a; a is significand * 2^exponent. */
  static u64 significand_f64(double a, int *exponent) {
    u64 bits = raw_f64(a) & 0x7fffffffffffffffu;
    if (bits >> 52 != 0u) {
      *exponent = (int)(bits >> 52) - 1075;
      return (bits & 0xfffffffffffffu) | 0x10000000000000u;
    }
    *exponent = -1074;
    while (bits >> 52 == 0u) {
      bits <<= 1;
      *exponent -= 1;
    }
    return bits;
  }

  /* high:low >> count; bits that fall out leave a 1 in the lowest place. */
  static void shift_f64(u64 *high, u64 *low, int count) {
    while (count > 0) {
      const int some = count < 32 ? count : 32;
      const u64 lost = *low & (((u64)1 << some) - 1u);
      *low = *low >> some | *high << (64 - some) | (lost != 0u ? 1u : 0u);
      *high >>= some;
      count -= some;
      if (*high == 0u && *low <= 1u) return;
    }
  }

  static double fma_f64(double a, double b, double c) {
    union { u64 bits; double value; } result;
    u64 x, y, z, high, low, other_high, other_low, middle, sign, other_sign;
    int exponent, other_exponent, more;
    if (a - a != 0.0 || b - b != 0.0 || c - c != 0.0 || a == 0.0 || b == 0.0) return a * b + c;
    if (c == 0.0) return a * b;
    x = significand_f64(a, &exponent);
    y = significand_f64(b, &more);
    z = significand_f64(c, &other_exponent);
    sign = (raw_f64(a) ^ raw_f64(b)) >> 63;
    other_sign = raw_f64(c) >> 63;
    /* The product, 106 bits from four partial products, with 20 zeros after it; c's 53 with 72. */
    exponent += more - 20;
    other_exponent -= 72;
    low = (x & 0xffffffffu) * (y & 0xffffffffu);
    middle = (x >> 32) * (y & 0xffffffffu) + (low >> 32);
    high = (x >> 32) * (y >> 32) + (middle >> 32);
    middle = (x & 0xffffffffu) * (y >> 32) + (middle & 0xffffffffu);
    high += middle >> 32;
    low = middle << 32 | (low & 0xffffffffu);
    high = high << 20 | low >> 44;
    low <<= 20;
    other_high = z << 8;
    other_low = 0u;
    if (exponent >= other_exponent) {
      shift_f64(&other_high, &other_low, exponent - other_exponent);
    } else {
      shift_f64(&high, &low, other_exponent - exponent);
      exponent = other_exponent;
    }
    if (sign == other_sign) {
      low += other_low;
      high += other_high + (low < other_low ? 1u : 0u);
    } else {
      if (high < other_high || (high == other_high && low < other_low)) {
        x = high;
        high = other_high;
        other_high = x;
        x = low;
        low = other_low;
        other_low = x;
        sign = other_sign;
      }
      high -= other_high + (low < other_low ? 1u : 0u);
      low -= other_low;
      if (high == 0u && low == 0u) return 0.0;
    }
    while (high >> 63 == 0u) {
      high = high << 1 | low >> 63;
      low <<= 1;
      exponent -= 1;
    }
    /* Now the sum is high * 2^(exponent + 64); a subnormal has fewer bits. */
    high |= low != 0u ? 1u : 0u;
    low = 0u;
    exponent += 64 + 63 + 1023;
    if (exponent < 1) {
      shift_f64(&low, &high, 1 - exponent);
      exponent = 1;
    }
    if (exponent > 2046) {
      exponent = 2048;
      high = 0u;
    }
    result.bits = ((u64)(exponent - 1) << 52) + (high >> 11);
    if ((high & 0x7ffu) > 0x400u || ((high & 0x7ffu) == 0x400u && (result.bits & 1u) != 0u)) result.bits += 1u;
    result.bits |= sign << 63;
    return result.value;
  }
  """)

private func root(_ function: String, builtin: String, instruction: String, type: String, software: String)
  -> String
{
  """
  /* The correctly rounded square root: one instruction where there is one, without a library. */
  #if defined(__clang__) && defined(__has_builtin) && (defined(__SSE2__) || defined(__aarch64__))
  #if __has_builtin(__builtin_elementwise_sqrt)
  #define SQRT_BUILTIN __builtin_elementwise_sqrt
  #endif
  #elif defined(__GNUC__) && defined(__NO_MATH_ERRNO__) && (defined(__SSE2__) || defined(__aarch64__))
  #define SQRT_BUILTIN \(builtin)
  #endif
  #if defined(SQRT_BUILTIN) && !defined(__TINYC__)
  static inline \(type) \(function)(\(type) a) { return SQRT_BUILTIN(a); }
  #elif defined(__GNUC__) && defined(__SSE2__) && !defined(__TINYC__)
  static inline \(type) \(function)(\(type) a) {
    \(type) root;
    __asm__("\(instruction) %1, %0" : "=x"(root) : "x"(a));
    return root;
  }
  #else
  \(software)
  #endif
  #undef SQRT_BUILTIN
  """
}

private let rootFloat = root(
  "sqrt_f32", builtin: "__builtin_sqrtf", instruction: "sqrtss", type: "float",
  software: """
    static float sqrt_f32(float a) {
      union { float value; u32 bits; } result;
      u32 bits, digit, root = 0u, rest;
      int exponent;
      result.value = a;
      bits = result.bits;
      exponent = (int)(bits >> 23) - 127;
      if (!(a > 0.0f) || bits == 0x7f800000u) return a == 0.0f || a > 0.0f ? a : (a - a) / (a - a);
      bits &= 0x7fffffu;
      if (exponent == -127) {
        for (exponent = -126; (bits & 0x800000u) == 0u; exponent--) bits <<= 1;
      }
      bits |= 0x800000u;
      if ((exponent & 1) != 0) {
        bits <<= 1;
        exponent -= 1;
      }
      /* One digit at a time: 24 and one to round with. */
      rest = bits << 1;
      for (digit = 0x1000000u; digit != 0u; digit >>= 1) {
        if (root + root + digit <= rest) {
          rest -= root + root + digit;
          root += digit;
        }
        rest <<= 1;
      }
      result.bits = ((u32)(exponent / 2 + 126) << 23) + (root >> 1) + (root & 1u);
      return result.value;
    }
    """)

private let rootDouble = root(
  "sqrt_f64", builtin: "__builtin_sqrt", instruction: "sqrtsd", type: "double",
  software: """
    static double sqrt_f64(double a) {
      union { double value; u64 bits; } result;
      u64 bits, digit, root = 0u, rest;
      int exponent;
      result.value = a;
      bits = result.bits;
      exponent = (int)(bits >> 52) - 1023;
      if (!(a > 0.0) || bits == 0x7ff0000000000000u) return a == 0.0 || a > 0.0 ? a : (a - a) / (a - a);
      bits &= 0xfffffffffffffu;
      if (exponent == -1023) {
        for (exponent = -1022; (bits & 0x10000000000000u) == 0u; exponent--) bits <<= 1;
      }
      bits |= 0x10000000000000u;
      if ((exponent & 1) != 0) {
        bits <<= 1;
        exponent -= 1;
      }
      /* One digit at a time: 53 and one to round with. */
      rest = bits << 1;
      for (digit = 0x20000000000000u; digit != 0u; digit >>= 1) {
        if (root + root + digit <= rest) {
          rest -= root + root + digit;
          root += digit;
        }
        rest <<= 1;
      }
      result.bits = ((u64)(exponent / 2 + 1022) << 52) + (root >> 1) + (root & 1u);
      return result.value;
    }
    """)

// libtcc knows no vector instructions; these are the scalar ones, as bytes, with operands in memory.

private let fusedFloatAssembly = """
  /* a * b + c, rounded once: vmovss xmm0, [a]; vmovss xmm1, [b]; vfmadd213ss xmm0, xmm1, [c]; vmovss [a], xmm0 */
  static float fma_f32(float a, float b, float c) {
    asm volatile(
        ".byte 0xc5,0xfa,0x10,0x00,0xc5,0xfa,0x10,0x09,0xc4,0xe2,0x71,0xa9,0x02,0xc5,0xfa,0x11,0x00"
        : : "a"(&a), "c"(&b), "d"(&c) : "memory");
    return a;
  }
  """

private let fusedDoubleAssembly = """
  /* a * b + c, rounded once: vmovsd xmm0, [a]; vmovsd xmm1, [b]; vfmadd213sd xmm0, xmm1, [c]; vmovsd [a], xmm0 */
  static double fma_f64(double a, double b, double c) {
    asm volatile(
        ".byte 0xc5,0xfb,0x10,0x00,0xc5,0xfb,0x10,0x09,0xc4,0xe2,0xf1,0xa9,0x02,0xc5,0xfb,0x11,0x00"
        : : "a"(&a), "c"(&b), "d"(&c) : "memory");
    return a;
  }
  """

private let rootFloatAssembly = """
  /* The correctly rounded square root: vmovss xmm0, [a]; vsqrtss xmm0, xmm0, xmm0; vmovss [a], xmm0 */
  static float sqrt_f32(float a) {
    asm volatile(".byte 0xc5,0xfa,0x10,0x00,0xc5,0xfa,0x51,0xc0,0xc5,0xfa,0x11,0x00" : : "a"(&a) : "memory");
    return a;
  }
  """

private let rootDoubleAssembly = """
  /* The correctly rounded square root: vmovsd xmm0, [a]; vsqrtsd xmm0, xmm0, xmm0; vmovsd [a], xmm0 */
  static double sqrt_f64(double a) {
    asm volatile(".byte 0xc5,0xfb,0x10,0x00,0xc5,0xfb,0x51,0xc0,0xc5,0xfb,0x11,0x00" : : "a"(&a) : "memory");
    return a;
  }
  """
