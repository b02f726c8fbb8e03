import CinchGraph

extension Lowering {
  /// The kernel at a position of a frame, as people read it.
  func summary(_ position: Int, _ frame: Frame, _ loops: LoopKernel, _ schedule: String) -> KernelSummary {
    let kernel = frame.kernel(position)
    let body = frame.body(position)
    func place(_ slot: Int32) -> String {
      let buffer = buffers[Int(frame.bufferOf[Int(slot)])]
      let name = frame.table.slots[Int(slot)].name
      let moves = buffer.motion == nil ? "" : ", moving"
      switch buffer.segment {
      case .state: return "\(frame.depth == 0 ? buffer.name : name)@state+\(buffer.byteOffset)\(moves)"
      case .scratch: return "\(name)@scratch+\(buffer.byteOffset)\(moves)"
      case .input(let index): return "\(name)@input\(index)\(moves)"
      case .worker: return "\(name)@worker+\(buffer.byteOffset)"
      }
    }
    var reads: [Int32] = []
    for read in body.reads where !reads.contains(read.slot) { reads.append(read.slot) }
    return KernelSummary(
      name: loops.name, domain: kernel.extents, stages: kernel.stages.map { stage($0, frame) }, reads: reads.map(place),
      writes: body.written.map(place), schedule: schedule, boundary: kernel.boundary.text(frame.table.slots),
      isParallel: loops.isParallel)
  }

  /// What each stage of a kernel computes, where it has several.
  func comments(_ kernel: Kernel, _ frame: Frame) -> [String] {
    guard kernel.stages.count > 1 else { return [] }
    return kernel.stages.map { stage in
      let nodes = stage.roots.map { frame.plan.fusion.roots[$0].node }
      return nodes.map { "\($0) \(type(of: frame.graph[$0].op).mnemonic)" }.joined(separator: ", ")
    }
  }

  private func stage(_ stage: Kernel.Stage, _ frame: Frame) -> KernelSummary.Stage {
    var text = stage.inner.isEmpty ? "at each point: " : "along \(Shape(stage.inner)): "
    text += stage.roots.map { index in
      let root = frame.plan.fusion.roots[index]
      let mnemonic = type(of: frame.graph[root.node].op).mnemonic
      let order = root.isReduction ? " by \(root.order)" : ""
      let reason = frame.table.reasons[root.node].map { " (\($0.description))" } ?? ""
      let recomputed = root.replacements.last { $0.slot < 0 }.map { " (computes \($0.node) again)" } ?? ""
      return "\(root.node) \(mnemonic)\(order)\(root.isReduction ? recomputed : reason)"
    }.joined(separator: ", ")
    return KernelSummary.Stage(inner: stage.inner, nodes: stage.roots.map { frame.plan.fusion.roots[$0].node }, text: text)
  }
}

extension ScheduleChoice {
  func text(_ axes: LoopAxes) -> String {
    var text = isParallel ? "shared by workers" : "one worker"
    if let contraction {
      text += ", " + contraction.text
    } else if let vectorAxis {
      text += ", vectors of \(min(strip, axes.domain[vectorAxis].extent)) along axis \(vectorAxis)"
      if let tileAxis { text += ", tiles of \(tile) along axis \(tileAxis)" }
    } else {
      let hasRows = axes.inner.contains { !$0.isEmpty }
      text += hasRows ? ", row by row in vectors of \(strip)" : ", point by point"
    }
    return text
  }
}
