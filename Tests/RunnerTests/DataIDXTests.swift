import CinchGraph
import Foundation
import Testing

@testable import CinchRunner

@Suite struct DataIDXTests {
  private func file(_ bytes: [UInt8]) throws -> IDXFile { try IDXFile(bytes: bytes, name: "t") }

  private func message(_ body: () throws -> Void) -> String {
    do {
      try body()
      return "no error"
    } catch { return "\(error)" }
  }

  /// Two images of 1×3.
  private let images: [UInt8] = [0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 3, 0, 51, 255, 1, 2, 3]
  private let labels: [UInt8] = [0, 0, 8, 1, 0, 0, 0, 3, 9, 0, 4]

  @Test func imagesAndLabels() throws {
    let file = try file(images)
    #expect(file.shape == [2, 1, 3] && file.storage == .uint8)
    #expect(file.floats() == HostTensor([0, 51, 255, 1, 2, 3], shape: [2, 1, 3]))
    let values = ([0, 51, 255, 1, 2, 3] as [Float]).map { $0 / 255 }
    #expect(try file.images() == HostTensor(values, shape: [2, 1, 1, 3]))
    #expect(try self.file(labels).labels(classes: 10) == HostTensor([9, 0, 4] as [Int32]))
  }

  @Test(
    arguments: [
      (9, [0xFF, 0x7F], [-1, 127]), (0x0B, [0xFF, 0xFE, 0x01, 0x00], [-2, 256]), (0x0C, [0xFF, 0xFF, 0xFF, 0xFD], [-3]),
      (0x0D, [0x3F, 0xC0, 0, 0], [1.5]), (0x0E, [0xC0, 0x04, 0, 0, 0, 0, 0, 0], [-2.5]),
    ] as [(UInt8, [UInt8], [Float])])
  func elementsHaveTheHighestByteFirst(code: UInt8, bytes: [UInt8], values: [Float]) throws {
    #expect(try file([0, 0, code, 1, 0, 0, 0, UInt8(values.count)] + bytes).floats() == HostTensor(values))
  }

  @Test func filesOfAnotherType() {
    let png: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0, 0]
    #expect(
      message { _ = try file(png) } == "t: error: is no IDX file: it begins with the bytes 89 50 4e 47, not with two zeros")
    #expect(message { _ = try file([0, 0]) } == "t: error: is no IDX file: it has 2 bytes, fewer than the header")
    #expect(message { _ = try file([0, 0, 10, 1]) }.hasPrefix("t: error: has the unknown element type 10; IDX has 8 (uint8), 9"))
    #expect(message { _ = try file([0, 0, 8, 0]) } == "t: error: has no axes, so no rows")
    #expect(message { _ = try file([0, 0, 8, 1, 0, 0, 0, 0]) } == "t: error: holds nothing: its shape is [0]")
    #expect(
      message { _ = try file(labels).images() }
        == "t: error: holds no images: its elements are uint8 of the shape [3], not uint8 in three axes")
    #expect(
      message { _ = try file(images).labels(classes: 10) }
        == "t: error: holds no labels: its elements are uint8 of the shape [2, 1, 3], not uint8 in one axis")
    #expect(
      message { _ = try file(labels).labels(classes: 9) }
        == "t: error: has the label 9 at row 0; with 9 classes, labels are 0 to 8")
  }

  @Test func everyCutIsFound() {
    for count in 0..<images.count {
      let text = message { _ = try file(Array(images[..<count])) }
      #expect(text.contains(count < 4 ? "is no IDX file: it has \(count) bytes" : "is truncated"), "\(count): \(text)")
    }
    #expect(
      message { _ = try file(images.dropLast()) }
        == "t: error: is truncated: a header for [2, 1, 3] elements of type uint8 asks for 22 bytes, the file has 21")
    #expect(message { _ = try file(images + [0]) }.contains("is too long: a header for [2, 1, 3]"))
  }

  /// Nothing is allocated for what a header claims and the file doesn't have, whatever the product.
  @Test func absurdSizesAreErrors() {
    for rank in [1, 2, 3, 8, 255] {
      let header: [UInt8] = [0, 0, 0x0E, UInt8(rank)] + [UInt8](repeating: 0xFF, count: 4 * rank)
      #expect(message { _ = try file(header + [1, 2, 3]) }.contains("is truncated: a header for [4294967295"))
    }
  }

  @Test func errorsNameTheFile() throws {
    let path = NSTemporaryDirectory() + "cinch-\(UUID().uuidString).idx.gz"
    defer { try? FileManager.default.removeItem(atPath: path) }
    #expect(message { _ = try IDXFile(path: path) } == "\(path): error: can't be opened: No such file or directory")
    // Gzip around text that is no IDX, whole and cut off.
    let bytes = DataGzipTests.samples[0].compressed
    try Data(bytes).write(to: URL(fileURLWithPath: path))
    #expect(message { _ = try IDXFile(path: path) }.hasPrefix("\(path): error: is no IDX file: it begins with the bytes 73 74"))
    try Data(bytes.prefix(20)).write(to: URL(fileURLWithPath: path))
    #expect(message { _ = try IDXFile(path: path) }.hasPrefix("\(path): error: is truncated: its compressed data"))
  }

  @Test func randomBytesNeverCrash() {
    var random = SystemRandomNumberGenerator()
    for _ in 0..<20_000 {
      let header = (0..<4).map { _ in UInt8.random(in: 0...3, using: &random) }
      let rest = (0..<Int.random(in: 0..<40, using: &random)).map { _ in UInt8.random(in: 0...3, using: &random) }
      let bytes = Bool.random(using: &random) ? header + rest : [0, 0, 8 + header[2] * 2, header[3], 0, 0, 0] + rest
      if let file = try? file(bytes) { #expect(file.floats().count == file.shape.elementCount) }
    }
  }
}
