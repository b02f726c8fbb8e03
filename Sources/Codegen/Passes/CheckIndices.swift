import CinchGraph

/// Indices that come from data are checked before they are used, by a node of their own: generated code runs all checks before it
/// writes any state, and the loop verifier proves every indirect access by its check.
enum CheckIndices {
  static func rewrite(_ builder: GraphBuilder, _ node: Node, _ x: [Tensor]) -> Tensor? {
    let (position, limit): (Int, Int)
    switch node.op.meaning(of: x.map(\.type), result: node.type) {
    case .gather: (position, limit) = (1, x[0].shape[0])
    case .scatterAdd(let count): (position, limit) = (0, count)
    default: return nil
    }
    if let (check, _) = Match(x[position]).unary(CheckIndex.self), check.limit <= limit { return nil }
    var operands = x
    let check = CheckIndex(limit: min(limit, Int(Int32.max)), reader: type(of: node.op).mnemonic)
    operands[position] = builder.add(check, [x[position]], at: node.site)
    return builder.add(node.op, operands, at: node.site)
  }
}
