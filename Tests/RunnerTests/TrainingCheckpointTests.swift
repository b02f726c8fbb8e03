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

  /// Checkpoints of other optimizers, and names behind something.
  @Test func parametersComeFromCheckpointsAndFromOthers() throws {
    let path = path()
    defer { try? FileManager.default.removeItem(atPath: path) }
    let one = try trainer()
    try one.setValue(of: "2.bias", to: HostTensor([42], shape: [1]))
    try one.save(to: path)
    let other = try Trainer(one.model, loss: .meanSquaredError, optimizer: .sgd(learningRate: 1), engine: .interpreter)
    try other.loadParameters(path)
    #expect(try one.parameterNames.map { try one.value(of: $0) } == one.parameterNames.map { try other.value(of: $0) })

    let parameters = try one.parameterNames.map { (name: $0, tensor: try one.value(of: $0)) }
    let counter = (name: "batches", tensor: HostTensor([7] as [Int32]))
    try SafeTensors(parameters.map { ("model.net.\($0.name)", $0.tensor) } + [("head.weight", .zeros([2])), counter]).write(to: path)
    let said = message { try other.loadParameters(path) }
    #expect(said.contains("the file has them behind 'model.net.': loadParameters(path, prefix: \"model.net.\")"), "\(said)")
    #expect(!said.contains("batches"))
    try other.setValue(of: "2.bias", to: HostTensor([1], shape: [1]))
    try other.loadParameters(path, prefix: "model.net.")
    #expect(try other.value(of: "2.bias").scalar == 42)

    // The other way round, and numbers of another size.
    struct Named: Module {
      let net = Linear(2, 3)
      func callAsFunction(_ x: Tensor) -> Tensor { net(x) }
    }
    let named = try Trainer(Named(), loss: .meanSquaredError, optimizer: .adam(), engine: .interpreter)
    let double = HostTensor(.float64([0.1, 0.2, 0.3]), shape: [3])
    try SafeTensors([("weight", .zeros([2, 3])), ("bias", double)]).write(to: path)
    #expect(message { try named.loadParameters(path) }.contains("the file has them without 'net.'"))
    try SafeTensors([("net.weight", .zeros([2, 3])), ("net.bias", double)]).write(to: path)
    try named.loadParameters(path)
    #expect(try named.value(of: "net.bias").floats == [0.1, 0.2, 0.3])
  }

  /// The curve goes on as if training had not been interrupted.
  @Test func theLossCurveIsPartOfACheckpoint() throws {
    let path = path()
    defer { try? FileManager.default.removeItem(atPath: path) }
    func trainer(_ metrics: [Metric] = [.meanAbsoluteError]) throws -> Trainer {
      try Trainer(
        Linear(2, 1), loss: .meanSquaredError, optimizer: .adam(), metrics: metrics, seed: 5, engine: .interpreter)
    }
    let x = HostTensor.randomNormal([4, 2], seed: 1)
    let data = try Dataset(x, .zeros([4, 1]))
    let whole = try trainer()
    func train(_ trainer: Trainer, _ epochs: Int) throws {
      try trainer.fit(data, epochs: epochs, batchSize: 3, validation: epochs == 2 ? nil : data, report: .silent)
    }
    try train(whole, 2)
    try whole.save(to: path)
    try train(whole, 3)
    let resumed = try trainer()
    try resumed.load(path)
    try train(resumed, 3)
    #expect(resumed.lossCurve.steps == whole.lossCurve.steps && resumed.lossCurve.steps.count == 10)
    #expect(resumed.lossCurve.epochs.map { "\($0)" } == whole.lossCurve.epochs.map { "\($0)" })
    // A trainer with other metrics takes the checkpoint without the curve.
    let other = try trainer([])
    try other.load(path)
    #expect(other.lossCurve.steps.isEmpty && other.lossCurve.firstStep == 4)
    try train(other, 3)
    #expect(other.lossCurve.chart().series[0].points.map(\.x) == [5, 6, 7, 8, 9, 10])
  }

  /// Types that Cinch has not, converted where that changes no number; others are left alone.
  @Test func otherTypesAreConverted() throws {
    let header = """
      {"h":{"dtype":"F16","shape":[4],"data_offsets":[0,8]},"b":{"dtype":"BF16","shape":[2],"data_offsets":[8,12]},\
      "l":{"dtype":"I64","shape":[2],"data_offsets":[12,28]},"u":{"dtype":"U8","shape":[],"data_offsets":[28,29]},\
      "f":{"dtype":"F8_E4M3","shape":[3],"data_offsets":[29,32]},"m":{"dtype":"U32","shape":[1],"data_offsets":[32,36]}}
      """
    var bytes: [UInt8] = [0x00, 0x3C, 0x01, 0x80, 0x00, 0xFC, 0xFF, 0x7B, 0xC0, 0x3F, 0x80, 0xFF]
    bytes += [5, 0, 0, 0, 0, 0, 0, 0, 0xFE, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 200, 1, 2, 3, 0xFF, 0xFF, 0xFF, 0xFF]
    let length = header.utf8.count
    let file = try SafeTensors(
      bytes: [UInt8(length & 255), UInt8(length >> 8), 0, 0, 0, 0, 0, 0] + Array(header.utf8) + bytes, name: "f")
    #expect(file["h"] == HostTensor([1, -0x1p-24, -.infinity, 65504]) && file["b"] == HostTensor([1.5, -.infinity]))
    #expect(file["l"] == HostTensor([5, -2] as [Int32]) && file["u"] == HostTensor([200] as [Int32], shape: []))
    #expect(
      file.unreadable == [
        "f": "elements of type 'F8_E4M3', which Cinch doesn't have",
        "m": "its 4294967295 is an integer of U32 that Int32 doesn't hold",
      ])
    #expect(StoredType.float(half: 0x7E00).isNaN && StoredType.float(half: 0x0400) == 0x1p-14)
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

  /// A step with a loss whose update has none: the checkpoint before it stays.
  @Test func whatIsNoNumberReplacesNoCheckpoint() throws {
    let path = path()
    defer { try? FileManager.default.removeItem(atPath: path) }
    let trainer = try Trainer(
      Linear(2, 1), loss: .meanSquaredError, optimizer: .sgd(learningRate: 0.1), seed: 5, engine: .interpreter)
    let x = HostTensor([1e30, 2], shape: [1, 2])
    let plan = CheckpointPlan.everyEpoch(to: path)
    try trainer.setValue(of: "weight", to: .zeros([2, 1]))
    try trainer.fit(x, HostTensor([1], shape: [1, 1]), epochs: 1, report: .silent, saving: plan)
    // The loss is 1e30, the gradient by the first weight beyond Float32.
    try trainer.setValue(of: "weight", to: .zeros([2, 1]))
    let said = message {
      try trainer.fit(x, HostTensor([1e15], shape: [1, 1]), epochs: 1, report: .silent, saving: plan)
    }
    #expect(said.hasPrefix("error: 'weight' is inf at [0, 0] after step 2, so that nothing is saved"), "\(said)")
    let refusals = [message { try trainer.save(to: path) }, message { try trainer.saveParameters(to: path) }]
    #expect(refusals == [said, said])
    try trainer.load(path)
    for name in ["bias", "weight"] { #expect(try trainer.value(of: name).firstNonFinite == nil) }
  }

  @Test func stoppingEndsTrainingWithoutAnEnd() throws {
    let trainer = try trainer()
    let x = HostTensor.randomNormal([4, 2], seed: 1)
    let last = try trainer.fit(
      x, .zeros([4, 1]), epochs: .max, report: .silent, counting: .rows("r", each: .max)
    ) { if $0.epoch == 3 { trainer.stop() } }
    #expect(last?.epoch == 3)
  }

  /// Whatever another program means by a checksum.
  @Test(arguments: ["abc", "0123456789abcdef"]) func checksumsOfOthersAreTheirs(checksum: String) throws {
    let header =
      "{\"__metadata__\":{\"checksum\":\"\(checksum)\"},\"a\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0,4]}}"
    let bytes = [UInt8(header.utf8.count), 0, 0, 0, 0, 0, 0, 0] + Array(header.utf8) + [0, 0, 0x80, 0x3F]
    let file = try SafeTensors(bytes: bytes, name: "f")
    #expect(file["a"] == HostTensor(1) && file.metadata["checksum"] == checksum)
    // It goes through a file of Cinch's.
    let copy = try SafeTensors(bytes: file.encoded().flatMap { $0 }, name: "f")
    #expect(copy.metadata["checksum"] == checksum && copy["a"] == file["a"])
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
    ("{\"a\":{\"dtype\":\"F16\",\"shape\":[3],\"data_offsets\":[0,8]}}", "can't hold the shape [3] of 2-byte elements"),
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
