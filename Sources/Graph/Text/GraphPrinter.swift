// Graph text: what dumps show and `Graph(parsing:)` reads back.
//
//   graph "step" {
//     state "0.weight": f32[1, 100] parameter = xavier_normal  ; "demo/main.swift:3"
//     %0 = input(name: "x", type: f32, shape: [200, 1]) : f32[200, 1]
//     %1 = state(index: @"0.weight", type: f32, shape: [1, 100]) : f32[1, 100]
//     %2 = matmul(%0, %1, order: chain) : f32[200, 100]  ; "demo/main.swift:12" in layer "0"
//     output "y" = %2
//   }
//
// A node's call site and layer follow a semicolon; the file's full path is dropped, so that text does not depend on the machine.

extension Graph: CustomStringConvertible {
  /// The graph as text that `Graph(parsing:)` reads back.
  public var description: String {
    var printer = GraphPrinter()
    printer.append(self)
    return printer.text
  }

  /// The one line of graph text that defines a node, without its bodies.
  public func line(of id: NodeID) -> String {
    var printer = GraphPrinter()
    printer.append(nodes[id.index], id, in: self)
    return printer.text
  }
}

/// Writes graph text into one buffer, with remarks drawn under the nodes that they are about.
struct GraphPrinter {
  private(set) var text = ""
  private var depth = 0

  mutating func append(_ part: String) { text += part }

  private mutating func newLine() {
    text += "\n"
    for _ in 0..<depth { text += "  " }
  }

  /// `remarks` stand as caret lines below their nodes; text with remarks still parses, for they are comments.
  mutating func append(_ graph: Graph, remarks: [NodeID: [String]] = [:]) {
    text += "graph "
    text.appendQuoted(graph.name)
    text += " {"
    depth += 1
    for variable in graph.state {
      newLine()
      append(variable)
    }
    for (index, node) in graph.nodes.enumerated() {
      let id = NodeID(index)
      newLine()
      append(node, id, in: graph)
      for remark in remarks[id] ?? [] {
        newLine()
        text += "// ^~~~ \(remark)"
      }
    }
    for output in graph.outputs {
      newLine()
      text += "output "
      text.appendQuoted(output.name)
      text += " = \(output.node)"
    }
    for update in graph.updates {
      newLine()
      text += "update "
      appendState(update.state.index, of: graph)
      text += " = \(update.node)"
    }
    depth -= 1
    newLine()
    text += "}"
    if depth == 0 { text += "\n" }
  }

  private mutating func append(_ variable: StateVariable) {
    text += "state "
    text.appendQuoted(variable.name)
    text += ": "
    text.append(variable.type)
    text += " \(variable.role.rawValue) = "
    variable.initialiser.print(to: &text)
    appendOrigin(variable.site, name: "", defaultName: "")
  }

  mutating func append(_ node: Node, _ id: NodeID, in graph: Graph) {
    text += "%"
    text.append(Int(id.raw))
    text += " = "
    text += type(of: node.op).mnemonic
    text += "("
    var separator = ""
    for operand in node.operands {
      text += separator
      text += "%"
      text.append(Int(operand.raw))
      separator = ", "
    }
    let isStateRead = node.op is ReadState
    for attribute in node.op.attributes {
      text += separator
      text += attribute.name
      text += ": "
      if isStateRead, attribute.name == "index", case .integer(let index) = attribute.value {
        appendState(index, of: graph)
      } else {
        attribute.value.print(to: &text)
      }
      separator = ", "
    }
    text += ") : "
    text.append(node.type)
    for further in node.furtherTypes {
      text += ", "
      text.append(further)
    }
    if !node.bodies.isEmpty {
      text += " {"
      depth += 1
      for body in node.bodies {
        newLine()
        append(body)
      }
      depth -= 1
      newLine()
      text += "}"
    }
    appendOrigin(node.site, name: node.name, defaultName: node.op.ownName(in: graph))
  }

  /// A state variable by name, which reads better than its number; by number where there is no such variable.
  private mutating func appendState(_ index: Int, of graph: Graph) {
    if graph.state.indices.contains(index) {
      text += "@"
      text.appendQuoted(graph.state[index].name)
    } else {
      text.append(index)
    }
  }

  private mutating func appendOrigin(_ site: CallSite, name: String, defaultName: String) {
    let isKnown = site.line != 0 || !site.fileID.isEmpty
    guard isKnown || name != defaultName else { return }
    text += "  ;"
    if isKnown {
      text += " "
      text.appendQuoted("\(site.fileID):\(site.line)")
    }
    if name != defaultName {
      text += " in layer "
      text.appendQuoted(name)
    }
  }
}

extension Op {
  /// The name that a leaf's node has unless text says otherwise: its input's or state variable's own.
  func ownName(in graph: Graph) -> String {
    if let input = self as? Input { return input.name }
    if let read = self as? ReadState, graph.state.indices.contains(read.id.index) {
      return graph.state[read.id.index].name
    }
    return ""
  }
}
