/// A loop over the leading axis of `sequences`, compiled as a loop however long it is, and differentiable like any other
/// function: `body` is written once, for one iteration.
///
/// ```swift
/// // x is [steps, batch, inputs]; weights of the graph around are used as they are.
/// let (last, all) = scan(over: [x], initial: [h]) { slices, carried in
///   let next = tanh(matmul(slices[0], w) + matmul(carried[0], u))
///   return (carried: [next], outputs: [next])
/// }
/// last[0]  // h after the last step, [batch, units]
/// all[0]   // h after each step, [steps, batch, units]
/// ```
///
/// What the body computes from tensors of the graph around alone is computed once, before the loop. Random numbers that it
/// draws are others in each iteration. Its tensors can't be used outside: what is wanted there is carried or an output.
///
/// - Parameters:
///   - sequences: tensors with equal leading extents; an iteration sees `slices[i]`, of the type of `sequences[i]` without its
///     leading axis.
///   - initial: the carried values of the first iteration; later ones see what the iteration before returned, of the same
///     types.
///   - count: how often the body runs; needed only if there are no sequences.
///   - reversed: whether slices are taken, and outputs put, from the last to the first.
/// - Returns: the carried values of the last iteration, and each output of all iterations under a new leading axis, in the
///   order of the slices.
public func scan(
  over sequences: [Tensor] = [], initial: [Tensor], count: Int? = nil, reversed: Bool = false,
  file: StaticString = #filePath, line: Int = #line,
  _ body: (_ slices: [Tensor], _ carried: [Tensor]) -> (carried: [Tensor], outputs: [Tensor])
) -> (carried: [Tensor], stacked: [Tensor]) {
  let site = CallSite(file, line)
  // Without any tensor there is no graph; the mistake is found below, and belongs to whatever uses the results.
  let builder = (sequences.first ?? initial.first)?.builder ?? GraphBuilder(name: "")
  return builder.scan(over: sequences, initial: initial, count: count, isReversed: reversed, at: site, body)
}

/// A loop over the leading axis of one sequence, with one carried value and one output.
///
/// - Returns: the carried value of the last iteration, and the outputs of all iterations under a new leading axis.
public func scan(
  over sequence: Tensor, initial: Tensor, reversed: Bool = false, file: StaticString = #filePath, line: Int = #line,
  _ body: (_ slice: Tensor, _ carried: Tensor) -> (carried: Tensor, output: Tensor)
) -> (carried: Tensor, stacked: Tensor) {
  let (carried, stacked) = scan(over: [sequence], initial: [initial], reversed: reversed, file: file, line: line) {
    let (carried, output) = body($0[0], $1[0])
    return (carried: [carried], outputs: [output])
  }
  return (carried[0], stacked[0])
}

extension GraphBuilder {
  fileprivate func scan(
    over sequences: [Tensor], initial: [Tensor], count: Int?, isReversed: Bool, at site: CallSite,
    _ body: ([Tensor], [Tensor]) -> (carried: [Tensor], outputs: [Tensor])
  ) -> (carried: [Tensor], stacked: [Tensor]) {
    var isSound = true
    func fail(_ message: String, _ tensors: [Tensor], role: String) {
      isSound = false
      guard !tensors.contains(where: { $0.builder === self && poisoned.contains($0.id) }) else { return }
      record(
        Diagnostic(
          message, at: site,
          notes: tensors.map { Diagnostic.Note("\(role) of type \($0.type) made here", at: $0.site) }))
    }
    let foreign = (sequences + initial).filter { !owns($0, "scan", at: site) }
    if !foreign.isEmpty { isSound = false }
    let lengths = sequences.compactMap(\.shape.extents.first)
    let steps = lengths.first ?? count ?? 1
    if lengths.count < sequences.count {
      fail(
        "scan goes along leading axes, which a scalar doesn't have", sequences.filter { $0.shape.rank == 0 }, role: "sequence")
    } else if lengths.contains(where: { $0 != steps }) {
      fail("scan needs sequences of one length, not \(lengths)", sequences, role: "sequence")
    } else if let count, count != steps {
      fail("scan is to run \(count) times over sequences of length \(steps)", sequences, role: "sequence")
    } else if sequences.isEmpty, count == nil {
      fail("scan without sequences needs a count", initial, role: "initial value")
    } else if steps < 1 {
      fail("scan runs at least once, not \(steps) times", initial, role: "initial value")
    } else if steps > Shape.maximumElementCount {
      fail("scan runs at most 2³⁸ times, not \(steps)", initial, role: "initial value")
    } else if sequences.isEmpty, initial.isEmpty {
      fail("scan needs a sequence or an initial value", [], role: "")
    }

    let first = graph.nodes.count
    openScans.append(OpenScan(count: max(steps, 1)))
    let carriedIn = initial.map { loopVariable($0.type, at: site) }
    let slices = sequences.map { sequence in
      loopVariable(TensorType(sequence.elementType, Shape(Array(sequence.shape.extents.dropFirst()))), at: site)
    }
    var (carriedOut, outputs) = body(slices, carriedIn)
    let drawn = openScans.removeLast().slices
    let returned = carriedOut + outputs
    for tensor in returned where isSound && !owns(tensor, "the body of scan", at: site) { isSound = false }
    if carriedOut.count != initial.count {
      fail(
        "scan carries \(initial.count) values and its body returns \(carriedOut.count)", carriedOut, role: "returned value")
    } else if isSound {
      for (position, (old, new)) in zip(initial, carriedOut).enumerated() where old.type != new.type {
        fail(
          "a carried value keeps its type: value \(position) begins as \(old.type) and comes back as \(new.type)", [old, new],
          role: "value")
      }
    }
    closeBody(from: first, variables: carriedIn + slices + drawn.map(\.variable), at: site)
    let types = outputs.map { TensorType($0.elementType, Shape([max(steps, 1)] + $0.shape.extents)) }
    guard isSound, !returned.contains(where: { poisoned.contains($0.id) }) else {
      return (
        initial.map { poison(recovered: $0.type, site: site) }, types.map { poison(recovered: $0, site: site) }
      )
    }
    var start = initial
    if initial.isEmpty {
      // A loop carries something: here a number that nobody reads.
      start = [constant(.float(0), at: site)]
      carriedOut = [loopVariable(start[0].type, at: site)]
    }
    let trace = LoopTrace(
      inputs: ((initial.isEmpty ? carriedOut : carriedIn) + slices + drawn.map(\.variable)).map(\.id),
      outputs: (carriedOut + outputs).map(\.id))
    let iteration = Iteration(
      count: steps, carried: start.count, sliced: slices.count + drawn.count, stacked: outputs.count, isReversed: isReversed)
    let results = addLoop(trace, iteration, operands: start + sequences + drawn.map(\.source), at: site)
    return (Array(results.prefix(initial.count)), Array(results.dropFirst(start.count)))
  }
}
