import CinchGraph

/// Tensors of a file that are to become a model's, with words for what doesn't fit.
struct ParameterFile {
  let path: String
  var tensors: [(name: String, tensor: HostTensor)]
  /// Why a tensor can't be read, by name.
  var unreadable: [String: String]
  /// Whether another program may have written it: it may have floats of other sizes, and integers that are no parameters.
  var isForeign = false

  typealias Wanted = (name: String, type: TensorType)

  /// Those whose names begin with the prefix, without it.
  func without(_ prefix: String) -> ParameterFile {
    guard !prefix.isEmpty else { return self }
    func rest(_ name: String) -> String? { name.hasPrefix(prefix) ? String(name.dropFirst(prefix.count)) : nil }
    var result = self
    result.tensors = tensors.compactMap { name, tensor in rest(name).map { ($0, tensor) } }
    result.unreadable = [:]
    for (name, reason) in unreadable { if let name = rest(name) { result.unreadable[name] = reason } }
    return result
  }

  /// A value for each name.
  ///
  /// - Throws: `DataError` naming all that is missing, unknown, or of another shape.
  func values(of wanted: [Wanted]) throws -> [(name: String, value: HostTensor)] {
    let given = Dictionary(tensors.map { ($0.name, $0.tensor) }) { first, _ in first }
    if let (name, _) = wanted.first(where: { unreadable[$0.name] != nil }), let reason = unreadable[name] {
      throw DataError("tensor '\(name)': \(reason)", file: path)
    }
    try checkNames(wanted.map(\.name), given)
    let differing = wanted.compactMap { name, type in given[name].flatMap { difference(name, type, $0.type) } }
    guard differing.isEmpty else {
      throw DataError("the shapes don't match: \(differing.joined(separator: "; "))", file: path)
    }
    return wanted.compactMap { name, type in given[name].map { (name, $0.converted(to: type.elementType)) } }
  }

  private func checkNames(_ wanted: [String], _ given: [String: HostTensor]) throws {
    let known = Set(wanted)
    let missing = wanted.filter { given[$0] == nil }
    let unexpected = tensors.filter { name, tensor in
      !known.contains(name) && (tensor.elementType.isFloatingPoint || !isForeign)
    }.map(\.name)
    var mistakes: [String] = []
    if !missing.isEmpty { mistakes.append("the file lacks \(Self.list(missing))") }
    if !unexpected.isEmpty { mistakes.append("the model has no \(Self.list(unexpected))") }
    if let suggestion = isForeign && !missing.isEmpty ? prefixSuggestion(wanted, given) : nil { mistakes.append(suggestion) }
    guard mistakes.isEmpty else {
      throw DataError("the names don't match: \(mistakes.joined(separator: "; "))", file: path)
    }
  }

  /// What to do where names differ by something in front of all of them.
  private func prefixSuggestion(_ wanted: [String], _ given: [String: HostTensor]) -> String? {
    guard let first = wanted.first else { return nil }
    let prefixes = tensors.map(\.name).filter { $0.hasSuffix(first) && $0 != first }.map { String($0.dropLast(first.count)) }
    if let prefix = prefixes.first(where: { prefix in wanted.allSatisfy { given[prefix + $0] != nil } }) {
      return "the file has them behind '\(prefix)': loadParameters(path, prefix: \"\(prefix)\")"
    }
    let ownPrefixes = first.indices.filter { first[$0] == "." }.map { String(first[...$0]) }
    let own = ownPrefixes.first { prefix in
      wanted.allSatisfy { $0.hasPrefix(prefix) && given[String($0.dropFirst(prefix.count))] != nil }
    }
    return own.map {
      "the file has them without '\($0)': SafeTensors(path:) gives its tensors, and setValue(of:to:) takes them"
    }
  }

  private func difference(_ name: String, _ wanted: TensorType, _ given: TensorType) -> String? {
    let isConvertible = isForeign && wanted.elementType.isFloatingPoint && given.elementType.isFloatingPoint
    if wanted.shape == given.shape, wanted == given || isConvertible { return nil }
    let isTransposed = wanted.shape != given.shape && given.shape.extents == wanted.shape.extents.reversed()
    return "'\(name)' is \(given) in the file and \(wanted) in the model"
      + (isTransposed ? " (transposed: Cinch keeps weights as [inputs, outputs], PyTorch as [outputs, inputs])" : "")
  }

  private static func list(_ names: [String]) -> String {
    let shown = names.prefix(8).map { "'\($0)'" }.joined(separator: ", ")
    return names.count > 8 ? shown + " and \(names.count - 8) more" : shown
  }
}

extension HostTensor {
  /// Floats of the other size, rounded where it has fewer digits; anything else as it is.
  fileprivate func converted(to type: ElementType) -> HostTensor {
    switch (elements, type) {
    case (.float64(let values), .float32): HostTensor(.float32(values.map { Float($0) }), shape: shape)
    case (.float32(let values), .float64): HostTensor(.float64(values.map { Double($0) }), shape: shape)
    default: self
    }
  }
}
