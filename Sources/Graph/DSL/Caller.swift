internal import Synchronization

#if canImport(Runtime)
  internal import Runtime
#endif

/// The user's line that called into Cinch, as the call stack and the program's debug information tell.
///
/// Operators have no parameter that could carry a line. Reading the debug information of a large program takes up to a second
/// the first time, so it is done only when a mistake has been found. It tells nothing in programs without debug information, and
/// before Swift 6.2.
struct Caller: Equatable {
  let site: CallSite
  /// The function that the line is in: `closure #1 in Block.callAsFunction(_:)`.
  let function: String
  /// Whether that line called a layer, which may be made elsewhere.
  let callsLayer: Bool

  struct Frame {
    var function: String
    var path: String
    var line: Int

    /// Whether its line is in code that nobody wrote; optimised programs give even that a number.
    var isGenerated: Bool {
      path.hasSuffix("<compiler-generated>") || path.contains("/@__swiftmacro_") || function.contains("macro expansion #")
    }
  }

  /// Nil if nothing is known, or if Cinch was at work on its own: differentiating, training, rewriting.
  static func current() -> Caller? { nearest(in: frames()) }

  /// - Parameter frames: innermost first; this file's are among them, because their path tells where Cinch's sources lie.
  static func nearest(in frames: [Frame]) -> Caller? {
    let own = "Graph/DSL/Caller.swift"
    guard let start = frames.firstIndex(where: { $0.path.hasSuffix("/" + own) }) else { return nil }
    let sources = frames[start].path.dropLast(own.count)
    let folder = compilerFolder(of: frames, sources: sources)
    var callsLayer = false
    for frame in frames[start...] where frame.line > 0 && !frame.isGenerated {
      let path = frame.path.hasPrefix("/") ? frame.path : folder + frame.path
      guard path.hasPrefix(sources) else {
        return Caller(site: CallSite(filePath: path, line: frame.line), function: frame.function, callsLayer: callsLayer)
      }
      let file = path.dropFirst(sources.count)
      if isAtWorkAlone(in: file) { return nil }
      if file == "Graph/Layers/Module.swift" { callsLayer = true }
    }
    return nil
  }

  /// The folder that relative paths start from: optimised programs name the file of an inlined function from where the compiler
  /// ran. Empty if no frame of the graph's sources tells.
  ///
  /// A dependency's sources lie deeper than the user's own folder of the same name, so the longest match counts.
  private static func compilerFolder(of frames: [Frame], sources: Substring) -> Substring {
    var longest: Substring = ""
    for path in frames.map(\.path) where !path.hasPrefix("/") {
      for slash in path.indices where path[slash...].hasPrefix("/Graph/") {
        let folder = path[...slash]
        if folder.count > longest.count, sources.hasSuffix("/" + folder) { longest = folder }
      }
    }
    return longest.isEmpty ? "" : sources.dropLast(longest.count)
  }

  /// Whether what runs in that file was asked for by no line of the user's model.
  private static func isAtWorkAlone(in file: Substring) -> Bool {
    !file.hasPrefix("Graph/") || file.hasPrefix("Graph/Optimizers/") || file.hasPrefix("Graph/DSL/Gradient")
      || file == "Graph/IR/Graph+Rewriting.swift"
  }

  #if canImport(Runtime)
    /// The reader of debug information is not known to be safe for several threads at once.
    private static let lock = Mutex(())

    @inline(never)
    private static func frames() -> [Frame] {
      lock.withLock { _ in
        guard let stack = try? Backtrace.capture(limit: 64, top: 0).symbolicated() else { return [] }
        return stack.frames.compactMap { frame in
          guard let symbol = frame.symbol, let location = symbol.sourceLocation else { return nil }
          return Frame(function: symbol.name, path: location.path, line: location.line)
        }
      }
    }
  #else
    private static func frames() -> [Frame] { [] }
  #endif
}

extension GraphBuilder {
  /// The mistake with what the call stack and the model's tree know about its place.
  func located(_ diagnostic: Diagnostic) -> Diagnostic {
    var diagnostic = diagnostic
    if diagnostic.layer.isEmpty { diagnostic.layer = scope }
    let isOperator = diagnostic.site.isOfOperand
    guard !isRewriting, isOperator || !trees.isEmpty, let caller = Caller.current() else { return diagnostic }
    if isOperator { diagnostic.site = caller.site }
    if let module = modulePath(of: caller.function, near: diagnostic.notes.map(\.name)),
      diagnostic.layer.isEmpty || module.hasPrefix(diagnostic.layer + ".")
    {
      diagnostic.layer = module
    }
    if caller.callsLayer, !isOperator, caller.site != diagnostic.site {
      diagnostic.notes.append(.init("called here", at: caller.site))
    }
    return diagnostic
  }

  /// The path of the module that the function belongs to: the innermost one around what the operands were made by, or the
  /// only one of its type.
  private func modulePath(of function: String, near layers: [String]) -> String? {
    var paths: [String] = []
    for (prefix, tree) in trees {
      for (path, module) in tree.modules where !path.isEmpty && function.names("\(type(of: module))") {
        paths.append(prefix + path)
      }
    }
    let around = paths.filter { path in layers.contains { $0.hasPrefix(path + ".") } }
    return around.max { $0.utf8.count < $1.utf8.count } ?? (paths.count == 1 ? paths[0] : nil)
  }
}

extension String {
  /// Whether `type` stands in the name of a function as the type that the function is a member of.
  fileprivate func names(_ type: String) -> Bool {
    var rest = self[...]
    while let found = rest.firstRange(of: type) {
      let before = found.lowerBound == startIndex ? nil : self[index(before: found.lowerBound)]
      let after = found.upperBound == endIndex ? nil : self[found.upperBound]
      // A type of a function is called `Block #1 in …`.
      let isWhole = before.map { !$0.isLetter && !$0.isNumber && $0 != "_" } ?? true
      if isWhole, after == "." || after == " " { return true }
      rest = self[found.upperBound...]
    }
    return false
  }
}
