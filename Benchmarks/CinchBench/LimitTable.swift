import Cinch

/// What the machine can do at most, at one thread and at as many as were asked for.
struct LimitTable {
  let workers: Int

  func write() throws {
    for workers in Set([1, workers]).sorted() {
      guard let limits = try MachineLimits.measured(workers: workers, rounds: 25) else {
        return print("This processor has no AVX2: there is no vector code to measure.")
      }
      print(
        "\(limits.workers) thread\(workers == 1 ? "" : "s"), \(limits.vectorSet.rawValue): "
          + "\(fixed(limits.flopsPerSecond * 1e-9)) GFLOP/s of multiply-adds")
      print("  GB/s          bytes      read      copy    update")
      for level in limits.levels {
        print(
          "  " + padded(level.name, -8) + padded(size(level.measuredBytes), 11)
            + [level.read, level.copy, level.update].map { padded(fixed($0 * 1e-9), 10) }.joined())
      }
    }
  }

  private func size(_ byteCount: Int) -> String {
    byteCount >= 1 << 20 ? "\(byteCount >> 20) MiB" : "\(byteCount >> 10) KiB"
  }
}
