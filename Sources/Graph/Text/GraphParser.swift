extension Graph {
  /// The graph that `text` describes, in the form that `description` prints; types may be left out where they
  /// follow from the operands, and nodes may have names (`%loss`) instead of numbers.
  ///
  /// Text may come from anywhere: whatever it holds, the result is a graph that the verifier accepts, or an error with its place.
  public init(parsing text: String) throws(GraphTextError) {
    var parser = try GraphParser(text)
    self = try parser.parseAll()
  }
}

/// Reads graph text by recursive descent with one token of lookahead.
struct GraphParser {
  private var lexer: GraphLexer
  private(set) var token: GraphToken
  private var depth = 0
  /// The graph that is being read, innermost.
  private var graph = Graph()
  private var nodes: [String: NodeID] = [:]
  private var stateNames: [String: StateID] = [:]
  private var outputNames: Set<String> = []
  private var updated: Set<StateID> = []
  /// Where each node's definition starts, for mistakes that are found when the graph is complete.
  private var offsets: [Int] = []

  init(_ text: String) throws(GraphTextError) {
    let source = Array(text.utf8)
    lexer = GraphLexer(source)
    guard source.count <= GraphTextLimits.bytes else {
      throw GraphTextError("the text is longer than \(GraphTextLimits.bytes) bytes", at: 0, in: [])
    }
    token = try lexer.next()
  }

  mutating func parseAll() throws(GraphTextError) -> Graph {
    let graph = try parseGraph(isBody: false)
    guard token.kind == .end else { throw error("one graph was expected, and here is more text") }
    return graph
  }

  // MARK: Tokens

  func error(_ message: String) -> GraphTextError { error(message, at: token) }
  func error(_ message: String, at token: GraphToken) -> GraphTextError {
    lexer.error(message, at: token.range.lowerBound)
  }

  func text(of token: GraphToken) -> String { lexer.text(of: token) }

  @discardableResult
  mutating func advance() throws(GraphTextError) -> GraphToken {
    let current = token
    token = try lexer.next()
    return current
  }

  func isAt(_ mark: Character) -> Bool {
    mark.asciiValue.map { token.kind == .punctuation($0) } ?? false
  }

  mutating func skip(_ mark: Character) throws(GraphTextError) -> Bool {
    guard isAt(mark) else { return false }
    try advance()
    return true
  }

  mutating func expect(_ mark: Character) throws(GraphTextError) {
    guard try skip(mark) else { throw error("'\(mark)' expected, not \(found)") }
  }

  var found: String {
    switch token.kind {
    case .end: "the end of the text"
    case .string: "a quoted text"
    default: "'\(text(of: token))'"
    }
  }

  mutating func identifier(_ what: String) throws(GraphTextError) -> String {
    guard token.kind == .identifier else { throw error("\(what) expected, not \(found)") }
    return text(of: try advance())
  }

  mutating func keyword(_ word: String) throws(GraphTextError) {
    guard token.kind == .identifier, text(of: token) == word else {
      throw error("'\(word)' expected, not \(found)")
    }
    try advance()
  }

  mutating func string(_ what: String) throws(GraphTextError) -> String {
    guard case .string(let value) = token.kind else {
      throw error("\(what) in quotes expected, not \(found)")
    }
    try advance()
    return value
  }

  /// Items separated by commas up to `close`, which is consumed.
  mutating func list(
    until close: Character, _ item: (inout GraphParser) throws(GraphTextError) -> Void
  ) throws(GraphTextError) {
    if try skip(close) { return }
    var count = 0
    repeat {
      count += 1
      guard count <= GraphTextLimits.listElements else { throw error("the list is too long") }
      try item(&self)
    } while try skip(",")
    guard try skip(close) else { throw error("',' or '\(close)' expected, not \(found)") }
  }

  // MARK: Graphs

  private mutating func parseGraph(isBody: Bool) throws(GraphTextError) -> Graph {
    guard depth < GraphTextLimits.nesting else {
      throw error("graphs are nested deeper than \(GraphTextLimits.nesting) levels")
    }
    let start = token
    try keyword("graph")
    let name = try string("the graph's name")
    try expect("{")

    // A body sees only its own nodes: what belongs to the enclosing graph is put aside.
    let outer = (graph, nodes, stateNames, outputNames, updated, offsets)
    defer {
      (graph, nodes, stateNames, outputNames, updated, offsets) = outer
      depth -= 1
    }
    depth += 1
    (graph, nodes, stateNames, outputNames, updated, offsets) = (Graph(name: name), [:], [:], [], [], [])

    while !isAt("}") {
      switch (token.kind, text(of: token)) {
      case (.node, _): try parseNode()
      case (.identifier, "state"): try parseState(inBody: isBody)
      case (.identifier, "output"): try parseOutput()
      case (.identifier, "update"): try parseUpdate()
      default: throw error("a node, 'state', 'output', 'update' or '}' expected, not \(found)")
      }
    }
    try advance()
    if let violation = graph.violations().first {
      let offset = violation.node.map { offsets[$0.index] } ?? start.range.lowerBound
      throw lexer.error(violation.message, at: offset)
    }
    return graph
  }

  private mutating func parseState(inBody: Bool) throws(GraphTextError) {
    let start = try advance()
    guard !inBody else { throw error("a body graph has no state of its own", at: start) }
    let nameToken = token
    let name = try string("the state variable's name")
    guard stateNames[name] == nil else { throw error("state '\(name)' is defined twice", at: nameToken) }
    try expect(":")
    let type = try tensorType()
    let roleToken = token
    let roleName = try identifier("the variable's role")
    guard let role = StateVariable.Role(rawValue: roleName) else {
      let roles = StateVariable.Role.allCases.map(\.rawValue).joined(separator: ", ")
      throw error("unknown role '\(roleName)'; there are \(roles)", at: roleToken)
    }
    try expect("=")
    let initialiserToken = token
    let initialiser = try initialiser()
    let origin = try origin()
    guard origin.layer == nil else { throw error("a state variable has no layer", at: start) }
    let variable = StateVariable(name: name, type: type, role: role, initialiser: initialiser, site: origin.site)
    if let obstacle = variable.obstacleToInitialValue {
      throw error("'\(name)' of type \(type) begins with \(obstacle)", at: initialiserToken)
    }
    stateNames[name] = StateID(graph.state.count)
    graph.state.append(variable)
  }

  private mutating func parseOutput() throws(GraphTextError) {
    try advance()
    let nameToken = token
    let name = try string("the output's name")
    guard outputNames.insert(name).inserted else {
      throw error("output '\(name)' is defined twice", at: nameToken)
    }
    try expect("=")
    graph.outputs.append(Graph.Output(name: name, node: try nodeReference()))
  }

  private mutating func parseUpdate() throws(GraphTextError) {
    try advance()
    let stateToken = token
    let state = try stateReference()
    guard updated.insert(state).inserted else {
      throw error("'\(graph.state[state.index].name)' is updated twice", at: stateToken)
    }
    try expect("=")
    let nodeToken = token
    let node = try nodeReference()
    let (expected, actual) = (graph.state[state.index].type, graph.type(of: node))
    guard expected == actual else {
      throw error("the variable has type \(expected), its update \(actual)", at: nodeToken)
    }
    graph.updates.append(Graph.Update(state: state, node: node))
  }

  /// `@"name"`; the `@` may be missing.
  mutating func stateReference() throws(GraphTextError) -> StateID {
    _ = try skip("@")
    let nameToken = token
    let name = try string("a state variable's name")
    guard let id = stateNames[name] else { throw error("there is no state '\(name)'", at: nameToken) }
    return id
  }

  mutating func nodeReference() throws(GraphTextError) -> NodeID {
    guard token.kind == .node else { throw error("a node expected, not \(found)") }
    guard let id = nodes[text(of: token)] else {
      throw error("\(text(of: token)) is not defined above")
    }
    try advance()
    return id
  }

  // MARK: Nodes

  private mutating func parseNode() throws(GraphTextError) {
    let start = try advance()
    let label = text(of: start)
    guard nodes[label] == nil else { throw error("\(label) is defined twice", at: start) }
    guard graph.nodes.count < GraphTextLimits.nodes else {
      throw error("the graph has more than \(GraphTextLimits.nodes) nodes", at: start)
    }
    try expect("=")
    let mnemonicToken = token
    let mnemonic = try identifier("an op")
    guard let opType = OpCatalogue.op(named: mnemonic) else {
      throw error("there is no op '\(mnemonic)'", at: mnemonicToken)
    }
    var operands: [NodeID] = []
    let op = try parseArguments(of: opType, at: mnemonicToken, &operands)
    let inferred: TensorType
    do throws(TypeViolation) {
      inferred = try op.resultType(of: operands.map { graph.type(of: $0) })
    } catch {
      throw self.error(error.message, at: mnemonicToken)
    }
    guard inferred.shape.elementCount <= Shape.maximumElementCount else {
      throw error("the result \(inferred) has more than 2³⁸ elements", at: mnemonicToken)
    }
    var node = Node(op: op, operands: operands, type: inferred, site: .unknown)
    if try skip(":") {
      let typeToken = token
      let declared = try tensorType()
      guard declared == inferred else {
        throw error("the node has type \(inferred), not \(declared)", at: typeToken)
      }
      while try skip(",") { node.furtherTypes.append(try tensorType()) }
    }
    if try skip("{") {
      while !isAt("}") { node.bodies.append(try parseGraph(isBody: true)) }
      try advance()
    }
    let origin = try origin()
    node.site = origin.site
    node.name = origin.layer ?? op.ownName(in: graph)
    nodes[label] = NodeID(graph.nodes.count)
    offsets.append(start.range.lowerBound)
    graph.nodes.append(node)
  }

  private mutating func parseArguments(
    of opType: any Op.Type, at mnemonicToken: GraphToken, _ operands: inout [NodeID]
  ) throws(GraphTextError) -> any Op {
    var attributes: [Attribute] = []
    var references: [NodeID] = []
    try expect("(")
    try list(until: ")") { (parser) throws(GraphTextError) in
      if parser.token.kind == .node {
        guard attributes.isEmpty else { throw parser.error("operands come before attributes") }
        guard references.count < GraphTextLimits.operands else { throw parser.error("too many operands") }
        references.append(try parser.nodeReference())
      } else {
        let name = try parser.identifier("an operand or an attribute's name")
        try parser.expect(":")
        attributes.append(Attribute(name, try parser.attributeValue()))
      }
    }
    operands = references
    do throws(AttributeReader.Failure) {
      var reader = try AttributeReader(attributes)
      let op = try opType.init(attributes: &reader)
      try reader.finish()
      return op
    } catch {
      throw self.error("\(opType.mnemonic): \(error.message)", at: mnemonicToken)
    }
  }

  /// `; "file:line" in layer "name"`, either part or the whole of which may be missing.
  private mutating func origin() throws(GraphTextError) -> (site: CallSite, layer: String?) {
    var site = CallSite.unknown
    guard try skip(";") else { return (site, nil) }
    let start = token
    if case .string(let place) = token.kind {
      try advance()
      guard let colon = place.utf8.lastIndex(of: UInt8(ascii: ":")),
        let line = Int(place[place.utf8.index(after: colon)...]), (0...Int(Int32.max)).contains(line)
      else { throw error("a place in quotes must read \"file:line\"", at: start) }
      let file = String(place[..<colon])
      site = CallSite(fileID: file, filePath: file, line: line)
    }
    guard token.kind == .identifier, text(of: token) == "in" else {
      guard start != token else { throw error("\"file:line\" or 'in layer' expected, not \(found)") }
      return (site, nil)
    }
    try advance()
    try keyword("layer")
    return (site, try string("the layer's name"))
  }
}
