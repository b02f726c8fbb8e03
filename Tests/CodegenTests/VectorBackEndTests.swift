import CinchCodegen
import CinchGraph
import TestSupport
import Testing

/// Machine code does what the loop IR says, bit for bit.
@Suite struct VectorBackEndTests {
  @Test(arguments: LoopSample.all, VectorRun.targets)
  func samplesGiveTheSameBits(_ sample: LoopSample, _ target: Target) throws {
    try VectorRun.check(sample.program, target, partly: true, sample.name)
  }

  @Test(arguments: 0..<40 as Range<UInt64>, VectorRun.targets)
  func randomKernelsGiveTheSameBits(_ seed: UInt64, _ target: Target) throws {
    let program = RandomKernel.program(seed: seed)
    try VectorRun.check(program, target, seeds: seed..<seed + 1, "seed \(seed)")
    try VectorRun.check(program, target, workers: 3, seeds: seed..<seed + 1, "seed \(seed), three workers")
  }

  /// What lies side by side along an unrolled axis, and apart along the lanes, is loaded along the axis and turned: whole blocks,
  /// and some rows or columns of one.
  @Test(arguments: [(16, 16), (8, 8), (40, 3), (21, 13), (5, 7), (17, 16)], VectorRun.targets)
  func stridedLoadsAreTurnedWithoutGathers(_ size: (lanes: Int, copies: Int), _ target: Target) throws {
    let copies = min(size.copies, target.vectorByteCount / 4)
    let program = try LoopProgram(
      parsing: """
        program "turning" {
          state 0
          scratch 16384
          buffer x: f32[8192] at input 0 + 0
          buffer y: f32[4096] at scratch + 0
          kernel turn {
            sequential i0 in 3 {
              unrolled i1 in \(copies) {
                vector i2 in \(size.lanes) {
                  v0: f32 = load x[i0*16 + i1 + i2*67 + 5]
                  store y[i0*1024 + i1*48 + i2] = v0
                }
              }
            }
          }
          schedule {
            run turn
          }
        }
        """)
    let kernels = try VectorRun.check(program, target)
    #expect(kernels.count == 1)
    let text = kernels[0].description
    #expect(text.contains("vunpcklps") && !text.contains("vgather"), "\(text)")
  }

  /// One for each cache line that the axes name, wherever it is; C has no such thing.
  @Test(arguments: VectorRun.targets) func prefetchesAreInstructions(_ target: Target) throws {
    let program = try LoopProgram(
      parsing: """
        program "ahead" {
          state 0
          scratch 16384
          buffer x: f32[4096] at input 0 + 0
          buffer y: f32[4096] at scratch + 0
          kernel ahead {
            parallel i0 in 64 {
              unrolled i1 in 2 {
                unrolled i2 in 3 {
                  prefetch x[i0*64 + i1*1024 + i2*16 + 64]
                }
              }
              vector i3 in 64 {
                v0: f32 = load x[i0*64 + i3]
                store y[i0*64 + i3] = v0
              }
            }
          }
          schedule {
            run ahead
          }
        }
        """)
    let kernels = try VectorRun.check(program, target)
    let lines = kernels.flatMap { $0.description.split(separator: "\n") }.filter { $0.contains("prefetcht0") }
    #expect(lines.count == 6, "\(kernels[0])")
    #expect(!CPrinter().print(program).contains("prefetch"))
  }

  /// Every other element, and stores of which an unrolled axis has the elements between.
  @Test(arguments: [12, 16, 3, 8, 21, 1], VectorRun.targets)
  func pairsAreLoadedAndStoredByNeighbours(_ lanes: Int, _ target: Target) throws {
    let program = try LoopProgram(
      parsing: """
        program "pairs" {
          state 0
          scratch 4096
          buffer x: f32[512] at input 0 + 0
          buffer y: f32[512] at scratch + 0
          buffer z: f32[512] at scratch + 2048
          kernel pair {
            sequential i0 in 3 {
              unrolled i1 in 2 {
                vector i2 in \(lanes) {
                  v0: f32 = load x[i0*50 + i1 + i2*2]
                  v1: f32 = load x[i0*3 + i2*2 + 7]
                  v2: f32 = multiply v0, v1
                  store y[i0*50 + i1 + i2*2 + 1] = v2
                  store z[i0*50 + i1 + i2*2] = v1
                }
              }
            }
          }
          schedule {
            run pair
          }
        }
        """)
    let kernels = try VectorRun.check(program, target)
    #expect(kernels.count == 1)
    let text = kernels[0].description
    #expect(text.contains("vshufps") && !text.contains("vgather"), "\(text)")
  }
}
