import Cinch

// W7: three transcendental functions over 2²² elements, written below the layers.

extension Workload {
  static let w7 = elementwise(count: 1 << 22)

  static func elementwise(count: Int) -> Workload {
    Workload(
      name: "W7", summary: "sum(tanh(a·x+b)·sigmoid(c·x) + exp(−x²)) over \(count) elements, gradients of a, b, c, SGD",
      inputs: [Source("x", [count], .uniform(bound: 2))],
      parameters: ["a", "b", "c"].map { Source($0, [count], .uniform(bound: 1)) },
      seed: 7000, stateNames: ["a", "b", "c"], hyperparameters: [("learningRate", HostTensor(0.01))], prepare: nil
    ) {
      Graph("elementwise") { g in
        let x = g.input("x", [count])
        let rate = g.input("learningRate", [])
        let (a, b, c) = (g.parameter("a", [count]), g.parameter("b", [count]), g.parameter("c", [count]))
        let loss = (tanh(a * x + b) * sigmoid(c * x) + exp(-(x * x))).sum()
        g.output("loss", loss)
        let parameters = [a, b, c]
        for (parameter, gradient) in zip(parameters, gradients(of: loss, withRespectTo: parameters)) {
          g.update(parameter, to: parameter - rate * gradient)
        }
      }
    }
  }
}
