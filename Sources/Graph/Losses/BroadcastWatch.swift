/// Looks for a prediction [20, 1] that meets a target [20] as [20, 20]: right by NumPy's rules, and hardly ever meant in a loss.
struct BroadcastWatch {
  let prediction: NodeID
  let target: NodeID
  /// Whose closure it is, for the message.
  let owner: String
}

extension GraphBuilder {
  /// Runs a user's closure on prediction and target, and warns of the first operation that gives each of the one with each of the
  /// other.
  func watchingBroadcasts<Result>(
    of prediction: Tensor, with target: Tensor, in owner: String, isAllowed: Bool, _ body: () -> Result
  ) -> Result {
    let outer = broadcastWatch
    defer { broadcastWatch = outer }
    broadcastWatch = isAllowed ? nil : BroadcastWatch(prediction: prediction.id, target: target.id, owner: owner)
    return body()
  }

  /// Asked where operands of different shapes come together.
  func noteBroadcast(_ operands: [Tensor], to shape: Shape, at site: CallSite) {
    guard let watch = broadcastWatch, operands.allSatisfy({ $0.shape != shape && $0.shape.elementCount < shape.elementCount })
    else { return }
    func depends(on id: NodeID) -> [Bool] {
      let found = dependents(of: [id], upTo: graph.nodes.count - 1)
      return operands.map { found[$0.id.index] }
    }
    let (predicted, expected) = (depends(on: watch.prediction), depends(on: watch.target))
    // What comes from both has met before.
    guard operands.indices.contains(where: { predicted[$0] && !expected[$0] }),
      operands.indices.contains(where: { expected[$0] && !predicted[$0] })
    else { return }
    broadcastWatch = nil
    let shapes = operands.map(\.shape.description).joined(separator: " and ")
    warn(
      Diagnostic(
        "\(watch.owner) makes \(shape) of \(shapes), each prediction with each target; give both one shape, by reshaped(to:), or say allowsBroadcasting: true",
        at: site), topic: "broadcast")
  }
}
