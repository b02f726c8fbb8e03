public import CinchGraph
import Glibc
import Synchronization

/// What Cinch says of programs that are right and probably not meant, each line of the user's once in a process.
public enum Warnings {
  private struct State: Sendable {
    var shown: Set<String> = []
    var observer: (@Sendable (Diagnostic) -> Void)?
    var isSilent = false
  }

  private static let state = Mutex(State())

  /// Whether nothing is written to the standard error output; observers are told all the same.
  public static var isSilent: Bool {
    get { state.withLock { $0.isSilent } }
    set { state.withLock { $0.isSilent = newValue } }
  }

  /// From now on, gives each new warning to `observer` in place of the standard error output; nil ends that.
  public static func observe(_ observer: (@Sendable (Diagnostic) -> Void)?) { state.withLock { $0.observer = observer } }

  static func show(_ warnings: [Diagnostic]) {
    for warning in warnings {
      // Batches of other sizes have other shapes in the same sentence.
      let key = "\(warning.site.filePath):\(warning.site.line) \(warning.topic)"
      let (isNew, observer, isSilent) = state.withLock { ($0.shown.insert(key).inserted, $0.observer, $0.isSilent) }
      guard isNew else { continue }
      if let observer {
        observer(warning)
      } else if !isSilent {
        write("\(warning)\n")
      }
    }
  }

  private static func write(_ text: String) {
    var text = text
    text.withUTF8 { _ = Glibc.write(STDERR_FILENO, $0.baseAddress, $0.count) }
  }
}
