import CinchCodegen
import CinchGraph
import Testing

/// Loop IR written by hand: small programs that between them use everything.
struct LoopSample: CustomTestStringConvertible, Sendable {
  var name: String
  var text: String

  init(_ name: String, _ text: String) {
    self.name = name
    self.text = text
  }

  var testDescription: String { name }
  var program: LoopProgram { get throws { try LoopProgram(parsing: text) } }

  static func named(_ name: String) throws -> LoopProgram {
    try all.first { $0.name == name }!.program
  }

  static let all = [
    chain, rowSums, matmul, softmax, gather, packing, integers, floats, doubles, exchange, nestedFolds,
    manyLoops, slices,
  ]

  /// So many that some variables are called like types of C: `i32`, `i64`.
  static let manyLoops = LoopSample(
    "many loops",
    """
    program "many loops" {
      state 0
      scratch 832
      buffer y: i32[198] at scratch + 0
      kernel loops {
    """
      + (0..<66).map { number in
        """

            sequential i\(number) in 3 {
              v\(2 * number): i32 = index i\(number)*2 + 1
              v\(2 * number + 1): i32 = multiply v\(2 * number), v\(2 * number)
              store y[i\(number) + \(3 * number)] = v\(2 * number + 1)
            }
        """
      }.joined() + """

          }
          schedule {
            run loops
          }
        }
        """)

  /// 1000 elements in runs of 64: the last run is partly outside.
  static let chain = LoopSample(
    "elementwise chain",
    """
    program "elementwise chain" {
      state 4032
      scratch 8064
      buffer bias: f32[1000] at state + 0
      buffer x: f32[1000] at input 0 + 0
      buffer y: f32[1000] at scratch + 0
      buffer positive: bool[1000] at scratch + 4032
      kernel scale_and_shift {
        origin "multiply, add, maximum (mlp.swift:12)"
        parallel i0 in 16 {
          vector i1 in 64 "relu(1.1 * x + bias)" {
            v0: bool = within i0*64 + i1 below 1000
            v1: f32 = load x[i0*64 + i1] if v0 else 0.0
            v2: f32 = load bias[i0*64 + i1] if v0 else 0.0
            v3: f32 = constant 1.1
            v4: f32 = fma v1, v3, v2
            v5: f32 = constant 0.0
            v6: f32 = maximum v4, v5
            v7: bool = less v5, v4
            store y[i0*64 + i1] = v6 if v0
            store positive[i0*64 + i1] = v7 if v0
          }
        }
      }
      schedule {
        run scale_and_shift
      }
    }
    """)

  /// `lanes(64)`: 64 sums of every 64th element, then a halving tree.
  static let rowSums = LoopSample(
    "row sums",
    """
    program "row sums" {
      state 0
      scratch 64
      buffer x: f32[2100] at input 0 + 0
      buffer y: f32[7] at scratch + 0
      kernel sum_rows {
        declare v8: f32
        parallel i0 in 7 {
          v9: f32 = vector i1 in 64 {
            v0: f32 = constant 0.0
            v4: f32 = sequential i2 in 5 carry (v1: f32 = v0) {
              v5: bool = within i1 + i2*64 below 300
              v2: f32 = load x[i0*300 + i1 + i2*64] if v5 else 0.0
              v3: f32 = add v1, v2
              next v3
            }
            fold add v4
          }
          v6: f32 = constant 300.0
          v7: f32 = divide v9, v6
          store y[i0] = v7
        }
      }
      schedule {
        run sum_rows
        barrier
      }
    }
    """)

  /// [12, 40] × [40, 50] + bias: tiles of 4 by 32 columns, the last ones masked.
  static let matmul = LoopSample(
    "matmul",
    """
    program "matmul" {
      state 8256
      scratch 2432
      buffer weight: f32[2000] at state + 0
      buffer bias: f32[50] at state + 8000
      buffer x: f32[480] at input 0 + 0
      buffer y: f32[600] at scratch + 0
      kernel linear {
        origin "linear1 = x · weight + bias"
        origin "mlp.swift:14"
        parallel i0 in 3 {
          sequential i1 in 2 "columns in tiles of 32" {
            unrolled i2 in 4 {
              vector i3 in 32 {
                v0: f32 = constant 0.0
                v1: bool = within i1*32 + i3 below 50
                v7: f32 = sequential i4 in 40 carry (v2: f32 = v0) "inner products" {
                  v3: f32 = load x[i0*160 + i2*40 + i4]
                  v4: f32 = load weight[i1*32 + i3 + i4*50] if v1 else 0.0
                  v5: f32 = fma v3, v4, v2
                  next v5
                }
                v6: f32 = load bias[i1*32 + i3] if v1 else 0.0
                v8: f32 = add v7, v6
                store y[i0*200 + i1*32 + i2*50 + i3] = v8 if v1
              }
            }
          }
        }
      }
      schedule {
        run linear
        barrier
      }
    }
    """)

  /// Rows of 100: the greatest, then the sum of exponentials (a stand-in polynomial), then the quotients.
  static let softmax = LoopSample(
    "row softmax",
    """
    program "row softmax" {
      state 0
      scratch 2432
      worker 512
      buffer x: f32[600] at input 0 + 0
      buffer y: f32[600] at scratch + 0
      buffer powers: f32[100] at worker + 0
      kernel softmax {
        parallel i0 in 6 {
          v4: f32 = vector i1 in 64 {
            v0: f32 = constant -inf
            v3: f32 = sequential i2 in 2 carry (v1: f32 = v0) {
              v5: bool = within i1 + i2*64 below 100
              v6: f32 = load x[i0*100 + i1 + i2*64] if v5 else -inf
              v2: f32 = maximum v1, v6
              next v2
            }
            fold maximum v3
          }
          v12: f32 = vector i3 in 64 {
            v7: f32 = constant 0.0
            v11: f32 = sequential i4 in 2 carry (v8: f32 = v7) {
              v9: bool = within i3 + i4*64 below 100
              v10: f32 = load x[i0*100 + i3 + i4*64] if v9 else 0.0
              v13: f32 = subtract v10, v4
              v14: f32 = multiply v13, v13
              v15: f32 = constant 1.5
              v16: f32 = fma v14, v15, v13
              v17: f32 = select v9, v16, v7
              store powers[i3 + i4*64] = v17 if v9
              v18: f32 = add v8, v17
              next v18
            }
            fold add v11
          }
          sequential i5 in 2 {
            vector i6 in 64 {
              v19: bool = within i5*64 + i6 below 100
              v20: f32 = load powers[i5*64 + i6] if v19 else 0.0
              v21: f32 = divide v20, v12
              store y[i0*100 + i5*64 + i6] = v21 if v19
            }
          }
        }
      }
      schedule {
        run softmax
        barrier
      }
    }
    """)

  /// Rows of a table by checked indices, three rounds of adding to the state.
  static let gather = LoopSample(
    "gather",
    """
    program "gather" {
      state 960
      scratch 704
      failure 640
      buffer table: f32[160] at state + 0
      buffer total: f32[64] at state + 640
      buffer rows: i32[8] at input 0 + 0
      buffer picked: f32[64] at scratch + 0
      buffer spare: f32[64] at scratch + 320
      check "gather embedding" limit 20 of [3, 4] at "App/main.swift" "/home/app/main.swift" 7
      kernel check_rows {
        sequential i0 in 8 {
          v0: i32 = load rows[i0]
          check v0 limit 20 number 0
        }
      }
      kernel pick {
        parallel i0 in 8 {
          v0: i32 = load rows[i0]
          vector i1 in 8 {
            v1: f32 = load table[i1; v0*8 limit 20]
            store picked[i0*8 + i1] = v1
          }
        }
      }
      kernel accumulate {
        parallel i0 in 4 {
          vector i1 in 16 {
            v0: f32 = load picked[i0*16 + i1]
            v1: f32 = load total[i0*16 + i1]
            v2: f32 = add v0, v1
            store total[i0*16 + i1] = v2
            store spare[i0*16 + i1] = v2
          }
        }
      }
      schedule {
        run check_rows
        barrier
        stop_if_failed
        run pick
        barrier
        loop 3 {
          run accumulate
          barrier
        }
      }
    }
    """)

  /// Rows in loops: written and read in one iteration, and all of them afterwards; places are checked and looked up row by row.
  static let slices = LoopSample(
    "slices",
    """
    program "slices" {
      state 64
      scratch 640
      failure 576
      buffer table: f32[5] at input 0 + 0
      buffer places: i32[24] at input 1 + 0
      buffer own: i32[24] at scratch + 448
      buffer all: f32[24] at scratch + 0
      buffer doubled: f32[24] at scratch + 128
      buffer total: f32[8] at scratch + 256
      buffer given: i32[4] at input 1 + 0 moves 32, 16 in places
      buffer place: i32[4] at scratch + 448 moves 32, 16 in own
      buffer part: f32[4] at scratch + 0 moves 32, 16 in all
      buffer row: f32[8] at scratch + 0 moves 32 in all
      buffer result: f32[8] at scratch + 128 moves 32 in doubled
      check "gather" limit 5 at "App/main.swift" "/home/app/main.swift" 7
      kernel copy {
        vector i0 in 4 {
          v0: i32 = load given[i0]
          store place[i0] = v0
        }
      }
      kernel check_places {
        sequential i0 in 4 {
          v0: i32 = load place[i0]
          check v0 limit 5 number 0
        }
      }
      kernel pick {
        vector i0 in 4 {
          v0: i32 = load place[i0]
          v1: f32 = load table[0; v0*1 limit 5]
          store part[i0] = v1
        }
      }
      kernel double {
        vector i0 in 8 {
          v0: f32 = load row[i0]
          v1: f32 = add v0, v0
          store result[i0] = v1
        }
      }
      kernel sum {
        vector i0 in 8 {
          v0: f32 = load doubled[i0]
          v1: f32 = load doubled[i0 + 16]
          v2: f32 = add v0, v1
          store total[i0] = v2
        }
      }
      schedule {
        loop 3 {
          loop 2 {
            run copy
            barrier
            run check_places
            barrier
          }
        }
        stop_if_failed
        loop 3 {
          loop 2 {
            run pick
            barrier
          }
          run double
          barrier
        }
        run sum
        barrier
      }
    }
    """)

  /// Each worker copies a panel into its own scratch and reads it transposed.
  static let packing = LoopSample(
    "packing",
    """
    program "packing" {
      state 0
      scratch 2304
      worker 512
      buffer x: f32[576] at input 0 + 0
      buffer panel: f32[96] at worker + 64
      buffer y: f32[576] at scratch + 0
      kernel transpose {
        parallel i0 in 6 {
          sequential i1 in 8 {
            prefetch x[i0*96 + i1*12 + 96]
            vector i2 in 12 {
              v0: f32 = load x[i0*96 + i1*12 + i2]
              store panel[i1 + i2*8] = v0
            }
          }
          vector i3 in 96 {
            v1: f32 = load panel[i3]
            v2: f32 = negate v1
            store y[i0*96 + i3] = v2
          }
        }
      }
      schedule {
        run transpose
        barrier
      }
    }
    """)

  static let integers = LoopSample(
    "integers",
    """
    program "integers" {
      state 0
      scratch 4096
      buffer x: i32[64] at input 0 + 0
      buffer z: i32[64] at input 1 + 0
      buffer y: i32[896] at scratch + 0
      buffer float: f32[64] at scratch + 3584
      buffer v3: bool[64] at scratch + 3840
      kernel int {
        vector i0 in 64 {
          v0: i32 = load x[i0]
          v1: i32 = load z[i0]
          v2: i32 = add v0, v1
          v3: i32 = subtract v2, v1
          v4: i32 = multiply v2, v3
          v5: i32 = negate v4
          v6: i32 = absolute v5
          v7: i32 = maximum v0, v1
          v8: i32 = minimum v6, v7
          v9: i32 = and v0, v4
          v10: i32 = or v9, v5
          v11: i32 = xor v10, v1
          v12: i32 = not v11
          v13: i32 = shift_left v12, v1
          v14: i32 = shift_right_logical v12, v0
          v15: i32 = shift_right_arithmetic v12, v1
          v16: i32 = constant -2147483648
          v17: i32 = constant 3
          v18: i32 = shift_right_arithmetic v16, v17
          v19: i32 = index i0*3 - 7
          v20: i32 = multiply v18, v19
          v21: bool = less_or_equal v0, v1
          v22: bool = equal v0, v16
          v23: bool = or v21, v22
          v24: bool = not v23
          v25: bool = xor v24, v22
          v26: i32 = convert v25
          v27: f32 = convert v1
          v28: f32 = bitcast v0
          v29: i32 = bitcast v28
          v30: f32 = select v23, v27, v28
          v31: i32 = convert v30
          v32: bool = convert v14
          v33: bool = and v32, v25
          v34: i32 = absolute v16
          v35: f32 = convert v33
          v36: i32 = add v34, v26
          store y[i0] = v2
          store y[i0 + 64] = v4
          store y[i0 + 128] = v8
          store y[i0 + 192] = v12
          store y[i0 + 256] = v13
          store y[i0 + 320] = v14
          store y[i0 + 384] = v15
          store y[i0 + 448] = v20
          store y[i0 + 512] = v26
          store y[i0 + 576] = v29
          store y[i0 + 640] = v31
          store y[i0 + 704] = v36
          store y[i0 + 768] = v3
          store y[i0 + 832] = v19
          store float[i0] = v35
          store v3[i0] = v33
        }
      }
      schedule {
        run int
      }
    }
    """)

  static let floats = LoopSample(
    "floats",
    """
    program "floats */ // ??/ \\u{01} \\\\ ü" {
      state 0
      scratch 6144
      buffer b0 "for": f32[64] at input 0 + 0
      buffer b1 "x": f32[64] at input 1 + 0
      buffer b2 "x": f32[1408] at scratch + 0
      buffer whole: i32[64] at scratch + 5632
      buffer flag: bool[64] at scratch + 5888
      kernel k0 "a kernel*/" {
        origin "*/ ends nothing \\\\"
        origin "nor does ??/ or \\n é"
        vector i0 in 64 "comment */" {
          v0: f32 = load b0[i0]
          v1: f32 = load b1[-i0 + 63]
          v2: f32 = add v0, v1
          v3: f32 = subtract v0, v1
          v4: f32 = multiply v2, v3
          v5: f32 = divide v2, v3
          v6: f32 = negate v5
          v7: f32 = absolute v6
          v8: f32 = maximum v0, v1
          v9: f32 = minimum v0, v1
          v10: f32 = square_root v7
          v11: f32 = fma v0, v1, v2
          v12: f32 = constant inf
          v13: f32 = constant f32 bits 0x7fc00001
          v14: f32 = constant -1.1754942e-38
          v15: f32 = constant -0.0
          v16: bool = equal v0, v1
          v17: bool = not_equal v5, v5
          v18: bool = less v0, v12
          v19: f32 = select v17, v13, v14
          v20: f32 = select v18, v12, v15
          v21: f32 = multiply v1, v14
          v22: i32 = convert v5
          v23: bool = convert v0
          v24: bool = xor v16, v17
          v25: f32 = subtract v15, v14
          v26: f32 = negate v14
          v27: f32 = fma v0, v14, v21
          v28: f32 = multiply v0, v15
          v29: f32 = square_root v21
          v30: f64 = convert v0
          v31: f32 = convert v30
          v32: bool = and v24, v23
          v33: bool = or v32, v18
          store b2[i0] = v4
          store b2[i0 + 64] = v6
          store b2[i0 + 128] = v8
          store b2[i0 + 192] = v9
          store b2[i0 + 256] = v10
          store b2[i0 + 320] = v11
          store b2[i0 + 384] = v19
          store b2[i0 + 448] = v20
          store b2[i0 + 512] = v21
          store b2[i0 + 576] = v25
          store b2[i0 + 640] = v26
          store b2[i0 + 704] = v27
          store b2[i0 + 768] = v28
          store b2[i0 + 832] = v29
          store b2[i0 + 896] = v31
          store b2[i0 + 960] = v7
          sequential i1 in 6 {
            store b2[i0 + i1*64 + 1024] = v5
          }
          store whole[i0] = v22
          store flag[i0] = v33
        }
      }
      schedule {
        run k0
      }
    }
    """)

  static let doubles = LoopSample(
    "doubles",
    """
    program "doubles" {
      state 0
      scratch 4096
      buffer x: f64[64] at input 0 + 0
      buffer z: f64[64] at input 1 + 0
      buffer y: f64[384] at scratch + 0
      buffer whole: i32[64] at scratch + 3072
      buffer single: f32[64] at scratch + 3328
      kernel double {
        vector i0 in 64 {
          v0: f64 = load x[i0]
          v1: f64 = load z[-i0 + 63]
          v2: f64 = load z[i0]
          v3: f64 = fma v0, v1, v2
          v4: f64 = square_root v0
          v5: f64 = maximum v1, v2
          v6: f64 = minimum v1, v3
          v7: f64 = absolute v2
          v8: f64 = constant 0.1
          v9: f64 = multiply v7, v8
          v10: f64 = constant -inf
          v11: bool = less v10, v2
          v12: f64 = select v11, v9, v10
          v13: i32 = convert v0
          v14: f32 = convert v0
          v15: f64 = convert v13
          v16: f64 = divide v15, v5
          store y[i0] = v3
          store y[i0 + 64] = v4
          store y[i0 + 128] = v5
          store y[i0 + 192] = v6
          store y[i0 + 256] = v12
          store y[i0 + 320] = v16
          store whole[i0] = v13
          store single[i0] = v14
        }
      }
      schedule {
        run double
      }
    }
    """)

  /// Values that change places, in a plain loop and inside a tile.
  static let exchange = LoopSample(
    "exchange",
    """
    program "exchange" {
      state 0
      scratch 384
      buffer x: f32[16] at input 0 + 0
      buffer y: f32[48] at scratch + 0
      buffer n: i32[16] at scratch + 192
      kernel plain {
        v0: i32 = constant 1
        v1: i32 = constant 2
        v6: i32, v7: i32 = sequential i0 in 5 carry (v2: i32 = v0, v3: i32 = v1) {
          v4: i32 = add v2, v3
          next v3, v4
        }
        v8: i32, v9: i32 = sequential i1 in 3 carry (v10: i32 = v6, v11: i32 = v7) {
          next v11, v10
        }
        sequential i2 in 16 {
          v12: i32 = index i2
          v13: i32 = multiply v12, v8
          v5: i32 = subtract v13, v9
          store n[i2] = v5
        }
      }
      kernel tiled {
        vector i0 in 16 {
          v0: f32 = load x[i0]
          v1: f32 = constant 1.0
          v2: f32 = add v0, v1
          v8: f32, v9: f32, v10: f32 = sequential i1 in 7 carry (v3: f32 = v0, v4: f32 = v2, v5: f32 = v1) {
            v6: f32 = add v3, v4
            v12: f32 = sequential i2 in 3 carry (v7: f32 = v6) {
              v11: f32 = multiply v7, v5
              next v11
            }
            v13: f32 = subtract v12, v2
            next v4, v3, v13
          }
          v14: f32 = add v2, v10
          store y[i0] = v8
          store y[i0 + 16] = v9
          store y[i0 + 32] = v14
        }
      }
      schedule {
        run plain
        run tiled
      }
    }
    """)

  /// Folds inside folds, of several values, in jammed and plain loops.
  static let nestedFolds = LoopSample(
    "nested folds",
    """
    program "nested folds" {
      state 0
      scratch 384
      buffer x: f32[512] at input 0 + 0
      buffer y: f32[24] at scratch + 0
      buffer any: bool[4] at scratch + 128
      buffer n: i32[4] at scratch + 192
      kernel folds {
        sequential i0 in 4 {
          v11: f32, v12: f32 = unrolled i1 in 4 {
            v7: f32, v8: f32 = vector i2 in 8 {
              v0: f32 = constant 0.0
              v5: f32, v6: f32 = sequential i3 in 4 carry (v1: f32 = v0, v2: f32 = v0) {
                v3: f32 = load x[i0*128 + i1*32 + i2*4 + i3]
                v4: f32 = add v1, v3
                v9: f32 = maximum v2, v3
                next v4, v9
              }
              fold add v5
              fold maximum v6
            }
            v10: f32 = multiply v7, v8
            fold add v10
            fold minimum v7
          }
          store y[i0] = v11
          store y[i0 + 4] = v12
          v13: f32, v14: f32, v15: f32 = vector i4 in 16 {
            v16: f32 = load x[i0*128 + i4*8]
            fold multiply v16
            fold add v16
            fold add v11
          }
          store y[i0 + 8] = v13
          store y[i0 + 12] = v14
          store y[i0 + 16] = v15
          v17: bool, v18: bool, v24: i32 = unrolled i5 in 2 {
            v19: bool, v25: i32 = vector i6 in 4 {
              v20: f32 = load x[i0*128 + i5*4 + i6]
              v21: f32 = constant 0.5
              v22: bool = less v20, v21
              v26: i32 = convert v20
              fold or v22
              fold add v26
            }
            fold and v19
            fold or v19
            fold maximum v25
          }
          v23: bool = xor v17, v18
          store any[i0] = v23
          store n[i0] = v24
          v27: f32 = vector i7 in 1 {
            v28: f32 = load x[i0]
            fold add v28
          }
          store y[i0 + 20] = v27
        }
      }
      schedule {
        run folds
      }
    }
    """)
}
