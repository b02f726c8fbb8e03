/// What reflection finds in a model: its modules and parameters with their paths.
struct ModuleTree {
  /// A module, or a container of modules or parameters among the stored properties of one.
  struct Node {
    enum Kind {
      case module(any Module)
      case list, dictionary
      /// A struct, enum or tuple that is no module. Types have names that only reflection makes, so they are made when printed.
      case group(Any.Type)
    }
    var kind: Kind
    var parameters: [(name: String, parameter: Parameter)] = []
    var children: [(name: String, node: Node)] = []
  }

  let root: Node
  /// In PyTorch's order: a module's own parameters, then those of its parts. A shared parameter is listed once,
  /// under its first path.
  private(set) var parameters: [(path: String, parameter: Parameter)] = []
  /// Each module under each of its paths, outer ones first.
  private(set) var modules: [(path: String, module: any Module)] = []

  init(_ model: any Module) {
    var objects: Set<ObjectIdentifier> = []
    root = Self.node(.module(model), parts: model.parts, &objects)
    var listed: Set<ParameterIdentity> = []
    list(root, path: "", &listed)
  }

  private mutating func list(_ node: Node, path: String, _ listed: inout Set<ParameterIdentity>) {
    let prefix = path.isEmpty ? "" : path + "."
    if case .module(let module) = node.kind { modules.append((path, module)) }
    for (name, parameter) in node.parameters where listed.insert(parameter.identity).inserted {
      parameters.append((prefix + name, parameter))
    }
    for (name, child) in node.children { list(child, path: prefix + name, &listed) }
  }

  private static func node(
    _ kind: Node.Kind, parts: [(name: String, value: Any)], _ objects: inout Set<ObjectIdentifier>
  ) -> Node {
    var node = Node(kind: kind)
    for (name, value) in parts {
      if let parameter = value as? Parameter {
        node.parameters.append((name, parameter))
      } else if let child = found(in: value, &objects) {
        node.children.append((name, child))
      }
    }
    return node
  }

  /// The modules and parameters in a value, or nil if there are none.
  private static func found(in value: Any, _ objects: inout Set<ObjectIdentifier>) -> Node? {
    if isPlain(value) { return nil }
    // Casts look into optionals, and cost less than mirrors do.
    if let module = value as? any Module {
      return withoutCycles(module, &objects) { Self.node(.module(module), parts: module.parts, &$0) }
    }
    let mirror = Mirror(reflecting: value)
    let found: Node?
    switch mirror.displayStyle {
    case .collection:
      // Numbers may be many, and hold no parameters.
      guard let first = mirror.children.first?.value, mayHoldParameters(first) else { return nil }
      let parts = mirror.children.enumerated().map { (name: String($0), value: $1.value) }
      found = Self.node(.list, parts: parts, &objects)
    case .dictionary:
      found = Self.node(.dictionary, parts: entries(of: mirror), &objects)
    case .optional:
      found = mirror.children.first.flatMap { Self.found(in: $0.value, &objects) }
    case .struct, .tuple, .enum:
      let parts = storedProperties(of: value)
      found = Self.node(.group(Swift.type(of: value)), parts: parts, &objects)
    default:
      found = nil
    }
    return found.flatMap { $0.parameters.isEmpty && $0.children.isEmpty ? nil : $0 }
  }

  /// Whether the value is of a type that layers often have and that holds no parameters. The first cast of each type to a protocol,
  /// like its first mirror, searches all that the process has loaded.
  private static func isPlain(_ value: Any) -> Bool {
    value is LayerIdentity || value is CallSite || value is Int || value is Float || value is Double || value is Bool
      || value is String
  }

  private static func mayHoldParameters(_ value: Any) -> Bool {
    value is any Module || value is Parameter || !Mirror(reflecting: value).children.isEmpty
  }

  /// By key, because a dictionary has no order.
  private static func entries(of dictionary: Mirror) -> [(name: String, value: Any)] {
    dictionary.children.compactMap { child -> (name: String, value: Any)? in
      let pair = Array(Mirror(reflecting: child.value).children)
      return pair.count == 2 ? ("\(pair[0].value)", pair[1].value) : nil
    }.sorted { $0.name < $1.name }
  }

  /// An object that holds itself is entered once.
  private static func withoutCycles(
    _ value: Any, _ objects: inout Set<ObjectIdentifier>, _ body: (inout Set<ObjectIdentifier>) -> Node
  ) -> Node? {
    guard Swift.type(of: value) is AnyClass else { return body(&objects) }
    let identifier = ObjectIdentifier(value as AnyObject)
    guard objects.insert(identifier).inserted else { return nil }
    defer { objects.remove(identifier) }
    return body(&objects)
  }

}

/// The stored properties of a value with their names, a superclass's first.
func storedProperties(of value: Any) -> [(name: String, value: Any)] {
  var mirror: Mirror? = Mirror(reflecting: value)
  var levels: [[(name: String, value: Any)]] = []
  while let current = mirror {
    levels.append(
      current.children.enumerated().map { position, child in
        // A tuple's elements without labels are called `.0`, `.1`.
        let label = child.label ?? String(position)
        return (label.hasPrefix(".") ? String(label.dropFirst()) : label, child.value)
      })
    mirror = current.superclassMirror
  }
  return Array(levels.reversed().joined())
}

extension Module {
  /// The parameters with their paths, in PyTorch's order. A shared one is listed once, under its first path.
  public var namedParameters: [(name: String, parameter: Parameter)] {
    ModuleTree(self).parameters.map { ($0.path, $0.parameter) }
  }

  /// How many numbers the parameters hold.
  public var parameterCount: Int {
    Shape.sum(ModuleTree(self).parameters.map(\.parameter.shape.elementCount))
  }
}
