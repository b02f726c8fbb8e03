import Glibc

/// Machine code that was compiled from C and can be called; owns the memory that the code stands in.
///
/// A function pointer taken from here is valid only as long as this object lives.
public final class NativeCode: Sendable {
  /// Where the code came from, and how to let go of it.
  enum Storage: @unchecked Sendable {
    /// Pages of our own: never writable and executable at the same time.
    case pages(base: UnsafeMutableRawPointer, byteCount: Int)
    /// A shared object opened by the dynamic linker.
    case library(handle: UnsafeMutableRawPointer)
  }

  let storage: Storage
  private let addresses: [String: UInt]

  /// Bytes of code and constant tables, 0 where the dynamic linker does not tell.
  public let byteCount: Int
  /// What the compiler warned about; generated code should give no warning.
  public let warnings: [String]
  /// Time spent inside the compiler, from its creation to the relocated code.
  public let compileDuration: Duration

  init(
    storage: Storage, addresses: [String: UInt], byteCount: Int, warnings: [String], compileDuration: Duration
  ) {
    self.storage = storage
    self.addresses = addresses
    self.byteCount = byteCount
    self.warnings = warnings
    self.compileDuration = compileDuration
  }

  deinit {
    switch storage {
    case .pages(let base, let byteCount): munmap(base, byteCount)
    case .library(let handle): dlclose(handle)
    }
  }

  /// The address of a global function or table of the compiled source.
  public func address(of name: String) throws -> UnsafeRawPointer {
    if let address = addresses[name], let pointer = UnsafeRawPointer(bitPattern: address) { return pointer }
    if case .library(let handle) = storage, let pointer = dlsym(handle, name) {
      return UnsafeRawPointer(pointer)
    }
    throw NativeError.functionMissing(name)
  }

  /// A function of the compiled source as a C function pointer.
  ///
  /// `type` must be the `@convention(c)` type that matches the C declaration: nothing can check it.
  public func function<Function>(_ name: String, as type: Function.Type) throws -> Function {
    unsafe unsafeBitCast(try address(of: name), to: type)
  }
}
