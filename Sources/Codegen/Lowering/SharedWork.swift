import CinchGraph

// What threads are worth: the one place that weighs them.

extension LoweringOptions {
  /// Kernels' work in a step from which workers share it at all. What one core computes and another one reads, and back in the
  /// next step, costs some microseconds for each kernel, beside the barriers.
  var parallelStepWork: Int { parallelWork * 16 }
}

extension KernelBody {
  /// Points of the domain, each a result.
  private var points: Int { extents.prefix(domainCount).reduce(1, *) }

  /// Lane operations, about.
  var work: Int {
    let inner = stages.reduce(1) { most, stage in max(most, stage.axes.reduce(1) { $0 * extents[$1] }) }
    return points * inner * max(1, expressions.count / 4)
  }

  /// Whether it is worth workers' while, in a step that is.
  func isShared(_ form: Kernel.Form, from parallelWork: Int) -> Bool {
    form != .check && form != .loop && points > 1 && work >= parallelWork
  }
}

extension Frame {
  /// Of the kernels that workers may share, each as often as loops repeat it.
  func sharedWork(from parallelWork: Int) -> Double {
    order.indices.reduce(0) { sum, position in
      if let body = bodies[position] { return sum + Double(repetitions(position)) * body.sharedWork(from: parallelWork) }
      let body = body(position)
      return sum + (body.isShared(kernel(position).form, from: parallelWork) ? Double(body.work) : 0)
    }
  }

  /// Iterations of a loop.
  private func repetitions(_ position: Int) -> Int {
    let root = plan.fusion.roots[kernel(position).stages[0].roots[0]]
    if case .loop(let iteration) = root.kind { return iteration.count }
    return 1
  }
}
