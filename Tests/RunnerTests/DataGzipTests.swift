import Foundation
import Testing

@testable import CinchRunner

@Suite struct DataGzipTests {
  /// Made by zlib: blocks that are stored, in the fixed codes, and in codes of their own; a header with the file's name.
  static let samples: [Sample] = [
    Sample(text: "H4sIAAAAAAAAAwEMAPP/c3RvcmVkIGJ5dGVzeHemDwwAAAA=", bytes: Array("stored bytes".utf8)),
    Sample(
      text: "H4sIAAAAAAAAA0tUKMovTlXILFZIRGPpYIgMpBwAiuSWp6gAAAA=",
      bytes: Array(String(repeating: "a rose is a rose is a rose, ", count: 6).utf8)),
    Sample(
      text: """
        H4sIAAAAAAAAAwXBV1eCUAAAYJTRcBc46KQilvda8tA5qeUEByYXBK0eHEGl5UBw9P9P34dlr2Zb3YdJ0/aBRKYRiS1pqirfaJ1QFoN5O+hA3o3i\
        FZEtwc/94Og+SPnRgC8nkMo1C9a8Nh3FeYpnp/bgnBInrT2hLPRw9PeSlLpZtR3kKQA3gS2ADuN9biZqwNppB6cswqGWKaUUlG7cm+vqZBjLkDAx\
        2WhnpDyWdnh//h5ifi4IEfGoFciQAlj77Rz4oz1PjXhVMF11vy3JwFC5YtJQUvW7j5U0NqIcAVLjtXpKdC3R9b58vzH0IoI3FahIfo4oCCvf5jZ3\
        ZLFyPVYpLBy0s4tdQUfpx2vdSNbys6Vo6UwazyWtFTrBO6bseHpfrzQ7D3sbffAPuth67iwBAAA=
        """,
      bytes: (0..<300).map { (i: Int) -> UInt8 in
        let scattered = (i * i * 7 + i / 3) % 23
        return UInt8(scattered * 5 + i % 7)
      }),
    Sample(text: "H4sICAAAAAAC/25hbWUudHh0AMtLzE1NAQCHzOBxBQAAAA==", bytes: Array("named".utf8)),
  ]

  struct Sample: Sendable {
    let text: String
    let bytes: [UInt8]
    var compressed: [UInt8] { DataGzipTests.compressed(text) }
  }

  static func compressed(_ text: String) -> [UInt8] { Array(Data(base64Encoded: text) ?? Data()) }

  private func message(_ bytes: [UInt8], limit: Int? = nil) -> String {
    do {
      return "\(try GzipFile.decompress(bytes, name: "t.gz", limit: limit).count) bytes"
    } catch { return "\(error)" }
  }

  @Test(arguments: samples) func whatZlibCompressed(sample: Sample) throws {
    #expect(try GzipFile.decompress(sample.compressed, name: "t.gz") == sample.bytes)
  }

  @Test func membersFollowEachOtherAndMayBePadded() throws {
    let members: [UInt8] = Self.samples.flatMap(\.compressed)
    let all = members + [0, 0, 0]
    #expect(try GzipFile.decompress(all, name: "t.gz") == Self.samples.flatMap(\.bytes))
  }

  @Test func everyCutIsFound() {
    for sample in Self.samples {
      let whole = sample.compressed
      for count in 2..<whole.count {
        #expect(
          message(Array(whole[..<count])) == "t.gz: error: is truncated: its compressed data ends too early, after \(count) bytes"
        )
      }
    }
  }

  /// Every bit beyond the header matters: an error, or the same bytes where a bit is only padding.
  @Test func everyFlippedBitIsFound() throws {
    for sample in Self.samples.prefix(3) {
      let whole = sample.compressed
      for position in 10..<whole.count {
        for bit in 0..<8 {
          var damaged = whole
          damaged[position] ^= 1 << bit
          if let result = try? GzipFile.decompress(damaged, name: "t.gz") {
            #expect(result == sample.bytes)
          } else {
            #expect(message(damaged).hasPrefix("t.gz: error: "))
          }
        }
      }
    }
  }

  @Test func errorsSayWhatIsWrong() {
    var bytes = Self.samples[0].compressed
    #expect(message(bytes, limit: 11) == "t.gz: error: decompresses to more than 11 bytes")
    #expect(message(bytes, limit: 12) == "12 bytes")
    #expect(message(bytes + [1]) == "t.gz: error: has something after its compressed data")
    bytes[16] ^= 1
    #expect(message(bytes) == "t.gz: error: its compressed data is damaged: the checksum differs")
    bytes[2] = 7
    #expect(message(bytes) == "t.gz: error: is compressed in a way that is not known")
    // What no data is, and what the process has no room for.
    #expect(GzipFile.limit(compressed: 1) <= 1 << 28 && GzipFile.limit(compressed: 10 << 20) <= 1000 << 20)
    #expect(GzipFile.limit(compressed: 1 << 30) <= min(1 << 32, ProcessMemory.limit.byteCount / 4))
    // The limit also holds inside of copies.
    #expect(message(Self.samples[1].compressed, limit: 100).contains("more than 100 bytes"))
  }

  /// Larger data than the window of 32 KB that copies reach back, by the program itself.
  @Test(arguments: ["-1", "-9"]) func whatGzipCompressed(level: String) throws {
    let path = NSTemporaryDirectory() + "cinch-\(UUID().uuidString).csv"
    defer { for name in [path, path + ".gz"] { try? FileManager.default.removeItem(atPath: name) } }
    let text = (0..<60_000).map { "\($0 * 7919 % 1013),\($0 % 97)\n" }.joined()
    try text.write(toFile: path, atomically: true, encoding: .utf8)
    let gzip = try Process.run(URL(fileURLWithPath: "/usr/bin/env"), arguments: ["gzip", level, path])
    gzip.waitUntilExit()
    #expect(try TextFile.read(path: path + ".gz") == text)
    #expect(try CSVTable(path: path + ".gz").rowCount == 60_000)
  }
}
