import CinchGraph

/// Computes nodes all of whose operands are constants, unless the result is so large that the program would grow by it.
/// A constant with equal elements stays one number whatever its shape.
enum ConstantFolding {
  /// Elements of a result with unequal elements; beyond, the loop that computes it is smaller than its numbers.
  static let maximumElementCount = 1024

  static func run(_ graph: Graph) -> Graph {
    graph.rewritten { builder, node, operands in
      guard !operands.isEmpty, node.bodies.isEmpty else { return nil }
      var constants: [ConstantData] = []
      for operand in operands {
        guard let constant = builder.graph[operand.id].op as? Constant else { return nil }
        constants.append(constant.data)
      }
      let meaning = node.op.meaning(of: operands.map(\.type), result: node.type)
      guard let data = value(meaning, constants, operands.map(\.shape), node.type) else { return nil }
      return builder.add(Constant(data, shape: node.type.shape), [], at: node.site)
    }
  }

  private static func value(
    _ meaning: Meaning, _ constants: [ConstantData], _ shapes: [Shape], _ result: TensorType
  ) -> ConstantData? {
    let splats = constants.compactMap { if case .splat(let literal) = $0 { literal } else { nil } }
    let areSplats = splats.count == constants.count
    switch meaning {
    case .elementwise(let function):
      if areSplats { return .splat(evaluate(function, splats)) }
      guard result.shape.elementCount <= maximumElementCount else { return nil }
      return dense(result) { index in evaluate(function, constants.map { $0.element(index) }) }
    case .reshape:
      return constants[0]
    case .view(let map, let fill):
      if areSplats {
        if !map.mayLeaveOperand(shapes[0], view: result.shape) || fill == splats[0] { return .splat(splats[0]) }
      }
      guard result.shape.elementCount <= maximumElementCount else { return nil }
      return dense(result) { index in
        map.source(of: index, view: result.shape, operand: shapes[0]).map { constants[0].element($0) } ?? fill
          ?? ScalarLiteral(type: result.elementType, bits: 0)
      }
    default:
      return nil
    }
  }

  private static func evaluate(_ function: ScalarFunction, _ operands: [ScalarLiteral]) -> ScalarLiteral {
    function.evaluate(operands.map { ElementArray(repeating: $0, count: 1) })[0]
  }

  private static func dense(_ type: TensorType, _ element: (Int) -> ScalarLiteral) -> ConstantData {
    .dense(type.elementType, (0..<type.shape.elementCount).map { element($0).bits })
  }
}

extension IndexMap {
  /// The row-major number of the operand's element that element `index` of the view shows; nil where it shows the fill.
  func source(of index: Int, view: Shape, operand: Shape) -> Int? {
    var remaining = index
    var coordinates = [Int](repeating: 0, count: view.rank)
    for axis in (0..<view.rank).reversed() {
      coordinates[axis] = remaining % view[axis]
      remaining /= view[axis]
    }
    var source = 0
    for (axis, extent) in operand.extents.enumerated() {
      var coordinate = axes[axis].offset
      for (coefficient, position) in zip(axes[axis].coefficients, coordinates) { coordinate += coefficient * position }
      guard coordinate >= 0, coordinate < extent else { return nil }
      source = source * extent + coordinate
    }
    return source
  }
}
