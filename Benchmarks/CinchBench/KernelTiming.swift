import Cinch

/// Single kernels, each as a program of its own, against what the machine can do.
struct KernelTiming {
  let options: ProgramOptions
  /// For each kernel.
  let seconds: Double

  private struct Case {
    let name: String
    /// Of the definition, not of the code; nil takes what the code does.
    var flopCount: Int?
    var byteCount: Int?
    let graph: Graph
  }

  func write() throws {
    let limits = try MachineLimits.current(workers: options.workers)
    // Of the limit, by the median and by the fastest run: where they are far apart, others use the machine.
    print("kernel                              median µs    least µs   GFLOP/s      GB/s  of limit   fastest  kernels")
    for item in Self.cases {
      let program = try item.graph.compile(options)
      let state = try ModelState(program.step.stateLayout, seed: 1)
      for input in program.step.inputs {
        try program.setInput(input.name, to: .randomUniform(input.type.shape, from: -1, to: 1, seed: 2))
      }
      let times = try time { try program.step(state) }
      let flopCount = item.flopCount ?? program.proof.flopCount
      let byteCount = item.byteCount ?? program.proof.byteCount
      let median = times.median
      var line = padded(item.name, -34) + padded(fixed(median * 1e6), 11) + padded(fixed(times[0] * 1e6), 12)
      line += padded(fixed(Double(flopCount) / median * 1e-9), 10) + padded(fixed(Double(byteCount) / median * 1e-9), 10)
      let least = limits?.leastTime(flopCount: flopCount, byteCount: byteCount).seconds
      for time in [median, times[0]] { line += padded(least.map { fixed(100 * $0 / time) + "%" } ?? "-", 10) }
      print(line + padded("\(program.step.loops.kernels.count)", 9))
    }
  }

  /// In order of size, after a warm-up.
  private func time(_ body: () throws -> Void) throws -> [Double] {
    let clock = ContinuousClock()
    var times: [Double] = []
    let start = clock.now
    for _ in 0..<3 { try body() }
    while times.count < 20 || ((clock.now - start).seconds < seconds && times.count < 10_000) {
      let start = clock.now
      try body()
      times.append((clock.now - start).seconds)
    }
    return times.sorted()
  }

  private static var cases: [Case] {
    [
      gemm(512, 512, 512), gemm(1024, 1024, 1024), gemm(128, 784, 512),
      product("layer 256×1024×1024, bias, gelu", 256, 1024, 1024) { x, w, b in gelu(matmul(x, w) + b) },
      product("  its gradient by the input", 256, 1024, 1024, turnsWeights: true) { d, w, _ in
        matmul(d, w.transposed(to: [1, 0]))
      },
      product("  its gradient by the weights", 1024, 256, 1024, turnsInput: true) { x, d, _ in
        matmul(x.transposed(to: [1, 0]), d)
      },
      convolution("conv 64×32×26² → 64, 3×3, bias, relu") { x, w, b, _ in relu(conv2d(x, w) + b) },
      convolution("  its gradient by the weights") { x, w, _, d in gradient(of: (conv2d(x, w) * d).sum(), withRespectTo: w) },
      convolution("  its gradient by the images") { x, w, _, d in gradient(of: (conv2d(x, w) * d).sum(), withRespectTo: x) },
      rows("softmax 4096×512") { x in softmax(x) },
      rows("layer norm 4096×512") { x in
        let centred = x - x.mean(along: 1, keepingAxes: true)
        return centred * rsqrt((centred * centred).mean(along: 1, keepingAxes: true) + 1e-5)
      },
      elementwise,
    ]
  }

  private static func gemm(_ rows: Int, _ inner: Int, _ columns: Int) -> Case {
    Case(
      name: "matmul \(rows)×\(inner)×\(columns), bias, relu", flopCount: 2 * rows * inner * columns,
      byteCount: 4 * (rows * inner + inner * columns + columns + rows * columns),
      graph: Graph { g in
        let (x, w, b) = (g.input("x", [rows, inner]), g.input("w", [inner, columns]), g.input("b", [columns]))
        g.output("y", relu(matmul(x, w) + b))
      })
  }

  private static func product(
    _ name: String, _ rows: Int, _ inner: Int, _ columns: Int, turnsInput: Bool = false, turnsWeights: Bool = false,
    _ result: (_ x: Tensor, _ w: Tensor, _ b: Tensor) -> Tensor
  ) -> Case {
    Case(
      name: name, flopCount: 2 * rows * inner * columns,
      graph: Graph { g in
        let x = g.input("x", turnsInput ? [inner, rows] : [rows, inner])
        let w = g.input("w", turnsWeights ? [columns, inner] : [inner, columns])
        g.output("y", result(x, w, g.input("b", [columns])))
      })
  }

  /// The second convolution of W5.
  private static func convolution(
    _ name: String, _ result: (_ x: Tensor, _ w: Tensor, _ b: Tensor, _ d: Tensor) -> Tensor
  ) -> Case {
    let (images, inputs, outputs, size) = (64, 32, 64, 24)
    return Case(
      name: name, flopCount: 2 * images * outputs * size * size * inputs * 9,
      graph: Graph { g in
        let x = g.input("x", [images, inputs, size + 2, size + 2])
        let w = g.input("w", [outputs, inputs, 3, 3])
        let b = g.input("b", [outputs, 1, 1])
        let d = g.input("d", [images, outputs, size, size])
        g.output("y", result(x, w, b, d))
      })
  }

  /// Read once and written once at least.
  private static func rows(_ name: String, _ result: (Tensor) -> Tensor) -> Case {
    Case(name: name, byteCount: 2 * 4 * 4096 * 512, graph: Graph { g in g.output("y", result(g.input("x", [4096, 512]))) })
  }

  /// W7, whose forward pass, gradients and updates are one loop.
  private static var elementwise: Case {
    let count = 1 << 22
    return Case(
      // x, and a, b and c before and after.
      name: "W7: tanh, sigmoid, exp over 2²²", byteCount: 7 * 4 * count,
      graph: Graph { g in
        let x = g.input("x", [count])
        let parameters = ["a", "b", "c"].map { g.parameter($0, [count], .uniform(bound: 1)) }
        let loss = (tanh(parameters[0] * x + parameters[1]) * sigmoid(parameters[2] * x) + exp(-(x * x))).sum()
        g.output("loss", loss)
        for (parameter, gradient) in zip(parameters, gradients(of: loss, withRespectTo: parameters)) {
          g.update(parameter, to: parameter - 0.01 * gradient)
        }
      })
  }
}
