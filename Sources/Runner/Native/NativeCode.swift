import Glibc

/// Machine code that was compiled from C and can be called; owns the memory that the code stands in.
///
/// A function pointer taken from here is valid only as long as this object lives.
public final class NativeCode: Sendable {
  /// Pages that the code stands in, none of them ever writable and executable at the same time.
  struct Pages: @unchecked Sendable {
    let base: UnsafeMutableRawPointer
    let byteCount: Int

    func unmap() { munmap(base, byteCount) }
  }

  /// Where the code came from, and how to let go of it.
  enum Storage: @unchecked Sendable {
    case pages(Pages)
    /// A shared object opened by the dynamic linker.
    case library(handle: UnsafeMutableRawPointer)
  }

  let storage: Storage
  private let addresses: [String: UInt]

  /// The names that the source uses and does not define, as host symbols gave them a meaning; empty for
  /// code that the dynamic linker loaded, for it does not tell.
  public let importedSymbols: [String]
  /// What the compiler warned about; generated code should give no warning.
  public let warnings: [String]
  /// Time from the source to callable code: inside the compiler, and placing its output in memory.
  public let compileDuration: Duration

  init(
    storage: Storage, addresses: [String: UInt] = [:], importedSymbols: [String] = [], warnings: [String],
    compileDuration: Duration
  ) {
    self.storage = storage
    self.addresses = addresses
    self.importedSymbols = importedSymbols
    self.warnings = warnings
    self.compileDuration = compileDuration
  }

  /// Bytes of the pages that the code stands in; 0 for code that the dynamic linker loaded.
  var byteCount: Int { if case .pages(let pages) = storage { pages.byteCount } else { 0 } }

  deinit {
    switch storage {
    case .pages(let pages): pages.unmap()
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
    unsafeBitCast(try address(of: name), to: type)
  }
}
