extension Graph {
  /// The graph that `build` writes; mistakes are kept in `diagnostics`, and `compile` throws them all.
  public init(_ name: String = "step", _ build: (GraphBuilder) -> Void) {
    let builder = GraphBuilder(name: name)
    build(builder)
    self = builder.finished()
  }
}

extension GraphBuilder {
  /// The caller's tensor of that name.
  public func input(
    _ name: String, _ shape: Shape, type: ElementType = .float32, file: StaticString = #filePath, line: Int = #line
  ) -> Tensor {
    input(name, shape, type: type, at: CallSite(file, line))
  }

  /// A trainable tensor of that name.
  public func parameter(
    _ name: String, _ shape: Shape, _ initialiser: Initialiser = .zeros, file: StaticString = #filePath,
    line: Int = #line
  ) -> Tensor {
    let site = CallSite(file, line)
    return state(
      StateVariable(
        name: name, type: TensorType(.float32, shape), role: .parameter, initialiser: initialiser, site: site),
      at: site)
  }

  /// One Float32, everywhere in the shape; a scalar unless given.
  public func constant(
    _ value: Double, shape: Shape = [], file: StaticString = #filePath, line: Int = #line
  ) -> Tensor {
    let site = CallSite(file, line)
    if let obstacle = Tensor.obstacle(to: value, .float32) { record(Diagnostic("a constant: \(obstacle)", at: site)) }
    return constant(.float(Float(value)), shape: shape, at: site)
  }

  /// One number, everywhere in the shape; a scalar unless given. Whole numbers become Int32, floats Float32.
  @_disfavoredOverload
  public func constant<Number: TensorNumber>(
    _ value: Number, shape: Shape = [], file: StaticString = #filePath, line: Int = #line
  ) -> Tensor {
    let site = CallSite(file, line)
    let (elements, mistake) = ElementArray.of([value], Number.standardElementType)
    if let mistake { record(Diagnostic("a constant: \(mistake)", at: site)) }
    return constant(elements[0], shape: shape, at: site)
  }

  /// Given numbers in row-major order. Literals of whole numbers without a type are floats.
  public func constant(
    _ values: [Float], _ shape: Shape, file: StaticString = #filePath, line: Int = #line
  ) -> Tensor {
    add(
      Constant(.dense(.float32, values.map { UInt64($0.bitPattern) }), shape: shape), [], at: CallSite(file, line))
  }

  /// Given numbers in row-major order: whole numbers become Int32, floats Float32.
  @_disfavoredOverload
  public func constant<Number: TensorNumber>(
    _ values: [Number], _ shape: Shape, file: StaticString = #filePath, line: Int = #line
  ) -> Tensor {
    let site = CallSite(file, line)
    let (elements, mistake) = ElementArray.of(values, Number.standardElementType)
    if let mistake { record(Diagnostic("a constant: \(mistake)", at: site)) }
    return add(Constant(.dense(elements.elementType, elements.bitPatterns), shape: shape), [], at: site)
  }

  /// Int32 coordinates along `axis`, or row-major numbers.
  public func iota(
    _ shape: Shape, along axis: Int? = nil, file: StaticString = #filePath, line: Int = #line
  ) -> Tensor {
    add(Iota(shape, axis: axis), [], at: CallSite(file, line))
  }

  /// Returned to the caller under that name.
  public func output(_ name: String, _ tensor: Tensor, file: StaticString = #filePath, line: Int = #line) {
    output(name, tensor, at: CallSite(file, line))
  }

  /// After the step, the parameter (or other state) has the value of `tensor`.
  public func update(_ state: Tensor, to tensor: Tensor, file: StaticString = #filePath, line: Int = #line) {
    update(state, to: tensor, at: CallSite(file, line))
  }

  /// The graph as it stands, with what every graph must have checked. Nothing is added to it afterwards.
  public func finished() -> Graph {
    advanceRandomStep()
    // Backward passes written by hand hold tensors, which hold the builder.
    customGradients = [:]
    var graph = graphWithoutTraces()
    if graph.outputs.isEmpty && graph.updates.isEmpty && graph.diagnostics.isEmpty {
      graph.diagnostics.append(
        Diagnostic(
          "graph '\(graph.name)' has neither outputs nor updates; name at least one by output(_:_:)",
          at: graph.nodes.last?.site ?? .unknown))
    }
    return graph
  }
}
