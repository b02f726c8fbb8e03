public import CinchGraph

/// Where each state variable lives in the state segment: a function of the state variables alone, so that every program of
/// one model (training step, last partial batch, evaluation) shares one segment without a copy.
public struct StateLayout: Sendable, Hashable {
  public struct Entry: Sendable, Hashable {
    public let variable: StateVariable
    public let byteOffset: Int
  }

  /// In the order of the graph's state.
  public let entries: [Entry]
  public let byteCount: Int

  /// - Parameter hasCanaries: leaves a gap of 64 bytes around each variable, for tests that look for stray writes; all
  ///   programs of a state must agree in it.
  public init(_ state: [StateVariable], hasCanaries: Bool = false) {
    let gap = hasCanaries ? 64 : 0
    var entries: [Entry] = []
    var end = gap
    for variable in state {
      entries.append(Entry(variable: variable, byteOffset: end))
      end = (end + variable.type.byteCount + gap + 63) & ~63
    }
    self.entries = entries
    self.byteCount = end
  }

  /// Whether a program of this layout can work on a segment of that one: the same variables in the same places, whatever
  /// their lines.
  public func isCompatible(with other: StateLayout) -> Bool {
    entries.elementsEqual(other.entries) { a, b in
      a.variable.name == b.variable.name && a.variable.type == b.variable.type && a.byteOffset == b.byteOffset
    }
  }
}
