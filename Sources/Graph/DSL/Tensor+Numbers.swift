// Numbers beside tensors. Literals become Double, so that few overloads compete; variables of other types of numbers are taken
// by the generic functions, which the type checker tries last: long expressions are checked as fast as with one type alone.

extension Tensor {
  public static func + (a: Tensor, b: Double) -> Tensor { a + scalar(b, like: a) }
  public static func + (a: Double, b: Tensor) -> Tensor { scalar(a, like: b) + b }
  public static func - (a: Tensor, b: Double) -> Tensor { a - scalar(b, like: a) }
  public static func - (a: Double, b: Tensor) -> Tensor { scalar(a, like: b) - b }
  public static func * (a: Tensor, b: Double) -> Tensor { a * scalar(b, like: a) }
  public static func * (a: Double, b: Tensor) -> Tensor { scalar(a, like: b) * b }
  public static func / (a: Tensor, b: Double) -> Tensor { a / scalar(b, like: a) }
  public static func / (a: Double, b: Tensor) -> Tensor { scalar(a, like: b) / b }
  public static func .== (a: Tensor, b: Double) -> Tensor { a .== scalar(b, like: a) }
  public static func .== (a: Double, b: Tensor) -> Tensor { scalar(a, like: b) .== b }
  public static func .!= (a: Tensor, b: Double) -> Tensor { a .!= scalar(b, like: a) }
  public static func .!= (a: Double, b: Tensor) -> Tensor { scalar(a, like: b) .!= b }
  public static func .< (a: Tensor, b: Double) -> Tensor { a .< scalar(b, like: a) }
  public static func .< (a: Double, b: Tensor) -> Tensor { scalar(a, like: b) .< b }
  public static func .<= (a: Tensor, b: Double) -> Tensor { a .<= scalar(b, like: a) }
  public static func .<= (a: Double, b: Tensor) -> Tensor { scalar(a, like: b) .<= b }
  public static func .> (a: Tensor, b: Double) -> Tensor { a .> scalar(b, like: a) }
  public static func .> (a: Double, b: Tensor) -> Tensor { scalar(a, like: b) .> b }
  public static func .>= (a: Tensor, b: Double) -> Tensor { a .>= scalar(b, like: a) }
  public static func .>= (a: Double, b: Tensor) -> Tensor { scalar(a, like: b) .>= b }

  @_disfavoredOverload
  public static func + (a: Tensor, b: some TensorNumber) -> Tensor { a + scalar(b.elementValue, like: a) }
  @_disfavoredOverload
  public static func + (a: some TensorNumber, b: Tensor) -> Tensor { scalar(a.elementValue, like: b) + b }
  @_disfavoredOverload
  public static func - (a: Tensor, b: some TensorNumber) -> Tensor { a - scalar(b.elementValue, like: a) }
  @_disfavoredOverload
  public static func - (a: some TensorNumber, b: Tensor) -> Tensor { scalar(a.elementValue, like: b) - b }
  @_disfavoredOverload
  public static func * (a: Tensor, b: some TensorNumber) -> Tensor { a * scalar(b.elementValue, like: a) }
  @_disfavoredOverload
  public static func * (a: some TensorNumber, b: Tensor) -> Tensor { scalar(a.elementValue, like: b) * b }
  @_disfavoredOverload
  public static func / (a: Tensor, b: some TensorNumber) -> Tensor { a / scalar(b.elementValue, like: a) }
  @_disfavoredOverload
  public static func / (a: some TensorNumber, b: Tensor) -> Tensor { scalar(a.elementValue, like: b) / b }
  @_disfavoredOverload
  public static func .== (a: Tensor, b: some TensorNumber) -> Tensor { a .== scalar(b.elementValue, like: a) }
  @_disfavoredOverload
  public static func .== (a: some TensorNumber, b: Tensor) -> Tensor { scalar(a.elementValue, like: b) .== b }
  @_disfavoredOverload
  public static func .!= (a: Tensor, b: some TensorNumber) -> Tensor { a .!= scalar(b.elementValue, like: a) }
  @_disfavoredOverload
  public static func .!= (a: some TensorNumber, b: Tensor) -> Tensor { scalar(a.elementValue, like: b) .!= b }
  @_disfavoredOverload
  public static func .< (a: Tensor, b: some TensorNumber) -> Tensor { a .< scalar(b.elementValue, like: a) }
  @_disfavoredOverload
  public static func .< (a: some TensorNumber, b: Tensor) -> Tensor { scalar(a.elementValue, like: b) .< b }
  @_disfavoredOverload
  public static func .<= (a: Tensor, b: some TensorNumber) -> Tensor { a .<= scalar(b.elementValue, like: a) }
  @_disfavoredOverload
  public static func .<= (a: some TensorNumber, b: Tensor) -> Tensor { scalar(a.elementValue, like: b) .<= b }
  @_disfavoredOverload
  public static func .> (a: Tensor, b: some TensorNumber) -> Tensor { a .> scalar(b.elementValue, like: a) }
  @_disfavoredOverload
  public static func .> (a: some TensorNumber, b: Tensor) -> Tensor { scalar(a.elementValue, like: b) .> b }
  @_disfavoredOverload
  public static func .>= (a: Tensor, b: some TensorNumber) -> Tensor { a .>= scalar(b.elementValue, like: a) }
  @_disfavoredOverload
  public static func .>= (a: some TensorNumber, b: Tensor) -> Tensor { scalar(a.elementValue, like: b) .>= b }

  // Bit by bit on Int32.
  public static func & (a: Tensor, b: Int) -> Tensor { a & scalar(Double(b), like: a) }
  public static func & (a: Int, b: Tensor) -> Tensor { scalar(Double(a), like: b) & b }
  public static func | (a: Tensor, b: Int) -> Tensor { a | scalar(Double(b), like: a) }
  public static func | (a: Int, b: Tensor) -> Tensor { scalar(Double(a), like: b) | b }
  public static func ^ (a: Tensor, b: Int) -> Tensor { a ^ scalar(Double(b), like: a) }
  public static func ^ (a: Int, b: Tensor) -> Tensor { scalar(Double(a), like: b) ^ b }
}
