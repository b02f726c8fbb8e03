import CinchCodegen
import CinchGraph
import Glibc
import Synchronization

/// Writes every stage of a compile into numbered text files: `CINCH_DUMP=dir`.
final class DumpDirectory: Sendable {
  private let path: String
  private let prefix: String
  private let next = Atomic<Int>(0)

  /// Numbers compiles, so that several programs of one run don't overwrite each other.
  private static let compiles = Atomic<Int>(0)

  init(_ path: String, program: String) throws {
    self.path = path
    let number = Self.compiles.add(1, ordering: .relaxed).newValue
    let name = String(program.unicodeScalars.map { $0.isASCII && ($0.properties.isAlphabetic || $0 == "_") ? Character($0) : "_" })
    prefix = "\(padded(number))-\(name)"
    guard mkdir(path, 0o777) == 0 || errno == EEXIST else {
      throw ProgramError.dumpRefused(path, reason: String(cString: strerror(errno)))
    }
  }

  func write(_ stage: String, _ suffix: String, _ text: String) {
    let number = next.add(1, ordering: .relaxed).newValue
    let file = "\(path)/\(prefix)-\(padded(number))-\(stage).\(suffix)"
    guard let handle = fopen(file, "w") else { return }
    defer { fclose(handle) }
    var text = text
    text.withUTF8 { _ = fwrite($0.baseAddress, 1, $0.count, handle) }
  }

  func write(_ step: CompiledStep, _ proof: ProofReport, source: String) {
    write("kernels", "txt", step.kernelListing)
    write("loops", "txt", step.loops.description)
    write("memory", "txt", step.memoryListing)
    write("proof", "txt", proof.description)
    write("portable", "c", step.portableC)
    if !source.isEmpty { write("compiled", "c", source) }
  }
}

private func padded(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
