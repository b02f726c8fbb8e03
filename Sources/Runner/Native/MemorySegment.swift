import Glibc

/// A zeroed region of memory that compiled programs work in, aligned to pages.
///
/// A guarded segment has a page that nobody may touch directly before and after it, so that a stray access
/// of generated code crashes at once instead of spoiling other data. The type is `Sendable` because it only
/// owns the region: who reads and writes it at a time is up to its user.
public final class MemorySegment: @unchecked Sendable {
  /// The first usable byte: aligned to a page, or to 64 bytes when the end was asked to be aligned.
  public let baseAddress: UnsafeMutableRawPointer
  /// The usable bytes from `baseAddress`.
  public let byteCount: Int

  private let mapping: UnsafeMutableRawPointer
  private let mappingByteCount: Int

  /// Maps `byteCount` zero bytes.
  ///
  /// - Parameters:
  ///   - guarded: puts an inaccessible page directly before and after the pages of the segment.
  ///   - alignEnd: moves the usable bytes up to the end of the last page, so that an access past the end hits
  ///     the guard page. The base stays aligned to 64 bytes: the end is flush when `byteCount` is a multiple of
  ///     64, and else less than 64 bytes short of it.
  ///   - purpose: what the memory is for, as an error names it.
  /// Throws `NativeError.memoryRefused` or `.sizeUnrepresentable` where the memory cannot be had.
  public init(
    byteCount: Int, guarded: Bool = false, alignEnd: Bool = false, purpose: String = "a memory segment"
  ) throws {
    guard byteCount >= 0 else {
      throw NativeError.sizeUnrepresentable(elementCounts: [byteCount], elementByteCount: 1, purpose: purpose)
    }
    // Some kernels promise more than the machine has, and kill the process when it touches too much.
    // Asking takes longer than mapping a small segment.
    if byteCount > 16 << 20, case let limit = ProcessMemory.limit, byteCount > limit.byteCount {
      throw NativeError.memoryRefused(byteCount: byteCount, purpose: purpose, reason: limit.description)
    }
    let page = Self.pageByteCount
    let usable = max(1, (byteCount + page - 1) / page) * page
    // A region that starts at a multiple of 2 MiB can be backed by huge pages from its first byte on.
    let wantsHugePages = byteCount >= Self.hugePageByteCount
    let alignment = wantsHugePages ? Self.hugePageByteCount : page
    let guardByteCount = guarded ? page : 0
    let reserved = usable + 2 * guardByteCount + (alignment - page)
    guard
      let start = mmap(nil, reserved, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
      start != MAP_FAILED
    else {
      throw NativeError.memoryRefused(
        byteCount: byteCount, purpose: purpose, reason: lastSystemError())
    }
    mapping = start
    mappingByteCount = reserved

    let earliest = Int(bitPattern: start) + guardByteCount
    let pages = start + guardByteCount + (alignment - earliest % alignment) % alignment
    let isGuarded =
      !guarded
      || (mprotect(pages - page, page, PROT_NONE) == 0 && mprotect(pages + usable, page, PROT_NONE) == 0)
    guard isGuarded else {
      let reason = "guard pages: \(lastSystemError())"
      munmap(start, reserved)
      throw NativeError.memoryRefused(byteCount: byteCount, purpose: purpose, reason: reason)
    }
    // Advice only, so a refusal is no error.
    if wantsHugePages { madvise(pages, usable, MADV_HUGEPAGE) }
    baseAddress = alignEnd ? pages + (usable - byteCount) / 64 * 64 : pages
    self.byteCount = byteCount
  }

  deinit { munmap(mapping, mappingByteCount) }

  /// The size in bytes of an array of the given extents, checked for overflow.
  public static func byteCount(
    of elementCounts: [Int], elementByteCount: Int, purpose: String = "a memory segment"
  ) throws -> Int {
    var total = elementByteCount
    var fits = elementByteCount >= 0
    // An empty extent makes the whole array empty, whatever the other extents are.
    if elementCounts.contains(0) { total = 0 }
    for count in elementCounts where fits {
      let (product, overflow) = total.multipliedReportingOverflow(by: count)
      total = product
      fits = count >= 0 && !overflow
    }
    guard fits else {
      throw NativeError.sizeUnrepresentable(
        elementCounts: elementCounts, elementByteCount: elementByteCount, purpose: purpose)
    }
    return total
  }
}

// MARK: - Typed access

extension MemorySegment {
  /// A checked view of `count` elements from `byteOffset` on; valid as long as the segment lives.
  public func elements<Element: BitwiseCopyable>(
    at byteOffset: Int, count: Int, as type: Element.Type
  ) -> UnsafeMutableBufferPointer<Element> {
    let (size, overflow) = count.multipliedReportingOverflow(by: MemoryLayout<Element>.stride)
    guard
      !overflow, count >= 0, byteOffset >= 0, byteOffset <= byteCount, size <= byteCount - byteOffset,
      Int(bitPattern: baseAddress + byteOffset) % MemoryLayout<Element>.alignment == 0
    else {
      end(
        "\(count) × \(type) at byte \(byteOffset) do not fit or are not aligned in a segment of "
          + "\(byteCount) bytes. This is a bug in Cinch.")
    }
    return UnsafeMutableBufferPointer(
      start: (baseAddress + byteOffset).bindMemory(to: type, capacity: count), count: count)
  }

  /// Copies `count` elements out.
  public func read<Element: BitwiseCopyable>(
    at byteOffset: Int, count: Int, as type: Element.Type
  ) -> [Element] {
    Array(elements(at: byteOffset, count: count, as: type))
  }

  /// Copies `values` in.
  public func write<Element: BitwiseCopyable>(_ values: [Element], at byteOffset: Int) {
    _ = elements(at: byteOffset, count: values.count, as: Element.self).update(fromContentsOf: values)
  }

  /// Sets all usable bytes to zero.
  public func clear() { memset(baseAddress, 0, byteCount) }
}

extension MemorySegment {
  /// The size of a page, a power of two.
  static let pageByteCount = Int(sysconf(Int32(_SC_PAGESIZE)))
  static let hugePageByteCount = 2 << 20
}
