import CinchGraph

/// What kernels load from and store to, by fixed buffers: a slice counts as all of what it is part of.
struct Touched {
  fileprivate struct Place {
    var segment: Segment
    var bytes: Range<Int>
    var isWritten: Bool
  }
  fileprivate var places: [Place] = []

  init(_ kernels: some Sequence<LoopKernel>, _ buffers: [Buffer]) {
    var seen: [BufferID: Int] = [:]
    func add(_ id: BufferID, isWritten: Bool) {
      let id = buffers[id.index].motion?.parent ?? id
      let buffer = buffers[id.index]
      if case .input = buffer.segment { return }
      if buffer.segment == .worker || buffer.byteCount == 0 { return }
      if let position = seen[id] {
        places[position].isWritten = places[position].isWritten || isWritten
        return
      }
      seen[id] = places.count
      places.append(
        Place(
          segment: buffer.segment, bytes: buffer.byteOffset..<buffer.byteOffset + buffer.byteCount, isWritten: isWritten))
    }
    func walk(_ statements: [LoopStatement]) {
      for statement in statements {
        switch statement {
        case .define(_, .load(let access, _, _)): add(access.buffer, isWritten: false)
        case .store(let access, _, _): add(access.buffer, isWritten: true)
        case .loop(let loop): walk(loop.body)
        case .define, .prefetch, .check: break
        }
      }
    }
    for kernel in kernels { walk(kernel.body) }
  }

  fileprivate func conflicts(with other: Touched) -> Bool {
    places.contains { mine in
      other.places.contains { theirs in
        (mine.isWritten || theirs.isWritten) && mine.segment == theirs.segment && mine.bytes.overlaps(theirs.bytes)
      }
    }
  }
}

/// Puts kernels in a row, with barriers where one touches what another worker has touched since the last one.
struct ScheduleWriter {
  private var items: [ScheduleItem] = []
  private var open: [(touched: Touched, isParallel: Bool)] = []
  private var pendingChecks: Set<Int> = []
  private var hasParallel = false

  /// - Parameters:
  ///   - number: the plan's number of a kernel.
  ///   - after: what must have run before, by the plan's numbers.
  mutating func append(
    _ item: ScheduleItem, touching touched: Touched, isParallel: Bool, number: Int? = nil, isCheck: Bool = false,
    after: [Int] = []
  ) {
    let isLoop = number == nil
    let needsStop = after.contains { pendingChecks.contains($0) } || (isLoop && !pendingChecks.isEmpty)
    let needsBarrier = open.contains { ($0.isParallel || isParallel) && $0.touched.conflicts(with: touched) }
    if needsStop || needsBarrier {
      items.append(.barrier)
      if needsStop {
        items.append(.stopIfFailed)
        pendingChecks = []
      }
      open = []
    }
    items.append(item)
    open.append((touched, isParallel))
    hasParallel = hasParallel || isParallel
    if isCheck, let number { pendingChecks.insert(number) }
  }

  /// - Parameter isBody: whether the items are repeated, so that the first ones come after the last ones too.
  func finished(isBody: Bool) -> [ScheduleItem] {
    var items = items
    if !pendingChecks.isEmpty {
      items += [.barrier, .stopIfFailed]
    } else if isBody, hasParallel {
      items.append(.barrier)
    }
    return items
  }
}
