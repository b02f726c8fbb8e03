public import Cinch

extension Engine {
  /// The numbers of workers to test with: of a compiler that takes long to start, the last one alone.
  public func worthTesting(workers: [Int]) -> [Int] {
    if case .systemCompiler = self { workers.suffix(1) } else { workers }
  }
}
