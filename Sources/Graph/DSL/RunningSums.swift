/// Sums over a loop's iterations in carried values. Those of many iterations are cut into runs, as `AccumulationOrder` cuts long
/// sums: a carried value for the run that goes on, and one for all runs before it.
struct RunningSums {
  private static let run = 128
  /// The most iterations that are summed in one chain.
  private static let whole = 256

  private let terms: [Tensor]
  private let builder: GraphBuilder
  private let site: CallSite
  private let isCut: Bool

  init(of terms: [Tensor], iterations: Int, _ builder: GraphBuilder, _ site: CallSite) {
    (self.terms, self.builder, self.site) = (terms, builder, site)
    isCut = iterations > Self.whole && !terms.isEmpty
  }

  /// Adds the initial values, the variables and the next values of what the loop carries.
  func carry(_ starts: inout [Tensor], _ inputs: inout [NodeID], _ outputs: inout [NodeID]) {
    func carry(_ type: TensorType, from start: (Tensor) -> Tensor) -> Tensor {
      let variable = builder.loopVariable(type, at: site)
      starts.append(start(variable))
      inputs.append(variable.id)
      return variable
    }
    let runs = terms.map { term in carry(term.type) { Tensor.zeros(like: $0) } }
    let sums = zip(runs, terms).map { $0 + $1 }
    guard isCut else {
      outputs += sums.map(\.id)
      return
    }
    let totals = terms.map { term in carry(term.type) { Tensor.zeros(like: $0) } }
    func number(_ value: Int) -> Tensor { builder.constant(.int(Int32(value)), at: site) }
    let left = carry(TensorType(.int32, [])) { _ in number(Self.run - 1) }
    let isLast = left .== number(0)
    outputs += sums.map { select(isLast, Tensor.zeros(like: $0), $0).id }
    outputs += zip(totals, sums).map { select(isLast, $0 + $1, $0).id }
    outputs.append(select(isLast, number(Self.run - 1), left - number(1)).id)
  }

  /// The sums, from the last values of what the loop carried.
  func totals(of results: [Tensor]) -> [Tensor] {
    guard isCut else { return Array(results.prefix(terms.count)) }
    return zip(results.dropFirst(terms.count), results).prefix(terms.count).map { $0 + $1 }
  }
}
