import Cinch
import TestSupport

/// How far the Float32 of a random program is from its meaning in real numbers, in parts of what is allowed.
///
/// Allowed for each element of a result: 2⁻¹³ (about a thousand roundings) of the largest magnitude among the result's
/// elements. A program is some tens of functions, sums and products with moderate numbers, but a gradient may have
/// lost most of its digits by cancellation; a wrong rule is off by the magnitude itself. Beside a jump (the gradient of
/// `abs` where its operand has underflowed to 0) or after a cancellation (1 − tanh² where tanh is almost 1), an element
/// may be where the real meaning is when inputs and intermediate values are rounded: subnormal ones to 0, the others in their
/// last places, or to Float32, where two numbers may become one (the gradient of `max` goes to both).
///
/// Where all of a result is smaller than such movements, it is what rounding has left of numbers that cancel (the mean of
/// deviations from a mean). A few samples don't show how far that reaches, so it may be several times the largest of them.
struct RealBound {
  private(set) var furthest = (ratio: 0.0, text: "")

  init(_ tested: TestedProgram) throws {
    try self.init(bounding: tested)
    // Parts of a formula by hand overflow or vanish in Float64 too, as in log(1 − sigmoid(50)): its stable form tells.
    if furthest.ratio > 1 { try self.init(bounding: tested.inStableForms()) }
  }

  private init(bounding tested: TestedProgram) throws {
    let exact = try tested.independentMeaning()
    self.init(tested.expected, exact: exact)
    guard furthest.ratio > 1 else { return }
    let nearby = try (0..<6).map { try tested.independentMeaning(withNoise: $0) } + [tested.independentMeaningOfRounded()]
    self.init(tested.expected, exact: exact, nearby: nearby)
  }

  /// What rounding alone may leave, in largest movements of the samples.
  private static let mostOfRounding = 16.0

  /// For each element how far the samples are from it.
  private static func movements(from real: [Double], to nearby: [[Double]]) -> [Double] {
    real.indices.map { index in nearby.map { ($0[index] - real[index]).magnitude }.max() ?? 0 }
  }

  init(_ results: StepResults, exact: StepResults, nearby: [StepResults] = []) {
    for (name, found) in results.sorted(by: { $0.key < $1.key }) {
      guard let real = exact[name]?.doubles else { continue }
      let scale = real.filter(\.isFinite).map(\.magnitude).max() ?? 0
      let allowed = 0x1p-13 * max(scale, 0x1p-126)
      let movements = Self.movements(from: real, to: nearby.compactMap { $0[name]?.doubles })
      let largest = movements.filter(\.isFinite).max() ?? 0
      let least = scale < largest ? Self.mostOfRounding * largest : 0
      for (index, (value, real)) in zip(found.doubles, real).enumerated() {
        if value == Double(Float(real)) || value.isNaN && real.isNaN { continue }
        let off = (value - real).magnitude
        let ratio = off.isFinite ? off / (allowed + max(2 * movements[index], least)) : .infinity
        if ratio > furthest.ratio {
          furthest = (ratio, "element \(index) of '\(name)' is \(value), exactly \(real); the largest is \(scale)")
        }
      }
    }
  }
}
