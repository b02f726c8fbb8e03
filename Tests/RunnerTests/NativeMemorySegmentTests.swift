import Testing

@testable import CinchRunner

@Suite struct NativeMemorySegmentTests {
  @Test(
    arguments: [0, 1, 63, 64, 4_095, 4_096, 4_097, 100_000, 2 << 20, (2 << 20) + 1, 5 << 20], [false, true])
  func segmentIsZeroedAlignedAndWritable(byteCount: Int, guarded: Bool) throws {
    let segment = try MemorySegment(byteCount: byteCount, guarded: guarded)
    #expect(segment.byteCount == byteCount)
    #expect(UInt(bitPattern: segment.baseAddress) % 4_096 == 0)
    #expect(segment.read(at: 0, count: byteCount, as: UInt8.self).allSatisfy { $0 == 0 })
    segment.write([UInt8](repeating: 0xAB, count: byteCount), at: 0)
    #expect(segment.read(at: 0, count: byteCount, as: UInt8.self).allSatisfy { $0 == 0xAB })
    segment.clear()
    #expect(segment.read(at: 0, count: byteCount, as: UInt8.self).allSatisfy { $0 == 0 })
  }

  @Test(arguments: [64, 4_096, 10_048, 2 << 20, (3 << 20) + 64])
  func endOfTheSegmentIsFlushToTheGuardPage(byteCount: Int) throws {
    let segment = try MemorySegment(byteCount: byteCount, guarded: true, alignEnd: true)
    let end = UInt(bitPattern: segment.baseAddress) + UInt(byteCount)
    #expect(try memoryPermissions(at: end) == "---p")
    #expect(try memoryPermissions(at: end - 1) == "rw-p")
    #expect(try memoryPermissions(at: UInt(bitPattern: segment.baseAddress)) == "rw-p")
    #expect(UInt(bitPattern: segment.baseAddress) % 64 == 0)
    segment.write([UInt8](repeating: 1, count: byteCount), at: 0)
  }

  @Test func oddEndStaysAlignedAndWithinAVectorOfTheGuardPage() throws {
    let segment = try MemorySegment(byteCount: 1_001, guarded: true, alignEnd: true)
    let end = UInt(bitPattern: segment.baseAddress) + 1_001
    #expect(UInt(bitPattern: segment.baseAddress) % 64 == 0)
    #expect(try memoryPermissions(at: end + 63) == "---p")
  }

  @Test(arguments: [1, 4_096, 5_000, 2 << 20])
  func guardPagesStandDirectlyBesideTheSegment(byteCount: Int) throws {
    let segment = try MemorySegment(byteCount: byteCount, guarded: true)
    let start = UInt(bitPattern: segment.baseAddress)
    let pages = UInt((byteCount + 4_095) / 4_096)
    #expect(try memoryPermissions(at: start - 1) == "---p")
    #expect(try memoryPermissions(at: start) == "rw-p")
    #expect(try memoryPermissions(at: start + pages * 4_096 - 1) == "rw-p")
    #expect(try memoryPermissions(at: start + pages * 4_096) == "---p")
  }

  @Test func typedValuesLandWhereTheyWereWritten() throws {
    let segment = try MemorySegment(byteCount: 256)
    segment.write([1.5, -2.5] as [Float], at: 8)
    segment.write([Int64.min], at: 248)
    #expect(segment.read(at: 8, count: 2, as: Float.self) == [1.5, -2.5])
    #expect(segment.read(at: 4, count: 1, as: UInt32.self) == [0])
    #expect(segment.read(at: 8, count: 1, as: UInt32.self) == [(1.5 as Float).bitPattern])
    #expect(segment.read(at: 255, count: 1, as: UInt8.self) == [0x80])
    #expect(segment.elements(at: 256, count: 0, as: Float.self).isEmpty)
  }

  @Test func hugeRequestIsAnErrorThatNamesTheSize() throws {
    let byteCount = try MemorySegment.byteCount(of: [1_000_000, 1_000_000], elementByteCount: 4)
    #expect(byteCount == 4_000_000_000_000)
    let error = try #require(throws: NativeError.self) {
      try MemorySegment(byteCount: byteCount, purpose: "the scratch segment")
    }
    #expect(error.description.contains("4.0 TB (4000000000000 bytes)"))
    #expect(error.description.contains("the scratch segment"))
    #expect(!error.isCinchBug)
  }

  @Test(arguments: [Int.max, Int.max - 4_096, -1, .min])
  func impossibleSizeIsAnError(byteCount: Int) {
    #expect(throws: NativeError.self) { try MemorySegment(byteCount: byteCount, guarded: true) }
  }

  @Test func elementCountsAreMultipliedWithoutOverflow() throws {
    #expect(try MemorySegment.byteCount(of: [], elementByteCount: 4) == 4)
    #expect(try MemorySegment.byteCount(of: [3, 5], elementByteCount: 8) == 120)
    #expect(try MemorySegment.byteCount(of: [Int.max, Int.max, 0], elementByteCount: 4) == 0)
    #expect(throws: NativeError.self) {
      try MemorySegment.byteCount(of: [1 << 31, 1 << 31], elementByteCount: 4)
    }
    #expect(throws: NativeError.self) { try MemorySegment.byteCount(of: [2, -3], elementByteCount: 4) }
  }

  @Test func memoryIsGivenBack() throws {
    let before = try residentAndVirtualPages().virtual
    for _ in 0..<500 { _ = try MemorySegment(byteCount: 1 << 30, guarded: true) }
    let grown = try residentAndVirtualPages().virtual - before
    // 500 GiB would be missing if none were given back; other tests may hold some of their own by now.
    #expect(grown < 100 << 18)
  }
}
