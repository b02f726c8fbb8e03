/// A module whose backward pass is written by hand, as one does to learn how it works, or because it is known better.
///
/// ```swift
/// struct Square: CustomGradientModule {
///   func forward(_ input: Tensor) -> Tensor { input * input }
///   func backward(input: Tensor, output: Tensor, gradient: Tensor) -> Tensor { 2 * input * gradient }
/// }
/// ```
///
/// A module with parameters returns their gradients too:
///
/// ```swift
/// struct Affine: CustomGradientModule {
///   let weight: Parameter, bias: Parameter
///   func forward(_ input: Tensor) -> Tensor { matmul(input, weight) + bias }
///   func backward(input: Tensor, output: Tensor, gradient: Tensor) -> Gradients {
///     Gradients(
///       input: matmul(gradient, weight.tensor(in: input).transposedMatrix()),
///       parameters: [
///         weight: matmul(input.transposedMatrix(), gradient),
///         bias: gradient.sum(along: 0),
///       ])
///   }
/// }
/// ```
public protocol CustomGradientModule: Module {
  /// `Tensor`, the gradient with respect to the input, or `Gradients` for a module with parameters.
  associatedtype GradientResult: ModuleGradients

  func forward(_ input: Tensor) -> Tensor

  /// The chain rule: from the gradient with respect to the output to that with respect to the input (and parameters).
  func backward(input: Tensor, output: Tensor, gradient: Tensor) -> GradientResult
}

/// What a hand-written backward pass may return.
public protocol ModuleGradients {
  var gradients: Gradients { get }
}

/// The gradients with respect to a module's input and parameters.
public struct Gradients: ModuleGradients {
  public var input: Tensor
  public var parameters: [Parameter: Tensor]

  public init(input: Tensor, parameters: [Parameter: Tensor] = [:]) {
    self.input = input
    self.parameters = parameters
  }

  public var gradients: Gradients { self }
}

extension Tensor: ModuleGradients {
  public var gradients: Gradients { Gradients(input: self) }
}

extension CustomGradientModule {
  public func callAsFunction(_ input: Tensor) -> Tensor {
    let builder = input.builder
    let output = builder.trackingParameters { forward(input) }
    guard output.result.builder === builder else { return output.result }
    let used = output.parameters
    // A node of its own: the output may be the input itself, or have other users.
    let end = builder.add(IdentityOp(), [output.result], at: output.result.site)
    builder.customGradients[end.id] = CustomGradient(inputs: [input] + used.map(\.tensor)) { gradient in
      let found = backward(input: input, output: output.result, gradient: gradient).gradients
      var results: [Tensor?] = [found.input]
      for (parameter, tensor) in used {
        let gradient = found.parameters[parameter]
        if gradient == nil {
          let name = builder.parameterName(parameter)
          builder.record(
            Diagnostic(
              "the hand-written backward of \(Swift.type(of: self)) returns no gradient for its parameter '\(name)'",
              at: parameter.site,
              notes: [.init("return Gradients(input:parameters:) with an entry for it", at: output.result.site)]))
        }
        results.append(gradient ?? Tensor.zeros(like: tensor))
      }
      return results
    }
    return end
  }
}

extension GraphBuilder {
  /// What `body` returns, and the parameters that it read, in the order of their first use.
  fileprivate func trackingParameters(
    _ body: () -> Tensor
  ) -> (result: Tensor, parameters: [(parameter: Parameter, tensor: Tensor)]) {
    let outer = usedParameters
    usedParameters = []
    let result = body()
    var listed: Set<ParameterIdentity> = []
    let inner = usedParameters.filter { listed.insert($0.parameter.identity).inserted }
    usedParameters = outer + inner
    return (result, inner.map { ($0.parameter, Tensor(builder: self, id: $0.node)) })
  }

  func parameterName(_ parameter: Parameter) -> String {
    if let id = stateByIdentity[parameter.identity] { return graph.state[id.index].name }
    return parameterNames[parameter.identity] ?? "parameter"
  }
}
