/// What register tiles cost: the one place that knows of ports and registers.
struct TileCosts {
  private let registers: Int
  private let lanes: Int

  init(_ target: Target) {
    registers = target.vectorRegisterCount
    lanes = target.lanes
  }

  /// Cycles for one k of a tile: two fused multiply-adds or two loads start in each, and a chain takes four; a tile whose chains
  /// just cover that has nothing to start when one is late, so that more count: ten chains were measured to take 5.8.
  private func cycles(_ vectors: Int, _ rows: Int) -> Double {
    max(5.6, Double(vectors * rows) / 2, Double(vectors + rows) / 2) + Double(vectors + rows) * 0.06
  }

  /// Vectors of columns that a tile may have.
  private var mostVectors: Int { registers >= 32 ? 4 : 3 }

  /// Strips of columns if tiles are as wide as they can be.
  func fewestStrips(of columns: Int) -> Int { columns.dividedUp(by: mostVectors * lanes) }

  /// Of a whole axis cut into blocks: full ones and a rest.
  private func blocks(_ extent: Int, _ size: Int) -> [(count: Int, size: Int)] {
    let size = min(size, extent)
    return [(extent / size, size)] + (extent % size > 0 ? [(1, extent % size)] : [])
  }

  /// A register tile, with what all of a contraction's tiles cost together.
  struct Tile {
    /// Which of the axes of rows is tiled.
    var row: Int
    var tile: Int
    var vectors: Int
    /// Cycles for one k.
    var cost: Double
  }

  /// Tiles of some vectors over all rows of an axis: their height, what they cost for one k, and how many copies of the code
  /// they are.
  private func tiles(_ vectors: Int, rows: Int) -> (height: Int, cost: Double, copies: Int) {
    let most = (registers - vectors - 1) / vectors
    var best = (height: 1, cost: Double.infinity, copies: 1)
    for height in 1...max(1, min(rows, most, 14)) {
      let runs = blocks(rows, height)
      let cost = runs.reduce(0) { $0 + Double($1.count) * cycles(vectors, $1.size) }
      if cost * copyFactor(runs.count) < best.cost * copyFactor(best.copies) { best = (height, cost, runs.count) }
    }
    return best
  }

  /// A rest is another copy of the code, which has to be compiled and fetched.
  private func copyFactor(_ copies: Int) -> Double { 1 + 0.03 * Double(copies - 1) }

  /// The rows of a tile with this number of vectors.
  func height(_ vectors: Int, rows: Int) -> Int { tiles(vectors, rows: rows).height }

  /// What costs least when `workers` share the strips. Each row has a factor that its tiles cost.
  func best(rows: [(extent: Int, cost: Double)], columns: Int, workers: Int) -> Tile {
    let vectorCount = columns.dividedUp(by: lanes)
    var best = Tile(row: 0, tile: 1, vectors: 1, cost: .infinity)
    for vectors in 1...min(vectorCount, mostVectors) {
      for axis in rows.indices {
        let others = rows.enumerated().reduce(rows[axis].cost) { $0 * ($1.offset == axis ? 1 : Double($1.element.extent)) }
        let (strips, rest) = vectorCount.quotientAndRemainder(dividingBy: vectors)
        let whole = tiles(vectors, rows: rows[axis].extent)
        var cost = Double(strips.dividedUp(by: workers)) * whole.cost
        var copies = whole.copies
        if rest > 0 {
          // Worker 0, which takes the rest, has no more of the strips than others.
          let narrow = tiles(rest, rows: rows[axis].extent)
          cost = max(cost, Double(strips / workers) * whole.cost + narrow.cost)
          copies += narrow.copies
        }
        cost *= others * copyFactor(copies)
        if cost < best.cost { best = Tile(row: axis, tile: whole.height, vectors: vectors, cost: cost) }
      }
    }
    return best
  }
}

extension TileCosts {
  /// For one vector of a packed factor: its conditions, its load and its store.
  private static let cyclesToPack = 6.0

  /// How many runs of `length` columns make the panel for which all `extent` runs cost least; few if more gain little.
  func runs(_ extent: Int, of length: Int, most: Int, rows: Int, _ slide: ContractionSchedule.Slide?) -> Int {
    var best = (count: 1, cost: Double.infinity)
    for count in 1...most {
      let cost = blocks(extent, count).reduce(0) { sum, run in
        // Without a slide, what is packed is the same whatever the panels.
        let lines = slide.map { Double(run.size + $0.margin) / Double($0.extent) } ?? 0
        let packed = lines * Double(length.dividedUp(by: lanes)) * Self.cyclesToPack
        return sum
          + Double(run.count) * (packed + self.best(rows: [(rows, 1)], columns: run.size * length, workers: 1).cost)
      }
      if cost < best.cost * 0.98 { best = (count, cost) }
    }
    return best.count
  }
}
