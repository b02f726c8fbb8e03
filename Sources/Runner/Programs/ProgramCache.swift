import CinchCodegen
import CinchGraph
import Synchronization

/// What compiles have produced, by graph, shapes, target and options: a batch size seen before costs nothing.
///
/// Machine code and plan are shared; each program has memory of its own. Those that were not asked for the longest make room for
/// new ones.
enum ProgramCache {
  struct Key: Hashable, Sendable {
    let graph: GraphKey
    let options: ProgramOptions
  }

  struct Entry: Sendable {
    let step: CompiledStep
    let proof: ProofReport
    let code: NativeCode?
    let times: CompileTimes
  }

  private static let empty = RecentlyUsed<Key, Entry>(capacity: 64, byteLimit: 128 << 20, leastCount: 4)
  private static let table = Mutex(empty)

  static func entry(_ key: Key, make: () throws -> Entry) throws -> (entry: Entry, isNew: Bool) {
    if let known = table.withLock({ $0[key] }) { return (known, false) }
    let entry = try make()
    table.withLock { $0.insert(entry, for: key, byteCount: entry.step.planByteCount + (entry.code?.byteCount ?? 0)) }
    return (entry, true)
  }

  static func clear() { table.withLock { $0 = empty } }
}

extension CompiledStep {
  /// About as many bytes as its graph, kernels and loops take: a transformer of 824 nodes took 1.4 MB.
  var planByteCount: Int { graph.nodes.count << 11 }
}
