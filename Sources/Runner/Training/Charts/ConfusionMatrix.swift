import CinchGraph

/// How often each class was taken for each.
public struct ConfusionMatrix: Sendable, CustomStringConvertible {
  public let classNames: [String]
  /// `counts[label][prediction]`.
  public let counts: [[Int]]

  /// - Parameters:
  ///   - logits: `[rows, classes]`; the largest of a row is the prediction.
  ///   - labels: Int32, one for each row.
  ///   - classNames: the numbers of the classes unless given.
  /// - Throws: `DataError` where shapes or labels don't fit.
  public init(logits: HostTensor, labels: HostTensor, classNames: [String]? = nil) throws {
    guard logits.shape.rank == 2, case .int32(let labels) = labels.elements, labels.count == logits.shape[0] else {
      throw DataError(
        "a confusion matrix needs logits [rows, classes] and an Int32 label for each row, not \(logits.type) and \(labels.type)")
    }
    let classes = logits.shape[1]
    if let classNames, classNames.count != classes {
      throw DataError("\(classNames.count) names for \(classes) classes")
    }
    var counts = [[Int]](repeating: [Int](repeating: 0, count: classes), count: classes)
    let values = logits.floats
    for (row, label) in labels.enumerated() {
      guard label >= 0, label < classes else {
        throw DataError("the label \(label) in row \(row) is none of the classes 0 to \(classes - 1)")
      }
      // As argMax does: the first of the largest, and the first NaN before all numbers.
      var best = 0
      for column in 1..<max(classes, 1) {
        let (logit, largest) = (values[row * classes + column], values[row * classes + best])
        if logit > largest || logit.isNaN && !largest.isNaN { best = column }
      }
      counts[Int(label)][best] += 1
    }
    self.counts = counts
    self.classNames = classNames ?? (0..<classes).map(String.init)
  }

  public var accuracy: Double {
    let total = counts.joined().reduce(0, +)
    return total == 0 ? 0 : Double(counts.indices.reduce(0) { $0 + counts[$1][$1] }) / Double(total)
  }

  /// A row for each label, a column for each prediction.
  public var description: String {
    let width = ((counts.joined().map { String($0).count } + classNames.map(\.count)).max() ?? 1) + 1
    func padded(_ text: String) -> String { String(repeating: " ", count: max(0, width - text.count)) + text }
    var lines = [padded("") + classNames.map(padded).joined()]
    for (name, row) in zip(classNames, counts) { lines.append(padded(name) + row.map { padded(String($0)) }.joined()) }
    return lines.joined(separator: "\n")
  }

  /// Throws `DataError` where the file can't be written; a file that stood there is replaced whole, or stays.
  public func writeSVG(to path: String, title: String = "Confusion matrix") throws {
    try FileAccess.writeAtomically([Array(svg(title: title).utf8)], to: path)
  }

  /// The matrix as an SVG picture: a row for each true class, a column for each predicted one.
  public func svg(title: String = "Confusion matrix") -> String {
    let cell = 40.0
    let (left, top) = (90.0, 60.0)
    let side = cell * Double(counts.count)
    // Names that are wider than a column stand upright below it.
    let longest = classNames.map(\.count).max() ?? 0
    let isUpright = longest > 5
    let nameHeight = isUpright ? 7 * Double(longest) : 10
    var canvas = SVGCanvas(width: Int(left + side) + 30, height: Int(top + side + nameHeight) + 50, title: title)
    for (label, row) in counts.enumerated() {
      let total = max(row.reduce(0, +), 1)
      let y = top + cell * Double(label)
      canvas.text(classNames[label], x: left - 8, y: y + cell / 2 + 4, anchor: .end)
      let x = left + cell * (Double(label) + 0.5)
      if isUpright {
        canvas.text(classNames[label], x: x + 4, y: top + side + 8, anchor: .end, isVertical: true)
      } else {
        canvas.text(classNames[label], x: x, y: top + side + 18, anchor: .middle)
      }
      for (prediction, count) in row.enumerated() {
        let x = left + cell * Double(prediction)
        let share = Double(count) / Double(total)
        canvas.rectangle(x: x, y: y, width: cell - 1, height: cell - 1, fill: Self.shade(share, prediction == label))
        if count > 0 {
          canvas.text(
            String(count), x: x + cell / 2, y: y + cell / 2 + 4, anchor: .middle, fill: share > 0.5 ? "#ffffff" : "#343a40")
        }
      }
    }
    canvas.text("prediction", x: left + side / 2, y: top + side + nameHeight + 32, anchor: .middle)
    canvas.text("label", x: 24, y: top + side / 2, anchor: .middle, isVertical: true)
    return canvas.document
  }

  /// From near white to blue for what is right, to red for what is not.
  private static func shade(_ share: Double, _ isRight: Bool) -> String {
    let full = isRight ? (37.0, 99.0, 235.0) : (201.0, 42.0, 42.0)
    // Mistakes are few, so that they show early.
    let weight = isRight ? share : share.squareRoot()
    func mixed(_ value: Double) -> Int { Int((248 + (value - 248) * weight).rounded()) }
    return "rgb(\(mixed(full.0)),\(mixed(full.1)),\(mixed(full.2)))"
  }
}
