/// A model's layers with the shapes that they give and the parameters that they hold; prints as a table.
public struct ModuleSummary: Sendable, CustomStringConvertible {
  /// One layer.
  public struct Row: Sendable, Hashable {
    /// The layer's path; empty for the model itself.
    public let path: String
    public let type: String
    /// Nil where the layer is no `Layer` and stands in no `Sequential`, or was not called.
    public let outputShape: Shape?
    /// Of its own, without those that stand in a row above.
    public let parameterCount: Int
    /// Whether it has parameters that stand in a row above.
    public let isShared: Bool
  }

  public let rows: [Row]
  public let parameterCount: Int

  public var description: String {
    var cells = [["Layer", "Output shape", "Parameters"]]
    for row in rows {
      let count = Self.grouped(row.parameterCount) + (row.isShared ? " (shared)" : "")
      cells.append([
        row.path.isEmpty ? row.type : "\(row.path) (\(row.type))", row.outputShape?.description ?? "–", count,
      ])
    }
    cells.append(["Total", "", Self.grouped(parameterCount)])
    let widths = (0..<3).map { column in cells.map { $0[column].count }.max() ?? 0 }
    let rule = String(repeating: "─", count: widths.reduce(0, +) + 4)
    var lines = cells.map { row in
      let padded = zip(row, widths).map { ($0, String(repeating: " ", count: $1 - $0.count)) }
      return padded[0].0 + padded[0].1 + "  " + padded[1].0 + padded[1].1 + "  " + padded[2].1 + padded[2].0
    }
    lines.insert(rule, at: lines.count - 1)
    lines.insert(rule, at: 1)
    return lines.joined(separator: "\n")
  }

  /// `1,234,567`.
  static func grouped(_ number: Int) -> String {
    var text = ""
    let digits = Array(String(number))
    for (position, digit) in digits.enumerated() {
      if position > 0, (digits.count - position) % 3 == 0 { text.append(",") }
      text.append(digit)
    }
    return text
  }
}

extension Module {
  /// The model's layers for an input of that shape.
  ///
  /// - Throws: `GraphError` if the model does not take such an input.
  public func summary(
    input shape: Shape, type: ElementType = .float32, file: StaticString = #filePath, line: Int = #line
  ) throws -> ModuleSummary {
    let tree = ModuleTree(self)
    let builder = GraphBuilder(name: "summary")
    builder.register(tree)
    let output = self(builder.input("x", shape, type: type, file: file, line: line))
    guard builder.graph.diagnostics.isEmpty else { throw GraphError(builder.graph.diagnostics) }
    builder.layerOutputs[""] = output.shape

    var seen: Set<ParameterIdentity> = []
    var total = 0
    let rows = tree.leaves.map { path, node in
      let fresh = node.ownParameters.filter { seen.insert($0.identity).inserted }
      let count = Shape.sum(fresh.map(\.shape.elementCount))
      total = Shape.sum([total, count])
      return ModuleSummary.Row(
        path: path, type: node.typeName, outputShape: builder.layerOutputs[path], parameterCount: count,
        isShared: fresh.count < node.ownParameters.count)
    }
    return ModuleSummary(rows: rows, parameterCount: total)
  }
}

extension ModuleTree {
  /// The modules that have parameters of their own or no modules inside, with their paths.
  var leaves: [(path: String, node: Node)] {
    var found: [(path: String, node: Node)] = []
    func visit(_ node: Node, _ path: String) {
      if case .module = node.kind, !node.ownParameters.isEmpty || !node.hasModules { found.append((path, node)) }
      for (name, child) in node.children { visit(child, path.isEmpty ? name : path + "." + name) }
    }
    visit(root, "")
    return found
  }
}

extension ModuleTree {
  /// The layers inside the model all of whose parameters are as asked, with the first parameter; of layers inside each other, the
  /// outer one.
  func outermostLayers(where isWanted: (Parameter) -> Bool) -> [(path: String, typeName: String, first: Parameter)] {
    var found: [(path: String, typeName: String, first: Parameter)] = []
    func visit(_ node: Node, _ path: String) {
      let parameters = node.allParameters
      if case .module = node.kind, !path.isEmpty, let first = parameters.first, parameters.allSatisfy(isWanted) {
        found.append((path, node.typeName, first))
        return
      }
      for (name, child) in node.children { visit(child, path.isEmpty ? name : path + "." + name) }
    }
    visit(root, "")
    return found
  }
}

extension ModuleTree.Node {
  /// Its parameters and those in containers that hold no module.
  var ownParameters: [Parameter] {
    parameters.map(\.parameter)
      + children.flatMap { child -> [Parameter] in
        if case .module = child.node.kind { [] } else { child.node.ownParameters }
      }
  }

  /// Its parameters and those of all that it holds.
  var allParameters: [Parameter] { parameters.map(\.parameter) + children.flatMap { $0.node.allParameters } }

  var hasModules: Bool {
    children.contains { child in
      if case .module = child.node.kind { true } else { child.node.hasModules }
    }
  }
}
