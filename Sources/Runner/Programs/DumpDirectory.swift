import CinchCodegen
import CinchGraph
import Glibc
import Synchronization

/// Writes every stage of a compile into numbered text files: `CINCH_DUMP=dir`.
final class DumpDirectory: Sendable {
  private let path: String
  private let prefix: String
  private let next = Atomic<Int>(0)
  /// The first that went wrong: those who observe passes can't throw.
  private let failure = Mutex<ProgramError?>(nil)

  /// Numbers compiles, so that several programs of one run don't overwrite each other.
  private static let compiles = Atomic<Int>(0)

  init(_ path: String, program: String) throws {
    self.path = path
    let number = Self.compiles.add(1, ordering: .relaxed).newValue
    let name = String(
      program.unicodeScalars.map { $0.isASCII && ($0.properties.isAlphabetic || $0 == "_") ? Character($0) : "_" })
    prefix = "\(padded(number))-\(name)"
    guard mkdir(path, 0o777) == 0 || errno == EEXIST else {
      throw ProgramError.dumpRefused(path, reason: String(cString: strerror(errno)))
    }
    var status = stat()
    guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR, access(path, W_OK | X_OK) == 0 else {
      throw ProgramError.dumpRefused(path, reason: "it is no directory in which this user may make files")
    }
  }

  func write(_ stage: String, _ suffix: String, _ text: String) {
    let number = next.add(1, ordering: .relaxed).newValue
    let file = "\(path)/\(prefix)-\(padded(number))-\(stage).\(suffix)"
    guard let handle = fopen(file, "w") else { return fail(file) }
    var text = text
    let isWhole = text.withUTF8 { fwrite($0.baseAddress, 1, $0.count, handle) == $0.count }
    if fclose(handle) != 0 || !isWhole { fail(file) }
  }

  private func fail(_ file: String) {
    let error = ProgramError.dumpRefused(file, reason: String(cString: strerror(errno)))
    failure.withLock { if $0 == nil { $0 = error } }
  }

  /// Writes the stages after the passes.
  ///
  /// - Throws: `ProgramError.dumpRefused` if this stage or one before it could not be written.
  func write(_ step: CompiledStep, _ proof: ProofReport, source: String) throws {
    write("kernels", "txt", step.kernelListing)
    write("loops", "txt", step.loops.description)
    write("memory", "txt", step.memoryListing)
    write("proof", "txt", proof.description)
    write("portable", "c", step.portableC)
    if !source.isEmpty { write("compiled", "c", source) }
    if let failure = failure.withLock({ $0 }) { throw failure }
  }
}

private func padded(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
