import Synchronization

private let nextIdentity = Atomic<Int>(0)

/// What makes a parameter itself: given when it is constructed, shared by copies, never equal for two constructions.
public struct ParameterIdentity: Sendable, Hashable {
  private let raw: Int
  init() { raw = nextIdentity.add(1, ordering: .relaxed).newValue }
}

/// A trainable tensor of a module: a name for a state variable, without numbers.
public struct Parameter: Sendable, Hashable {
  /// What copies of the parameter share: modules that hold one parameter train one tensor.
  public let identity: ParameterIdentity
  public let shape: Shape
  public let initialiser: Initialiser
  /// The user's line that made it.
  public let site: CallSite

  public init(_ shape: Shape, _ initialiser: Initialiser, at site: CallSite) {
    self.identity = ParameterIdentity()
    self.shape = shape
    self.initialiser = initialiser
    self.site = site
  }

  public static func == (a: Parameter, b: Parameter) -> Bool { a.identity == b.identity }
  public func hash(into hasher: inout Hasher) { hasher.combine(identity) }
}

extension GraphBuilder {
  /// The value of a module's parameter; `hint` names it when no model has.
  public func parameter(_ parameter: Parameter, hint: String = "parameter", at site: CallSite) -> Tensor {
    let tensor = declaredParameter(parameter, hint: hint, at: site)
    usedParameters.append((parameter, tensor.id))
    return tensor
  }

  private func declaredParameter(_ parameter: Parameter, hint: String, at site: CallSite) -> Tensor {
    if let id = stateByIdentity[parameter.identity] { return read(id, at: site) }
    var name = parameterNames[parameter.identity] ?? (scope.isEmpty ? hint : scope + "." + hint)
    if stateByName[name] != nil {
      var number = 2
      while stateByName["\(name)_\(number)"] != nil { number += 1 }
      name += "_\(number)"
    }
    guard let id = declare(parameter, named: name) else {
      return poison(recovered: TensorType(.float32, parameter.shape), site: site)
    }
    return read(id, at: site)
  }

  /// Gives a parameter its place in the state.
  func declare(_ parameter: Parameter, named name: String) -> StateID? {
    let id = declare(
      StateVariable(
        name: name, type: TensorType(.float32, parameter.shape), role: .parameter,
        initialiser: parameter.initialiser, site: parameter.site), at: parameter.site)
    if let id { stateByIdentity[parameter.identity] = id }
    return id
  }
}

/// A hand-written backward pass, which autodiff calls instead of walking through the forward one.
struct CustomGradient {
  let inputs: [Tensor]
  /// From the gradient with respect to the output to those with respect to `inputs`.
  let backward: (Tensor) -> [Tensor?]
}
