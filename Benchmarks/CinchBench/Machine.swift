import Glibc

/// What the operating system tells of this process and of the others.
enum Machine {
  /// Since the process was started, to a hundredth of a second.
  static var secondsSinceStart: Double {
    guard let text = contents(of: "/proc/self/stat"), let nameEnd = text.lastIndex(of: ")") else { return 0 }
    // The name in parentheses may hold anything; the start is the 20th field after it, in ticks since the machine's.
    let fields = text[text.index(after: nameEnd)...].split(separator: " ")
    guard fields.count > 19, let ticks = Double(fields[19]) else { return 0 }
    var now = timespec()
    clock_gettime(CLOCK_BOOTTIME, &now)
    return max(0, Double(now.tv_sec) + Double(now.tv_nsec) * 1e-9 - ticks / Double(sysconf(Int32(_SC_CLK_TCK))))
  }

  static var peakMebibytes: Double { Double(usage(of: RUSAGE_SELF).ru_maxrss) / 1024 }
  static var childPeakMebibytes: Double { Double(usage(of: RUSAGE_CHILDREN).ru_maxrss) / 1024 }

  /// Time and use of processors up to now.
  struct Usage {
    let seconds: Double
    /// Of this process, all threads.
    let ownSeconds: Double
    let preemptions: Int
    /// Of all processes.
    let busySeconds: Double
    let stolenSeconds: Double

    init() {
      var now = timespec()
      clock_gettime(CLOCK_MONOTONIC, &now)
      seconds = Double(now.tv_sec) + Double(now.tv_nsec) * 1e-9
      let own = Machine.usage(of: RUSAGE_SELF)
      ownSeconds = own.ru_utime.seconds + own.ru_stime.seconds
      preemptions = own.ru_nivcsw
      // user nice system idle iowait irq softirq steal
      let fields = (contents(of: "/proc/stat") ?? "").prefix { $0 != "\n" }.split(separator: " ").dropFirst()
        .prefix(8).map { Double($0) ?? 0 }
      let hundredths = fields.count == 8 ? fields : [Double](repeating: 0, count: 8)
      busySeconds = (hundredths[0] + hundredths[1] + hundredths[2] + hundredths[5] + hundredths[6]) / 100
      stolenSeconds = hundredths[7] / 100
    }
  }

  /// Waits until other processes use less than a fifth of a core, at most so long; returns how long that took.
  static func waitForQuiet(seconds limit: Double) -> Double {
    guard limit > 0 else { return 0 }
    let start = Usage()
    while true {
      let before = Usage()
      usleep(400_000)
      let after = Usage()
      let isQuiet = (after.busySeconds - before.busySeconds) / (after.seconds - before.seconds) < 0.2
      if isQuiet || after.seconds - start.seconds > limit { return after.seconds - start.seconds }
    }
  }

  private static func usage(of who: __rusage_who) -> rusage {
    var usage = rusage()
    getrusage(who.rawValue, &usage)
    return usage
  }
}

/// A small file of the proc file system.
private func contents(of path: String) -> String? {
  guard let file = fopen(path, "r") else { return nil }
  defer { fclose(file) }
  var bytes = [UInt8](repeating: 0, count: 1 << 16)
  let count = fread(&bytes, 1, bytes.count, file)
  return String(decoding: bytes.prefix(count), as: UTF8.self)
}

extension timeval {
  fileprivate var seconds: Double { Double(tv_sec) + Double(tv_usec) * 1e-6 }
}
