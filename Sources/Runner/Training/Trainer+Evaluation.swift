import CinchGraph

extension Trainer {
  /// The mean loss and metrics over the data, with dropout and the like as in use; nothing is updated.
  ///
  /// - Parameter batchSize: rows at a time; all of them unless given.
  public func evaluate(_ x: HostTensor, _ y: HostTensor, batchSize: Int? = nil) throws -> Evaluation {
    try evaluate(Dataset(x, y), batchSize: batchSize)
  }

  /// As `evaluate(_:_:batchSize:)`, for rows that a `Dataset` gives.
  public func evaluate(_ data: Dataset, batchSize: Int? = nil) throws -> Evaluation {
    let plan = try BatchPlan(data, batchSize: batchSize, isShuffling: false, seed: seed)
    var sums = RowSums()
    for batch in 0..<plan.count {
      let rows = plan.rows(batch, in: nil)
      let program = try bound(.evaluation, data, rows)
      // An evaluation that is repeated gives the same numbers.
      try program.setDraw(batch)
      let (loss, values) = try losses(of: program, data, rows)
      sums.add(loss: loss, metrics: values, rowCount: rows?.count ?? data.count)
    }
    return sums.evaluation(metrics)
  }

  /// What the model makes of each row. Where it draws random numbers outside of training, each call draws others, and training
  /// goes on as if there had been none.
  ///
  /// - Parameter batchSize: rows at a time; all of them unless given.
  public func predict(_ x: HostTensor, batchSize: Int? = nil) throws -> HostTensor {
    let plan = try BatchPlan(Dataset(predicting: x), batchSize: batchSize, isShuffling: false, seed: seed)
    var parts: [HostTensor] = []
    for batch in 0..<plan.count {
      let rows = plan.rows(batch, in: nil)
      let input = rows.map { x.rows(at: $0) } ?? x
      let program = try program(.prediction, input.type, nil).program
      try program.setInput(TrainingStep.inputName, to: input)
      try program.setDraw(drawCount)
      drawCount += 1
      do {
        parts.append(try program.step(state, output: TrainingStep.predictionName))
      } catch let error as RuntimeCheckError {
        throw x.located(error, rows)
      }
    }
    return HostTensor.stacked(parts)
  }

  /// The program for some rows of the data (all for nil), with its inputs given.
  func bound(_ purpose: Purpose, _ data: Dataset, _ rows: [Int]?) throws -> Program {
    let batch = rows.map { data.rows(at: $0) } ?? data
    let bound = try program(purpose, batch.x.type, batch.y.type)
    // Rows that stay the same are given once in each call of `fit`, not for each step.
    if rows != nil || purpose != .training || bound.run != run {
      try bound.program.setInput(TrainingStep.inputName, to: batch.x)
      try bound.program.setInput(TrainingStep.targetName, to: batch.y)
      bound.run = rows == nil && purpose == .training ? run : nil
    }
    if purpose == .training && bound.optimizer != optimizer {
      try giveHyperparameters(to: bound.program)
      bound.optimizer = optimizer
    }
    return bound.program
  }

  private func giveHyperparameters(to program: Program) throws {
    for number in optimizer.hyperparameters {
      let value: HostTensor =
        number.type == .float64
        ? HostTensor(.float64([number.value]), shape: []) : HostTensor(Float(number.value))
      try program.setInput(number.name, to: value)
    }
  }

  /// Runs one step: the loss and the metrics.
  func losses(of program: Program, _ data: Dataset, _ rows: [Int]?) throws -> (loss: Float, metrics: [Float]) {
    do {
      if metrics.isEmpty { return (try program.step(state, output: TrainingStep.lossName).scalar, []) }
      let outputs = try program.run(state: state)
      func scalar(_ name: String) throws -> Float {
        guard let value = outputs[name] else {
          throw InternalError(stage: "training", message: "the step has no output '\(name)'")
        }
        return value.scalar
      }
      return (try scalar(TrainingStep.lossName), try metrics.flatMap(\.outputNames).map(scalar))
    } catch let error as RuntimeCheckError {
      throw located(error, data, rows)
    }
  }

  /// An index out of range with its position in the data, if it is one of the data's.
  private func located(_ error: RuntimeCheckError, _ data: Dataset, _ rows: [Int]?) -> any Error {
    // The loss and the metrics see the targets, layers the inputs.
    guard ([TrainingStep.lossName] + metrics.map(\.name)).contains(where: { error.operation.hasSuffix("(\($0))") }) else {
      return data.x.located(error, rows)
    }
    guard case .int32(let labels) = data.y.elements else { return error }
    let rowLength = labels.count / data.count
    for row in rows ?? Array(0..<data.count) {
      let rowRange = row * rowLength..<(row + 1) * rowLength
      guard let index = labels[rowRange].firstIndex(where: { Int($0) == error.value }) else { continue }
      return TrainingError.labelOutOfRange(position: data.y.coordinates(of: index), label: error.value, limit: error.limit)
    }
    return error
  }
}

extension Program {
  /// Tells the random numbers of a run outside of training from those of others, if it draws any.
  fileprivate func setDraw(_ number: Int) throws {
    guard step.inputs.contains(where: { $0.name == GraphBuilder.drawName }) else { return }
    try setInput(GraphBuilder.drawName, to: HostTensor(.int32([Int32(truncatingIfNeeded: number)]), shape: []))
  }
}

extension HostTensor {
  /// An index out of range among some rows of the tensor (all for nil), with its position in the tensor.
  func located(_ error: RuntimeCheckError, _ rows: [Int]?) -> RuntimeCheckError {
    guard let rows, case .int32(let indices) = elements, error.position.count == shape.rank,
      let row = error.position.first, rows.indices.contains(row)
    else { return error }
    let position = [rows[row]] + error.position.dropFirst()
    let number = zip(position, shape.strides).reduce(0) { $0 + $1.0 * $1.1 }
    guard indices.indices.contains(number), Int(indices[number]) == error.value else { return error }
    return RuntimeCheckError(
      operation: error.operation, position: position, value: error.value, limit: error.limit, site: error.site)
  }

  /// The rows of all parts, one after the other; the parts have rows of one shape and type.
  static func stacked(_ parts: [HostTensor]) -> HostTensor {
    guard parts.count > 1, let first = parts.first else { return parts.first ?? .zeros([0]) }
    let rows = parts.reduce(0) { $0 + $1.rowCount }
    let shape = Shape([rows] + first.shape.extents.dropFirst())
    let elements: ElementArray =
      switch first.elementType {
      case .float32:
        .float32(parts.flatMap { part -> [Float] in if case .float32(let values) = part.elements { values } else { [] } })
      case .float64:
        .float64(parts.flatMap { part -> [Double] in if case .float64(let values) = part.elements { values } else { [] } })
      case .int32: .int32(parts.flatMap { part -> [Int32] in if case .int32(let values) = part.elements { values } else { [] } })
      case .bool: .bool(parts.flatMap { part -> [Bool] in if case .bool(let values) = part.elements { values } else { [] } })
      }
    return HostTensor(elements, shape: shape)
  }
}
