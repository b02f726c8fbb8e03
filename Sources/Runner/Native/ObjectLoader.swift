import CTinyCC
import Glibc

/// Turns a relocatable object file, as libtcc writes it, into code that can be called.
///
/// libtcc can relocate into memory by itself, but makes the pages writable and executable at once while it
/// does. Here the bytes are placed and relocated in plain writable memory; then the pages of the code
/// become readable and executable, the pages of the constants readable. Generated C has no mutable globals,
/// so nothing is written later.
///
/// Pages: `code sections | jumps to host functions`, then `constant sections | table of addresses`.
struct ObjectLoader {
  private let object: UnsafeRawBufferPointer
  private let sections: [Elf64_Shdr]
  private let symbols: [Elf64_Sym]
  private let namesOffset: Int

  /// Where each section goes, relative to the first page; nil for those that are not loaded.
  private var sectionOffsets: [Int?] = []
  /// Which entry of the address table a symbol has, for symbols that are reached through the table.
  private var tableSlots: [Int: Int] = [:]
  private var jumpsOffset = 0
  private var constantsOffset = 0
  private var tableOffset = 0
  private var byteCount = 0

  private static let jumpByteCount = 8
  private static let slotByteCount = 8

  /// Reads the section and symbol tables and plans the pages.
  init(_ object: UnsafeRawBufferPointer) throws(NativeError) {
    guard object.count >= MemoryLayout<Elf64_Ehdr>.size else { throw Self.failure("it is empty") }
    let header = object.loadUnaligned(as: Elf64_Ehdr.self)
    guard Int32(header.e_machine) == EM_X86_64, Int32(header.e_type) == ET_REL else {
      throw Self.failure("it is not a relocatable object for x86-64")
    }
    self.object = object
    sections = Self.table(object, at: Int(header.e_shoff), count: Int(header.e_shnum))
    guard let symbolTable = sections.first(where: { $0.sh_type == SHT_SYMTAB }) else {
      throw Self.failure("it has no symbol table")
    }
    symbols = Self.table(
      object, at: Int(symbolTable.sh_offset),
      count: Int(symbolTable.sh_size) / MemoryLayout<Elf64_Sym>.stride)
    namesOffset = Int(sections[Int(symbolTable.sh_link)].sh_offset)
    plan()
  }

  /// The names that the object uses and does not define, each once, in order of first use.
  var undefinedSymbols: [String] {
    symbols.dropFirst().filter { Int32($0.st_shndx) == SHN_UNDEF }.map(name)
  }

  /// Places the code; `hostSymbols` are the addresses of what the object uses and does not define.
  func load(hostSymbols: [String: UInt]) throws(NativeError) -> (NativeCode.Pages, addresses: [String: UInt]) {
    let missing = undefinedSymbols.filter { hostSymbols[$0] == nil }
    guard missing.isEmpty else { throw .undefinedSymbols(missing) }
    guard
      let base = mmap(nil, byteCount, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
      base != MAP_FAILED
    else {
      throw .memoryRefused(byteCount: byteCount, purpose: "compiled code", reason: lastSystemError())
    }
    let pages = NativeCode.Pages(base: base, byteCount: byteCount)
    do throws(NativeError) {
      let symbolAddresses = try addresses(base: UInt(bitPattern: base), hostSymbols)
      copySections(to: base)
      fillTable(base, symbolAddresses)
      for section in sections where section.sh_type == SHT_RELA {
        try relocate(section, base, symbolAddresses)
      }
      guard
        mprotect(base, constantsOffset, PROT_READ | PROT_EXEC) == 0,
        constantsOffset == byteCount
          || mprotect(base + constantsOffset, byteCount - constantsOffset, PROT_READ) == 0
      else { throw Self.failure("its pages cannot be made executable: \(lastSystemError())") }
      return (pages, globals(symbolAddresses))
    } catch {
      pages.unmap()
      throw error
    }
  }
}

// MARK: - Planning

extension ObjectLoader {
  private mutating func plan() {
    for section in sections where section.sh_type == SHT_RELA {
      for relocation in relocations(of: section) where usesTable(relocation) {
        let symbol = relocation.symbolIndex
        if tableSlots[symbol] == nil { tableSlots[symbol] = tableSlots.count }
      }
    }
    sectionOffsets = Array(repeating: nil, count: sections.count)
    var end = 0
    place(&end) { $0 & UInt64(SHF_EXECINSTR) != 0 }
    jumpsOffset = end.roundedUp(to: 16)
    constantsOffset = (jumpsOffset + tableSlots.count * Self.jumpByteCount).roundedUp(
      to: MemorySegment.pageByteCount)
    constantsOffset = max(constantsOffset, MemorySegment.pageByteCount)
    end = constantsOffset
    place(&end) { $0 & UInt64(SHF_EXECINSTR) == 0 }
    tableOffset = end.roundedUp(to: Self.slotByteCount)
    byteCount = (tableOffset + tableSlots.count * Self.slotByteCount).roundedUp(
      to: MemorySegment.pageByteCount)
  }

  private mutating func place(_ end: inout Int, where isWanted: (_ flags: UInt64) -> Bool) {
    for (index, section) in sections.enumerated()
    where section.sh_flags & UInt64(SHF_ALLOC) != 0 && isWanted(section.sh_flags) {
      // libtcc aligns each object inside its section, but gives the section itself the alignment of a word.
      let offset = end.roundedUp(to: max(64, Int(section.sh_addralign)))
      sectionOffsets[index] = offset
      end = offset + Int(section.sh_size)
    }
  }

  /// Host symbols may be further away than a 32-bit displacement reaches, so they are reached through the
  /// table.
  private func usesTable(_ relocation: Elf64_Rela) -> Bool {
    switch relocation.kind {
    case R_X86_64_GOTPCREL, R_X86_64_GOTPCRELX, R_X86_64_REX_GOTPCRELX: true
    case R_X86_64_PLT32: Int32(symbols[relocation.symbolIndex].st_shndx) == SHN_UNDEF
    default: false
    }
  }
}

// MARK: - Placing

extension ObjectLoader {
  private func addresses(base: UInt, _ hostSymbols: [String: UInt]) throws(NativeError) -> [UInt] {
    var addresses: [UInt] = []
    addresses.reserveCapacity(symbols.count)
    for (index, symbol) in symbols.enumerated() {
      switch Int32(symbol.st_shndx) {
      case SHN_UNDEF: addresses.append(index == 0 ? 0 : hostSymbols[name(of: symbol)] ?? 0)
      case SHN_ABS: addresses.append(UInt(symbol.st_value))
      case SHN_COMMON: throw Self.failure("it has a mutable global '\(name(of: symbol))'")
      default:
        let offset = sectionOffsets[Int(symbol.st_shndx)] ?? 0
        addresses.append(base + UInt(offset) + UInt(symbol.st_value))
      }
    }
    return addresses
  }

  private func copySections(to base: UnsafeMutableRawPointer) {
    for (section, offset) in zip(sections, sectionOffsets) where section.sh_type != SHT_NOBITS {
      guard let offset, section.sh_size > 0, let source = object.baseAddress else { continue }
      memcpy(base + offset, source + Int(section.sh_offset), Int(section.sh_size))
    }
  }

  /// Writes each slot's address, and its jump: `jmp *slot(%rip)`, padded to eight bytes.
  private func fillTable(_ base: UnsafeMutableRawPointer, _ symbolAddresses: [UInt]) {
    for (symbol, slot) in tableSlots {
      let entry = tableOffset + slot * Self.slotByteCount
      base.storeBytes(of: symbolAddresses[symbol], toByteOffset: entry, as: UInt.self)
      let jump = jumpsOffset + slot * Self.jumpByteCount
      base.storeBytes(of: 0x25FF, toByteOffset: jump, as: UInt16.self)
      (base + jump + 2).storeBytes(of: Int32(entry - (jump + 6)), as: Int32.self)
    }
  }

  private func relocate(
    _ section: Elf64_Shdr, _ base: UnsafeMutableRawPointer, _ symbolAddresses: [UInt]
  ) throws(NativeError) {
    guard let target = sectionOffsets[Int(section.sh_info)] else { return }
    for relocation in relocations(of: section) {
      let place = target + Int(relocation.r_offset)
      let symbol = relocation.symbolIndex
      // Everything below is relative to `base`, where differences of addresses stay small.
      let here = Int(bitPattern: base) + place
      let addend = Int(relocation.r_addend)
      var value = Int(bitPattern: symbolAddresses[symbol])
      if let slot = tableSlots[symbol], usesTable(relocation) {
        let isJump = relocation.kind == R_X86_64_PLT32
        let offset =
          isJump ? jumpsOffset + slot * Self.jumpByteCount : tableOffset + slot * Self.slotByteCount
        value = Int(bitPattern: base) + offset
      }
      switch relocation.kind {
      case R_X86_64_64:
        (base + place).storeBytes(of: value + addend, as: Int.self)
      case R_X86_64_PC32, R_X86_64_PLT32, R_X86_64_GOTPCREL, R_X86_64_GOTPCRELX, R_X86_64_REX_GOTPCRELX:
        guard let displacement = Int32(exactly: value + addend - here) else {
          throw Self.failure("'\(name(of: symbols[symbol]))' is out of reach")
        }
        (base + place).storeBytes(of: displacement, as: Int32.self)
      default:
        throw Self.failure("it has a relocation of unknown type \(relocation.kind)")
      }
    }
  }

  private func globals(_ symbolAddresses: [UInt]) -> [String: UInt] {
    var globals: [String: UInt] = [:]
    for (symbol, address) in zip(symbols, symbolAddresses)
    where Int32(symbol.st_info >> 4) == STB_GLOBAL && Int32(symbol.st_shndx) != SHN_UNDEF {
      globals[name(of: symbol)] = address
    }
    return globals
  }
}

// MARK: - Reading

extension ObjectLoader {
  private static func table<Entry: BitwiseCopyable>(
    _ object: UnsafeRawBufferPointer, at offset: Int, count: Int
  ) -> [Entry] {
    (0..<count).map {
      object.loadUnaligned(fromByteOffset: offset + $0 * MemoryLayout<Entry>.stride, as: Entry.self)
    }
  }

  private func relocations(of section: Elf64_Shdr) -> [Elf64_Rela] {
    Self.table(
      object, at: Int(section.sh_offset), count: Int(section.sh_size) / MemoryLayout<Elf64_Rela>.stride)
  }

  private func name(of symbol: Elf64_Sym) -> String {
    let start = object.baseAddress.map { $0 + namesOffset + Int(symbol.st_name) }
    return start.map { String(cString: $0.assumingMemoryBound(to: CChar.self)) } ?? ""
  }

  private static func failure(_ reason: String) -> NativeError {
    .loadFailed(compiler: "libtcc", reason: "the object that libtcc wrote cannot be used: \(reason)")
  }
}

extension Elf64_Rela {
  fileprivate var symbolIndex: Int { Int(r_info >> 32) }
  fileprivate var kind: Int32 { Int32(truncatingIfNeeded: r_info & 0xFFFF_FFFF) }
}

extension Int {
  fileprivate func roundedUp(to multiple: Int) -> Int { (self + multiple - 1) / multiple * multiple }
}
