/// Two numbers for the two axes of an image; one number stands for both.
public struct Size2D: Sendable, Hashable, ExpressibleByIntegerLiteral {
  public var height: Int
  public var width: Int

  public init(_ height: Int, _ width: Int) {
    self.height = height
    self.width = width
  }
  public init(_ both: Int) { self.init(both, both) }
  public init(integerLiteral both: Int) { self.init(both, both) }

  var values: [Int] { [height, width] }
  /// As PyTorch prints it.
  var tuple: String { "(\(height), \(width))" }
  /// One number where both are equal.
  var short: String { height == width ? "\(height)" : tuple }
}

/// The cross-correlation of images with windows of weights: `(images [n, c, h, w], weights [o, c / groups, kh, kw]) → [n, o, …, …]`.
///
/// - Parameters:
///   - stride: the distance between neighbouring windows.
///   - padding: zeros on each side.
///   - dilation: the distance between neighbouring taps of a window.
///   - groups: channels are divided into so many groups, each of which has its share of the outputs.
public func conv2d(
  _ images: Tensor, _ weights: Tensor, stride: Size2D = 1, padding: Size2D = 0, dilation: Size2D = 1, groups: Int = 1,
  file: StaticString = #filePath, line: Int = #line
) -> Tensor {
  let geometry = ConvolutionGeometry(
    strides: stride.values, low: padding.values, high: padding.values, dilations: dilation.values, groups: groups)
  return images.builder.add(Convolution(geometry), [images, weights], at: CallSite(file, line))
}

/// The largest element of each window: `[…, h, w] → […, …, …]`. Of equal largest elements, the first gets the gradient.
///
/// - Parameters:
///   - stride: the distance between neighbouring windows; the window itself unless given.
///   - padding: elements on each side that are smaller than any number; at most half of the window.
///   - dilation: the distance between neighbouring elements of a window.
public func maxPool2d(
  _ images: Tensor, _ window: Size2D, stride: Size2D? = nil, padding: Size2D = 0, dilation: Size2D = 1,
  file: StaticString = #filePath, line: Int = #line
) -> Tensor {
  let geometry = PoolingGeometry(
    window: window.values, strides: (stride ?? window).values, low: padding.values, high: padding.values,
    dilations: dilation.values)
  return images.builder.add(MaxPool(geometry), [images], at: CallSite(file, line))
}

/// The mean of each window: `[…, h, w] → […, …, …]`.
///
/// - Parameters:
///   - stride: the distance between neighbouring windows; the window itself unless given.
///   - padding: zeros on each side; at most half of the window.
///   - countsPadding: whether those zeros count as elements of the mean.
public func averagePool2d(
  _ images: Tensor, _ window: Size2D, stride: Size2D? = nil, padding: Size2D = 0, countsPadding: Bool = true,
  file: StaticString = #filePath, line: Int = #line
) -> Tensor {
  let geometry = PoolingGeometry(
    window: window.values, strides: (stride ?? window).values, low: padding.values, high: padding.values,
    dilations: [1, 1])
  return images.builder.add(
    AveragePool(geometry, countsPadding: countsPadding), [images], at: CallSite(file, line))
}
