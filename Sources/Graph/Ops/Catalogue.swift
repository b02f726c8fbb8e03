/// Every op there is. A new op is its struct and its line here; the contract tests, the parser and the documentation
/// read this list.
public enum OpCatalogue {
  public static let all: [any Op.Type] = [
    Input.self, ReadState.self, Constant.self, Iota.self, Random.self,
    Add.self, Subtract.self, Multiply.self, Divide.self, Negate.self, Maximum.self, Minimum.self,
    FusedMultiplyAdd.self, Absolute.self, Sign.self, Power.self,
    Exp.self, Log.self, Log1p.self, SquareRoot.self, ReciprocalSquareRoot.self, TanhOp.self, Logistic.self,
    Erf.self, Sine.self, Cosine.self, Relu.self,
    LeakyRelu.self, Gelu.self, GeluTanh.self, Silu.self, SoftplusOp.self,
    Compare.self, Logical.self, Not.self, Select.self, Cast.self,
    Sum.self, Max.self, Min.self, ArgMax.self, Mean.self, SoftmaxOp.self, LogSoftmaxOp.self, LayerNormOp.self,
    LogSumExpOp.self, LogAddExpOp.self, WhereNonzero.self,
    MatMul.self, SoftmaxCrossEntropyOp.self, BinaryCrossEntropyOp.self,
    Transpose.self, Broadcast.self, Slice.self, Pad.self, Reshape.self, Concatenate.self,
    View.self, Windows.self, OverlapAdd.self, Convolution.self, ConvolutionInputGradient.self, ConvolutionWeightGradient.self,
    MaxPool.self, AveragePool.self,
    Gather.self, ScatterAdd.self, CheckIndex.self, OneHot.self,
    StopGradient.self, IdentityOp.self, Repeat.self, Projection.self,
  ]

  private static let byMnemonic: [String: any Op.Type] = {
    var table: [String: any Op.Type] = [:]
    for op in all { table[op.mnemonic] = op }
    return table
  }()

  public static func op(named mnemonic: String) -> (any Op.Type)? { byMnemonic[mnemonic] }
}
