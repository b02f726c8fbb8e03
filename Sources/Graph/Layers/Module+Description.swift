extension Module {
  /// The module with its parts, as PyTorch prints it.
  public var description: String {
    var text = ""
    ModuleTree(self).root.print(into: &text, indentation: "")
    return text
  }
}

extension ModuleTree.Node {
  var typeName: String {
    switch kind {
    case .module(let module): String(describing: Swift.type(of: module))
    case .list: children.isEmpty ? "ParameterList" : "ModuleList"
    case .dictionary: children.isEmpty ? "ParameterDict" : "ModuleDict"
    case .group(let type): String(describing: type)
    }
  }

  private var configuration: String {
    if case .module(let module) = kind { module.configuration } else { "" }
  }

  /// Parameters are listed where they are all that a container holds; a module's own are its own business.
  private var listedParameters: [(name: String, parameter: Parameter)] {
    if case .module = kind { [] } else { parameters }
  }

  fileprivate func print(into text: inout String, indentation: String) {
    text += typeName
    text += "("
    let configuration = configuration
    if children.isEmpty && listedParameters.isEmpty {
      text += configuration + ")"
      return
    }
    let inner = indentation + "  "
    if !configuration.isEmpty { text += "\n" + inner + configuration }
    for (name, parameter) in listedParameters {
      text += "\n\(inner)(\(name)): Parameter(shape=\(parameter.shape))"
    }
    for (label, body) in lines(indentation: inner) { text += "\n\(inner)(\(label)): \(body)" }
    text += "\n\(indentation))"
  }

  /// The children's labels and texts; equal neighbours in a list are counted instead of repeated.
  private func lines(indentation: String) -> [(label: String, text: String)] {
    let texts = children.map { child in
      var text = ""
      child.node.print(into: &text, indentation: indentation)
      return text
    }
    guard case .list = kind else { return zip(children, texts).map { ($0.name, $1) } }
    var lines: [(label: String, text: String)] = []
    var start = 0
    while start < texts.count {
      var end = start
      while end + 1 < texts.count, texts[end + 1] == texts[start] { end += 1 }
      let isRun = end > start
      lines.append(
        (
          isRun ? "\(children[start].name)-\(children[end].name)" : children[start].name,
          isRun ? "\(end - start + 1) x \(texts[start])" : texts[start]
        ))
      start = end + 1
    }
    return lines
  }
}
