/// Which general register holds which pointer and loop counter. What inner loops use most comes first; the rest lives
/// in the frame and passes through one register that is kept free for it.
struct GeneralRegisterPlan: Sendable {
  enum Home: Hashable, Sendable {
    case register(GeneralRegister)
    case frame
  }

  /// The frame's address; C hands it over, and nothing changes it.
  static let frame = GeneralRegister.rax

  /// By address group.
  private(set) var groups: [Home]
  /// By depth of the loop.
  private(set) var counters: [Home]
  private(set) var pool = Home.frame
  /// Free for what lives in the frame.
  private(set) var scratch: GeneralRegister

  private enum Item {
    case group(Int)
    case counter(Int)
    case pool
  }

  init(groupWeights: [Double], loopDepth: Int, poolWeight: Double) {
    groups = [Home](repeating: .frame, count: groupWeights.count)
    counters = [Home](repeating: .frame, count: loopDepth)
    var items: [(weight: Double, item: Item)] = []
    for (index, weight) in groupWeights.enumerated() where weight > 0 { items.append((weight, .group(index))) }
    var weight = 1.0
    for depth in 0..<loopDepth {
      weight *= 8
      items.append((weight, .counter(depth)))
    }
    if poolWeight > 0 { items.append((poolWeight, .pool)) }
    items.sort { $0.weight > $1.weight }
    // Those that need no prefix byte come first.
    let all: [GeneralRegister] = [
      .rcx, .rdx, .rsi, .rdi, .rbx, .r8, .r9, .r10, .r11, .r12, .r13, .r14, .r15,
    ]
    // Computed pointers pass through the scratch register, so that one is always there.
    scratch = all[min(items.count, all.count - 1)]
    for (index, entry) in items.enumerated() where index < all.count - 1 {
      let home = Home.register(all[index])
      switch entry.item {
      case .group(let group): groups[group] = home
      case .counter(let depth): counters[depth] = home
      case .pool: pool = home
      }
    }
  }
}
