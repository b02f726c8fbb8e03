import CinchCodegen
import CinchGraph
import Synchronization

/// What compiles have produced, by graph, shapes, target and options: a batch size seen before costs nothing.
///
/// Machine code and plan are shared; each program has memory of its own. The oldest entries make room for new ones.
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

  private struct Table: Sendable {
    var entries: [Key: Entry] = [:]
    var order: [Key] = []
  }

  static let capacity = 64
  private static let table = Mutex(Table())

  static func entry(_ key: Key, make: () throws -> Entry) throws -> (entry: Entry, isNew: Bool) {
    if let known = table.withLock({ $0.entries[key] }) { return (known, false) }
    let entry = try make()
    table.withLock { table in
      guard table.entries.updateValue(entry, forKey: key) == nil else { return }
      table.order.append(key)
      if table.order.count > capacity { table.entries[table.order.removeFirst()] = nil }
    }
    return (entry, true)
  }

  static func clear() { table.withLock { $0 = Table() } }
}
