import Foundation
import Testing

@testable import Cinch
@testable import CinchRunner

@Suite struct TrainingCheckpointTests {
  private func trainer(_ width: Int = 4) throws -> Trainer {
    try Trainer(
      Sequential {
        Linear(2, width)
        ReLU()
        Linear(width, 1)
      }, loss: .meanSquaredError, optimizer: .adam(), seed: 5, engine: .interpreter)
  }

  private func path(_ name: String = "c.safetensors") -> String {
    NSTemporaryDirectory() + "cinch-\(UUID().uuidString)-\(name)"
  }

  private func message(_ body: () throws -> Void) -> String {
    do {
      try body()
      return "no error"
    } catch { return "\(error)" }
  }

  private func contents(_ trainer: Trainer) throws -> [HostTensor] {
    try trainer.state.names.map { try trainer.value(of: $0) }
  }

  /// A flipped bit or a cut at any place gives an error, never a crash, and leaves the trainer as it was.
  @Test func damageAnywhereIsFound() throws {
    let path = path()
    defer { try? FileManager.default.removeItem(atPath: path) }
    let trainer = try trainer(1)
    let x = HostTensor.randomNormal([4, 2], seed: 1)
    try trainer.fit(x, x.rows(0..<4).map { $0 }.firstColumn, epochs: 2, report: .silent)
    try trainer.save(to: path)
    let whole = Array(try Data(contentsOf: URL(fileURLWithPath: path)))
    let before = try contents(trainer)
    let other = try self.trainer(1)
    let fresh = try contents(other)

    func loads(_ bytes: [UInt8]) throws -> Bool {
      try Data(bytes).write(to: URL(fileURLWithPath: path))
      do {
        try other.load(path)
        return true
      } catch let error as DataError {
        #expect(error.file == path && !error.message.isEmpty)
        return false
      }
    }
    for position in whole.indices {
      var bytes = whole
      bytes[position] ^= 1 << UInt8(position % 8)
      #expect(try !loads(bytes), "byte \(position)")
    }
    for length in whole.indices {
      #expect(try !loads(Array(whole[..<length])), "cut at \(length)")
    }
    #expect(try !loads(whole + [0]))
    #expect(try contents(other) == fresh)
    #expect(try loads(whole))
    #expect(try contents(other) == before)
  }

  /// Every bit of a small file. A damaged name of the checksum's own field makes it a file without one, which the trainer refuses.
  @Test func everyBitOfASmallFileCounts() throws {
    let parts = try SafeTensors([("a", HostTensor([1, 2])), ("b", .zeros([1]))], metadata: ["k": "v"]).encoded()
    let whole = parts.flatMap { $0 }
    for position in whole.indices {
      for bit in 0..<8 {
        var bytes = whole
        bytes[position] ^= 1 << UInt8(bit)
        let file = try? SafeTensors(bytes: bytes, name: "f")
        #expect(file == nil || file?.metadata[SafeTensors.checksumKey] == nil, "bit \(bit) of byte \(position)")
      }
    }
    for length in whole.indices {
      #expect(throws: DataError.self) { try SafeTensors(bytes: Array(whole[..<length]), name: "f") }
    }
    #expect(try SafeTensors(bytes: whole, name: "f")["a"]?.floats == [1, 2])
  }

  @Test func linksAndModesAreKept() throws {
    let (target, link) = (path("target"), path("link"))
    defer { for path in [target, link] { try? FileManager.default.removeItem(atPath: path) } }
    let trainer = try trainer()
    #expect(FileManager.default.createFile(atPath: target, contents: Data("old".utf8), attributes: [.posixPermissions: 0o640]))
    try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: target)
    try trainer.save(to: link)
    #expect(try FileManager.default.destinationOfSymbolicLink(atPath: link) == target)
    #expect(try FileManager.default.attributesOfItem(atPath: target)[.posixPermissions] as? Int == 0o640)
    try trainer.load(target)
  }

  /// Counters with no room to count on, in a file that is sound otherwise.
  @Test(arguments: ["step", "epoch", "batch"]) func countersAreBounded(name: String) throws {
    let path = path()
    defer { try? FileManager.default.removeItem(atPath: path) }
    let trainer = try trainer()
    try trainer.save(to: path)
    let file = try SafeTensors(path: path)
    var metadata = file.metadata
    metadata[name] = "\(Int.max)"
    try SafeTensors(file.tensors, metadata: metadata).write(to: path)
    #expect(message { try trainer.load(path) }.contains("the metadata '\(name)' is missing or no number from 0 to"))
  }

  /// Sums over rows that the batches so far do not have, and sums that are no numbers.
  @Test func sumsFitTheBatches() throws {
    let path = path()
    defer { try? FileManager.default.removeItem(atPath: path) }
    let trainer = try trainer()
    try trainer.save(to: path)
    let file = try SafeTensors(path: path)
    let inside = file.metadata.merging(
      ["batch": "2", "rowCount": "20", "batchSize": "4", "summedRows": "8", "lossSum": "0"]) { $1 }
    func said(_ name: String, _ value: String) throws -> String {
      try SafeTensors(file.tensors, metadata: inside.merging([name: value]) { $1 }).write(to: path)
      return message { try trainer.load(path) }
    }
    #expect(try said("batch", "2") == "no error")
    for wrong in ["\(1 << 53)", "0", "9"] {
      #expect(try said("summedRows", wrong).contains("the metadata 'summedRows' is not 'batch' times 'batchSize'"))
    }
    #expect(try said("lossSum", String(Double.nan.bitPattern, radix: 16)).contains("the metadata 'lossSum' is nan"))
  }

  @Test func namesThatDoNotMatchAreListed() throws {
    let path = path()
    defer { try? FileManager.default.removeItem(atPath: path) }
    try trainer().saveParameters(to: path)
    let one = try Trainer(Linear(2, 4), loss: .meanSquaredError, optimizer: .adam(), engine: .interpreter)
    let text = message { try one.loadParameters(path) }
    #expect(text.contains("the file lacks 'weight', 'bias'"))
    #expect(text.contains("the model has no '0.weight', '0.bias', '2.weight', '2.bias'"))
    #expect(message { try one.load(path) }.contains("is no checkpoint of a trainer"))
  }

  @Test func shapesThatDifferAreListedAndNothingIsLoaded() throws {
    let path = path()
    defer { try? FileManager.default.removeItem(atPath: path) }
    try trainer(4).save(to: path)
    let other = try trainer(5)
    let before = try contents(other)
    let text = message { try other.load(path) }
    #expect(text.contains("'0.weight' is f32[2, 4] in the file and f32[2, 5] in the model"))
    #expect(text.contains("'2.weight.v'"))
    #expect(try contents(other) == before)
    // A weight as PyTorch keeps it.
    try SafeTensors([("weight", .zeros([3, 2])), ("bias", .zeros([3]))]).write(to: path)
    let linear = try Trainer(Linear(2, 3), loss: .meanSquaredError, optimizer: .adam(), engine: .interpreter)
    #expect(message { try linear.loadParameters(path) }.contains("transposed: Cinch keeps weights as [inputs, outputs]"))
  }

  @Test func parametersGoThroughAFile() throws {
    let path = path()
    defer { try? FileManager.default.removeItem(atPath: path) }
    let one = try trainer()
    try one.setValue(of: "2.bias", to: HostTensor([42], shape: [1]))
    try one.saveParameters(to: path)
    let other = try trainer()
    try other.loadParameters(path)
    #expect(try other.value(of: "2.bias").scalar == 42)
    #expect(try SafeTensors(path: path).tensors.map(\.name) == ["0.weight", "0.bias", "2.weight", "2.bias"])
  }

  @Test func writingWhereItCannotBeLeavesTheOldFile() throws {
    let trainer = try trainer()
    #expect(message { try trainer.save(to: "/nonexistent/c.safetensors") }.contains("can't be written"))
    #expect(message { try trainer.load("/nonexistent/c.safetensors") }.contains("can't be opened"))
    // A directory in the file's place: the rename fails, and no temporary file stays.
    let directory = path("directory")
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: false)
    defer { try? FileManager.default.removeItem(atPath: directory) }
    #expect(message { try trainer.save(to: directory) }.contains("can't be written"))
    let name = URL(fileURLWithPath: directory).lastPathComponent
    let left = try FileManager.default.contentsOfDirectory(atPath: NSTemporaryDirectory()).filter { $0.contains(name) }
    #expect(left == [name])
  }

  @Test func safetensorsOfOthersAreRead() throws {
    let header =
      "{\"b\":{\"dtype\":\"I32\",\"shape\":[2],\"data_offsets\":[4,12]}, \"a\\u00e9\" : {\"shape\":[],\"dtype\":\"F32\",\"data_offsets\":[0,4]}}"
    let length = UInt8(header.utf8.count)
    let numbers: [UInt8] = [0, 0, 0x80, 0x3F, 7, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF]
    let bytes = [length, 0, 0, 0, 0, 0, 0, 0] + Array(header.utf8) + numbers
    let file = try SafeTensors(bytes: bytes, name: "f")
    #expect(file["aé"] == HostTensor(.float32([1]), shape: []))
    #expect(file["b"] == HostTensor([7, -1] as [Int32]))
    #expect(file.metadata.isEmpty)
  }

  @Test(arguments: [
    ("{}", "the tensors end at byte 0 of the numbers, the file has 8"),
    ("[1]", "no JSON object"), ("{\"a\":}", "no JSON at byte 13"), ("{\"a\":1,\"a\":2}", "'a' is given twice"),
    ("{\"a\":1}", "tensor 'a': its entry is no object"),
    ("{\"a\":{\"dtype\":\"F16\",\"shape\":[4],\"data_offsets\":[0,8]}}", "elements of type 'F16'"),
    ("{\"a\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[0,8]}}", "8 bytes at 0 can't hold the shape [3]"),
    ("{\"a\":{\"dtype\":\"F32\",\"shape\":[-2],\"data_offsets\":[0,8]}}", "'shape' is no list of numbers"),
    ("{\"a\":{\"dtype\":\"F32\",\"shape\":[4611686018427387904,4],\"data_offsets\":[0,8]}}", "can't hold the shape"),
    ("{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[8,0]}}", "no two ascending numbers"),
    ("{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[8,16]}}", "begins at byte 8, where byte 0 is due"),
    (
      "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}",
      "begins at byte 4, where byte 8 is due"
    ),
    ("{\"a\":{\"dtype\":\"F32\",\"shape\":[2]}}", "is missing"),
    ("{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8],\"x\":1}}", "an unknown field 'x'"),
    ("{\"__metadata__\":{\"a\":1}}", "the metadata 'a' is no text"),
    ("[[[[[[[[[[[[[[[[[[[[", "values nest too deeply"),
  ])
  func headersThatMakeNoSense(header: String, expected: String) {
    let bytes = [UInt8(header.utf8.count), 0, 0, 0, 0, 0, 0, 0] + Array(header.utf8) + [UInt8](repeating: 0, count: 8)
    let text = message { _ = try SafeTensors(bytes: bytes, name: "f") }
    #expect(text.contains(expected), "\(text)")
    #expect(text.hasPrefix("f: error: "))
  }

  @Test func allTypesGoThroughAFile() throws {
    let tensors: [(name: String, tensor: HostTensor)] = [
      ("f", HostTensor([1, -.infinity, .nan, -0.0, .leastNonzeroMagnitude])),
      ("d", HostTensor(.float64([0.1, .pi]), shape: [2, 1])), ("i", HostTensor([.min, .max] as [Int32])),
      ("b", HostTensor(.bool([true, false, true]), shape: [3])), ("empty", .zeros([0, 3])), ("s", HostTensor(3)),
    ]
    let parts = try SafeTensors(tensors, metadata: ["a \"b\"": "c\n\\é"]).encoded()
    let file = try SafeTensors(bytes: parts.flatMap { $0 }, name: "f")
    #expect(file.tensors.map(\.name) == tensors.map(\.name))
    #expect(file.tensors.map(\.tensor) == tensors.map(\.tensor))
    #expect(file.metadata["a \"b\""] == "c\n\\é")
    #expect(throws: DataError.self) { try SafeTensors([("a", .zeros([1])), ("a", .zeros([1]))]).encoded() }
  }
}

extension HostTensor {
  fileprivate var firstColumn: HostTensor {
    HostTensor((0..<shape[0]).map { self[$0, 0] }, shape: [shape[0], 1])
  }
}
