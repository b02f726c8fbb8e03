/// The iterations of a parallel loop that a worker takes, as C expressions.
struct WorkerShare {
  let first: String
  let end: String

  init(extent: Int) {
    if extent == 1 {
      // A rest stands alone: it goes to worker 0, who never has more of the whole blocks than others.
      (first, end) = ("worker > 0", "1")
    } else {
      (first, end) = ("\(extent) * worker / workers", "\(extent) * (worker + 1) / workers")
    }
  }
}
